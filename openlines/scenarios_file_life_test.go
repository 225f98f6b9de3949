package openlines_test

import (
	"time"

	ol "puente/openlines"
)

// ownerScenarios and endScenarios are S36 to S45 and S49 to S55 of the reference,
// see TestScenarioFilesAreUpToDate.
func ownerScenarios() []scenario {
	gone := func(b begin) *world {
		return b.owned().at("10:19").presence(B, ol.Offline).at("10:20").client("x")
	}
	given := func(b begin) *world {
		return b.owned().at("11:00").transfers("x", B, C)
	}
	return []scenario{
		{"S36", func(b begin) *world { return b.owned().at("10:20").client("x").at("12:00") }},
		{"S37", func(b begin) *world { return gone(b).at("10:23") }},
		{"S37-comes-back", func(b begin) *world { return gone(b).at("10:22").presence(B, ol.Online).at("10:40") }},
		{"S49", func(b begin) *world { return given(b).at("11:05") }},
		{"S49-by-a-reply", func(b begin) *world { return given(b).at("11:02").reply("x", C).at("12:00") }},
		{"S49-by-a-button", func(b begin) *world { return given(b).at("11:02").answers(ol.Accept, "x", C).at("12:00") }},
		{"S50", func(b begin) *world {
			w := b.world().at("10:00").client("x").reply("x", B).at("10:58").client("x").at("11:00")
			return w.acts(ol.Return, "x", B).at("11:11")
		}},
		{"S53-offered", func(b begin) *world { return b.world().at("10:00").client("x").at("10:01").dismiss(A) }},
		{"S53-waiting", func(b begin) *world {
			return b.world().at("10:00").client("x").reply("x", A).at("10:10").client("x").at("10:12").dismiss(A)
		}},
		{"S53-answered", func(b begin) *world {
			return b.world().at("10:00").client("x").reply("x", A).at("10:12").dismiss(A).at("10:20").client("x")
		}},
	}
}

func endScenarios() []scenario {
	autoClose := func(s *ol.Settings) { s.AutoCloseTime, s.AutoCloseRule = 60, ol.CloseText }
	quiet := func(b begin) *world {
		return b.owned(autoClose).at("10:20").reply("x", B)
	}
	says := func(text string) func(b begin) *world {
		return func(b begin) *world { return b.finished().at("11:02").says("x", text) }
	}
	onePass := func(s *ol.Settings) { s.MaxPasses = 1 }
	return []scenario{
		{"S38", says("1")},
		{"S39-spaces", says(" 1. ")},
		{"S39-full-width", says("１")},
		{"S39-keycap", says("1️⃣")},
		{"S39-thumb", says("👍")},
		{"S40-ten", says("10")},
		{"S40-question", says("1 more question")},
		{"S40-word", says("one")},
		{"S41", func(b begin) *world { return b.finished().at("11:03").says("x", "thanks").at("11:04").says("x", "1") }},
		{"S42", func(b begin) *world { return b.finished().at("2026-11-21 11:00:01").says("x", "1") }},
		{"S42-in-time", func(b begin) *world { return b.finished().at("2026-11-21 11:00:00").says("x", "1") }},
		{"S43", func(b begin) *world {
			w := b.world().at("10:00").client("x", "y").reply("x", B).reply("y", B).at("11:00")
			w.acts(ol.Finish, "x", B).acts(ol.Finish, "y", B)
			return w.at("11:07").says("x", "a question").at("11:12").says("y", "a question")
		}},
		{"S44", func(b begin) *world { return quiet(b).at("11:20") }},
		{"S44-writes", func(b begin) *world { return quiet(b).at("11:19:59").client("x").at("15:00") }},
		{"S45", func(b begin) *world { return quiet(b).at("10:25").client("x").at("2026-11-21 10:25") }},
		{"S51", func(b begin) *world {
			return b.world().with(withoutCRM).at("10:00").client("x").at("10:01").acts(ol.MarkSpam, "x", A)
		}},
		{"S51-known", func(b begin) *world {
			return b.world().known().at("10:00").client("x").at("10:01").acts(ol.MarkSpam, "x", A)
		}},
		{"S52", func(b begin) *world {
			w := b.world().at("10:00").client("x").at("10:02").sleep("10:40")
			w.step()
			return w
		}},
		{"S54", func(b begin) *world {
			w := b.world(func(s *ol.Settings) { s.UnansweredRule, s.SLAFirstReply = ol.UnansweredNone, 20 })
			return w.at("10:00").client("x").at("16:00")
		}},
		{"S55", func(b begin) *world {
			return b.world(onePass).at("10:00").client("x").at("16:00").acts(ol.Take, "x", C).at("16:01").reply("x", C)
		}},
		{"S55-comes-later", func(b begin) *world {
			w := b.world(onePass).at("10:00").client("x").at("10:20").with(withMemberD)
			w.presence(D, ol.Online).presence(D, ol.Offline).presence(D, ol.Online).presence(A, ol.Offline).presence(A, ol.Online)
			return w.until(w.now.Add(time.Hour))
		}},
	}
}
