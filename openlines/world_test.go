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
