package e2e

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/settings"
)

// The API and the worker are killed at random moments while dialogs are played
// and closed; afterwards nothing is lost and nothing is doubled.
func TestKillingTheProcessesLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	dialogs, kills := soak(60, 300), soak(10, 50)
	s := start(t, options{
		settings: func(c *settings.Settings) { c.General.NotifyIncoming = false },
		chat:     map[string]any{"retry_scale": 0.01}, // a refused webhook comes again after 0.1 s, 3 s, 72 s
	})
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	played := make(chan struct{})
	go func() {
		defer close(played)
		for i := range dialogs {
			s.play(talk(fmt.Sprintf("Client %d", i), fmt.Sprintf("+7999500%04d", i), whatsapp))
		}
	}()
	for range kills {
		time.Sleep(time.Duration(50+random.IntN(500)) * time.Millisecond)
		victim := s.workers[0]
		if random.IntN(2) == 0 {
			victim = s.apiProc
		}
		victim.kill()
		victim.start(t)
	}
	<-played
	s.ready("puente api", "http://"+s.api+"/readyz")
	rows := withoutPolls(s.settled(dialogs, 5*time.Minute))
	require.Len(t, rows, dialogs)
	for _, r := range rows {
		require.Equal(t, "done", r.Status, r.Error.Text)
		require.Len(t, s.comments("deal", r.entity("deal")), 1, "dialog %d", r.DialogID)
	}
	require.Len(t, s.ours(contactType), dialogs)
	require.Len(t, s.ours(dealType), dialogs)
}

// withoutPolls leaves out quality polls whose opening came so late that only
// their close was known: they are skipped, with the reason that nobody wrote.
func withoutPolls(rows []syncRow) []syncRow {
	return slices.DeleteFunc(rows, func(r syncRow) bool { return r.Status == "skipped" && strings.Contains(r.Reason, "nobody wrote") })
}

// Temporal is away while webhooks arrive: they are accepted, and all are
// processed when it is back.
func TestWebhooksAreKeptWhileTemporalIsDown(t *testing.T) {
	t.Parallel()
	s := start(t, options{separateTemporal: true})
	s.temporalProc.kill()
	const dialogs = 10
	for i := range dialogs {
		s.play(talk(fmt.Sprintf("Waiting %d", i), fmt.Sprintf("+7999600%04d", i), whatsapp))
	}
	require.Eventually(t, func() bool {
		backlog, _, err := s.store.InboxBacklog(t.Context())
		return err == nil && backlog >= dialogs
	}, 30*time.Second, 100*time.Millisecond, "the inbox keeps what cannot be delivered")
	time.Sleep(time.Duration(soak(5, 60)) * time.Second)
	s.temporalProc.start(t)
	rows := s.settled(dialogs, 3*time.Minute)
	require.Len(t, rows, dialogs)
	for _, r := range rows {
		require.Equal(t, "done", r.Status, r.Error.Text)
	}
	require.Len(t, s.ours(dealType), dialogs)
}
