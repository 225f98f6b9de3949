package openlines_test

import (
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"puente/openlines"
)

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
