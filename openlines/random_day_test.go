package openlines_test

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

// day is a random day on the lines of a portal: people and clients do what they
// like, deliveries are repeated and reordered, the CRM and the service fail.
type day struct {
	*rapid.T
	check *checker
	now   time.Time

	lines    []ol.LineID
	settings map[ol.LineID]ol.Settings
	past     map[ol.ChatID]ol.Past
	offers   []ol.Command // made at some time
	lookups  []ol.SessionID
	leads    []string
	messages map[ol.ChatID][]string
	orders   map[ol.ChatID]int64
	sent     []ol.Event // may be delivered again
	held     []ol.Event // received, but not yet handed over
	count    int
	reborn   bool
}

var zones = []string{"Europe/Madrid", "UTC", "America/Santiago", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"}

// starts are instants around which something happens to clocks and hours.
var starts = []string{
	"2026-11-20T08:50:00Z", "2026-11-20T16:40:00Z", "2026-11-21T10:00:00Z", "2026-10-24T23:30:00Z",
	"2027-03-28T00:30:00Z", "2026-09-06T03:30:00Z", "2026-12-24T16:50:00Z", "2027-04-04T02:30:00Z",
}

func newDay(t *rapid.T) *day {
	d := &day{
		T: t, check: newChecker(), settings: map[ol.LineID]ol.Settings{}, past: map[ol.ChatID]ol.Past{},
		messages: map[ol.ChatID][]string{}, orders: map[ol.ChatID]int64{},
	}
	d.now, _ = time.Parse(time.RFC3339, rapid.SampledFrom(starts).Draw(t, "start"))
	d.lines = []ol.LineID{"one", "two"}[:rapid.IntRange(1, 2).Draw(t, "lines")]
	for i, id := range d.lines {
		d.setLine(id, int64(i+1))
	}
	for u := A; u <= R; u++ {
		d.operator(u, rapid.SampledFrom([]ol.Presence{ol.Online, ol.Online, ol.DayStarted, ol.Offline}).Draw(t, "presence"))
	}
	d.give(ol.Event{Kind: ol.OperatorChanged, Operator: &ol.Operator{ID: V, Supervisor: true, Presence: ol.Online}})
	return d
}

func pick[T any](d *day, what string, of ...T) T { return rapid.SampledFrom(of).Draw(d.T, what) }

func (d *day) rarely(what string) bool { return rapid.IntRange(0, 9).Draw(d.T, what) == 9 }

// setLine draws settings, most of which are the defaults.
func (d *day) setLine(id ol.LineID, channel int64) {
	s := madrid()
	s.Channels = []int64{channel}
	s.TimeZone = pick(d, "zone", zones...)
	s.HoursEnabled = pick(d, "hours", true, true, false)
	s.Week.Fri = pick(d, "friday", []ol.Interval{"09:00-18:00"}, []ol.Interval{"22:00-06:00"}, []ol.Interval{"09:00-14:00", "16:00-19:00"}, []ol.Interval{"00:00-24:00"})
	s.Mode = pick(d, "mode", ol.Evenly, ol.Evenly, ol.Strict, ol.OfferAll)
	s.PassTime = pick(d, "pass", ol.Minutes(5), 1, 30)
	s.AnsweredBy = pick(d, "answered by", ol.AnsweredByReply, ol.AnsweredByAccept)
	s.MaxPasses = pick(d, "passes", 3, 1, 2)
	s.CheckOnline = pick(d, "check online", true, true, false)
	s.MemberLimit = pick(d, "limit", 0, 1, 3)
	s.LimitCounts = pick(d, "counts", ol.CountAnsweredAndNew, ol.CountAnswered, ol.CountAllOpen)
	s.MaxPendingOffers = pick(d, "pending", 5, 1)
	s.StickyHours = pick(d, "sticky", ol.Hours(0), 24)
	s.DirectCountsAsTurn = pick(d, "turn", false, true)
	s.OfflineReturnTime = pick(d, "return", ol.Minutes(3), 0)
	s.UnansweredRule = pick(d, "rule", ol.UnansweredText, ol.UnansweredRequeue, ol.UnansweredNone)
	s.UnansweredTime = pick(d, "unanswered", ol.Minutes(0), 10, 60)
	s.OffhoursRule = pick(d, "offhours text", ol.OffhoursText, ol.OffhoursText, ol.OffhoursNone)
	if d.rarely("no texts") {
		s.Texts = map[ol.TextID]string{ol.TextUnanswered: "", ol.TextVoteThanksGood: "", ol.TextAutoWarning: "", ol.TextWelcome: ""}
	}
	s.Priority = pick(d, "priority", 0, 0, 3)
	s.OffhoursRouting = pick(d, "offhours", ol.OffhoursHold, ol.OffhoursHold, ol.OffhoursRoute)
	s.WelcomeRule = pick(d, "welcome", ol.WelcomeEverySession, ol.WelcomeFirstContact, ol.WelcomeNone)
	s.CloseRule = pick(d, "close", ol.CloseRating, ol.CloseText, ol.CloseNone)
	s.GraceTime = pick(d, "grace", ol.Minutes(10), 0)
	s.AutoCloseTime = pick(d, "auto close", ol.Minutes(0), 60)
	if s.AutoCloseTime > 0 {
		s.AutoCloseWarning = pick(d, "warning", ol.Minutes(0), 10)
	}
	s.AutoCloseRule = s.CloseRule
	s.CRMForwardPass = pick(d, "forward", ol.ForwardToQueue, ol.ForwardKeep)
	s.CRMCheck = pick(d, "crm", true, true, false)
	s.CRMCreate = pick(d, "create", ol.CreateAuto, ol.CreateManual)
	s.SLAFirstReply = pick(d, "sla", ol.Minutes(0), 10)
	s.SLANextReply = s.SLAFirstReply
	s.Active = !d.rarely("inactive")
	require.Empty(d, ol.Validate(s, d.now))
	d.settings[id] = s
	members := [][]ol.UserID{{A, B, C}, {A, B, C, D}, {C, B}, {A}}
	d.give(ol.Event{Kind: ol.LineChanged, Line: id, Settings: &s, Members: pick(d, "members", members...)})
}

func (d *day) operator(u ol.UserID, p ol.Presence) {
	op := ol.Operator{ID: u, Presence: p, Supervisor: u == V && !d.rarely("no supervisor"), Dismissed: d.rarely("dismissed") && d.rarely("really"), OnLeave: d.rarely("leave")}
	if u != C {
		op.Skills = []string{"es"}
	}
	d.give(ol.Event{Kind: ol.OperatorChanged, Operator: &op})
}

// give hands an event over now, later, or twice.
func (d *day) give(ev ol.Event) {
	d.count++
	if ev.ID == "" {
		ev.ID, ev.At = fmt.Sprint("e", d.count), d.now
	}
	d.sent = append(d.sent, ev)
	if ev.Kind != ol.LineChanged && ev.Kind != ol.OperatorChanged && d.rarely("held back") {
		d.held = append(d.held, ev)
		return
	}
	d.step(ev)
}

func (d *day) step(events ...ol.Event) {
	events = slices.Clone(events)
	for i, ev := range events {
		if ev.Message != nil { // Past is read when the event is handed over
			m := *ev.Message
			m.Past = d.past[ev.Chat]
			events[i].Message = &m
		}
	}
	out := d.check.step(entry{Now: d.now, Events: events, Restart: d.reborn})
	d.reborn = false
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
			d.lookups = append(d.lookups, c.Session)
		case ol.DoCreateLead:
			d.leads = append(d.leads, c.Key)
		}
	}
	d.fail()
}

