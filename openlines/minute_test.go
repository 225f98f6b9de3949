package openlines_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ol "puente/openlines"
)

// A trial plays minutes as seconds: an offer of five minutes ends after five seconds.
func TestAMinuteMayLastASecond(t *testing.T) {
	t.Parallel()
	doc := ol.Default()
	doc.Name, doc.Channels, doc.CheckOnline = "Support", []int64{1}, false
	begin := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	for minute, due := range map[time.Duration]time.Duration{0: 5 * time.Minute, time.Second: 5 * time.Second} {
		desk := ol.NewDesk()
		out := desk.Step(begin,
			ol.Event{Kind: ol.LineChanged, Line: "support", Settings: &doc, Members: []ol.UserID{301, 302}, Minute: minute},
			ol.Event{Kind: ol.ClientMessage, Chat: "1-1", Message: &ol.Message{ID: "1", Channel: 1, Past: ol.Past{}}},
			ol.Event{Kind: ol.LookupDone, Session: 1, CRM: &ol.CRMFacts{Result: ol.LookupNotFound}})
		require.Equal(t, begin.Add(due), out.Next)
	}
}
