package activities

import (
	"context"
	"errors"
	"strings"
	"time"

	"puente/bitrix24"
	"puente/portals"
	"puente/settings"
	"puente/store"
)

const (
	// leavingMargin is, beside the time of one request, what must be left of an
	// attempt when a request leaves: Temporal gives the step to somebody else
	// when the time is over, and two of them must not write at once.
	leavingMargin = 15 * time.Second
	// bookkeeping bounds the writing down of what a request has done, which must
	// get through although the worker is being stopped.
	bookkeeping = 10 * time.Second
)

// visit is one step of a run at one portal: its gateway, its settings, and the
// number of requests it sent.
type visit struct {
	store    *store.Store
	gateway  bitrix24.Gateway
	request  time.Duration // how long one request can be under way
	portal   string
	syncID   string
	settings settings.Settings
	requests int // counted by call and batch
}

func (a *Bitrix24) visit(portal, syncID string) visit {
	return visit{store: a.Store, portal: portal, syncID: syncID, request: a.Portals.RequestTimeout()}
}

// enter gets the gateway, and the settings of the given version.
func (v *visit) enter(ctx context.Context, registry *portals.Registry, version int) error {
	var err error
	if v.gateway, err = registry.Gateway(ctx, v.portal); err != nil {
		return err
	}
	v.settings, err = v.store.SettingsVersion(ctx, v.portal, version)
	return err
}

// count adds the requests of this step to the ledger.
func (v *visit) count(ctx context.Context) error {
	if v.requests == 0 {
		return nil
	}
	ctx, cancel := kept(ctx)
	defer cancel()
	sent := v.requests
	v.requests = 0
	return v.store.UpdateSync(ctx, v.portal, v.syncID, func(row *store.Sync) { row.Requests += sent })
}

// kept is a context for writing down what was done: it outlives the attempt.
func kept(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), bookkeeping)
}

// call makes one request of its own.
func (v *visit) call(ctx context.Context, method string, p bitrix24.Params) (bitrix24.Answer, error) {
	ctx, cancel := v.leaving(ctx)
	defer cancel()
	v.requests++
	answer, err := v.gateway.Call(ctx, method, p)
	v.uncount(err)
	return answer, err
}

// batch runs commands and returns their results by key.
func (v *visit) batch(ctx context.Context, halt bool, commands ...bitrix24.Command) (results, error) {
	if len(commands) == 0 {
		return results{}, nil
	}
	ctx, cancel := v.leaving(ctx)
	defer cancel()
	v.requests++
	list, err := v.gateway.Batch(ctx, bitrix24.Group{Commands: commands, Halt: halt})
	v.uncount(err)
	if err != nil {
		return nil, err
	}
	out := results{}
	for _, r := range list {
		out[r.Key] = r
	}
	return out, nil
}

// leaving bounds how long a request may wait for its turn: it must be answered
// before the attempt is over. The gateway waits for the answer of a request
// that has left, whatever the context.
func (v *visit) leaving(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, limited := ctx.Deadline()
	if !limited {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-v.request-leavingMargin))
}

// uncount takes back a request that never left: no permit, a full queue, or a
// method that is known to be blocked.
func (v *visit) uncount(err error) {
	var e *bitrix24.Error
	if errors.As(err, &e) && e.HTTPStatus == 0 && (e.Kind == bitrix24.KindRateLimited || e.Kind == bitrix24.KindOperatingLimit) {
		v.requests--
	}
}

// ask sends lookups. A portal before March 2025 cannot filter by all contacts
// of an entity: there the first contact has to do.
func (v *visit) ask(ctx context.Context, commands []bitrix24.Command) (results, error) {
	res, err := v.batch(ctx, false, commands...)
	if err != nil || !res.refusesContactIDs() {
		return res, err
	}
	for _, c := range commands {
		if filter, ok := c.Params["filter"].(bitrix24.Params); ok && filter["contactIds"] != nil {
			filter["contactId"] = filter["contactIds"]
			delete(filter, "contactIds")
		}
	}
	return v.batch(ctx, false, commands...)
}

func (r results) refusesContactIDs() bool {
	for _, one := range r {
		var e *bitrix24.Error
		if errors.As(one.Err, &e) && strings.Contains(e.Description, "'contactIds' is not allowed in filter") {
			return true
		}
	}
	return false
}
