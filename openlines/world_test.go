package openlines_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/openlines"
)

// The people of the scenarios: A, B, C are members, D becomes one in some, R is
// the responsible employee of a deal and no member, V a supervisor.
const (
	A openlines.UserID = iota + 1
	B
	C
	D
	R
	V
)

var letters = map[openlines.UserID]string{A: "A", B: "B", C: "C", D: "D", R: "R", V: "V"}

const line = openlines.LineID("support")

// telegram is the channel of the line.
const telegram = 13

// world drives a desk with a clock of its own: going to a time wakes the desk
// whenever it wants to be woken. A CRM answers at once.
type world struct {
	t        testing.TB
	desk     *openlines.Desk
	now      time.Time
	zone     *time.Location
	next     time.Time
	settings openlines.Settings
	members  []openlines.UserID

	log      []entry
	records  []openlines.Record
	commands []openlines.Command
	past     map[openlines.ChatID]openlines.Past
	sessions map[openlines.ChatID][]openlines.SessionID
	count    int

	crm     openlines.CRMFacts // what a lookup finds
	crmDown bool               // lookups and leads get no answer
	leads   int64
	window  time.Time // of the channel
}

// baseSettings are those of §12.
func baseSettings() openlines.Settings {
	s := madrid()
	s.Channels = []int64{telegram}
	s.CloseRule = openlines.CloseRating
	return s
}

// newWorld is the base of the scenarios on Friday 20 November 2026, with what
// is different in one of them.
func newWorld(t testing.TB, change ...func(*openlines.Settings)) *world {
	t.Helper()
	w := newYear(t, change...)
	return w.at("2026-11-20 09:59")
}

// newYear is the same world at the beginning of January 2026.
func newYear(t testing.TB, change ...func(*openlines.Settings)) *world {
	t.Helper()
	w := &world{
		t: t, desk: openlines.NewDesk(), settings: baseSettings(), members: []openlines.UserID{A, B, C},
		past: map[openlines.ChatID]openlines.Past{}, sessions: map[openlines.ChatID][]openlines.SessionID{},
		crm: openlines.CRMFacts{Result: openlines.LookupNotFound, Writable: true},
	}
	for _, c := range change {
		c(&w.settings)
	}
	w.setZone()
	w.now = w.time("2026-01-05 00:00")
	w.lineChanged()
	for _, u := range []openlines.UserID{A, B, C, D, R} {
		w.presence(u, openlines.Online)
	}
	w.presence(D, openlines.Offline).presence(R, openlines.Offline)
	w.give(openlines.Event{Kind: openlines.OperatorChanged, Operator: &openlines.Operator{ID: V, Supervisor: true}})
	return w
}

func (w *world) setZone() {
	zone, err := time.LoadLocation(w.settings.TimeZone)
	require.NoError(w.t, err)
	w.zone = zone
}

// time reads 10:00, 10:00:01, 2026-11-21 10:00[:01] or an instant with offset.
func (w *world) time(text string) time.Time {
	w.t.Helper()
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at
	}
	if !strings.Contains(text, "-") {
		text = "2026-11-20 " + text
	}
	for _, layout := range []string{"2006-01-02 15:04:05.000", "2006-01-02 15:04:05", "2006-01-02 15:04"} {
		if at, err := time.ParseInLocation(layout, text, w.zone); err == nil {
			return at
		}
	}
	require.Fail(w.t, "no time", text)
	return time.Time{}
}

// at goes to a time, letting everything happen that is due before and at it.
func (w *world) at(text string) *world {
	w.t.Helper()
	return w.until(w.time(text))
}

func (w *world) until(to time.Time) *world {
	w.t.Helper()
	require.False(w.t, to.Before(w.now), "going back to %s", to)
	for !w.next.IsZero() && !w.next.After(to) {
		require.True(w.t, w.next.After(w.now), "the desk wants to be woken at once, at %s", w.next)
		w.now = w.next
		w.step()
	}
	w.now = to
	return w
}

