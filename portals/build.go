package portals

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"puente/bitrix24"
	"puente/chat2desk"
	"puente/store"
)

// newTransport keeps enough idle connections for the requests under way at one portal.
func newTransport() *http.Transport {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok { // somebody wrapped it
		t = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, IdleConnTimeout: 90 * time.Second}
	}
	clone := t.Clone()
	clone.MaxIdleConnsPerHost = 16
	return clone
}

// build makes the clients of a portal. One bad account does not take the other
// away: dialogs can be loaded while the webhook of the CRM is being corrected.
func (r *Registry) build(p store.Portal) *entry {
	e := &entry{portal: p}
	if p.Bitrix24.WebhookURL != "" {
		cfg := r.bitrixConfig(p)
		cfg.WebhookURL = p.Bitrix24.WebhookURL
		e.webhook = newWay(cfg)
	}
	if installed(p.Bitrix24) {
		cfg := r.bitrixConfig(p)
		cfg.OAuth = &bitrix24.OAuth{
			ClientID: p.Bitrix24.ClientID, ClientSecret: p.Bitrix24.ClientSecret,
			ServerEndpoint: p.Bitrix24.OAuthServer, Tokens: tokens{store: r.store, portal: p.Slug},
			Advice: fmt.Sprintf("install the application in the portal again: `puente portal install %s` says how", p.Slug),
		}
		e.app = newWay(cfg)
	}
	if p.Chat2Desk.Token != "" {
		e.chat = chat2desk.New(chat2desk.Config{
			BaseURL: p.Chat2Desk.BaseURL, StorageURL: p.Chat2Desk.StorageURL, Token: p.Chat2Desk.Token,
			HTTPClient: &http.Client{Transport: r.opts.Transport}, Timeout: r.opts.Chat2DeskTimeout,
			Location: zone(p.Chat2Desk.TimeZone), RatePerSecond: r.opts.Chat2DeskRate, Burst: max(1, int(5*r.opts.Chat2DeskRate)),
		})
	}
	return e
}

// zone is the account's time zone, for dates that name none; UTC if unknown.
func zone(name string) *time.Location {
	location, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return location
}

// installed tells whether there is an app that can speak: its own keys and the
// tokens that the portal gave it.
func installed(a store.Bitrix24Account) bool {
	return a.ClientID != "" && a.ClientSecret != "" && a.AccessToken+a.RefreshToken != ""
}

// way is one authorization at a portal.
type way struct {
	client *bitrix24.Client
	loader *bitrix24.Loader
	broken error // why there is neither
}

func newWay(cfg bitrix24.Config) *way {
	client, err := bitrix24.NewClient(cfg)
	if err != nil {
		return &way{broken: err}
	}
	return &way{client: client, loader: bitrix24.NewLoader(client, bitrix24.LoaderConfig{})}
}

// bitrixConfig is what both ways to a portal share: above all the bucket, since
// the portal counts requests by their source, whoever they are authorized for
// (bitrix24 reference §2.1).
func (r *Registry) bitrixConfig(p store.Portal) bitrix24.Config {
	return bitrix24.Config{
		Bucket:     bucket{store: r.store, portal: p, source: r.opts.Source},
		HTTPClient: &http.Client{Transport: r.opts.Transport}, Timeout: r.opts.Bitrix24Timeout, UserAgent: r.opts.UserAgent,
		OnMoved: func(ctx context.Context, base string) error { return r.store.SetBitrix24Base(ctx, p.Slug, base) },
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
