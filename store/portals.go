package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/url"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Portal is one company: a Bitrix24 portal, its Chat2Desk account and the ways
// in. Secrets are marked; they are stored encrypted, left out of JSON, and
// shown as *** by String, %v and slog.
type Portal struct {
	Slug       string           `json:"slug"` // stands in addresses and workflow ids; no ':' and no '/'
	Name       string           `json:"name"`
	Bitrix24   Bitrix24Account  `json:"bitrix24"`
	Chat2Desk  Chat2DeskAccount `json:"chat2desk"`
	APIKeyHash string           `json:"-"` // HashAPIKey of the key; "" = the API is closed
	// ContactCenterSecret signs contact-center webhooks (HMAC). Secret.
	ContactCenterSecret string    `json:"-"`
	Disabled            bool      `json:"disabled"` // webhooks are refused, nothing is synced
	CreatedAt           time.Time `json:"created_at"`
	UpdatedAt           time.Time `json:"updated_at"`
	// Version counts the changes by SavePortal and SetBitrix24Base; a token refresh is none.
	Version int64 `json:"version"`
}

// Bitrix24Account says how to reach a Bitrix24 portal: an inbound webhook, an
// OAuth app with its current tokens, or both (bitrix24 reference §1).
type Bitrix24Account struct {
	WebhookURL       string    `json:"-"` // secret: https://…/rest/{user}/{code}/; "" = only the app
	ClientID         string    `json:"client_id,omitempty"`
	ClientSecret     string    `json:"-"` // secret
	OAuthServer      string    `json:"oauth_server,omitempty"`
	AccessToken      string    `json:"-"` // secret
	RefreshToken     string    `json:"-"` // secret
	ClientEndpoint   string    `json:"client_endpoint,omitempty"`
	MemberID         string    `json:"member_id,omitempty"`
	ApplicationToken string    `json:"-"` // secret: proves that an event comes from the portal
	ExpiresAt        time.Time `json:"expires_at,omitzero"`
	// EventsURL is where the portal reaches us with its events; "" = not known yet.
	EventsURL     string  `json:"events_url,omitempty"`
	RatePerSecond float64 `json:"rate_per_second,omitempty"` // of the leaky bucket; 0 = the client's default
	Burst         int     `json:"burst,omitempty"`           // requests the bucket holds; 0 = the client's default
}

// webhookOnly tells that there is no app beside the webhook.
func (a Bitrix24Account) webhookOnly() bool { return a.WebhookURL != "" && a.ClientID == "" }

// Chat2DeskAccount says how to reach a Chat2Desk account.
type Chat2DeskAccount struct {
	BaseURL       string `json:"base_url,omitempty"`
	StorageURL    string `json:"storage_url,omitempty"` // against which relative attachment links are resolved
	WebURL        string `json:"web_url,omitempty"`     // where people open a dialog
	Token         string `json:"-"`                     // secret
	WebhookSecret string `json:"-"`                     // secret: part of the webhook's address
	TimeZone      string `json:"time_zone,omitempty"`   // IANA name; of the account's zoneless times
}

// portalRow is the part of a portal that is no secret.
type portalRow struct {
	Slug       string    `gorm:"primaryKey"`
	Name       string    `gorm:"serializer:text"`
	Bitrix24   string    `gorm:"column:bitrix24"`
	Chat2Desk  string    `gorm:"column:chat2desk"`
	APIKeyHash string    `gorm:"column:api_key_hash"`
	Disabled   bool      `gorm:"column:disabled"`
	Version    int64     `gorm:"column:version"`
	CreatedAt  time.Time `gorm:"serializer:micros;autoCreateTime:false"`
	UpdatedAt  time.Time `gorm:"serializer:micros;autoUpdateTime:false"`
}

const portalsTable = "portals"

