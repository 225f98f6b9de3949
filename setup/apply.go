package setup

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"puente/chat2desk"
	"puente/settings"
	"puente/store"
)

// Store is where a portal is kept; *store.Store is one.
type Store interface {
	Portal(ctx context.Context, slug string) (store.Portal, error)
	SavePortal(ctx context.Context, p store.Portal) error
	Settings(ctx context.Context, portal string) (settings.Settings, int, error)
	SaveSettings(ctx context.Context, portal string, s settings.Settings, author, reason string, ifVersion int) (int, error)
	Audit(ctx context.Context, e store.AuditEntry) error
}

// Added is what Apply did. The secrets stand here once; the store gives the
// API key back to nobody.
type Added struct {
	Portal          store.Portal
	Created         bool   // false: a known portal was changed
	APIKey          string // "" if a known portal kept its key
	SettingsVersion int    // 0 if the file had no settings
}

var slugs = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// Apply stores the portal of a file under slug. It may be repeated: what the
// file leaves out of a known portal's secrets and tokens stays as it is.
func Apply(ctx context.Context, s Store, slug string, f File, author string) (Added, error) {
	if !slugs.MatchString(slug) {
		return Added{}, fmt.Errorf("%q cannot be the name of a portal: use small letters, digits, - and _, at most 63", slug)
	}
	old, err := s.Portal(ctx, slug)
	created := errors.Is(err, store.ErrNotFound)
	if err != nil && !created {
		return Added{}, err
	}
	if created && f.Settings == nil {
		return Added{}, errors.New("a new portal needs settings: at least settings.operators.administrator")
	}
	out := Added{Created: created}
	out.Portal, out.APIKey = merge(old, slug, f)
	if err := onePortal(out.Portal.Bitrix24); err != nil {
		return Added{}, err
	}
	if err := s.SavePortal(ctx, out.Portal); err != nil {
		return Added{}, err
	}
	if f.Settings != nil {
		if out.SettingsVersion, err = s.SaveSettings(ctx, slug, *f.Settings, author, "portal file", 0); err != nil {
			return out, err
		}
	}
	return out, audit(ctx, s, slug, author, out)
}

// audit tells that the portal was changed and by whom, not its secrets.
func audit(ctx context.Context, s Store, slug, author string, a Added) error {
	after, err := json.Marshal(map[string]any{"created": a.Created, "new_api_key": a.APIKey != "", "settings_version": a.SettingsVersion})
	if err != nil {
		return err
	}
	return s.Audit(ctx, store.AuditEntry{
		Portal: slug, Actor: author, Action: "portal.save", Subject: "portal", Reason: "portal file", After: after,
	})
}

// merge puts the file over what is known and makes what is missing.
func merge(p store.Portal, slug string, f File) (merged store.Portal, newKey string) {
	p.Slug, p.Disabled = slug, f.Disabled
	p.Name = first(f.Name, p.Name, slug)
	mergeBitrix24(&p.Bitrix24, f.Bitrix24)
	mergeChat2Desk(&p.Chat2Desk, f.Chat2Desk)
	p.ContactCenterSecret = first(f.ContactCenterSecret, p.ContactCenterSecret, secret())
	if newKey = f.APIKey; newKey == "" && p.APIKeyHash == "" {
		newKey = "pk_" + secret()
	}
	if newKey != "" {
		p.APIKeyHash = store.HashAPIKey(newKey)
	}
	return p, newKey
}

// mergeBitrix24 keeps what the file does not name. Tokens of another app are of
// no use to a new one.
func mergeBitrix24(a *store.Bitrix24Account, f Bitrix24) {
	switch f.Without {
	case WithoutWebhook:
		a.WebhookURL = ""
	case WithoutApplication:
		*a = store.Bitrix24Account{WebhookURL: a.WebhookURL, ApplicationToken: a.ApplicationToken, EventsURL: a.EventsURL}
	}
	if f.ClientID != "" && f.ClientID != a.ClientID {
		a.AccessToken, a.RefreshToken, a.ExpiresAt = "", "", time.Time{}
	}
	set(&a.WebhookURL, f.WebhookURL)
	set(&a.ClientID, f.ClientID)
	set(&a.ClientSecret, f.ClientSecret)
	set(&a.OAuthServer, f.OAuthServer)
	set(&a.AccessToken, f.AccessToken)
	set(&a.RefreshToken, f.RefreshToken)
	if f.AccessToken != "" || f.RefreshToken != "" {
		// Of unknown age: taken as expired, so that the first call refreshes it.
		a.ExpiresAt = time.Now()
	}
	set(&a.ClientEndpoint, f.ClientEndpoint)
	set(&a.MemberID, f.MemberID)
	set(&a.ApplicationToken, f.ApplicationToken)
	a.RatePerSecond, a.Burst = f.RequestsPerSecond, f.Burst
}

// onePortal refuses a webhook and an app of different portals: half of the work
// would go to each.
func onePortal(a store.Bitrix24Account) error {
	hook, app := hostOf(a.WebhookURL), hostOf(a.ClientEndpoint)
	if hook == "" || app == "" || strings.EqualFold(hook, app) {
		return nil
	}
	return fmt.Errorf("bitrix24: the webhook is of %s and the application of %s: "+
		"name both anew, or take one away by `without: %s` or `without: %s`", hook, app, WithoutWebhook, WithoutApplication)
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// Addresses of the main cluster; accounts live on others too (chat2desk reference §2.1).
const (
	mainStorage = "https://storage.chat2desk.com"
	mainWeb     = "https://web.chat2desk.com"
)

func mergeChat2Desk(a *store.Chat2DeskAccount, f Chat2Desk) {
	a.BaseURL = first(f.BaseURL, a.BaseURL, chat2desk.DefaultBaseURL)
	a.StorageURL = first(f.StorageURL, a.StorageURL, mainStorage)
	a.WebURL = first(f.WebURL, a.WebURL, mainWeb)
	a.TimeZone = first(f.TimeZone, a.TimeZone)
	set(&a.Token, f.Token)
	a.WebhookSecret = first(f.WebhookSecret, a.WebhookSecret, secret())
}

func set(dst *string, value string) {
	if value != "" {
		*dst = value
	}
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// secret is 256 random bits, fit for an address.
func secret() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// WebhookURL is the address that Chat2Desk must call; host is how the API is
// reached from outside, for example https://puente.example.com.
func WebhookURL(host string, p store.Portal) string {
	return strings.TrimRight(host, "/") + "/webhooks/chat2desk/" + url.PathEscape(p.Slug) + "/" + url.PathEscape(p.Chat2Desk.WebhookSecret)
}
