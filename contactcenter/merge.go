package contactcenter

import (
	"errors"
	"fmt"

	"puente/internal/strictdoc"
)

// MergeRevisions gives the request that its revisions, oldest first, make
// together. Objects are merged key by key like RFC 7396, lists are replaced,
// but what is empty (null, "", [], {}) changes nothing: a correction never
// blanks out what an earlier revision told. A recording is replaced as a whole,
// and a call as well if its call_id is another one. The error names the
// revision that cannot be read.
func MergeRevisions(bodies [][]byte) (Request, error) {
	var r Request
	if len(bodies) == 0 {
		return r, errors.New("the request has no revision")
	}
	merged := map[string]any{}
	for i, body := range bodies {
		tree, err := strictdoc.Tree(body)
		if err == nil {
			err = strictdoc.Fill(tidy(tree), &Request{})
		}
		if err != nil {
			return Request{}, fmt.Errorf("revision %d: %w", i+1, err)
		}
		merge(merged, tidy(tree).(map[string]any)) // Fill has seen that it is an object
	}
	if err := strictdoc.Fill(merged, &r); err != nil {
		return Request{}, err
	}
	if c := r.Call; c != nil && c.Status != Answered {
		c.Duration = 0 // corrected from answered to missed
	}
	return r, nil
}

// merge puts patch over base.
func merge(base, patch map[string]any) {
	for key, value := range patch {
		inner, isObject := value.(map[string]any)
		old, wasObject := base[key].(map[string]any)
		switch {
		case isBlank(value):
		case isObject && wasObject && !isWhole(key, old, inner):
			merge(old, inner)
		case isObject: // without what is empty in it
			fresh := map[string]any{}
			merge(fresh, inner)
			base[key] = fresh
		default:
			base[key] = value
		}
	}
}

func isBlank(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// isWhole says whether an object replaces the earlier one: a recording is at a
// URL or uploaded, and two calls must not be mixed.
func isWhole(key string, old, now map[string]any) bool {
	switch key {
	case "recording":
		return true
	case "call":
		id, given := now["call_id"]
		return given && !isBlank(id) && id != old["call_id"]
	}
	return false
}
