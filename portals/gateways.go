package portals

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"puente/bitrix24"
	"puente/store"
)

// Gateway is the way to the CRM of a portal for whoever does not care how it is
// authorized: its webhook, else its application. Errors: store.ErrNotFound for
// an unknown portal, ErrNoAccount, ErrBadAccount, ErrClosed, or one of the
// database.
func (r *Registry) Gateway(ctx context.Context, slug string) (bitrix24.Gateway, error) {
	w, err := r.way(ctx, slug, noAccount, func(e *entry) *way { return cmp.Or(e.webhook, e.app) })
	if err != nil {
		return nil, err
	}
	return w.loader, nil
}

// App is the way to the portal by its OAuth application, for the methods of
// which bitrix24.NeedsApplication is true. It shares the request budget, and the
// pause after a refusal, with Gateway; an operating limit is each one's own
// (bitrix24 reference §2.2). Errors: as of Gateway, and ErrNoApplication, whose
// text says how to get one.
func (r *Registry) App(ctx context.Context, slug string) (bitrix24.Gateway, error) {
	w, err := r.way(ctx, slug, noApp, func(e *entry) *way { return e.app })
	if err != nil {
		return nil, err
	}
	return w.loader, nil
}

// Uploader sends files to the addresses that methods of the portal gave out. It
// spends the same request budget as the gateways. Errors as of Gateway.
func (r *Registry) Uploader(ctx context.Context, slug string) (bitrix24.Uploader, error) {
	w, err := r.way(ctx, slug, noAccount, func(e *entry) *way { return cmp.Or(e.app, e.webhook) })
	if err != nil {
		return nil, err
	}
	return w.client, nil
}

// RequestTimeout is how long one request to a portal can be under way.
func (r *Registry) RequestTimeout() time.Duration { return r.opts.Bitrix24Timeout }

// UploadTimeout is how long the upload of a file of size bytes can be under way.
func (r *Registry) UploadTimeout(size int64) time.Duration {
	return bitrix24.UploadTimeout(r.opts.Bitrix24Timeout, size)
}

// way is the chosen way to a portal; choose gives nil if there is none, and none
// says what to do then.
func (r *Registry) way(ctx context.Context, slug string, none func(store.Portal) error, choose func(*entry) *way) (*way, error) {
	e, err := r.entry(ctx, slug)
	if err != nil {
		return nil, err
	}
	w := choose(e)
	switch {
	case w == nil:
		return nil, fmt.Errorf("portal %s: Bitrix24: %w", slug, none(e.portal))
	case w.broken != nil:
		return nil, fmt.Errorf("portal %s: Bitrix24: %w: %w: correct it with `puente portal add`", slug, ErrBadAccount, w.broken)
	}
	return w, nil
}

func noAccount(p store.Portal) error {
	if p.Bitrix24.ClientID == "" {
		return fmt.Errorf("%w: add one with `puente portal add`", ErrNoAccount)
	}
	return noApp(p)
}

// noApp says which step to an application is next.
func noApp(p store.Portal) error {
	what := "the portal has not handed over its tokens yet"
	switch {
	case p.Bitrix24.ClientID == "":
		what = "calls, configurable activities and connectors need one"
	case p.Bitrix24.ClientSecret == "":
		what = "its client secret is missing"
	}
	return fmt.Errorf("%w: %s: `puente portal install %s` says what to do", ErrNoApplication, what, p.Slug)
}
