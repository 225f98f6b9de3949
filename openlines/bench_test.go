package openlines_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ol "puente/openlines"
)

// busy is a line of ten operators with so many chats, each answered and with
// the client waiting again.
func busy(tb testing.TB, chats int) *world {
	tb.Helper()
	w := newWorld(tb, func(s *ol.Settings) { s.MaxPendingOffers, s.SLANextReply, s.AutoCloseTime = 100, 60, 120 })
	w.members = nil
	for u := ol.UserID(11); u <= 20; u++ {
		w.members = append(w.members, u)
		w.presence(u, ol.Online)
	}
	w.lineChanged()
	for i := range chats {
		w.until(w.now.Add(time.Millisecond * 100))
		chat := ol.ChatID(fmt.Sprint("chat-", i))
		w.client(chat)
		w.reply(chat, w.members[i%10]).client(chat)
	}
	return w
}

// BenchmarkMessage is what one message costs: a client message or a reply on a
// portal with 500 open sessions.
func BenchmarkMessage(b *testing.B) {
	w := busy(b, 500)
	now, i := w.now, 0
	for b.Loop() {
		i++
		now = now.Add(10 * time.Millisecond)
		chat := ol.ChatID(fmt.Sprint("chat-", i/2%500))
		ev := ol.Event{ID: fmt.Sprint("b", i), Kind: ol.ClientMessage, At: now, Chat: chat, Message: &ol.Message{ID: fmt.Sprint("b", i), Channel: telegram}}
		if i%2 == 0 {
			ev.Kind, ev.By = ol.EmployeeMessage, w.members[i/2%10]
		}
		w.desk.Step(now, ev)
	}
}

// BenchmarkChat is the whole life of a chat on such a portal: it begins, is
// offered, answered and closed as spam, which leaves nothing behind.
func BenchmarkChat(b *testing.B) {
	w := busy(b, 500)
	now, i := w.now, 0
	for b.Loop() {
		i++
		now = now.Add(10 * time.Millisecond)
		chat := ol.ChatID(fmt.Sprint("new-", i))
		m := func() *ol.Message { return &ol.Message{ID: fmt.Sprint(chat, "m"), Channel: telegram} }
		out := w.desk.Step(now, ol.Event{Kind: ol.ClientMessage, Chat: chat, Message: m()})
		id := out.Answers[0].Session
		w.desk.Step(now, ol.Event{Kind: ol.LookupDone, Session: id, CRM: &ol.CRMFacts{Result: ol.LookupFound, Item: deal}})
		w.desk.Step(now, ol.Event{Kind: ol.EmployeeMessage, Chat: chat, By: 11, Message: m()})
		w.desk.Step(now, ol.Event{Kind: ol.MarkSpam, Session: id, By: 11})
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "chats/s")
}

// BenchmarkFlood is 200 chats in one step on ten operators with limits.
func BenchmarkFlood(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		w := busy(b, 0)
		w.settings.MemberLimit = 5
		w.lineChanged()
		w.crmDown = true
		events := make([]ol.Event, 200)
		for i := range events {
			events[i] = w.wrote(ol.ChatID(fmt.Sprint("chat-", i)))
		}
		b.StartTimer()
		w.step(events...)
	}
}

// BenchmarkCarryOver is what continue-as-new carries: writing and reading a
// desk with 500 open sessions.
func BenchmarkCarryOver(b *testing.B) {
	w := busy(b, 500)
	var data []byte
	for b.Loop() {
		data, _ = json.Marshal(w.desk)
		require.NoError(b, json.Unmarshal(data, &ol.Desk{}))
	}
	b.ReportMetric(float64(len(data))/1024, "KiB")
}
