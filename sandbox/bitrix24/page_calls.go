package bitrix24

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// pageCall is a call as the pages show it.
type pageCall struct {
	ID                                           int
	Started, Direction, Outcome, Operator, Phone string
	CallID, External                             string
	Client, Record                               *pageField
	Bound                                        []pageField
}

// callDirections are the types of calls in words.
var callDirections = map[int]string{
	callOutgoing: "→ outgoing", callIncoming: "← incoming", callRedirected: "← incoming, redirected", callBack: "→ callback",
	callInfo: "→ informational",
}

// callOutcomes are the status codes in words.
var callOutcomes = map[string]string{
	"200": "answered", "304": "missed", "603": "declined", "603-S": "cancelled", "403": "forbidden", "404": "wrong number", "486": "busy",
	"484": "direction unavailable", "503": "direction unavailable", "480": "temporarily unavailable", "402": "no funds", "423": "blocked",
	"OTHER": "undefined",
}

// callsPage is what calls.html shows.
type callsPage struct {
	Title, Active, Query, Prev, Next string
	Total                            int
	Calls                            []pageCall
}

// pageCalls shows the calls, newest first; q searches phones, clients, operators and ids.
func (p *Portal) pageCalls(w http.ResponseWriter, r *http.Request) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	query := r.URL.Query().Get("q")
	found := slices.DeleteFunc(p.newestCalls(len(p.state.calls.order)), func(c pageCall) bool { return !c.matches(query) })
	from, to, prev, next := window(r, len(found))
	render(w, "calls.html", callsPage{
		Title: "Calls", Active: "calls", Query: query, Total: len(found), Calls: found[from:to], Prev: prev, Next: next,
	})
}

func (c pageCall) matches(query string) bool {
	text := c.Phone + " " + c.Operator + " " + c.CallID + " " + c.External
	if c.Client != nil {
		text += " " + c.Client.Value
	}
	return strings.Contains(strings.ToLower(text), strings.ToLower(strings.TrimSpace(query)))
}

// newestCalls are at most n calls, newest first; Portal.mu is held.
func (p *Portal) newestCalls(n int) []pageCall {
	var out []pageCall
	for _, id := range slices.Backward(p.state.calls.order) {
		if len(out) == n {
			break
		}
		out = append(out, p.pageCall(p.state.calls.rows[id]))
	}
	return out
}

// callOfActivity finds the call that an activity is of; nil for other activities.
func (p *Portal) callOfActivity(id int) *pageCall {
	for _, st := range p.state.statistics.all() {
		if r, ok := p.state.calls.get(st.Call); ok && st.Activity == id {
			shown := p.pageCall(r)
			return &shown
		}
	}
	return nil
}

func (p *Portal) pageCall(r *registration) pageCall {
	call := p.phoneCall(r)
	out := pageCall{
		ID: r.ID, Started: p.when(r.Started), Direction: callDirections[r.Type], Phone: r.Phone, CallID: r.CallID, External: r.External,
		Operator: p.state.userName(call.UserID), Outcome: "not finished",
	}
	if call.Finished {
		out.Outcome = callOutcomes[call.StatusCode] + ", " + (time.Duration(call.Duration) * time.Second).String()
	}
	if f := p.entityLink(r.CRM); f.Link != "" {
		out.Client = &f
	}
	for _, b := range call.Bindings {
		out.Bound = append(out.Bound, p.entityLink(activityBinding{b.EntityTypeID, b.EntityID}))
	}
	if rec := call.Record; rec != nil {
		out.Record = &pageField{rec.Name, strconv.FormatInt(rec.Size, 10), "/disk/showFile/" + strconv.Itoa(rec.FileID) + "/"}
	}
	return out
}

// entityLink names an entity and links to its card; it is empty if there is none.
func (p *Portal) entityLink(b activityBinding) pageField {
	t, ok := p.state.entities[b.Kind]
	if !ok || !t.exists(b.ID) {
		return pageField{}
	}
	return pageField{Name: t.kind.title, Value: entityName(t.kind, t.rows[b.ID]), Link: cardPath(t.kind, b.ID)}
}
