package activities

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"puente/contactcenter"
	"puente/internal/wait"
	"puente/workflows"
)

// Waiting for the client: requests of one client are handled in the order of
// acceptance.
const (
	nearTurn     = 8 // so close to its turn a request looks again and again
	turnPoll     = 100 * time.Millisecond
	turnPatience = 20 * time.Second
)

// FindRequest waits until no earlier request of the same client is at work,
// claims the client's keys, and looks contact, company and open deals up. It
// answers with ids only. Requests: 2, or 1 if nobody is found.
func (a *Bitrix24) FindRequest(ctx context.Context, in workflows.RequestStepInput) (contactcenter.RequestFound, error) {
	r, err := a.request(ctx, in)
	if err != nil {
		return contactcenter.RequestFound{}, r.end(ctx, "find", err)
	}
	found, err := r.find(ctx)
	if err == nil {
		err = r.done(ctx, r.step("find"), contactcenter.Ref{}, seenWords(found))
	}
	return found, r.end(ctx, "find", err)
}

func (r *request) find(ctx context.Context) (contactcenter.RequestFound, error) {
	if err := r.awaitTurn(ctx); err != nil {
		return contactcenter.RequestFound{}, err
	}
	if err := r.claim(ctx, r.keys...); err != nil {
		return contactcenter.RequestFound{}, err
	}
	found, err := r.lookUp(ctx)
	if err != nil {
		return found, err
	}
	return found, r.claim(ctx, entityKeys(found)...)
}

// awaitTurn waits behind earlier requests of the client. Far behind it comes
// back later; near its turn it keeps looking, so that one follows the other
// without a pause.
func (r *request) awaitTurn(ctx context.Context) error {
	limit := time.Now().Add(turnPatience)
	for {
		ahead, first, err := r.store.Turn(ctx, r.portal, r.syncID, r.keys)
		if err != nil || ahead == 0 {
			return err
		}
		if ahead > nearTurn || time.Now().After(limit) {
			words := fmt.Sprintf("%d earlier requests of the same client come first; the first of them is sync %s", ahead, first)
			return again(errBusy, words, spread(min(time.Duration(ahead)*busyDelay/4, maxBusyDelay)))
		}
		if err := wait.For(ctx, turnPoll); err != nil {
			return err
		}
	}
}

func entityKeys(found contactcenter.RequestFound) []string {
	var keys []string
	for _, c := range found.Contacts {
		keys = append(keys, fmt.Sprintf("contact:%d", c.ID))
	}
	for _, c := range found.Companies {
		keys = append(keys, fmt.Sprintf("company:%d", c.ID))
	}
	return keys
}

// seenWords tells a person what was found, ids only.
func seenWords(f contactcenter.RequestFound) string {
	var words []string
	for kind, list := range map[string][]contactcenter.Seen{"contact": f.Contacts, "company": f.Companies} {
		for _, s := range list {
			words = append(words, fmt.Sprintf("%s %d (by %s)", kind, s.ID, strings.Join(s.By, " and ")))
		}
	}
	slices.Sort(words)
	for _, d := range f.Deals {
		words = append(words, fmt.Sprintf("open deal %d in pipeline %d", d.ID, d.Pipeline))
	}
	if len(words) == 0 {
		return "nobody"
	}
	return strings.Join(words, "; ")
}
