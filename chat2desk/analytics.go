package chat2desk

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
)

// WebAnalytics returns what web analytics knows of a client, newest first, at
// most 200 rows (GET /web_analytics_data, reference §3.8). Values has every
// scalar of a row; utm_* that the row does not name are taken from the page's
// address in it. It is empty where web analytics is not connected.
func (a *API) WebAnalytics(ctx context.Context, clientID int64) ([]Analytics, error) {
	query := url.Values{
		"client_id": {strconv.FormatInt(clientID, 10)}, "order": {"desc"}, "limit": {strconv.Itoa(pageLimit)},
	}
	list, _, err := a.getList(ctx, path("web_analytics_data"), query)
	if err != nil {
		return nil, err
	}
	var rows []Analytics
	for _, raw := range list {
		o := readObject(raw)
		// The filter is trusted by nobody: other filters are silently ignored.
		if id := o.int("client_id"); id == 0 || id == clientID {
			rows = append(rows, Analytics{RequestID: o.int("request_id"), Values: readAnalytics(raw, o)})
		}
	}
	return rows, nil
}

func readAnalytics(raw json.RawMessage, o object) map[string]string {
	values := map[string]string{}
	for key := range o {
		if text := strings.TrimSpace(o.text(key)); text != "" && key == strings.ToLower(key) {
			values[key] = text
		}
	}
	collectUTM(values, raw, 0)
	page, err := url.Parse(values["url"])
	if err != nil {
		return values
	}
	for key, texts := range page.Query() {
		addUTM(values, key, texts[0])
	}
	return values
}

// readUTM finds utm_* keys in free-form JSON such as extra_data; nil if none.
func readUTM(raw json.RawMessage) map[string]string {
	if isEmpty(raw) {
		return nil
	}
	values := map[string]string{}
	collectUTM(values, raw, 0)
	if len(values) == 0 {
		return nil
	}
	return values
}

// collectUTM looks into objects up to three deep: where exactly the service
// puts the keys is not documented.
func collectUTM(values map[string]string, raw json.RawMessage, depth int) {
	var m map[string]json.RawMessage
	if depth > 3 || json.Unmarshal(raw, &m) != nil {
		return
	}
	for key, value := range m {
		addUTM(values, key, flexText(value))
		collectUTM(values, value, depth+1)
	}
}

func addUTM(values map[string]string, key, text string) {
	key, text = strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(text)
	if strings.HasPrefix(key, "utm_") && text != "" && values[key] == "" {
		values[key] = text
	}
}

// ClientAnalytics finds utm_* among a client's custom fields: under a symbolic
// key, or in fields that web analytics fills and whose name is utm_* (reference
// §3.8). fields is the answer of CustomClientFields and may be empty.
func ClientAnalytics(c Client, fields []CustomField) map[string]string {
	values := map[string]string{}
	texts := c.CustomFieldTexts()
	for key, text := range texts {
		addUTM(values, key, text)
	}
	for _, f := range fields {
		if f.TrackingField {
			addUTM(values, f.Name, texts[strconv.FormatInt(f.ID, 10)])
		}
	}
	return values
}
