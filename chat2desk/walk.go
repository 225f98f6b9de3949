package chat2desk

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"strconv"
)

// DialogMessages returns the messages of one request of a dialog by time, then
// id; of the whole dialog if requestID is 0. It is the second choice, for when
// RequestMessages fails: GET /messages gives at most 200 rows and has no
// usable offset (reference §2.6), so the dialog is walked by message ids.
// Messages without a request id belong to the request if they lie among its
// messages.
//
// The walk is bounded; a longer dialog gives what was found with an error
// whose cause is ErrIncomplete.
func (a *API) DialogMessages(ctx context.Context, dialogID, requestID int64) ([]Message, error) {
	w := &walk{api: a, dialog: dialogID, request: requestID, seen: map[int64]bool{}, lowest: math.MaxInt64}
	err := w.run(ctx)
	return inOrder(ofRequest(w.found, requestID)), err
}

// walk collects the messages of a dialog page by page, newest first.
type walk struct {
	api             *API
	dialog, request int64
	found           []Message
	seen            map[int64]bool
	lowest          int64 // smallest message id seen
	total           int64 // as the service told; 0 if it did not
	pages           int
}

// run reads the newest page, then older ones downwards. The downward parameter
// is known from one client's code only; where the service ignores it, the walk
// goes up from the first message instead.
func (w *walk) run(ctx context.Context) error {
	query := url.Values{"order": {"desc"}}
	for {
		before := w.lowest
		page, err := w.page(ctx, query)
		if err != nil {
			return err
		}
		if w.pages > 1 && w.lowest >= before { // nothing older came
			return w.up(ctx, before)
		}
		last := len(page) < pageLimit && w.total <= int64(len(w.seen))
		if last || w.isBelow(page) {
			return nil
		}
		query = url.Values{"start_id": {strconv.FormatInt(w.lowest, 10)}, "direction_reverse": {"true"}}
	}
}

// up reads from the first message upwards until it meets known ones. start_id
// may or may not include the id itself: asking again for the last one seen
// works either way, and a page without anything new ends the walk.
func (w *walk) up(ctx context.Context, known int64) error {
	for from := int64(1); from < known; {
		count := len(w.seen)
		page, err := w.page(ctx, url.Values{"start_id": {strconv.FormatInt(from, 10)}})
		if err != nil {
			return err
		}
		if len(w.seen) == count {
			return nil
		}
		for _, m := range page {
			from = max(from, m.ID)
		}
	}
	return nil
}

// page reads one page and keeps what is new in it.
func (w *walk) page(ctx context.Context, query url.Values) ([]Message, error) {
	c := call{method: http.MethodGet, path: path("messages")}
	if w.pages++; w.pages > maxPages {
		return nil, c.error(KindUnknown, ErrIncomplete)
	}
	query.Set("dialog_id", strconv.FormatInt(w.dialog, 10))
	query.Set("limit", strconv.Itoa(pageLimit))
	list, total, err := w.api.getList(ctx, c.path, query)
	if err != nil {
		return nil, err
	}
	w.total = max(w.total, total)
	page := make([]Message, len(list))
	for i, raw := range list {
		page[i] = w.keep(raw)
	}
	return page, nil
}

func (w *walk) keep(raw json.RawMessage) Message {
	m := readMessage(readObject(raw), w.api.cfg.Location, w.api.cfg.StorageURL)
	if m.ID == 0 || w.seen[m.ID] {
		return m
	}
	w.seen[m.ID] = true
	w.lowest = min(w.lowest, m.ID)
	// A filter that is ignored would bring other dialogs.
	if m.DialogID == 0 || m.DialogID == w.dialog {
		w.found = append(w.found, m)
	}
	return m
}

// isBelow reports whether all of a page is older than the wanted request:
// request ids grow with time.
func (w *walk) isBelow(page []Message) bool {
	for _, m := range page {
		if m.RequestID == 0 || m.RequestID >= w.request {
			return false
		}
	}
	return w.request != 0
}

// ofRequest keeps the messages of a request, with those in between that name
// no request; 0 keeps all.
func ofRequest(messages []Message, requestID int64) []Message {
	if requestID == 0 {
		return messages
	}
	first, last := int64(math.MaxInt64), int64(0)
	for _, m := range messages {
		if m.RequestID == requestID {
			first, last = min(first, m.ID), max(last, m.ID)
		}
	}
	var kept []Message
	for _, m := range messages {
		between := m.RequestID == 0 && m.ID > first && m.ID < last
		if m.RequestID == requestID || between {
			kept = append(kept, m)
		}
	}
	return kept
}
