// Package portals gives each portal its clients: the gateway to its Bitrix24
// and the API of its Chat2Desk account, built from the stored accounts and
// rebuilt when an account changed.
package portals

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"puente/bitrix24"
	"puente/chat2desk"
	"puente/store"
)

// Options are the habits of all clients of one process.
type Options struct {
	// Bitrix24Timeout bounds one request to a portal; 0 = 60 s, what the cloud allows.
	Bitrix24Timeout time.Duration
	// Chat2DeskTimeout bounds one request to Chat2Desk; 0 = 30 s.
	Chat2DeskTimeout time.Duration
	// Chat2DeskRate is requests a second to one Chat2Desk account; 0 = 10. The
	// vendor publishes no limit (chat2desk reference §2.7).
	Chat2DeskRate float64
	// Source names the outgoing address of this process: a portal counts
	// requests per source, so processes behind one address share a bucket.
	Source string
	// UserAgent is sent with every request.
	UserAgent string
	// Transport carries all requests; nil = a fresh http.Transport.
	Transport http.RoundTripper
}

// checkEvery is how long a client is used before its account is looked at again.
const checkEvery = 5 * time.Second

// Default limits of a portal on the common plans (bitrix24 reference §2.1). The
// headroom absorbs what the portal counts in whole seconds and we do not.
const (
	defaultRate  = 2.0
	defaultBurst = 50
	headroom     = 5
)

// Registry builds and keeps the clients. It is safe for concurrent use.
type Registry struct {
	store *store.Store
	opts  Options

	mu      sync.Mutex
	entries map[string]*entry
}

type entry struct {
	portal  store.Portal
	checked time.Time
	gateway bitrix24.Gateway
	loader  *bitrix24.Loader
	chat    *chat2desk.API
}

// New makes a registry over the stored portals.
func New(s *store.Store, opts Options) *Registry {
	if opts.Chat2DeskTimeout == 0 {
		opts.Chat2DeskTimeout = 30 * time.Second
	}
	if opts.Chat2DeskRate == 0 {
		opts.Chat2DeskRate = 10
	}
	if opts.UserAgent == "" {
		opts.UserAgent = "Puente/1"
	}
	if opts.Transport == nil {
		opts.Transport = newTransport()
	}
	return &Registry{store: s, opts: opts, entries: map[string]*entry{}}
}

func newTransport() *http.Transport {
	t, _ := http.DefaultTransport.(*http.Transport)
	clone := t.Clone()
	clone.MaxIdleConnsPerHost = 16
	return clone
}

// Gateway is the way to the CRM of a portal. The error is store.ErrNotFound
// for an unknown portal.
func (r *Registry) Gateway(ctx context.Context, slug string) (bitrix24.Gateway, error) {
	e, err := r.entry(ctx, slug)
	if err != nil {
		return nil, err
	}
	if e.gateway == nil {
		return nil, fmt.Errorf("portal %s has no Bitrix24 account: add one with `puente portal add`", slug)
	}
	return e.gateway, nil
}

// Chat2Desk is the API of the portal's Chat2Desk account.
func (r *Registry) Chat2Desk(ctx context.Context, slug string) (*chat2desk.API, error) {
	e, err := r.entry(ctx, slug)
	if err != nil {
		return nil, err
	}
	if e.chat == nil {
		return nil, fmt.Errorf("portal %s has no Chat2Desk account: add one with `puente portal add`", slug)
	}
	return e.chat, nil
}

// Portal is the stored portal, at most a few seconds old.
func (r *Registry) Portal(ctx context.Context, slug string) (store.Portal, error) {
	e, err := r.entry(ctx, slug)
	if err != nil {
		return store.Portal{}, err
	}
	return e.portal, nil
}

// Close sends what the gateways have gathered and gives their resources free.
func (r *Registry) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for slug, e := range r.entries {
		e.close()
		delete(r.entries, slug)
	}
}

func (r *Registry) entry(ctx context.Context, slug string) (*entry, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.entries[slug]
	if known != nil && time.Since(known.checked) < checkEvery {
		return known, nil
	}
	portal, err := r.store.Portal(ctx, slug)
	if err != nil {
		return nil, fmt.Errorf("portal %s: %w", slug, err)
	}
	if known != nil && known.portal.Version == portal.Version {
		known.portal, known.checked = portal, time.Now()
		return known, nil
	}
	fresh, err := r.build(portal)
	if err != nil {
		return nil, fmt.Errorf("portal %s: %w", slug, err)
	}
	if known != nil {
		go known.close() // what it gathered is still sent
	}
	r.entries[slug] = fresh
	return fresh, nil
}

func (r *Registry) build(p store.Portal) (*entry, error) {
	e := &entry{portal: p, checked: time.Now()}
	if p.Bitrix24.WebhookURL != "" || p.Bitrix24.ClientID != "" {
		client, err := bitrix24.NewClient(r.bitrixConfig(p))
		if err != nil {
			return nil, err
		}
		e.loader = bitrix24.NewLoader(client, bitrix24.LoaderConfig{})
		e.gateway = e.loader
	}
	if p.Chat2Desk.Token != "" {
		e.chat = chat2desk.New(chat2desk.Config{
			BaseURL: p.Chat2Desk.BaseURL, StorageURL: p.Chat2Desk.StorageURL, Token: p.Chat2Desk.Token,
			HTTPClient: &http.Client{Transport: r.opts.Transport}, Timeout: r.opts.Chat2DeskTimeout,
			Location: zone(p.Chat2Desk.TimeZone), RatePerSecond: r.opts.Chat2DeskRate, Burst: max(1, int(5*r.opts.Chat2DeskRate)),
		})
	}
	return e, nil
}

// zone is the account's time zone, for dates that name none; UTC if unknown.
func zone(name string) *time.Location {
	location, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return location
}

func (r *Registry) bitrixConfig(p store.Portal) bitrix24.Config {
	cfg := bitrix24.Config{
		Bucket:     bucket{store: r.store, portal: p, source: r.opts.Source},
		HTTPClient: &http.Client{Transport: r.opts.Transport}, Timeout: r.opts.Bitrix24Timeout, UserAgent: r.opts.UserAgent,
		OnMoved: func(ctx context.Context, base string) error { return r.store.SetBitrix24Base(ctx, p.Slug, base) },
	}
	if p.Bitrix24.WebhookURL != "" {
		cfg.WebhookURL = p.Bitrix24.WebhookURL
		return cfg
	}
	cfg.OAuth = &bitrix24.OAuth{
		ClientID: p.Bitrix24.ClientID, ClientSecret: p.Bitrix24.ClientSecret,
		ServerEndpoint: p.Bitrix24.OAuthServer, Tokens: tokens{store: r.store, portal: p.Slug},
	}
	return cfg
}

func (e *entry) close() {
	if e.loader != nil {
		e.loader.Close()
	}
}

// WebURL is the address of the portal's pages, for links to CRM cards:
// https://host without a path. It is "" when the account has no address yet.
func WebURL(p store.Portal) string {
	raw := p.Bitrix24.WebhookURL
	if raw == "" {
		raw = p.Bitrix24.ClientEndpoint
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
