package portals

import (
	"context"
	"time"

	"puente/bitrix24"
	"puente/store"
)

// Default limits of a portal on the common plans (bitrix24 reference §2.1). The
// headroom absorbs what the portal counts in whole seconds and we do not.
const (
	defaultRate  = 2.0
	defaultBurst = 50
	headroom     = 5
)

// bucket is the portal's leaky bucket, shared by all processes through the store.
type bucket struct {
	store  *store.Store
	portal store.Portal
	source string
}

func (b bucket) Take(ctx context.Context) (time.Duration, error) {
	rate, burst := b.portal.Bitrix24.RatePerSecond, b.portal.Bitrix24.Burst
	if rate <= 0 {
		rate = defaultRate
	}
	if burst <= 0 {
		burst = defaultBurst
	}
	return b.store.TakePermit(ctx, b.portal.Slug, b.source, rate, max(1, burst-headroom))
}

func (b bucket) Penalize(ctx context.Context, until time.Time) error {
	return b.store.Penalize(ctx, b.portal.Slug, b.source, until)
}

// tokens keeps the OAuth token pair of a portal in the store; one process at a
// time refreshes it.
type tokens struct {
	store  *store.Store
	portal string
}

func (t tokens) Load(ctx context.Context) (bitrix24.Token, error) {
	token, err := t.store.LoadToken(ctx, t.portal)
	return bitrix24.Token(token), err
}

func (t tokens) Refresh(
	ctx context.Context, stale string, refresh func(context.Context, bitrix24.Token) (bitrix24.Token, error),
) (bitrix24.Token, error) {
	token, err := t.store.RefreshToken(ctx, t.portal, stale, func(ctx context.Context, old store.Token) (store.Token, error) {
		fresh, err := refresh(ctx, bitrix24.Token(old))
		return store.Token(fresh), err
	})
	return bitrix24.Token(token), err
}
