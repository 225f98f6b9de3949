package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The API and the worker are killed at random moments while a contact center
// that repeats what was not answered hands in requests with calls and
// recordings; afterwards nothing is lost and nothing is doubled.
func TestKillingTheProcessesLosesAndDoublesNoRequest(t *testing.T) {
	t.Parallel()
	requests, kills := soak(40, 300), soak(8, 50)
	c := startCenter(t, options{env: []string{"PUENTE_BITRIX24_TIMEOUT=2s"}})
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	records := make([]sound, requests)
	for i := range records {
		records[i] = c.upload(2000)
	}
	var group sync.WaitGroup
	const callers = 4
	for caller := range callers {
		group.Go(func() {
			for i := caller; i < requests; i += callers {
				c.insist(killRequest(i, records[i].ID), "wait=1")
			}
		})
	}
	for range kills {
		time.Sleep(time.Duration(50+random.IntN(800)) * time.Millisecond)
		victim := c.workers[0]
		if random.IntN(2) == 0 {
			victim = c.apiProc
		}
		victim.kill()
		victim.start(t)
	}
	group.Wait()
	c.ready("puente api", "http://"+c.api+"/readyz")
	rows := c.settled(requests, 5*time.Minute)
	require.Len(t, rows, requests)
	for _, r := range rows {
		require.Equal(t, "done", r.Status, r.Error.Text)
	}
	for i, record := range records {
		got := c.accepted(killRequest(i, record.ID))
		require.Equal(t, "attached", got.Call.Recording, "a repetition tells what became of it")
		c.requirePhoneRequest(fmt.Sprintf("kill-%03d", i), got, record, "after kills")
	}
	require.Len(t, c.ours(contactType), requests)
	require.Len(t, c.ours(dealType), requests)
}

func killRequest(i int, recording string) object {
	return phoneRequest(fmt.Sprintf("kill-%03d", i), fmt.Sprintf("+7905666%04d", i), recording)
}

// insist hands in a request until somebody says that it is accepted, as an
// honest contact center does.
func (c *center) insist(body object, prefer string) reply {
	for {
		got, err := c.send(http.MethodPost, "contact-center/requests", body, map[string]string{"Prefer": prefer})
		switch {
		case err == nil && got.status < 300:
			return got
		case err == nil && got.status < 500:
			c.t.Errorf("refused: %d %s", got.status, got.raw)
			return got
		}
		time.Sleep(50 * time.Millisecond)
	}
}
