package chat2desk

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// maxBody bounds what one call may send.
const maxBody = 32 << 20

// params are the parameters of a call. The service takes them from the query,
// from a form or from a JSON body (reference §2.2); the body wins.
type params map[string]any

var errNotObject = errors.New("the body is not a JSON object")

func readParams(w http.ResponseWriter, r *http.Request) (params, error) {
	p := params{}
	for key, values := range r.URL.Query() {
		p.put(key, values)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil || len(bytes.TrimSpace(body)) == 0 {
		return p, err
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "application/x-www-form-urlencoded" {
		return p, p.readForm(body)
	}
	return p, p.readJSON(body)
}

func (p params) readForm(body []byte) error {
	values, err := parseQuery(string(body))
	for key, list := range values {
		p.put(key, list)
	}
	return err
}

func (p params) readJSON(body []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		return errNotObject
	}
	for key, value := range object {
		p[key] = value
	}
	return nil
}

// put stores values of a query: "ids[]=1&ids[]=2" is a list, a[b]=c an object.
func (p params) put(key string, values []string) {
	name, isList := strings.CutSuffix(key, "[]")
	if isList || len(values) > 1 {
		list := make([]any, len(values))
		for i, v := range values {
			list[i] = v
		}
		p[name] = list
		return
	}
	if outer, inner, nested := strings.Cut(strings.TrimSuffix(name, "]"), "["); nested {
		object, _ := p[outer].(map[string]any)
		if object == nil {
			object = map[string]any{}
		}
		object[inner] = values[0]
		p[outer] = object
		return
	}
	p[name] = values[0]
}

func (p params) has(key string) bool {
	value, ok := p[key]
	return ok && value != nil && value != ""
}

func (p params) text(key string) string { return asText(p[key]) }

func (p params) id(key string) int64 { return asID(p[key]) }

func (p params) flag(key string, byDefault bool) bool {
	if !p.has(key) {
		return byDefault
	}
	switch strings.ToLower(p.text(key)) {
	case "true", "1", "yes":
		return true
	}
	return false
}

func (p params) object(key string) params {
	object, _ := p[key].(map[string]any)
	return object
}

// list accepts a JSON list or a comma list.
func (p params) list(key string) []any {
	switch v := p[key].(type) {
	case []any:
		return v
	case nil:
		return nil
	default:
		var out []any
		for part := range strings.SplitSeq(asText(v), ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
		return out
	}
}

func (p params) ids(key string) []int64 {
	out := []int64{}
	for _, v := range p.list(key) {
		out = append(out, asID(v))
	}
	return out
}

func (p params) texts(key string) []string {
	out := []string{}
	for _, v := range p.list(key) {
		out = append(out, asText(v))
	}
	return out
}

func asText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	case nil:
		return ""
	}
	raw, _ := json.Marshal(value)
	return string(raw)
}

func asID(value any) int64 {
	id, _ := strconv.ParseInt(asText(value), 10, 64)
	return id
}