// sleep goes to a time while the service is down: nothing is woken.
func (w *world) sleep(text string) *world {
	w.t.Helper()
	w.now = w.time(text)
	return w
}

// step gives events to the desk and answers its questions to the CRM.
func (w *world) step(events ...openlines.Event) openlines.AnswerCode {
	w.t.Helper()
	w.log = append(w.log, entry{Now: w.now, Events: events})
	out := w.desk.Step(w.now, events...)
	w.next = out.Next
	w.records = append(w.records, out.Records...)
	w.commands = append(w.commands, out.Commands...)
	for _, r := range out.Records {
		w.remember(r)
	}
	code := openlines.OK
	if len(out.Answers) > 0 {
		code = out.Answers[len(out.Answers)-1].Code
	}
	for _, c := range out.Commands {
		w.answerCRM(c)
	}
	return code
}

func (w *world) remember(r openlines.Record) {
	switch r.Kind {
	case openlines.SessionStarted:
		w.sessions[r.Chat] = append(w.sessions[r.Chat], r.Session)
	case openlines.SessionEnded:
		w.past[r.Chat] = *r.Past
	}
}

func (w *world) answerCRM(c openlines.Command) {
	w.t.Helper()
	switch {
	case w.crmDown:
	case c.Kind == openlines.DoLookup && w.crm.Result != "":
		facts := w.crm
		w.step(openlines.Event{Kind: openlines.LookupDone, Session: c.Session, CRM: &facts})
	case c.Kind == openlines.DoCreateLead:
		w.leads++
		item := openlines.Item{Kind: "lead", ID: w.leads}
		w.step(openlines.Event{Kind: openlines.LeadCreated, CRM: &openlines.CRMFacts{Identity: c.Key, Item: item}})
	}
}

// give hands over one event that is received now.
func (w *world) give(ev openlines.Event) openlines.AnswerCode {
	w.t.Helper()
	return w.step(w.event(ev))
}

// event names an event and a message that have no names.
func (w *world) event(ev openlines.Event) openlines.Event {
	w.count++
	if ev.ID == "" {
		ev.ID = fmt.Sprint("e", w.count)
	}
	if ev.At.IsZero() {
		ev.At = w.now
	}
	if m := ev.Message; m != nil {
		if m.ID == "" {
			m.ID = fmt.Sprint("m", w.count)
		}
		m.Channel, m.Past, m.Window = telegram, w.past[ev.Chat], w.window
	}
	return ev
}

// wrote is the event of a client message.
func (w *world) wrote(chat openlines.ChatID) openlines.Event {
	return w.event(openlines.Event{Kind: openlines.ClientMessage, Chat: chat, Message: &openlines.Message{}})
}

// replied is the event of a public employee message.
func (w *world) replied(chat openlines.ChatID, by openlines.UserID) openlines.Event {
	return w.event(openlines.Event{Kind: openlines.EmployeeMessage, Chat: chat, By: by, Message: &openlines.Message{}})
}

// client lets clients write now.
func (w *world) client(chats ...openlines.ChatID) *world {
	w.t.Helper()
	for _, chat := range chats {
		require.Equal(w.t, openlines.OK, w.step(w.wrote(chat)))
	}
	return w
}

// says lets a client write a text, which may be a vote.
func (w *world) says(chat openlines.ChatID, text string) *world {
	w.t.Helper()
	w.give(openlines.Event{Kind: openlines.ClientMessage, Chat: chat, Message: &openlines.Message{Vote: w.settings.ParseVote(text)}})
	return w
}

func (w *world) reply(chat openlines.ChatID, by openlines.UserID) *world {
	w.t.Helper()
	require.Equal(w.t, openlines.OK, w.step(w.replied(chat, by)))
	return w
}

func (w *world) presence(user openlines.UserID, p openlines.Presence) *world {
	w.t.Helper()
	w.give(openlines.Event{Kind: openlines.OperatorChanged, Operator: &openlines.Operator{ID: user, Presence: p}})
	return w
}

