package e2e

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/store"
)

// A new client sends a hundred requests about two products in the same second,
// with the phone written in four ways; three workers handle them. In the long
// form the portal has its real limits.
func TestHundredRequestsOfOneNewClientMakeOneClient(t *testing.T) {
	t.Parallel()
	const requests = 100
	o := options{workers: 3}
	if soak(0, 1) == 1 {
		o.limits = map[string]any{"rate": 2, "burst": 50, "operating_limit_s": 480}
		o.portal = func(p *store.Portal) { p.Bitrix24.RatePerSecond, p.Bitrix24.Burst = 0, 0 }
	}
	c := startCenter(t, o)
	before, began := c.stats().Requests, time.Now()
	accepted := c.atOnce(requests)
	rows := c.settled(requests, time.Duration(soak(1, 10))*time.Minute)
	took, spent := time.Since(began), c.stats().Requests-before
	require.Len(t, rows, requests)
	for _, r := range rows {
		require.Equal(t, "done", r.Status, r.Error.Text)
	}
	require.Zero(t, c.stats().Refused, "none refused by the bucket")
	c.put("http://"+c.bitrix+"/sandbox/limits", wide) // for looking
	contacts := c.ours(contactType)
	require.Len(t, contacts, 1)
	require.Len(t, c.ours(companyType), 1)
	require.Len(t, c.ours(dealType), 2, "one for each product")
	require.Equal(t, accepted, c.written("contact", idOf(contacts[0])), "entries in order of acceptance")
	for _, deal := range c.ours(dealType) {
		half := c.written("deal", idOf(deal))
		require.Len(t, half, requests/2)
		require.Subset(t, accepted, half)
	}
	t.Logf("done in %v, %d requests to the portal", took.Round(100*time.Millisecond), spent)
}

// atOnce hands in so many requests at the same instant, and gives their ids in
// the order in which they were accepted.
func (c *center) atOnce(n int) []string {
	c.t.Helper()
	accepted := make([]store.Submission, n)
	began := time.Now()
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { accepted[i].SyncID = c.insist(burstRequest(i), "respond-async").run() })
	}
	group.Wait()
	c.t.Logf("accepted in %v", time.Since(began).Round(time.Millisecond))
	for i := range accepted {
		var err error
		accepted[i], err = c.store.SubmissionBySync(context.Background(), "demo", accepted[i].SyncID)
		require.NoError(c.t, err)
	}
	slices.SortFunc(accepted, func(a, b store.Submission) int { return cmp.Compare(a.Seq, b.Seq) })
	ids := make([]string, n)
	for i, sub := range accepted {
		ids[i] = sub.Key
	}
	return ids
}

func burstRequest(i int) object {
	written := []string{"+7 905 555-00-01", "8 (905) 555 00 01", "79055550001", "+79055550001"}[i%4]
	return object{
		"external_id": fmt.Sprintf("burst-%03d", i), "channel": []string{"site", "email"}[i%2], "product": []string{"credit", "subsidy"}[i%2],
		"contact": object{"name": "Burst", "phones": []object{{"value": written}}},
		"company": object{"title": "Burst LLC", "inn": inn(500)},
		"comment": fmt.Sprintf("Question %d", i),
	}
}

var burstID = regexp.MustCompile(`burst-\d{3}`)

// written are the requests on a timeline, oldest entry first.
func (c *center) written(kind string, id int64) []string {
	c.t.Helper()
	all := c.comments(kind, id)
	slices.SortFunc(all, func(a, b comment) int { // ids are numbers
		return cmp.Or(cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID))
	})
	var ids []string
	for _, one := range all {
		ids = append(ids, burstID.FindString(one.Comment))
	}
	return ids
}

func idOf(i item) int64 { return int64(i["id"].(float64)) } //nolint:forcetypeassert // JSON number
