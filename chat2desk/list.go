package chat2desk

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
)

// pageLimit is the most that one list answer holds (reference §2.2); maxPages
// bounds every walk over pages.
const (
	pageLimit = 200
	maxPages  = 250
)

// ErrIncomplete is the cause of the error of a walk that gave up after its
// last allowed page. What was found until then is returned with it.
var ErrIncomplete = errors.New("more pages than this client reads")

// getObject asks for one object.
func (a *API) getObject(ctx context.Context, path string) (object, json.RawMessage, error) {
	c := call{method: http.MethodGet, path: path}
	answer, err := a.do(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	o := readObject(answer.Data)
	if len(o) == 0 {
		return nil, nil, c.error(KindAmbiguous, errors.New("answer without data"))
	}
	return o, answer.Data, nil
}

// getList asks for a list and tells how many elements there are in all; 0 if
// the service did not say.
func (a *API) getList(ctx context.Context, path string, query url.Values) ([]json.RawMessage, int64, error) {
	c := call{method: http.MethodGet, path: path, query: query}
	answer, err := a.do(ctx, c)
	if err != nil {
		return nil, 0, err
	}
	list := readList(answer.Data)
	if list == nil && (len(answer.Data) == 0 || !isEmpty(answer.Data)) {
		return nil, 0, c.error(KindAmbiguous, errors.New("answer without a list"))
	}
	return list, answer.Total, nil
}

// listAll walks a list by offset. Some clusters ignore the offset and give the
// first page again (reference §2.6), so a page without anything new ends the
// walk, and no element is returned twice.
func (a *API) listAll(ctx context.Context, path string) ([]object, error) {
	var all []object
	seen := map[int64]bool{}
	for range maxPages {
		query := url.Values{"limit": {strconv.Itoa(pageLimit)}, "offset": {strconv.Itoa(len(all))}}
		list, total, err := a.getList(ctx, path, query)
		if err != nil {
			return nil, err
		}
		before := len(all)
		all = appendNew(all, list, seen)
		more := len(list) >= pageLimit || int64(len(all)) < total
		if len(all) == before || !more {
			return all, nil
		}
	}
	return all, call{method: http.MethodGet, path: path}.error(KindUnknown, ErrIncomplete)
}

// appendNew adds the elements whose id was not seen before.
func appendNew(all []object, list []json.RawMessage, seen map[int64]bool) []object {
	for _, raw := range list {
		o := readObject(raw)
		id := o.int("id")
		if o == nil || seen[id] && id != 0 {
			continue
		}
		seen[id] = true
		all = append(all, o)
	}
	return all
}

// convert applies f to all elements.
func convert[T any](list []object, f func(object) T) []T {
	out := make([]T, len(list))
	for i, o := range list {
		out[i] = f(o)
	}
	return out
}
