package store

import (
	"cmp"
	"context"
	"strings"
	"time"

	"gorm.io/gorm"
)

// Installation is what a portal hands over when its app is installed, besides
// the app's own keys (bitrix24 reference §8.5).
type Installation struct {
	Token
	// ApplicationToken proves the portal's events from now on. Secret.
	ApplicationToken string
	// ClientID is kept only if the portal names no app yet.
	ClientID string
	// OAuthServer is kept unless it is "".
	OAuthServer string
	// EventsURL is where the portal reaches us, as the installation came in; ""
	// = not known. An address by plain HTTP does not take the place of one by HTTPS.
	EventsURL string
}

// Install stores the tokens of an app that was installed in the portal.
// Handed over a second time, tokens that a refresh has replaced meanwhile do not
// come back. ErrNotFound for an unknown portal.
func (s *Store) Install(ctx context.Context, slug string, in Installation) error {
	err := s.changePortal(ctx, slug, func(_ *gorm.DB, p *Portal) error {
		a := &p.Bitrix24
		a.setToken(in.Token)
		a.ApplicationToken = cmp.Or(in.ApplicationToken, a.ApplicationToken)
		a.ClientID = cmp.Or(a.ClientID, in.ClientID)
		a.OAuthServer = cmp.Or(in.OAuthServer, a.OAuthServer)
		if strings.HasPrefix(in.EventsURL, "https:") || in.EventsURL != "" && !strings.HasPrefix(a.EventsURL, "https:") {
			a.EventsURL = in.EventsURL
		}
		return nil
	})
	return fail(err, "install the app of %s", slug)
}

// Uninstall forgets what the portal handed over for its app: it does not take
// these tokens any more. The app's own keys stay, for the next installation.
// ErrNotFound for an unknown portal.
func (s *Store) Uninstall(ctx context.Context, slug string) error {
	err := s.changePortal(ctx, slug, func(tx *gorm.DB, p *Portal) error {
		a := &p.Bitrix24
		a.AccessToken, a.RefreshToken, a.ExpiresAt, a.ApplicationToken = "", "", time.Time{}, ""
		// Saving without tokens would keep those that are held.
		return s.saveSecret(tx, slug, tokenSecret, nil)
	})
	return fail(err, "uninstall the app of %s", slug)
}