// only leaves these members on duty.
func (w *world) only(users ...openlines.UserID) *world {
	w.t.Helper()
	for _, u := range w.members {
		if !slices.Contains(users, u) {
			w.presence(u, openlines.Offline)
		}
	}
	return w
}

func (w *world) dismiss(user openlines.UserID) *world {
	w.t.Helper()
	w.give(openlines.Event{Kind: openlines.OperatorChanged, Operator: &openlines.Operator{ID: user, Dismissed: true}})
	return w
}

// lineChanged puts the settings and members of the world in force.
func (w *world) lineChanged() *world {
	w.t.Helper()
	w.setZone()
	require.Empty(w.t, openlines.Validate(w.settings, w.now))
	settings := w.settings
	require.Equal(w.t, openlines.OK, w.give(openlines.Event{Kind: openlines.LineChanged, Line: line, Settings: &settings, Members: w.members}))
	return w
}

// do is an action on the open session of a chat.
func (w *world) do(kind openlines.EventKind, chat openlines.ChatID, by openlines.UserID) openlines.AnswerCode {
	w.t.Helper()
	return w.give(openlines.Event{Kind: kind, Session: w.id(chat), By: by})
}

// answerOffer accepts or declines the last offer that somebody got of a chat.
func (w *world) answerOffer(kind openlines.EventKind, chat openlines.ChatID, by openlines.UserID) openlines.AnswerCode {
	w.t.Helper()
	var offer openlines.OfferID
	for _, r := range w.of(chat, openlines.OfferMade) {
		if r.User == by {
			offer = r.Offer
		}
	}
	require.NotZero(w.t, offer)
	return w.give(openlines.Event{Kind: kind, Session: w.id(chat), Offer: offer, By: by})
}

// id of the last session of a chat.
func (w *world) id(chat openlines.ChatID) openlines.SessionID {
	w.t.Helper()
	ids := w.sessions[chat]
	require.NotEmpty(w.t, ids, "chat %s has no session", chat)
	return ids[len(ids)-1]
}

// session of a chat, the last one; nil once it has left the desk.
func (w *world) session(chat openlines.ChatID) *openlines.Session {
	w.t.Helper()
	for _, s := range w.desk.Sessions {
		if s.ID == w.id(chat) {
			return s
		}
	}
	return nil
}

// of lists the records of one kind of the last session of a chat.
func (w *world) of(chat openlines.ChatID, kind openlines.RecordKind) []openlines.Record {
	w.t.Helper()
	var out []openlines.Record
	for _, r := range w.records {
		if r.Session == w.id(chat) && r.Kind == kind {
			out = append(out, r)
		}
	}
	return out
}

// clock shows an instant: the time of day, with the date on other days.
func (w *world) clock(at time.Time) string {
	at = at.In(w.zone)
	out := strings.TrimSuffix(at.Format("15:04:05"), ":00")
	if date := at.Format("2006-01-02"); date != "2026-11-20" {
		return date + " " + out
	}
	return out
}

// offers checks who got offers, in order: "A 10:00", "R 10:00 direct".
func (w *world) offers(chat openlines.ChatID, want ...string) *world {
	w.t.Helper()
	var got []string
	for _, r := range w.of(chat, openlines.OfferMade) {
		text := letters[r.User] + " " + w.clock(r.At)
		if r.Offered != openlines.QueueOffer {
			text += " " + string(r.Offered)
		}
		got = append(got, text)
	}
	require.Equal(w.t, want, got, "offers of chat %s", chat)
	return w
}

// holds checks who has an open offer, and until when: "A 10:05"; "A" without a deadline.
func (w *world) holds(chat openlines.ChatID, want ...string) *world {
	w.t.Helper()
	var got []string
	due := map[openlines.OfferID]time.Time{}
	for _, c := range w.commands {
		if c.Kind == openlines.DoOffer {
			due[c.Offer] = c.Due
		}
	}
	for _, o := range w.session(chat).Offers {
		text := letters[o.To]
		if at := due[o.ID]; !at.IsZero() && !o.Kept {
			text += " " + w.clock(at)
		}
		got = append(got, text)
	}
	require.Equal(w.t, want, got, "open offers of chat %s", chat)
	return w
}