// HashAPIKey is the form in which an API key is stored.
func HashAPIKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// InstallKey is the secret part of the address by which the portal hands over
// the tokens of its app (bitrix24 reference §8.5); "" = the portal has no secret
// to make it of, and takes none. It changes with ContactCenterSecret.
func (p Portal) InstallKey() string {
	if p.ContactCenterSecret == "" {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(p.ContactCenterSecret))
	mac.Write([]byte("bitrix24-install:" + p.Slug))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// CheckAPIKey tells whether key is the portal's API key, in constant time. A
// portal without a key accepts none.
func (p Portal) CheckAPIKey(key string) bool {
	return p.APIKeyHash != "" && subtle.ConstantTimeCompare([]byte(HashAPIKey(key)), []byte(p.APIKeyHash)) == 1
}

// SavePortal makes or replaces a portal. If p.Version is not 0 it must be the
// stored one, else ErrConflict. Tokens that a refresh has replaced are not saved
// again: neither a portal that was read before a refresh nor an old file
// undoes it. A portal that is saved without tokens keeps those of its app; one
// with a webhook alone has none. An API key that another portal has is ErrDuplicate.
func (s *Store) SavePortal(ctx context.Context, p Portal) error {
	err := s.write(ctx, func(tx *gorm.DB) error {
		stored, err := s.portal(tx, p.Slug, true)
		switch {
		case errors.Is(err, gorm.ErrRecordNotFound):
			return s.insertPortal(tx, p)
		case err != nil:
			return err
		case p.Version != 0 && p.Version != stored.Version:
			return ErrConflict
		}
		return s.replacePortal(tx, stored, p)
	})
	return fail(err, "save portal %s", p.Slug)
}

func (s *Store) insertPortal(tx *gorm.DB, p Portal) error {
	if p.Version != 0 {
		return ErrConflict // it was there when it was read
	}
	p.CreatedAt, p.UpdatedAt, p.Version = orNow(p.CreatedAt), now(), 1
	row, err := p.row()
	if err != nil {
		return err
	}
	if err := tx.Table(portalsTable).Create(&row).Error; err != nil {
		return err
	}
	return s.saveSecrets(tx, p, p.Bitrix24.ClientID)
}

func (s *Store) replacePortal(tx *gorm.DB, stored, p Portal) error {
	p.CreatedAt, p.UpdatedAt, p.Version = stored.CreatedAt, now(), stored.Version+1
	row, err := p.row()
	if err != nil {
		return err
	}
	if err := tx.Table(portalsTable).Select("*").Updates(&row).Error; err != nil {
		return err
	}
	return s.saveSecrets(tx, p, stored.Bitrix24.ClientID)
}

// Portal gives a portal with its secrets.
func (s *Store) Portal(ctx context.Context, slug string) (Portal, error) {
	p, err := s.portal(s.read(ctx), slug, false)
	return p, fail(err, "portal %s", slug)
}

// Portals lists all portals by slug, with their secrets.
func (s *Store) Portals(ctx context.Context, page Page) (portals []Portal, next string, err error) {
	query := s.read(ctx).Table(portalsTable).Order("slug").Limit(page.size() + 1)
	if page.After != "" {
		_, slug, err := parseCursor(page.After)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("slug > ?", slug)
	}
	var rows []portalRow
	if err := query.Find(&rows).Error; err != nil {
		return nil, "", fail(err, "portals")
	}
	rows, next = cut(rows, page, func(r portalRow) string { return cursor(0, r.Slug) })
	portals = make([]Portal, len(rows))
	for i, row := range rows {
		if portals[i], err = s.complete(s.read(ctx), row); err != nil {
			return nil, "", fail(err, "portal %s", row.Slug)
		}
	}
	return portals, next, nil
}

// PortalByAPIKey gives the portal that an API key belongs to; ErrNotFound for
// an unknown key.
func (s *Store) PortalByAPIKey(ctx context.Context, key string) (Portal, error) {
	var row portalRow
	// The condition on '' lets the partial index serve the query.
	err := s.read(ctx).Table(portalsTable).Where("api_key_hash = ? AND api_key_hash <> ''", HashAPIKey(key)).Take(&row).Error
	if err != nil {
		return Portal{}, fail(err, "portal by API key")
	}
	p, err := s.complete(s.read(ctx), row)
	if err == nil && !p.CheckAPIKey(key) {
		err = ErrNotFound
	}
	return p, fail(err, "portal by API key")
}

// DeletePortal removes a portal with its secrets and settings. Inbox, ledger and audit stay.
func (s *Store) DeletePortal(ctx context.Context, slug string) error {
	err := s.write(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec("DELETE FROM secrets WHERE portal = ?", slug).Error; err != nil {
			return err
		}
		deleted := tx.Exec("DELETE FROM portals WHERE slug = ?", slug)
		if deleted.Error == nil && deleted.RowsAffected == 0 {
			return ErrNotFound
		}
		return deleted.Error
	})
	return fail(err, "delete portal %s", slug)
}