// fail ends the day with a log that TestReplay can run.
func (d *day) fail() {
	if d.check.err == nil {
		return
	}
	log := writeLog(d.check.log)
	if path := os.Getenv("PUENTE_FAILED_LOG"); path != "" {
		require.NoError(d, os.WriteFile(path, []byte(log), 0o600))
	}
	d.Fatalf("%s\nput this log into testdata/replay/name.json to replay it:\n%s", d.check.err, log)
}

// wait lets time pass, with the service up or down.
func (d *day) wait() {
	by := pick(d, "wait", time.Second, 20*time.Second, time.Minute, time.Minute, 3*time.Minute, 5*time.Minute, 17*time.Minute, time.Hour, 14*time.Hour)
	to := d.now.Add(by)
	if d.rarely("down") {
		d.now = to
		d.step()
		return
	}
	for n := 0; !d.check.next.IsZero() && !d.check.next.After(to) && n < 200; n++ {
		d.now = d.check.next
		d.step()
	}
	d.now = to
	d.step()
}

func (d *day) chat() ol.ChatID { return pick[ol.ChatID](d, "chat", "a", "b", "c", "d", "e") }
func (d *day) user() ol.UserID { return pick(d, "user", A, B, C, D, R, V) }

// session is mostly one of the desk, sometimes one that is over or never was.
func (d *day) session() ol.SessionID {
	if all := d.check.desk.Sessions; len(all) > 0 && !d.rarely("any session") {
		return pick(d, "open session", all...).ID
	}
	return ol.SessionID(rapid.IntRange(1, int(d.check.desk.LastSession)+1).Draw(d.T, "session"))
}