// autoTexts checks the automatic texts of the last session of a chat: "welcome
// 10:00", or "vote_request skipped: window".
func (w *world) autoTexts(chat openlines.ChatID, want ...string) *world {
	w.t.Helper()
	var got []string
	for _, r := range w.records {
		if r.Session != w.id(chat) {
			continue
		}
		switch r.Kind {
		case openlines.TextSent:
			got = append(got, string(r.Text)+" "+w.clock(r.At))
		case openlines.TextSkipped:
			got = append(got, string(r.Text)+" skipped: "+r.Reason)
		}
	}
	require.Equal(w.t, want, got, "automatic texts of chat %s", chat)
	return w
}

// is checks state and owner of the last session of a chat.
func (w *world) is(chat openlines.ChatID, state openlines.State, owner openlines.UserID) *world {
	w.t.Helper()
	s := w.session(chat)
	if state == openlines.Closed {
		if s != nil {
			require.Equal(w.t, state, s.State, "state of chat %s", chat)
		}
		require.Equal(w.t, w.id(chat), w.past[chat].Session)
		return w
	}
	require.NotNil(w.t, s, "chat %s has no session any more", chat)
	require.Equal(w.t, state, s.State, "state of chat %s", chat)
	require.Equal(w.t, owner, s.Owner, "owner of chat %s", chat)
	return w
}

// waitsSince checks waiting_since; "" = the client does not wait.
func (w *world) waitsSince(chat openlines.ChatID, want string) *world {
	w.t.Helper()
	at := w.session(chat).WaitingSince()
	if want == "" {
		require.Zero(w.t, at, "chat %s waits", chat)
		return w
	}
	require.Equal(w.t, w.clock(w.time(want)), w.clock(at), "waiting_since of chat %s", chat)
	return w
}

// mark is the mark of the last session of a chat, from the log; it must agree
// with what was ordered last.
func (w *world) mark(chat openlines.ChatID) openlines.Mark {
	w.t.Helper()
	var log []openlines.Record
	for _, r := range w.records {
		if r.Session == w.id(chat) {
			log = append(log, r)
		}
	}
	var last openlines.Mark
	for _, c := range w.commands {
		if c.Kind == openlines.DoWriteMark && c.Session == w.id(chat) {
			require.Greater(w.t, c.Mark.Version, last.Version)
			last = *c.Mark
		}
	}
	m := openlines.MarkFromLog(log)
	require.Equal(w.t, m.Open, last.Open, "activity of chat %s", chat)
	require.Equal(w.t, m.Unread, last.Unread, "unread mark of chat %s", chat)
	require.Equal(w.t, m.Closed, last.Closed, "closed time of chat %s", chat)
	return last
}

// ordered lists the commands of one kind for the last session of a chat.
func (w *world) ordered(chat openlines.ChatID, kind openlines.CommandKind) []openlines.Command {
	w.t.Helper()
	var out []openlines.Command
	for _, c := range w.commands {
		if c.Session == w.id(chat) && c.Kind == kind {
			out = append(out, c)
		}
	}
	return out
}

// notified lists who was told something about a chat: "B transfer_failed".
func (w *world) notified(chat openlines.ChatID) []string {
	w.t.Helper()
	var out []string
	for _, c := range w.ordered(chat, openlines.DoNotify) {
		out = append(out, strings.TrimSpace(letters[c.User]+" "+c.Reason))
	}
	return out
}

// ended is the reason of the last finish of a chat's last session.
func (w *world) ended(chat openlines.ChatID) string {
	w.t.Helper()
	finished := w.of(chat, openlines.SessionFinished)
	if len(finished) == 0 {
		return ""
	}
	return finished[len(finished)-1].Reason
}
