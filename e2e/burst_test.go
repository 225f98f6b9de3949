package e2e

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/settings"
	"puente/store"
)

// soak multiplies the long campaigns: make test runs their short form, make
// soak sets PUENTE_SOAK=1.
func soak(short, full int) int {
	if os.Getenv("PUENTE_SOAK") != "" {
		return full
	}
	return short
}

// Fifty people close two hundred dialogs in the same second, each person on
// several channels and with the phone written differently; the portal has its
// real limits, and nothing may be refused.
func TestBurstOfOnePersonInManyDialogsMakesEachContactOnce(t *testing.T) {
	t.Parallel()
	const people = 50
	channels := []int64{whatsapp, telegram, whatsapp, telegram}
	s := start(t, options{
		workers: 2, limits: map[string]any{"rate": 2, "burst": 50, "operating_limit_s": 480},
		portal:   func(p *store.Portal) { p.Bitrix24.RatePerSecond, p.Bitrix24.Burst = 0, 0 },
		settings: func(c *settings.Settings) { c.General.NotifyIncoming = false },
	})
	var group sync.WaitGroup
	for i := range people {
		group.Go(func() {
			for n, channel := range channels {
				written := fmt.Sprintf([]string{"+7 999 200-%02d-11", "8999200%02d11", "+7999200%02d11", "7 (999) 200 %02d 11"}[n], i)
				s.play(talk("Person "+strconv.Itoa(i), written, channel))
			}
		})
	}
	group.Wait()
	rows := s.settled(people*len(channels), 6*time.Minute)
	for _, r := range rows {
		require.Equal(t, "done", r.Status, r.Error.Text)
	}
	require.Len(t, s.ours(contactType), people)
	require.Zero(t, s.stats().Refused, "none refused by the bucket")
	s.put("http://"+s.bitrix+"/sandbox/limits", wide) // for counting
	comments := 0
	for _, d := range s.ours(dealType) {
		comments += len(s.comments("deal", int64(d["id"].(float64)))) //nolint:forcetypeassert // JSON number
	}
	require.Equal(t, people*len(channels), comments)
	t.Logf("%d dialogs, %d requests to the portal", len(rows), s.stats().Requests)
}