// message draws what a message carries besides its chat.
func (d *day) message(chat ol.ChatID) *ol.Message {
	d.count++
	m := &ol.Message{ID: fmt.Sprint("m", d.count), Channel: 1, Past: d.past[chat], Writable: !d.rarely("mute")}
	if chat == "d" && d.rarely("window") {
		m.Window = d.now.Add(time.Minute)
	}
	if chat == "c" || chat == "e" {
		m.Channel = 2
	}
	if chat == "b" || chat == "c" {
		m.Identity = "one person"
	}
	if chat == "e" { // a channel that orders its messages
		d.orders[chat]++
		m.Order = d.orders[chat]
	}
	if chat == "d" {
		m.Needs = []string{"es"}
	}
	d.messages[chat] = append(d.messages[chat], m.ID)
	return m
}

func (d *day) client() {
	chat := d.chat()
	m := d.message(chat)
	m.Vote = pick(d, "vote", ol.NoVote, ol.NoVote, ol.NoVote, ol.VoteGood, ol.VoteBad)
	d.give(ol.Event{Kind: ol.ClientMessage, Chat: chat, Message: m})
}

func (d *day) employee() {
	chat := d.chat()
	m := d.message(chat)
	m.Internal, m.Intercept = d.rarely("internal"), d.rarely("intercept")
	d.give(ol.Event{Kind: ol.EmployeeMessage, Chat: chat, By: d.user(), Message: m})
}

// operatorActs answers an offer, mostly one that is open.
func (d *day) operatorActs() {
	if len(d.offers) == 0 {
		return
	}
	o := d.offers[max(len(d.offers)-1-rapid.IntRange(0, 5).Draw(d.T, "offer"), 0)]
	kind := pick(d, "answer", ol.Accept, ol.Decline)
	d.give(ol.Event{Kind: kind, Session: o.Session, Offer: o.Offer, By: o.User})
}

func (d *day) personActs() {
	if pick(d, "where", false, false, true) {
		d.actsInTheChannel()
		return
	}
	kind := pick(d, "act", ol.Take, ol.Transfer, ol.TransferLine, ol.Return, ol.Finish, ol.Finish, ol.MarkSpam, ol.Pin, ol.GoSilent, ol.LeadAsked)
	ev := ol.Event{Kind: kind, Session: d.session(), By: d.user(), On: pick(d, "on", true, false)}
	switch kind {
	case ol.Transfer:
		ev.To = d.user()
	case ol.TransferLine:
		ev.Line = pick(d, "line", d.lines...)
	}
	d.give(ev)
}

// actsInTheChannel is what a person does there, who knows the chat only.
func (d *day) actsInTheChannel() {
	ev := ol.Event{Kind: pick(d, "channel", ol.DialogAssigned, ol.DialogAssigned, ol.DialogClosed), Chat: d.chat(), By: d.user()}
	if ev.Kind == ol.DialogAssigned {
		ev.By, ev.To = 0, ev.By
	}
	if d.rarely("clock") {
		ev.Happened = d.now.Add(pick(d, "happened", 0, -time.Minute, -time.Hour))
	}
	d.give(ev)
}

func (d *day) crmActs() {
	switch pick(d, "crm acts", "lookup", "lookup", "lead", "activity", "contact", "responsible") {
	case "lookup":
		if len(d.lookups) > 0 {
			d.give(ol.Event{Kind: ol.LookupDone, Session: d.lookups[0], CRM: d.found()})
			d.lookups = d.lookups[1:]
		}
	case "lead":
		if len(d.leads) > 0 {
			d.count++
			d.give(ol.Event{Kind: ol.LeadCreated, CRM: &ol.CRMFacts{Identity: d.leads[0], Item: ol.Item{Kind: "lead", ID: int64(d.count)}}})
			d.leads = d.leads[1:]
		}
	case "activity":
		d.give(ol.Event{Kind: ol.ActivityChanged, Session: d.session(), On: pick(d, "completed", true, true, false), Version: int64(rapid.IntRange(0, 5).Draw(d.T, "version"))})
	case "contact":
		ev := ol.Event{Kind: ol.ContactLearned, Session: d.session(), CRM: &ol.CRMFacts{Identity: pick(d, "identity", "", "one person")}}
		if d.rarely("by chat") {
			ev.Session, ev.Chat = 0, d.chat()
		}
		d.give(ev)
	case "responsible":
		d.give(ol.Event{Kind: ol.ResponsibleChanged, CRM: &ol.CRMFacts{Item: deal, Responsible: d.user()}})
	}
}