// SetBitrix24Base remembers that a portal moved (302, bitrix24 reference §1.4):
// scheme and host of its webhook address or client endpoint become those of
// base, path and secret stay.
func (s *Store) SetBitrix24Base(ctx context.Context, slug, base string) error {
	target, err := url.Parse(base)
	if err != nil || target.Host == "" {
		return fail(errors.New("not an absolute address"), "move portal %s", slug)
	}
	err = s.changePortal(ctx, slug, func(_ *gorm.DB, p *Portal) error {
		p.Bitrix24.WebhookURL = rebase(p.Bitrix24.WebhookURL, target)
		p.Bitrix24.ClientEndpoint = rebase(p.Bitrix24.ClientEndpoint, target)
		return nil
	})
	return fail(err, "move portal %s", slug)
}

// SetEventsURL remembers where a portal reaches us with its events. ErrNotFound
// for an unknown portal.
func (s *Store) SetEventsURL(ctx context.Context, slug, address string) error {
	err := s.changePortal(ctx, slug, func(_ *gorm.DB, p *Portal) error {
		p.Bitrix24.EventsURL = address
		return nil
	})
	return fail(err, "set the events address of %s", slug)
}

// changePortal changes a portal under its lock; without a change nothing is written.
func (s *Store) changePortal(ctx context.Context, slug string, change func(*gorm.DB, *Portal) error) error {
	return s.write(ctx, func(tx *gorm.DB) error {
		p, err := s.portal(tx, slug, true)
		if err != nil {
			return err
		}
		stored := p
		if err := change(tx, &p); err != nil || p == stored {
			return err
		}
		return s.replacePortal(tx, stored, p)
	})
}

// rebase gives address the scheme and host of target; "" stays "".
func rebase(address string, target *url.URL) string {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" {
		return address
	}
	parsed.Scheme, parsed.Host = target.Scheme, target.Host
	return parsed.String()
}

// portal reads one portal, locked until the end of the transaction if asked.
func (s *Store) portal(tx *gorm.DB, slug string, lock bool) (Portal, error) {
	if lock && !s.d.lite { // SQLite's transaction already holds the one write lock
		tx = tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Session(&gorm.Session{})
	}
	var row portalRow
	if err := tx.Table(portalsTable).Where("slug = ?", slug).Take(&row).Error; err != nil {
		return Portal{}, err
	}
	return s.complete(tx, row)
}

// complete adds the secrets to a row.
func (s *Store) complete(tx *gorm.DB, row portalRow) (Portal, error) {
	p := Portal{
		Slug: row.Slug, Name: row.Name, APIKeyHash: row.APIKeyHash, Disabled: row.Disabled,
		CreatedAt: row.CreatedAt, UpdatedAt: row.UpdatedAt, Version: row.Version,
	}
	if err := json.Unmarshal([]byte(row.Bitrix24), &p.Bitrix24); err != nil {
		return Portal{}, err
	}
	if err := json.Unmarshal([]byte(row.Chat2Desk), &p.Chat2Desk); err != nil {
		return Portal{}, err
	}
	return p, s.loadSecrets(tx, &p)
}

func (p Portal) row() (portalRow, error) {
	bitrix, err := json.Marshal(p.Bitrix24)
	if err != nil {
		return portalRow{}, err
	}
	chat, err := json.Marshal(p.Chat2Desk)
	if err != nil {
		return portalRow{}, err
	}
	return portalRow{
		Slug: p.Slug, Name: p.Name, Bitrix24: string(bitrix), Chat2Desk: string(chat), APIKeyHash: p.APIKeyHash,
		Disabled: p.Disabled, Version: p.Version, CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt,
	}, nil
}
