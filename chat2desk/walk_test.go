package chat2desk_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"puente/chat2desk"
)

// row is one message of the scripted message list.
type row struct{ id, dialog, request int64 }

func (r row) json() string {
	return fmt.Sprintf(`{"id":%d,"dialog_id":%d,"request_id":%d,"type":"from_client","text":"t","created":%d}`, r.id, r.dialog, r.request, 1767604800+r.id)
}

// messageList answers GET /v1/messages as the live service does (reference
// §2.6): no offset, at most 200 rows, start_id as a lower bound; going down
// from start_id only if downwards.
type messageList struct {
	rows      []row
	downwards bool // direction_reverse is understood
	exclusive bool // start_id itself is left out
	repeating bool // gives its first page whatever is asked: G19
}

func (m messageList) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	page := slices.Clone(m.rows)
	if q.Get("start_id") != "" && !m.repeating {
		page = m.from(q, page)
	} else if q.Get("order") == "desc" || m.repeating {
		slices.Reverse(page)
	}
	var items []string
	for _, row := range page[:min(len(page), 200)] {
		items = append(items, row.json())
	}
	_, _ = fmt.Fprintf(w, `{"status":"success","data":[%s]}`, strings.Join(items, ","))
}

func (m messageList) from(q url.Values, rows []row) []row {
	start, _ := strconv.ParseInt(q.Get("start_id"), 10, 64)
	down := m.downwards && q.Get("direction_reverse") == "true"
	if down {
		slices.Reverse(rows)
	}
	return slices.DeleteFunc(rows, func(r row) bool {
		return down && r.id > start || !down && r.id < start || m.exclusive && r.id == start
	})
}

// rows makes n messages of dialog 9, in requests of size each.
func rows(n, size int64) []row {
	list := make([]row, n)
	for i := range list {
		list[i] = row{id: int64(i) + 5000, dialog: 9, request: 100 + int64(i)/size}
	}
	return list
}

func TestDialogMessagesWalksTheDialogWhateverTheServiceUnderstands(t *testing.T) {
	t.Parallel()
	for _, downwards := range []bool{true, false} {
		for _, exclusive := range []bool{true, false} {
			s := newServer(t, messageList{rows: rows(1000, 450), downwards: downwards, exclusive: exclusive}.ServeHTTP)
			for request, want := range map[int64]int{0: 1000, 100: 450, 101: 450, 102: 100, 103: 0} {
				messages, err := s.api().DialogMessages(t.Context(), 9, request)
				require.NoError(t, err)
				require.Equal(t, want, len(messages), //nolint:testifylint // Len would print all of them
					"request %d, downwards %v, exclusive %v", request, downwards, exclusive)
				require.True(t, slices.IsSortedFunc(messages, func(x, y chat2desk.Message) int { return int(x.ID - y.ID) }))
			}
			require.Less(t, len(s.requests()), 60)
		}
	}
}

func TestDialogMessagesStopsBelowTheRequest(t *testing.T) {
	t.Parallel()
	s := newServer(t, messageList{rows: rows(10000, 100), downwards: true}.ServeHTTP)
	messages, err := s.api().DialogMessages(t.Context(), 9, 198)
	require.NoError(t, err)
	require.Len(t, messages, 100)
	require.LessOrEqual(t, len(s.requests()), 3)
	require.Contains(t, s.requests()[0].uri, "order=desc")
	for _, r := range s.requests() {
		require.NotContains(t, r.uri, "offset", "the service ignores it")
	}
}

// G19: the same page again and again.
func TestDialogMessagesNeverLoops(t *testing.T) {
	t.Parallel()
	s := newServer(t, messageList{rows: rows(1000, 1000), repeating: true}.ServeHTTP)
	messages, err := s.api().DialogMessages(t.Context(), 9, 100)
	require.NoError(t, err)
	require.Len(t, messages, 200)
	require.Len(t, s.requests(), 3)
}

func TestDialogMessagesGivesUpAfterManyPages(t *testing.T) {
	t.Parallel()
	// A dialog without an end: always 200 older messages.
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		top, err := strconv.ParseInt(r.URL.Query().Get("start_id"), 10, 64)
		if err != nil {
			top = 1_000_000
		}
		page := make([]row, 200)
		for i := range page {
			page[i] = row{id: top - int64(i), dialog: 9, request: 100}
		}
		messageList{rows: page, repeating: true}.ServeHTTP(w, r)
	})
	messages, err := s.api().DialogMessages(t.Context(), 9, 100)
	require.ErrorIs(t, err, chat2desk.ErrIncomplete)
	requireKind(t, chat2desk.KindUnknown, err)
	require.Greater(t, len(messages), 40000, "what was found is given")
}

func TestDialogMessagesKeepsLinesWithoutARequestThatLieBetween(t *testing.T) {
	t.Parallel()
	s := newServer(t, messageList{rows: []row{
		{1, 9, 0}, {2, 9, 100}, {3, 9, 0}, {4, 8, 100}, {5, 9, 100}, {6, 9, 0}, {7, 9, 101},
	}}.ServeHTTP)
	messages, err := s.api().DialogMessages(t.Context(), 9, 100)
	require.NoError(t, err)
	var ids []int64
	for _, m := range messages {
		ids = append(ids, m.ID)
	}
	require.Equal(t, []int64{2, 3, 5}, ids)
}

func TestDialogMessagesReportsErrors(t *testing.T) {
	t.Parallel()
	_, err := answering(t, 502, "<html>").DialogMessages(t.Context(), 9, 100)
	requireKind(t, chat2desk.KindAmbiguous, err)
}

// Some clusters ignore the offset of other lists too, others page properly.
func TestListsAreReadToTheEndWithoutLooping(t *testing.T) {
	t.Parallel()
	for _, ignores := range []bool{true, false} {
		s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
			offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
			if ignores {
				offset = 0
			}
			var items []string
			for id := offset + 1; id <= min(450, offset+200); id++ {
				items = append(items, fmt.Sprintf(`{"id":%d}`, id))
			}
			_, _ = fmt.Fprintf(w, `{"status":"success","meta":{"total":450},"data":[%s]}`, strings.Join(items, ","))
		})
		tags, err := s.api().Tags(t.Context())
		require.NoError(t, err)
		want, calls := 450, 3
		if ignores {
			want, calls = 200, 2
		}
		require.Len(t, tags, want)
		require.Len(t, s.requests(), calls)
	}
}
