package api

import (
	"context"
	"net/http"
	"time"

	"puente/lines"
	"puente/openlines"
	"puente/store"
	"puente/workflows"
)

// SessionsInput chooses sessions of open lines; filters add up.
type SessionsInput struct {
	Line     string `query:"line" pattern:"^[a-z0-9][a-z0-9_-]{0,62}$" doc:"slug of a line; none = all"`
	Operator int64  `query:"operator" minimum:"1" doc:"Bitrix24 user who owns the session or holds an offer of it"`
}

type listSessionsInput struct {
	PortalInput
	PageInput
	SessionsInput
	State []string `query:"state" enum:"held,waiting,offered,active,closing,closed" doc:"states, separated by commas; none = all"`
}

type attentionInput struct {
	PortalInput
	PageInput
	SessionsInput
}

// LineSessionInput names one session of an open line.
type LineSessionInput struct {
	PortalInput
	Session int64 `path:"session" minimum:"1" doc:"number of the session in the portal"`
}

// LineSession is one session of an open line.
type LineSession struct {
	ID           int64       `json:"id"`
	State        string      `json:"state" enum:"held,waiting,offered,active,closing,closed"`
	Attention    string      `json:"attention" enum:"unread,answered,finished,closed" doc:"the order of lists"`
	Line         string      `json:"line"`
	Chat         string      `json:"chat" doc:"client and channel in Chat2Desk"`
	Channel      int64       `json:"channel"`
	Parent       int64       `json:"parent,omitempty" doc:"the session of this chat before"`
	Owner        int64       `json:"owner,omitempty" doc:"Bitrix24 user"`
	Offers       []LineOffer `json:"offers,omitempty"`
	Unread       int         `json:"unread" doc:"messages of the client without a reply"`
	WaitingSince *time.Time  `json:"waiting_since,omitempty"`
	Pinned       bool        `json:"pinned,omitempty" doc:"never closes by itself"`
	OpenToAll    bool        `json:"open_to_all,omitempty" doc:"nobody answered in all passes: anybody may take it"`
	Item         *Entity     `json:"item,omitempty" doc:"where the CRM shows the chat"`
	StartedAt    time.Time   `json:"started_at"`
	FinishedAt   *time.Time  `json:"finished_at,omitempty"`
	ClosedAt     *time.Time  `json:"closed_at,omitempty"`
	Reason       string      `json:"reason,omitempty" doc:"who or what ended it"`
	RunURL       string      `json:"run_url,omitempty" doc:"the session in the Temporal UI"`
}

// LineOffer is an open offer. Accepting and declining name its id.
type LineOffer struct {
	ID       int64     `json:"id"`
	User     int64     `json:"user"`
	Kind     string    `json:"kind" enum:"queue,all,direct,sticky,transfer,taken"`
	Made     time.Time `json:"made_at"`
	Accepted bool      `json:"accepted,omitempty" doc:"reserved until he replies"`
}

// LineSessionDetail is a session with its log.
type LineSessionDetail struct {
	LineSession
	Log      []LineRecord `json:"log" doc:"oldest first; empty once it is older than general.retention_days"`
	QueueURL string       `json:"queue_url,omitempty" doc:"the desk of all open lines in the Temporal UI"`
}

// LineRecord is one line of the log.
type LineRecord struct {
	No   int64     `json:"no"`
	At   time.Time `json:"at" doc:"with the offset of the line's zone"`
	Kind string    `json:"kind"`
	Text string    `json:"text"`
}

// AttentionList is what needs attention, in order.
type AttentionList struct {
	list[LineSession]
	States map[string]int `json:"states" doc:"number of sessions that are not closed, by state, over all lines"`
}

func (s *server) lineSessionRoutes() {
	operation(s, http.MethodGet, "/sessions", "list-line-sessions",
		"Sessions: unread, answered, finished, each with the longest wait first; then closed ones, the last first", s.listSessions, lineGroup)
	operation(s, http.MethodGet, "/attention", "list-attention",
		"What needs attention first: sessions that are not closed", s.listAttention, lineGroup)
	operation(s, http.MethodGet, "/sessions/{session}", "get-line-session", "One session with its log", s.getLineSession,
		lineGroup, errorsToo(http.StatusNotFound))
	s.lineActRoutes()
}

