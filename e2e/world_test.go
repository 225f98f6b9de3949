package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/stretchr/testify/require"
)

// patience stretches all waits for outcomes: a slow machine is no failure.
const patience = 3

// chatDialog is the control of the sandbox Chat2Desk (design §7).
type chatDialog struct {
	Client     chatClient     `json:"client"`
	ChannelID  int64          `json:"channel_id"`
	Transport  string         `json:"transport,omitempty"`
	OperatorID int64          `json:"operator_id,omitempty"`
	Tags       []int64        `json:"tags,omitempty"`
	UTM        map[string]any `json:"utm,omitempty"`
	Messages   []chatMessage  `json:"messages,omitempty"`
	Close      bool           `json:"close"`
	Deliver    map[string]any `json:"deliver,omitempty"`
}

type chatClient struct {
	Name   string         `json:"name"`
	Phone  string         `json:"phone,omitempty"`
	Email  string         `json:"email,omitempty"`
	Custom map[string]any `json:"custom_fields,omitempty"`
}

type chatMessage struct {
	From        string     `json:"from"`
	Text        string     `json:"text,omitempty"`
	Attachments []chatFile `json:"attachments,omitempty"`
}

type chatFile struct {
	Name string `json:"name"`
	Link string `json:"link"`
}

// chatIDs are the ids of a played dialog.
type chatIDs struct {
	Client  int64 `json:"client_id"`
	Dialog  int64 `json:"dialog_id"`
	Request int64 `json:"request_id"`
	Channel int64 `json:"channel_id"`
}

// talk is a short conversation on a channel, closed at the end.
func talk(name, phone string, channel int64) chatDialog {
	return chatDialog{
		Client: chatClient{Name: name, Phone: phone}, ChannelID: channel, OperatorID: 301, Close: true,
		Messages: []chatMessage{
			{From: "client", Text: "Hello, how much is the delivery to " + name + "?"},
			{From: "operator", Text: "Good day! It is free."},
			{From: "client", Text: "Thank you"},
		},
	}
}

func (s *stack) play(d chatDialog) chatIDs {
	s.t.Helper()
	var ids chatIDs
	s.post("http://"+s.chat+"/sandbox/dialogs", d, &ids)
	return ids
}

// syncRow is one row of the ledger, as the API gives it.
type syncRow struct {
	ID         string `json:"id"`
	Status     string `json:"status"`
	Reason     string `json:"reason"`
	WorkflowID string `json:"workflow_id"`
	DialogID   int64  `json:"dialog_id"`
	RequestID  int64  `json:"request_id"`
	Rule       string `json:"rule"`
	Requests   int    `json:"requests"`
	Error      struct {
		Step string `json:"step"`
		Code string `json:"code"`
		Text string `json:"text"`
	} `json:"error"`
	Entities []struct {
		Kind string `json:"kind"`
		ID   int64  `json:"id"`
	} `json:"entities"`
}

// entity is the id of the row's entity of a kind; 0 = none.
func (r syncRow) entity(kind string) int64 {
	for _, e := range r.Entities {
		if e.Kind == kind {
			return e.ID
		}
	}
	return 0
}

// syncs reads the whole ledger through the API.
func (s *stack) syncs() []syncRow {
	s.t.Helper()
	var out []syncRow
	for cursor := ""; ; {
		var page struct {
			Items []syncRow `json:"items"`
			Next  string    `json:"next_cursor"`
		}
		status := s.call(http.MethodGet, "http://"+s.api+"/v1/portals/demo/syncs?limit=200&cursor="+cursor, nil, &page)
		require.Equal(s.t, http.StatusOK, status)
		out = append(out, page.Items...)
		if page.Next == "" {
			return out
		}
		cursor = page.Next
	}
}

