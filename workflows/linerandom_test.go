package workflows_test

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	ol "puente/openlines"
)

// lineDay makes a random day on the lines of a portal: people and clients do what
// they like, signals come twice or late, the service goes down, the run continues
// as new. It keeps a pure desk beside itself to know what could happen next.
type lineDay struct {
	*rapid.T
	script lineScript
	desk   *ol.Desk
	now    time.Time
	next   time.Time

	past   map[ol.ChatID]ol.Past
	offers []ol.Command
	asked  []ol.Event // answers that the CRM still owes
	sent   []ol.Event
	held   []ol.Event
	count  int
	reborn bool
}

func newLineDay(t *rapid.T) *lineDay {
	starts := []string{"2026-11-20T08:50:00Z", "2026-11-20T16:40:00Z", "2026-11-21T10:00:00Z", "2027-03-28T00:30:00Z", "2026-12-24T16:50:00Z"}
	d := &lineDay{T: t, desk: ol.NewDesk(), past: map[ol.ChatID]ol.Past{}}
	d.now, _ = time.Parse(time.RFC3339, rapid.SampledFrom(starts).Draw(t, "start"))
	d.setLine("one", 1)
	d.setLine("two", 2)
	for user := ol.UserID(1); user <= 5; user++ {
		d.operator(user)
	}
	d.now = d.now.Add(time.Second) // by then the desk has loaded them
	return d
}

func draw[T any](d *lineDay, what string, of ...T) T { return rapid.SampledFrom(of).Draw(d.T, what) }

func (d *lineDay) rarely(what string) bool { return rapid.IntRange(0, 9).Draw(d.T, what) == 9 }

func (d *lineDay) setLine(id ol.LineID, channel int64) {
	s := ol.Default()
	s.Name, s.Channels = "Line "+string(id), []int64{channel}
	s.TimeZone = draw(d, "zone", "Europe/Madrid", "America/Santiago", "Asia/Kathmandu")
	s.HoursEnabled = draw(d, "hours", true, false)
	s.Mode = draw(d, "mode", ol.Evenly, ol.Strict, ol.OfferAll)
	s.PassTime = draw(d, "pass", ol.Minutes(5), 1)
	s.AnsweredBy = draw(d, "answered by", ol.AnsweredByReply, ol.AnsweredByAccept)
	s.MaxPasses = draw(d, "passes", 3, 1)
	s.MemberLimit = draw(d, "limit", 0, 1, 3)
	s.StickyHours = draw(d, "sticky", ol.Hours(0), 24)
	s.UnansweredRule = draw(d, "rule", ol.UnansweredText, ol.UnansweredRequeue, ol.UnansweredNone)
	s.UnansweredTime = draw(d, "unanswered", ol.Minutes(0), 10)
	s.CloseRule = draw(d, "close", ol.CloseRating, ol.CloseNone)
	s.AutoCloseTime, s.AutoCloseRule = draw(d, "auto close", ol.Minutes(0), 30), s.CloseRule
	s.CRMCheck = draw(d, "crm", true, false)
	s.SLAFirstReply = draw(d, "sla", ol.Minutes(0), 10)
	require.Empty(d, ol.Validate(s, d.now))
	d.give(ol.Event{Kind: ol.LineChanged, Line: id, Settings: &s, Members: draw(d, "members", []ol.UserID{1, 2, 3}, []ol.UserID{3, 2, 1, 4}, []ol.UserID{2})})
}

func (d *lineDay) operator(user ol.UserID) {
	d.give(ol.Event{Kind: ol.OperatorChanged, Operator: &ol.Operator{
		ID: user, Presence: draw(d, "presence", ol.Online, ol.Online, ol.DayStarted, ol.Offline), OnLeave: d.rarely("leave"), Supervisor: user == 5,
	}})
}

// give hands an event over now or later; now and then the run continues as new
// just then.
func (d *lineDay) give(ev ol.Event) {
	d.count++
	ev.ID, ev.At = fmt.Sprint("e", d.count), d.now
	d.sent = append(d.sent, ev)
	if ev.Kind != ol.LineChanged && ev.Kind != ol.OperatorChanged && d.rarely("held back") {
		d.held = append(d.held, ev)
		return
	}
	d.step(lineStep{At: d.now, Events: []ol.Event{ev}})
}

func (d *lineDay) step(s lineStep) {
	s.Restart, d.reborn = d.reborn, false
	d.script.Steps = append(d.script.Steps, s)
	out := d.desk.Step(s.At, s.Events...)
	d.next = out.Next
	d.look(out)
}

func (d *lineDay) look(out ol.Outcome) {
	for _, r := range out.Records {
		if r.Kind == ol.SessionEnded {
			d.past[r.Chat] = *r.Past
		}
	}
	for _, c := range out.Commands {
		switch c.Kind {
		case ol.DoOffer:
			d.offers = append(d.offers, c)
		case ol.DoLookup:
			d.asked = append(d.asked, ol.Event{Kind: ol.LookupDone, Session: c.Session, CRM: &ol.CRMFacts{Result: ol.LookupNotFound, Writable: true}})
		case ol.DoCreateLead:
			item := ol.Item{Kind: "lead", ID: int64(len(d.script.Steps))}
			d.asked = append(d.asked, ol.Event{Kind: ol.LeadCreated, CRM: &ol.CRMFacts{Identity: c.Key, Item: item}})
		}
	}
}