func (in SessionsInput) filter(p store.Page) store.LineSessionFilter {
	return store.LineSessionFilter{Line: openlines.LineID(in.Line), Operator: openlines.UserID(in.Operator), Page: p}
}

func (s *server) listSessions(ctx context.Context, in *listSessionsInput) (*body[list[LineSession]], error) {
	f := in.filter(in.page())
	for _, state := range in.State {
		f.States = append(f.States, openlines.State(state))
	}
	return s.sessions(ctx, in.Portal, f)
}

func (s *server) sessions(ctx context.Context, portal string, f store.LineSessionFilter) (*body[list[LineSession]], error) {
	rows, next, err := s.Store.LineSessions(ctx, portal, f)
	if err != nil {
		return nil, s.fail(ctx, "page of the sessions", err)
	}
	links, err := s.linker(ctx, portal)
	if err != nil {
		return nil, err
	}
	return page(rows, next, links.lineSession), nil
}

func (s *server) listAttention(ctx context.Context, in *attentionInput) (*body[AttentionList], error) {
	f := in.filter(in.page())
	f.Open = true
	open, err := s.sessions(ctx, in.Portal, f)
	if err != nil {
		return nil, err
	}
	counts, err := s.Store.CountLineSessions(ctx, in.Portal)
	if err != nil {
		return nil, s.fail(ctx, "sessions", err)
	}
	out := AttentionList{list: open.Body, States: map[string]int{}}
	for _, state := range []openlines.State{openlines.Held, openlines.Waiting, openlines.Offered, openlines.Active, openlines.Closing} {
		out.States[string(state)] = counts[state]
	}
	return &body[AttentionList]{Body: out}, nil
}

func (s *server) getLineSession(ctx context.Context, in *LineSessionInput) (*body[LineSessionDetail], error) {
	row, err := s.Store.LineSession(ctx, in.Portal, openlines.SessionID(in.Session))
	if err != nil {
		return nil, s.fail(ctx, "session", err)
	}
	links, err := s.linker(ctx, in.Portal)
	if err != nil {
		return nil, err
	}
	records, err := s.Store.SessionRecords(ctx, in.Portal, row.ID)
	if err != nil {
		return nil, s.fail(ctx, "session", err)
	}
	out := LineSessionDetail{
		LineSession: links.lineSession(row), QueueURL: links.run(workflows.LineQueueID(in.Portal), ""), Log: make([]LineRecord, len(records)),
	}
	zone := s.zoneOfLine(ctx, in.Portal, row.Line)
	for i, r := range records {
		out.Log[i] = LineRecord{No: r.No, At: r.At.In(zone), Kind: string(r.Kind), Text: r.Sentence(zone)}
	}
	return &body[LineSessionDetail]{Body: out}, nil
}

// zoneOfLine is the time zone of a line; UTC if there is none.
func (s *server) zoneOfLine(ctx context.Context, portal string, id openlines.LineID) *time.Location {
	line, err := s.Store.Line(ctx, portal, id)
	if err != nil {
		return time.UTC
	}
	return lines.ZoneOf(line.Settings)
}

// attentionWords are how people call the ranks of sessions.
var attentionWords = map[store.Attention]string{
	store.AttentionUnread: "unread", store.AttentionAnswered: "answered", store.AttentionFinished: "finished", store.AttentionNone: "closed",
}

func (l linker) lineSession(r store.LineSession) LineSession {
	out := LineSession{
		ID: int64(r.ID), State: string(r.State), Attention: attentionWords[r.Attention], Line: string(r.Line), Chat: string(r.Chat),
		Channel: r.Channel, Parent: int64(r.Parent), Owner: int64(r.Owner), Unread: r.Unread, WaitingSince: instant(r.WaitingSince),
		Pinned: r.Detail.Pinned, OpenToAll: r.Detail.ToAll, Item: l.entity(r.Item.Kind, r.Item.ID), StartedAt: r.StartedAt,
		FinishedAt: instant(r.FinishedAt), ClosedAt: instant(r.ClosedAt), Reason: string(r.Reason),
		RunURL: l.run(workflows.LineSessionID(r.Portal, r.ID), ""),
	}
	for _, o := range r.Detail.Offers {
		out.Offers = append(out.Offers, LineOffer{ID: int64(o.ID), User: int64(o.User), Kind: string(o.Kind), Made: o.Made, Accepted: o.Accepted})
	}
	return out
}
