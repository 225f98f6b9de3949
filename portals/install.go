package portals

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"puente/bitrix24"
	"puente/store"
)

// Reason says what is wrong with an installation.
type Reason int

// The reasons.
const (
	Incomplete  Reason = iota // the request lacks something
	NotReady                  // the portal must be told more here first
	Foreign                   // it is of another portal or application, or proved by nothing
	Unreachable               // the portal could not be asked
)

// Refusal is an installation that was not taken. Its text is for the person who
// installs, and names no secret.
type Refusal struct {
	Reason Reason
	Text   string
}

// Error implements error.
func (r *Refusal) Error() string { return r.Text }

func incomplete(text string) error { return &Refusal{Incomplete, text} }

func foreign(format string, args ...any) error {
	return &Refusal{Foreign, fmt.Sprintf(format, args...)}
}

// oauthServers are the vendor's own authorization servers (bitrix24 reference
// §1.3). Our client secret goes to no other on the word of a request.
var oauthServers = []string{"oauth.bitrix.info", "oauth.bitrix24.tech"}

// Install takes over what a portal handed over for its application: it asks the
// portal, at the address that is stored for it and at no other, whose token that
// is, and only then stores everything encrypted, with an entry in the audit log.
// A portal without a known application learns its client id so. If the portal has
// open lines, the application subscribes to their events. Errors: a
// *Refusal, store.ErrNotFound, or one of the database.
func (r *Registry) Install(ctx context.Context, slug string, h Handover) (bitrix24.Identity, error) {
	p, err := r.store.Portal(ctx, slug)
	if err != nil {
		return bitrix24.Identity{}, fmt.Errorf("portal %s: %w", slug, err)
	}
	base, err := r.checkHandover(p, h)
	if err != nil {
		return bitrix24.Identity{}, err
	}
	who, err := r.identify(ctx, p, base, h)
	if err != nil {
		return bitrix24.Identity{}, err
	}
	if err := r.store.Install(ctx, slug, installation(p, h, who, base)); err != nil {
		return bitrix24.Identity{}, err
	}
	r.expire(slug)
	bound, unbound := r.followInstalled(ctx, slug)
	return who, r.auditInstall(ctx, p, h, who, bound, unbound)
}

// followInstalled subscribes to the events that open lines need: an installation
// begins without handlers. What does not succeed now is tried again by the
// worker, and told by `puente portal check`.
func (r *Registry) followInstalled(ctx context.Context, slug string) (bound int, err error) {
	ctx, cancel := context.WithTimeout(ctx, installTimeout)
	defer cancel()
	follow, err := r.store.HasOpenLines(ctx, slug)
	if err != nil || !follow {
		return 0, err
	}
	return r.FollowCRM(ctx, slug)
}

// checkHandover compares with what is known; it gives the base address for calls.
func (r *Registry) checkHandover(p store.Portal, h Handover) (base string, err error) {
	web, err := url.Parse(WebURL(p))
	switch {
	case err != nil || web.Host == "":
		return "", &Refusal{NotReady, "the address of the portal is not known here yet: " +
			"set bitrix24.webhook_url, or bitrix24.client_endpoint, by `puente portal add`, and install again"}
	case !h.ofHost(web):
		return "", foreign("this is the address of the portal %s, and another one sent this", web.Host)
	case p.Bitrix24.MemberID != "" && p.Bitrix24.MemberID != h.MemberID:
		return "", foreign("the portal's member_id is not the one it had before")
	}
	return web.String() + "/rest/", nil
}

// identify proves the token.
func (r *Registry) identify(ctx context.Context, p store.Portal, base string, h Handover) (bitrix24.Identity, error) {
	who, err := bitrix24.Identify(ctx, bitrix24.Config{
		HTTPClient: &http.Client{Transport: r.opts.Transport}, Timeout: installTimeout, UserAgent: r.opts.UserAgent,
		Bucket: bucket{store: r.store, portal: p, source: r.opts.Source},
	}, base, h.Access)
	switch known := p.Bitrix24.ClientID; {
	case err != nil:
		return who, unproved(err)
	case known != "" && who.AppCode != known:
		return who, foreign("the portal says that this is the application %s, and not %s", who.AppCode, known)
	case known == "" && (who.Status != "L" || who.AppCode == ""):
		return who, foreign("this is no local application: set its bitrix24.client_id by `puente portal add` first")
	}
	return who, nil
}

// installTimeout bounds each question to the portal: its own request waits for us.
const installTimeout = 20 * time.Second

func unproved(err error) error {
	switch bitrix24.KindOf(err) {
	case bitrix24.KindRateLimited, bitrix24.KindOperatingLimit, bitrix24.KindAmbiguous:
		return &Refusal{Unreachable, "the portal could not be asked whose token this is; install again: " + err.Error()}
	default:
		return foreign("the portal does not know this token: %v", err)
	}
}

func installation(p store.Portal, h Handover, who bitrix24.Identity, base string) store.Installation {
	in := store.Installation{
		Token: store.Token{
			Access: h.Access, Refresh: h.Refresh, ClientEndpoint: base, MemberID: h.MemberID, ExpiresAt: time.Now().Add(h.ExpiresIn),
		},
		ApplicationToken: h.ApplicationToken, ClientID: who.AppCode,
	}
	if h.Host != "" {
		in.EventsURL = EventsURL(h.Host, p.Slug)
	}
	if p.Bitrix24.OAuthServer == "" && trusted(h.OAuthServer) {
		in.OAuthServer = h.OAuthServer
	}
	return in
}

func trusted(server string) bool {
	u, err := url.Parse(server)
	return err == nil && u.Scheme == "https" && slices.Contains(oauthServers, strings.ToLower(u.Host))
}

// auditInstall tells which application came, without its secrets.
func (r *Registry) auditInstall(ctx context.Context, p store.Portal, h Handover, who bitrix24.Identity, bound int, unbound error) error {
	told := map[string]any{
		"client_id": who.AppCode, "member_id": h.MemberID, "user": who.UserID, "administrator": who.Admin,
		"scope": h.Scope, "events": h.ApplicationToken != "", "events_bound": bound,
	}
	if unbound != nil {
		told["events_not_bound"] = unbound.Error()
	}
	after, err := json.Marshal(told)
	if err != nil {
		return err
	}
	return r.store.Audit(ctx, store.AuditEntry{
		Portal: p.Slug, Actor: "bitrix24", Action: "portal.install", Subject: "portal", Reason: "installation of the application", After: after,
	})
}

// Uninstall forgets the tokens after the portal said, proved by its application
// token, that the application was removed (event ONAPPUNINSTALL).
func (r *Registry) Uninstall(ctx context.Context, slug string) error {
	return errors.Join(r.store.Uninstall(ctx, slug), r.store.Audit(ctx, store.AuditEntry{
		Portal: slug, Actor: "bitrix24", Action: "portal.uninstall", Subject: "portal", Reason: "the application was removed in the portal",
	}))
}