func (d *day) found() *ol.CRMFacts {
	switch pick(d, "found", ol.LookupNotFound, ol.LookupNotFound, ol.LookupFound, ol.LookupUnknown) {
	case ol.LookupFound:
		return &ol.CRMFacts{Result: ol.LookupFound, Item: deal, Responsible: d.user()}
	case ol.LookupUnknown:
		return &ol.CRMFacts{Result: ol.LookupUnknown}
	}
	return &ol.CRMFacts{Result: ol.LookupNotFound}
}

func (d *day) odd() {
	switch pick(d, "odd", "again", "late", "deleted", "settings", "restart", "blocked", "refused", "broken", "flood") {
	case "again":
		d.step(pick(d, "again", d.sent[max(len(d.sent)-20, 0):]...))
	case "late":
		held := d.held
		d.held = nil
		if len(held) > 1 {
			held = rapid.Permutation(held).Draw(d.T, "order")
		}
		if len(held) > 0 {
			d.step(held...)
		}
	case "deleted":
		chat := d.chat()
		if ids := d.messages[chat]; len(ids) > 0 {
			d.give(ol.Event{Kind: ol.MessageDeleted, Chat: chat, Message: &ol.Message{ID: pick(d, "message", ids[max(len(ids)-3, 0):]...)}})
		}
	case "settings":
		id := pick(d, "line", d.lines...)
		d.setLine(id, int64(slices.Index(d.lines, id)+1))
	case "restart":
		d.reborn = true
	case "flood":
		d.flood()
	case "refused":
		d.give(ol.Event{Kind: ol.TextRefused, Session: d.session(), Text: pick(d, "text", ol.TextIDs()...), Reason: "window"})
	case "broken": // an event that lacks everything
		d.step(ol.Event{Kind: pick(d, "kind", ol.ClientMessage, ol.OperatorChanged, ol.LineChanged, ol.LookupDone, ol.LeadCreated, "nonsense")})
	case "blocked":
		d.give(ol.Event{Kind: ol.ClientBlocked, Chat: "a", On: d.rarely("on")})
	}
}

// flood is many clients in the same second.
func (d *day) flood() {
	events := make([]ol.Event, rapid.IntRange(2, 25).Draw(d.T, "clients"))
	for i := range events {
		chat := ol.ChatID(fmt.Sprint("flood-", i))
		d.count++
		events[i] = ol.Event{ID: fmt.Sprint("e", d.count), Kind: ol.ClientMessage, At: d.now, Chat: chat, Message: d.message(chat)}
	}
	d.step(events...)
}

// live lets one thing happen.
func (d *day) live() {
	switch what := rapid.IntRange(0, 99).Draw(d.T, "what"); {
	case what < 30:
		d.wait()
	case what < 52:
		d.client()
	case what < 62:
		d.employee()
	case what < 68:
		d.operatorActs()
	case what < 76:
		d.personActs()
	case what < 82:
		d.operator(pick(d, "operator", A, B, C, D, R, V), pick(d, "presence", ol.Online, ol.Online, ol.DayStarted, ol.Offline, ol.DayPaused, ol.DayEnded))
	case what < 91:
		d.crmActs()
	default:
		d.odd()
	}
}

func randomDay(t *rapid.T) {
	d := newDay(t)
	for range rapid.IntRange(1, 60).Draw(t, "length") {
		d.live()
	}
	if len(d.held) > 0 {
		d.step(d.held...)
	}
	d.check.checkReplay()
	d.fail()
}

// TestInvariantsOnRandomDays looks at I1 to I15: a few hundred days, or, with
// PUENTE_SOAK=1, a hundred thousand.
func TestInvariantsOnRandomDays(t *testing.T) {
	t.Parallel()
	rounds := 3 // of a hundred days, unless -rapid.checks says otherwise
	if os.Getenv("PUENTE_SOAK") == "1" {
		rounds = 1000
	}
	for i := range rounds {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, randomDay)
		})
	}
}
