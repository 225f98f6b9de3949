package chat2desk

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

func parseQuery(raw string) (url.Values, error) { return url.ParseQuery(raw) }

// answer is what an API call returns: an HTTP status and a JSON value.
type answer struct {
	status int
	body   any
}

type object = map[string]any

// one is the success envelope around one object (reference §2.3).
func one(data any) answer {
	return answer{http.StatusOK, object{"data": data, "status": "success"}}
}

// done is a success without data.
func done() answer { return answer{http.StatusOK, object{"status": "success"}} }

// bare is an answer without envelope.
func bare(data any) answer { return answer{http.StatusOK, data} }

// listed is the success envelope around one page of rows.
func listed[T any](rows []T, p params, show func(T) object) answer {
	return pageOf(rows, p.limit(), p.offset(), show)
}

func pageOf[T any](rows []T, limit, offset int, show func(T) object) answer {
	out := []object{}
	for i := offset; i < len(rows) && len(out) < limit; i++ {
		out = append(out, show(rows[i]))
	}
	meta := object{"total": len(rows), "limit": limit, "offset": offset}
	return answer{http.StatusOK, object{"data": out, "meta": meta, "status": "success"}}
}

const (
	defaultLimit = 20
	maxLimit     = 200
)

func (p params) limit() int {
	limit := int(p.id("limit"))
	if limit <= 0 {
		return defaultLimit
	}
	return min(limit, maxLimit)
}

func (p params) offset() int { return max(0, int(p.id("offset"))) }

// ordered turns rows around for order=desc.
func ordered[T any](rows []T, p params) []T {
	if p.text("order") != "desc" {
		return rows
	}
	out := make([]T, 0, len(rows))
	for i := len(rows) - 1; i >= 0; i-- {
		out = append(out, rows[i])
	}
	return out
}

// plain shows a seed row by its own JSON tags.
func plain[T any](row T) object {
	raw, _ := json.Marshal(row)
	out := object{}
	_ = json.Unmarshal(raw, &out)
	return out
}

// render writes a value as JSON, with the dualities the settings ask for.
func (s Settings) render(value any) []byte {
	raw := encode(value)
	if !s.StringIDs && !s.EmptyLists {
		return raw
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var tree any
	if decoder.Decode(&tree) != nil {
		return raw
	}
	return encode(s.disguise("", tree))
}

// disguise writes ids as text and empty objects as lists.
func (s Settings) disguise(key string, value any) any {
	switch v := value.(type) {
	case map[string]any:
		if len(v) == 0 && s.EmptyLists {
			return []any{}
		}
		for k, inner := range v {
			v[k] = s.disguise(k, inner)
		}
	case []any:
		for i, inner := range v {
			v[i] = s.disguise(key, inner)
		}
	case json.Number:
		if s.StringIDs && isIDKey(key) {
			return v.String()
		}
	}
	return value
}

func isIDKey(key string) bool {
	return key == "id" || strings.HasSuffix(key, "_id") || strings.HasSuffix(key, "ID")
}

// encode keeps <, > and & as they are: the vendor's bodies are not escaped for HTML.
func encode(value any) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return []byte(`{"status":"error","message":"the sandbox cannot encode its answer"}`)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func idOrNull(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}

func number(flag bool) int {
	if flag {
		return 1
	}
	return 0
}

// Times as the service writes them: stamps of REST rows, of webhooks, of statistics.
const (
	restTime  = "2006-01-02T15:04:05 UTC"
	eventTime = "2006-01-02T15:04:05.000000Z"
	statTime  = "2006-01-02 15:04:05"
	queryDate = "02-01-2006"
)

func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(restTime)
}
