package openlines_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ol "puente/openlines"
)

var update = flag.Bool("update", false, "write testdata/scenarios anew")

// scenarioStep is what the desk is given at an instant. Timers are not in it:
// whoever plays the scenario has to wake the desk when it wants to be woken.
type scenarioStep struct {
	At      time.Time       `json:"at"`
	Down    time.Time       `json:"down,omitzero"` // the service was down from then until now: the desk was not woken in time
	Events  []written       `json:"events,omitempty"`
	Answers []ol.AnswerCode `json:"answers,omitempty"`
}

// TestScenarioFilesAreUpToDate keeps the inputs of each scenario, and what the
// desk makes of them, in files, so that others can play them: the workflows do,
// in their own time. go test -run ScenarioFiles -update writes them anew.
func TestScenarioFilesAreUpToDate(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/scenarios/*.json")
	require.NoError(t, err)
	known := map[string]bool{}
	for _, s := range scenarios() {
		name := filepath.Join("testdata", "scenarios", s.name+".json")
		require.False(t, known[name], "twice: %s", name)
		known[name] = true
		w := s.play(begin{t})
		want := writeScenario(t, w.log, w)
		if *update {
			require.NoError(t, os.WriteFile(name, want, 0o600))
			continue
		}
		is, err := os.ReadFile(name)
		require.NoError(t, err, "run go test -run ScenarioFiles -update")
		require.Equal(t, string(want), string(is), "%s: run go test -run ScenarioFiles -update", name)
	}
	for _, name := range files {
		require.True(t, known[name], "no scenario makes %s", name)
	}
}

// TestEachScenarioOfTheReferenceHasAFile looks that none of S01 to S55 is left out.
func TestEachScenarioOfTheReferenceHasAFile(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 55; n++ {
		files, err := filepath.Glob(fmt.Sprintf("testdata/scenarios/S%02d*.json", n))
		require.NoError(t, err)
		require.NotEmpty(t, files, "S%02d", n)
	}
}

// writeScenario plays a log again on a desk of its own, which must come to the
// same, and shows what went in, until when it goes on, and what came out.
func writeScenario(t *testing.T, log []entry, w *world) []byte {
	t.Helper()
	desk := ol.NewDesk()
	var last, next time.Time
	var steps []scenarioStep
	var records []ol.Record
	var commands []ol.Command
	for _, e := range log {
		step := scenarioStep{At: e.Now.UTC()}
		if !next.IsZero() && e.Now.After(next) {
			step.Down = last.UTC()
		}
		for _, ev := range e.Events {
			written := written{Event: ev}
			if ev.Settings != nil {
				written.Settings = changes(*ev.Settings)
			}
			step.Events = append(step.Events, written)
		}
		out := desk.Step(e.Now, e.Events...)
		for _, answer := range out.Answers {
			step.Answers = append(step.Answers, answer.Code)
		}
		if len(step.Events) > 0 || !step.Down.IsZero() {
			steps = append(steps, step)
		}
		last, next = e.Now, out.Next
		records, commands = append(records, out.Records...), append(commands, out.Commands...)
	}
	require.Equal(t, w.records, records)
	require.Equal(t, w.commands, commands)
	var file bytes.Buffer
	fmt.Fprintf(&file, "{\"until\":%q,\n", w.now.UTC().Format(time.RFC3339Nano))
	writeLines(t, &file, "steps", steps)
	writeLines(t, &file, "records", records)
	writeLines(t, &file, "commands", commands)
	return append(bytes.TrimSuffix(file.Bytes(), []byte(",\n")), "}\n"...)
}

// writeLines writes each of them in a line of its own, so that changes can be read.
func writeLines[T any](t *testing.T, file *bytes.Buffer, name string, list []T) {
	t.Helper()
	lines := make([]string, len(list))
	for i, each := range list {
		data, err := json.Marshal(each)
		require.NoError(t, err)
		lines[i] = string(data)
	}
	fmt.Fprintf(file, "%q:[\n%s\n],\n", name, strings.Join(lines, ",\n"))
}

// scenario is one way of playing one of the scenarios of the reference. What
// must come of it is looked at in TestS01 to TestS55; here are the inputs alone,
// in the same words.
type scenario struct {
	name string
	play func(b begin) *world
}

// begin makes the worlds in which scenarios begin.
type begin struct{ t *testing.T }

func (b begin) world(change ...func(*ol.Settings)) *world { return newWorld(b.t, change...) }
func (b begin) year(change ...func(*ol.Settings)) *world  { return newYear(b.t, change...) }
func (b begin) owned(change ...func(*ol.Settings)) *world { return owned(b.t, change...) }
func (b begin) finished() *world                          { return finished(b.t) }

// gives, acts and answers are for chains.
func (w *world) gives(ev ol.Event) *world {
	w.t.Helper()
	w.give(ev)
	return w
}

func (w *world) acts(kind ol.EventKind, chat ol.ChatID, by ol.UserID) *world {
	w.t.Helper()
	w.do(kind, chat, by)
	return w
}

func (w *world) answers(kind ol.EventKind, chat ol.ChatID, by ol.UserID) *world {
	w.t.Helper()
	w.answerOffer(kind, chat, by)
	return w
}

// with changes the world itself.
func (w *world) with(change func(*world)) *world {
	change(w)
	return w
}

func withoutCRM(w *world) { w.crmDown = true }

func withMemberD(w *world) {
	w.members = append(w.members, D)
	w.lineChanged()
}

func (w *world) transfers(chat ol.ChatID, from, to ol.UserID) *world {
	return w.gives(ol.Event{Kind: ol.Transfer, Session: w.id(chat), By: from, To: to})
}

func (w *world) completed(chat ol.ChatID, version int64) *world {
	return w.gives(ol.Event{Kind: ol.ActivityChanged, Session: w.id(chat), On: true, Version: version})
}

func scenarios() []scenario {
	var all []scenario
	for _, some := range [][]scenario{queueScenarios(), crmScenarios(), hoursScenarios(), ownerScenarios(), endScenarios()} {
		all = append(all, some...)
	}
	return all
}

func queueScenarios() []scenario {
	all := func(s *ol.Settings) { s.Mode = ol.OfferAll }
	limit := func(n int) func(*ol.Settings) { return func(s *ol.Settings) { s.MemberLimit = n } }
	ten := func(b begin, change ...func(*ol.Settings)) *world { return b.world(change...).at("10:00").client("x") }
	return []scenario{
		{"S01", func(b begin) *world {
			return b.world().at("10:00:00").client("a").at("10:00:01").client("b").at("10:00:02").client("c").at("10:00:03").client("d")
		}},
		{"S02", func(b begin) *world {
			return b.world().presence(B, ol.Offline).at("10:00").client("a", "b", "c", "d").presence(B, ol.Online).client("e")
		}},
		{"S03", func(b begin) *world { return ten(b).at("10:21").reply("x", B) }},
		{"S04", func(b begin) *world {
			return ten(b, func(s *ol.Settings) { s.Mode = ol.Strict }).at("10:06").client("y")
		}},
		{"S05", func(b begin) *world {
			return ten(b, all).at("10:02").reply("x", B).at("10:02:01").answers(ol.Accept, "x", C)
		}},
		{"S06", func(b begin) *world {
			return b.world(all).with(withMemberD).at("10:00").client("x").at("10:03").presence(D, ol.Online)
		}},
		{"S07", func(b begin) *world {
			return b.world().only().at("10:00").client("x").at("10:30").presence(A, ol.Online)
		}},
		{"S08", func(b begin) *world {
			w := b.world(limit(1)).only(A).at("09:59:30").client("busy").reply("busy", A)
			return w.at("10:00").client("x").at("10:01").client("y").at("10:02").acts(ol.Finish, "busy", A)
		}},
		{"S09", func(b begin) *world {
			w := b.world(limit(3)).only(A).at("10:00")
			w.step(w.wrote("a"), w.wrote("b"), w.wrote("c"), w.wrote("d"), w.wrote("e"))
			return w
		}},
		{"S10", func(b begin) *world {
			w := b.world(limit(3)).only(A).at("10:00").client("a", "b", "c").reply("a", A).reply("b", A).reply("c", A)
			return w.client("d", "e").at("10:02").acts(ol.Finish, "b", A)
		}},
		{"S11", monday},
		{"S12", func(b begin) *world { return ten(b).at("10:01").answers(ol.Decline, "x", A).at("10:15:59") }},
		{"S13", func(b begin) *world { return ten(b).at("10:06").reply("x", A) }},
		{"S14", func(b begin) *world { return ten(b).at("10:06").answers(ol.Accept, "x", A) }},
		{"S15-handled-late", func(b begin) *world {
			w := ten(b).at("10:04:59")
			reply := w.replied("x", A)
			w.at("10:05:02").step(reply)
			return w
		}},
		{"S15-down", func(b begin) *world {
			w := ten(b).at("10:04:59")
			reply := w.replied("x", A)
			w.sleep("10:05:02").step(reply)
			return w
		}},
		{"S16", func(b begin) *world { return ten(b).at("10:03").client("x").at("10:05") }},
	}
}

// monday is S11: thirty chats of Saturday, one operator on Monday.
func monday(b begin) *world {
	w := b.world().only(A).at("2026-11-21 10:00")
	for i := range 30 {
		w.client(ol.ChatID(fmt.Sprint("c", i)))
		w.until(w.now.Add(time.Second))
	}
	w.at("2026-11-23 09:00")
	for i := range 10 {
		w.until(w.now.Add(time.Second)).reply(ol.ChatID(fmt.Sprint("c", i)), A)
	}
	return w
}

func crmScenarios() []scenario {
	keep := func(s *ol.Settings) { s.CRMForwardPass = ol.ForwardKeep }
	found := func(b begin) *world { return b.world().known().at("10:00").client("x") }
	return []scenario{
		{"S17", func(b begin) *world { return found(b).at("10:05") }},
		{"S18", func(b begin) *world {
			leave := ol.Event{Kind: ol.OperatorChanged, Operator: &ol.Operator{ID: R, OnLeave: true}}
			return b.world().known().gives(leave).at("10:00").client("x")
		}},
		{"S19", func(b begin) *world { return b.world(keep).known().at("10:00").client("x").at("17:00") }},
		{"S20", func(b begin) *world {
			return b.world().at("10:00").client("x").reply("x", B).client("x").reply("x", C)
		}},
		{"S20-by-a-person", func(b begin) *world {
			w := b.world().at("10:00").client("x")
			facts := ol.CRMFacts{Item: w.session("x").CRM.Item, Responsible: V}
			return w.gives(ol.Event{Kind: ol.ResponsibleChanged, CRM: &facts}).reply("x", B)
		}},
		{"S21", func(b begin) *world {
			w := b.world().with(func(w *world) { w.crm = ol.CRMFacts{Result: ol.LookupNotFound} }).at("10:00").client("x").at("10:04")
			return w.gives(ol.Event{Kind: ol.ContactLearned, Session: w.id("x"), CRM: &ol.CRMFacts{Identity: "phone"}})
		}},
		{"S22", func(b begin) *world {
			w := b.world().with(withoutCRM).at("10:00").client("x").at("10:20")
			w.gives(ol.Event{Kind: ol.LookupDone, Session: w.id("x"), CRM: &ol.CRMFacts{Result: ol.LookupUnknown, Writable: true}})
			w.crmDown = false
			return w.gives(ol.Event{Kind: ol.LookupDone, Session: w.id("x"), CRM: &ol.CRMFacts{Result: ol.LookupNotFound}})
		}},
		{"S23", func(b begin) *world {
			w := b.world().at("10:00")
			first := w.wrote("x")
			w.until(w.now.Add(200 * time.Millisecond))
			for _, message := range []ol.Event{first, w.wrote("x"), first} {
				w.step(message)
			}
			return w
		}},
		{"S24", func(b begin) *world {
			w := b.world().with(func(w *world) { w.crm.Identity = "the phone" }).at("10:00")
			w.step(w.wrote("whatsapp"), w.wrote("telegram"))
			return w
		}},
		{"S46", func(b begin) *world {
			w := b.world(func(s *ol.Settings) { s.AutoCloseTime, s.AutoCloseRule = 60, ol.CloseRating }).at("10:00")
			w.window = w.time("11:00")
			return w.client("x").at("10:14").reply("x", B).at("11:14")
		}},
		{"S47", func(b begin) *world {
			w := found(b).reply("x", B).at("12:00")
			version := w.mark("x").Version
			return w.completed("x", version).completed("x", version)
		}},
		{"S47-echo", func(b begin) *world {
			w := found(b).reply("x", B).at("10:10").acts(ol.Finish, "x", B)
			version := w.mark("x").Version
			w.at("10:11").client("x").completed("x", version)
			return w.completed("x", w.mark("x").Version)
		}},
		{"S48", func(b begin) *world {
			return found(b).reply("x", B).at("12:00").completed("x", 0).at("12:05").says("x", "hello again")
		}},
	}
}

func hoursScenarios() []scenario {
	three := func(s *ol.Settings) { s.PassTime = 3 }
	lunch := func(s *ol.Settings) { s.Week.Fri = []ol.Interval{"09:00-14:00", "16:00-19:00"} }
	return []scenario{
		{"S25", func(b begin) *world {
			return b.world().at("2026-11-21 10:00").client("x").at("2026-11-21 11:00").client("x").at("2026-11-23 09:02").reply("x", A)
		}},
		{"S26", func(b begin) *world {
			w := b.world().at("17:58").client("x").at("18:00").presence(A, ol.Offline)
			return w.at("2026-11-23 09:00:30").presence(A, ol.Online).at("2026-11-23 09:03")
		}},
		{"S26-stays-away", func(b begin) *world {
			return b.world().at("17:58").client("x").at("18:00").presence(A, ol.Offline).at("2026-11-23 09:01:00")
		}},
		{"S27", func(b begin) *world { return b.world(three).at("2026-12-24 17:59").client("x").at("2026-12-28 09:02") }},
		{"S28", func(b begin) *world {
			return b.world().at("2026-11-23 09:00:00").client("x").at("2026-11-23 18:00:00").client("y")
		}},
		{"S29", func(b begin) *world { return b.world(lunch).at("13:58").client("x").at("16:03") }},
		{"S30", func(b begin) *world { return b.world(nights).at("2027-03-28 01:50").client("x").at("2027-03-28 03:20") }},
		{"S31", func(b begin) *world {
			return b.year(nights).at("2026-10-25T02:50:00+02:00").client("x").at("2026-10-25T02:20:00+01:00")
		}},
		{"S32", func(b begin) *world {
			w := b.year(func(s *ol.Settings) {
				s.TimeZone, s.DaysOff, s.Week = "America/Santiago", nil, ol.EveryDay("00:00-24:00")
			})
			return w.at("2026-09-05 23:58").client("x").at("2026-09-07 00:00")
		}},
		{"S33", func(b begin) *world {
			w := b.world(three, func(s *ol.Settings) { s.SpecialDays = map[string][]ol.Interval{"2026-12-24": {"09:00-14:00"}} })
			return w.at("2026-12-24 13:59").client("x").at("2026-12-28 09:02")
		}},
		{"S34", func(b begin) *world {
			return b.world(nights).at("2026-12-25 03:00").client("x").at("2026-12-25 23:00").client("y")
		}},
		{"S35", func(b begin) *world {
			w := b.world(func(s *ol.Settings) { s.UnansweredTime = 60 }).at("17:25").client("x").at("17:30")
			w.settings.Week.Fri = []ol.Interval{"09:00-20:00"}
			return w.lineChanged().at("18:25")
		}},
	}
}
