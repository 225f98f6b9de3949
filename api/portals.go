package api

import (
	"context"
	"errors"
	"sync"
	"time"

	"puente/store"
)

// portalCacheTTL is how long a changed secret may stay unnoticed. Webhooks are
// many and have milliseconds; five seconds of memory spare two queries each.
const portalCacheTTL = 5 * time.Second

// hookPortal is what a webhook handler needs of a portal.
type hookPortal struct {
	store.Portal
	StrictSignature bool
}

// portalCache remembers portals that exist; an unknown one is asked again, so
// that a new portal works at once.
type portalCache struct {
	store Store
	ttl   time.Duration
	now   func() time.Time

	mu      sync.Mutex
	entries map[string]portalEntry
}

type portalEntry struct {
	portal hookPortal
	until  time.Time
}

func newPortalCache(s Store, ttl time.Duration, now func() time.Time) *portalCache {
	return &portalCache{store: s, ttl: ttl, now: now, entries: map[string]portalEntry{}}
}

// get returns the portal, store.ErrNotFound if there is none.
func (c *portalCache) get(ctx context.Context, slug string) (hookPortal, error) {
	c.mu.Lock()
	e, found := c.entries[slug]
	c.mu.Unlock()
	if found && c.now().Before(e.until) {
		return e.portal, nil
	}
	p, err := c.load(ctx, slug)
	if err != nil {
		return hookPortal{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries[slug] = portalEntry{portal: p, until: c.now().Add(c.ttl)}
	return p, nil
}

func (c *portalCache) load(ctx context.Context, slug string) (hookPortal, error) {
	p, err := c.store.Portal(ctx, slug)
	if err != nil {
		return hookPortal{}, err
	}
	doc, _, err := c.store.Settings(ctx, slug)
	if err != nil && !errors.Is(err, store.ErrNotFound) { // without settings: the defaults, which are not strict
		return hookPortal{}, err
	}
	return hookPortal{Portal: p, StrictSignature: doc.General.StrictSignature}, nil
}

// forget makes a change of this process visible at once.
func (c *portalCache) forget(slug string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, slug)
}