// settled waits until the ledger has n rows and none is open or syncing.
func (s *stack) settled(n int, within time.Duration) []syncRow {
	s.t.Helper()
	var rows []syncRow
	require.Eventually(s.t, func() bool {
		rows = s.syncs()
		for _, r := range rows {
			if r.Status == "open" || r.Status == "syncing" {
				return false
			}
		}
		return len(withoutPolls(slices.Clone(rows))) >= n
	}, patience*within, 200*time.Millisecond, "%s", explain{s})
	return rows
}

// explain prints the ledger when a wait fails.
type explain struct{ s *stack }

func (e explain) String() string {
	count := map[string]int{}
	for _, r := range e.s.syncs() {
		count[r.Status]++
	}
	return fmt.Sprintf("ledger: %v", count)
}

// syncOf waits until the request's sync has ended or is parked.
func (s *stack) syncOf(request int64, within time.Duration) syncRow {
	s.t.Helper()
	var found syncRow
	require.Eventually(s.t, func() bool {
		for _, r := range s.syncs() {
			if r.RequestID == request && r.Status != "open" && r.Status != "syncing" {
				found = r
				return true
			}
		}
		return false
	}, patience*within, 100*time.Millisecond, "request %d: %s", request, explain{s})
	return found
}

// rest calls a method of the sandbox portal as an administrator would.
func (s *stack) rest(method string, params, out any) {
	s.t.Helper()
	if params == nil {
		params = map[string]any{}
	}
	var answer struct {
		Result json.RawMessage `json:"result"`
		Error  any             `json:"error"`
		Text   string          `json:"error_description"`
		Next   *int            `json:"next"`
	}
	s.call(http.MethodPost, "http://"+s.bitrix+"/rest/1/sandboxsecret/"+method, params, &answer)
	require.Nil(s.t, answer.Error, "%s: %v %s", method, answer.Error, answer.Text)
	if out != nil {
		require.NoError(s.t, json.Unmarshal(answer.Result, out), "%s: %s", method, answer.Result)
	}
}

// item is a row of crm.item.list.
type item map[string]any

// items lists all entities of a type that fit a filter.
func (s *stack) items(entityType int, filter map[string]any) []item {
	s.t.Helper()
	var out []item
	for start := 0; ; start += 50 {
		var page struct {
			Items []item `json:"items"`
		}
		s.rest("crm.item.list", map[string]any{"entityTypeId": entityType, "filter": filter, "start": start, "useOriginalUfNames": "Y"}, &page)
		out = append(out, page.Items...)
		if len(page.Items) < 50 {
			return out
		}
	}
}

// ours are the entities that Puente made.
func (s *stack) ours(entityType int) []item {
	s.t.Helper()
	return s.items(entityType, map[string]any{"originatorId": "puente"})
}

// comment is a row of crm.timeline.comment.list.
type comment struct {
	ID      string          `json:"ID"`
	Comment string          `json:"COMMENT"`
	Files   json.RawMessage `json:"FILES"`
}

func (s *stack) comments(kind string, id int64) []comment {
	s.t.Helper()
	var out []comment
	for start := 0; ; start += 50 {
		var page []comment
		s.rest("crm.timeline.comment.list", map[string]any{
			"filter": map[string]any{"ENTITY_ID": id, "ENTITY_TYPE": kind}, "select": []string{"ID", "COMMENT", "FILES"}, "start": start,
		}, &page)
		out = append(out, page...)
		if len(page) < 50 {
			return out
		}
	}
}

// stats are the counters of the sandbox portal.
type stats struct {
	Requests int            `json:"requests"`
	Commands int            `json:"commands"`
	Refused  int            `json:"refused"`
	ByMethod map[string]int `json:"by_method"`
}

func (s *stack) stats() stats {
	s.t.Helper()
	var out stats
	s.call(http.MethodGet, "http://"+s.bitrix+"/sandbox/stats", nil, &out)
	return out
}

// faults makes the sandbox portal misbehave.
func (s *stack) fault(rule map[string]any) {
	s.t.Helper()
	s.post("http://"+s.bitrix+"/sandbox/faults", rule, nil)
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
