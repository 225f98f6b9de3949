package bitrix24

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
)

// maxVars is how many form variables one request may have (PHP's max_input_vars as Bitrix24 sets it).
const maxVars = 10_000

var errTooLarge = errors.New("request entity too large")

// readParams gathers the parameters of a request from its query and its body:
// form, multipart or JSON (bitrix24 reference §1.2). The body wins.
func readParams(r *http.Request, maxBody int64) (*dict, error) {
	params := newDict()
	parseQuery(params, r.URL.RawQuery)
	if r.Body == nil || r.Method == http.MethodGet && r.ContentLength == 0 {
		return params, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("read the body: %w", err)
	}
	if int64(len(body)) > maxBody {
		return nil, errTooLarge
	}
	kind, attrs, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return params, readBody(params, body, kind, attrs["boundary"])
}

func readBody(params *dict, body []byte, kind, boundary string) error {
	switch {
	case kind == "multipart/form-data":
		return readMultipart(params, body, boundary)
	case strings.HasSuffix(kind, "json"):
		return readJSONBody(params, body)
	default:
		parseQuery(params, string(body))
		return nil
	}
}

// readJSONBody adds the members of a JSON object. PHP decodes anything else,
// and anything malformed, to "no parameters", and so does the portal.
func readJSONBody(params *dict, body []byte) error {
	v, err := readJSON(body)
	if errors.Is(err, errTooDeep) || err != nil {
		return nil //nolint:nilerr // a malformed body is read as an empty one
	}
	if d, ok := v.(*dict); ok {
		d.each(params.set)
	}
	return nil
}

func readMultipart(params *dict, body []byte, boundary string) error {
	form := multipart.NewReader(strings.NewReader(string(body)), boundary)
	for range maxVars {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read multipart: %w", err)
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return fmt.Errorf("read multipart: %w", err)
		}
		if part.FileName() == "" {
			setBracketed(params, part.FormName(), string(value))
		}
	}
	return nil
}

// parseQuery reads a query or a form in PHP bracket style into params.
func parseQuery(params *dict, query string) {
	for n := 0; query != "" && n < maxVars; n++ {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		name, value, _ := strings.Cut(pair, "=")
		name, value = unescape(name), unescape(value)
		if name != "" {
			setBracketed(params, name, value)
		}
	}
}

// unescape decodes like PHP's urldecode: what is no valid escape stays as it is.
func unescape(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if u, err := url.QueryUnescape(s[i : i+3]); err == nil {
				b.WriteString(u)
				i += 2
				continue
			}
		}
		b.WriteByte(pick(s[i] == '+', byte(' '), s[i]))
	}
	return b.String()
}

// setBracketed stores value under a name such as a[b][c] or a[], as PHP does.
func setBracketed(params *dict, name, value string) {
	name = strings.TrimLeft(name, " ")
	base, rest := name, ""
	if i := strings.IndexByte(name, '['); i > 0 {
		base, rest = name[:i], name[i:]
	}
	path := []string{strings.NewReplacer(".", "_", " ", "_").Replace(base)}
	for strings.HasPrefix(rest, "[") {
		end := strings.IndexByte(rest, ']')
		if end < 0 { // an unclosed bracket is part of the name
			path[len(path)-1] += "_" + rest[1:]
			break
		}
		path = append(path, rest[1:end])
		rest = rest[end+1:]
	}
	if len(path) <= maxDepth && path[0] != "" {
		setPath(params, path, value)
	}
}

// setPath descends to the last key, making arrays on the way. An empty key
// appends; a scalar on the way is replaced by an array.
func setPath(d *dict, path []string, value string) {
	for i, key := range path {
		last := i == len(path)-1
		switch {
		case last && key == "" && i > 0:
			d.append(value)
		case last:
			d.set(key, value)
		default:
			d = descend(d, key, i > 0)
		}
	}
}

func descend(d *dict, key string, mayAppend bool) *dict {
	child := newDict()
	if key == "" && mayAppend {
		d.append(child)
		return child
	}
	if v, ok := d.vals[key]; ok {
		if existing, isDict := v.(*dict); isDict {
			return existing
		}
	}
	d.set(key, child)
	return child
}