// wait lets time pass, with the service up or down.
func (d *lineDay) wait() {
	to := d.now.Add(draw(d, "wait", time.Second, 20*time.Second, time.Minute, 3*time.Minute, 5*time.Minute, 17*time.Minute, 2*time.Hour))
	if overdue := !d.next.IsZero() && !d.next.After(to); overdue && d.rarely("down") {
		since := d.now
		d.now = to
		d.step(lineStep{At: to, Down: since})
		return
	}
	for !d.next.IsZero() && !d.next.After(to) {
		out := d.desk.Step(d.next)
		d.next = out.Next
		d.look(out)
	}
	d.now = to
}

func (d *lineDay) chat() ol.ChatID { return draw(d, "chat", ol.ChatID("1-1"), "2-1", "3-2", "4-2") }
func (d *lineDay) user() ol.UserID { return ol.UserID(rapid.IntRange(1, 5).Draw(d.T, "user")) }

func (d *lineDay) message(kind ol.EventKind) {
	chat := d.chat()
	d.count++
	m := ol.Message{ID: fmt.Sprint("m", d.count), Channel: int64(chat[2] - '0'), Past: d.past[chat], Writable: true}
	ev := ol.Event{Kind: kind, Chat: chat, Message: &m}
	if kind == ol.EmployeeMessage {
		ev.By = d.user()
	} else {
		m.Vote = draw(d, "vote", ol.NoVote, ol.NoVote, ol.NoVote, ol.VoteGood)
	}
	d.give(ev)
}

// act is what a person does about an offer or a session.
func (d *lineDay) act() {
	if len(d.offers) > 0 && draw(d, "about", "offer", "session") == "offer" {
		o := d.offers[max(len(d.offers)-1-rapid.IntRange(0, 3).Draw(d.T, "offer"), 0)]
		d.give(ol.Event{Kind: draw(d, "answer", ol.Accept, ol.Decline), Session: o.Session, Offer: o.Offer, By: o.User})
		return
	}
	d.give(ol.Event{
		Kind:    draw(d, "act", ol.Take, ol.Transfer, ol.TransferLine, ol.Return, ol.Finish, ol.MarkSpam, ol.Pin, ol.GoSilent),
		Session: ol.SessionID(rapid.IntRange(1, int(d.desk.LastSession)+1).Draw(d.T, "session")),
		By:      d.user(), To: d.user(), Line: "two", On: true,
	})
}

func (d *lineDay) odd() {
	switch draw(d, "odd", "again", "late", "settings", "restart", "restart") {
	case "again":
		d.step(lineStep{At: d.now, Events: slices.Clone(d.sent[max(len(d.sent)-10, 0):])})
	case "late":
		if held := d.held; len(held) > 0 {
			d.held = nil
			d.step(lineStep{At: d.now, Events: rapid.Permutation(held).Draw(d.T, "order")})
		}
	case "settings":
		d.setLine("one", 1)
	case "restart":
		d.reborn = true
	}
}

// live lets one thing happen.
func (d *lineDay) live() {
	switch what := rapid.IntRange(0, 99).Draw(d.T, "what"); {
	case what < 28:
		d.wait()
	case what < 52:
		d.message(ol.ClientMessage)
	case what < 64:
		d.message(ol.EmployeeMessage)
	case what < 76:
		d.act()
	case what < 82:
		d.operator(d.user())
	case what < 90:
		if len(d.asked) > 0 {
			d.give(d.asked[0])
			d.asked = d.asked[1:]
		}
	default:
		d.odd()
	}
}

// randomLineDay plays a day on the pure desk and through LineQueue, whose runs
// continue as new and whose deliveries fail now and then. A failing day is shown
// as it is played, made as short as possible.
func randomLineDay(t *rapid.T) {
	d := newLineDay(t)
	for range rapid.IntRange(1, 50).Draw(t, "length") {
		d.live()
	}
	d.script.Until = d.now.Add(10 * time.Minute)
	want := playDesk(t, d.script)
	got := playQueue(t, d.script, rapid.IntRange(0, 5).Draw(t, "deliveries that fail"))
	if asLines(t, want.Records) != asLines(t, got.Records) || asLines(t, want.Commands) != asLines(t, got.Commands) {
		t.Logf("the day: %s", asJSON(t, d.script))
	}
	require.Equal(t, asLines(t, want.Records), asLines(t, got.Records))
	require.Equal(t, asLines(t, want.Commands), asLines(t, got.Commands))
	require.Equal(t, want.Desk, got.Desk)
	for i, answers := range got.Answers {
		require.Equal(t, want.Answers[i], answers, "step %d", i)
	}
}

// TestRandomDaysThroughTheWorkflow plays two hundred days, or five thousand with
// PUENTE_SOAK=1: the workflow decides as the pure desk does.
func TestRandomDaysThroughTheWorkflow(t *testing.T) {
	t.Parallel()
	rounds := 2 // of a hundred days, unless -rapid.checks says otherwise
	if os.Getenv("PUENTE_SOAK") == "1" {
		rounds = 50
	}
	for i := range rounds {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, randomLineDay)
		})
	}
}
