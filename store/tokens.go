package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// Token is the OAuth state of a portal's Bitrix24 app (bitrix24 reference §1.3).
type Token struct {
	Access         string    `json:"access"`  // secret
	Refresh        string    `json:"refresh"` // secret; each refresh gives a new one
	ClientEndpoint string    `json:"client_endpoint"`
	MemberID       string    `json:"member_id"`
	ExpiresAt      time.Time `json:"expires_at"`
}

func (a Bitrix24Account) token() Token {
	return Token{a.AccessToken, a.RefreshToken, a.ClientEndpoint, a.MemberID, a.ExpiresAt}
}

func (a *Bitrix24Account) setToken(t Token) {
	a.AccessToken, a.RefreshToken = t.Access, t.Refresh
	a.ClientEndpoint, a.MemberID, a.ExpiresAt = t.ClientEndpoint, t.MemberID, t.ExpiresAt.UTC()
}

// The refresh is guarded by a claim, not by a row lock: no transaction and no
// connection is held while the OAuth server is asked. The call must end before
// the claim does.
const (
	refreshLease   = 90 * time.Second
	refreshTimeout = 75 * time.Second
	refreshPoll    = 50 * time.Millisecond
	refreshClaim   = "\x01bitrix24-token" // no client key begins so
)

// LoadToken gives the current tokens of a portal; ErrNotFound if it has none.
func (s *Store) LoadToken(ctx context.Context, slug string) (Token, error) {
	held, err := s.heldToken(s.read(ctx), slug)
	if err == nil && held.Token == (Token{}) {
		err = ErrNotFound
	}
	return held.Token, fail(err, "token of %s", slug)
}

// RefreshToken replaces the tokens of a portal by those that fn gets from the
// OAuth server for the current ones. Of all goroutines and processes that find
// the access token stale only one calls fn; the others wait and get its result.
// If the stored access token is no longer stale, fn is not called at all. What
// fn brought is saved even if ctx has ended meanwhile, because the old refresh
// token is worth nothing then. An error of fn is returned as it is, to this
// caller only: the next one tries again.
func (s *Store) RefreshToken(
	ctx context.Context, slug, stale string, fn func(context.Context, Token) (Token, error),
) (Token, error) {
	leave, err := s.refreshTurn(ctx, slug)
	if err != nil {
		return Token{}, err
	}
	defer leave()
	owner := NewID()
	for {
		token, err := s.LoadToken(ctx, slug)
		if err != nil || token.Access != stale {
			return token, err
		}
		mine, _, err := s.Claim(ctx, slug, owner, []string{refreshClaim}, refreshLease)
		if err != nil {
			return Token{}, err
		}
		if mine {
			return s.refreshClaimed(ctx, slug, owner, stale, fn)
		}
		if err := pause(ctx, refreshPoll); err != nil {
			return Token{}, fmt.Errorf("store: wait for the token refresh of %s: %w", slug, err)
		}
	}
}

// refreshClaimed does the refresh under the claim.
func (s *Store) refreshClaimed(
	ctx context.Context, slug, owner, stale string, fn func(context.Context, Token) (Token, error),
) (token Token, err error) {
	safe := context.WithoutCancel(ctx)
	defer func() { err = errors.Join(err, s.Release(safe, slug, owner)) }()
	// Between reading and claiming another one may have finished its refresh.
	current, err := s.LoadToken(ctx, slug)
	if err != nil || current.Access != stale {
		return current, err
	}
	call, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	fresh, err := fn(call, current)
	if err != nil {
		return Token{}, err
	}
	return s.saveRefreshed(safe, slug, stale, fresh)
}

// saveRefreshed stores what a refresh brought, unless somebody entered other
// tokens meanwhile; it gives the tokens that hold from now on.
func (s *Store) saveRefreshed(ctx context.Context, slug, stale string, fresh Token) (Token, error) {
	fresh.ExpiresAt = fresh.ExpiresAt.UTC()
	err := s.write(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec("SELECT 1 FROM portals WHERE slug = ?"+s.d.lock, slug).Error; err != nil {
			return err
		}
		held, err := s.heldToken(tx, slug)
		if err != nil {
			return err
		}
		if held.Access != stale {
			fresh = held.Token
			return nil
		}
		return s.saveSecret(tx, slug, tokenSecret, mustJSON(held.refreshed(fresh)))
	})
	return fresh, fail(err, "save token of %s", slug)
}

// refreshTurn lets the goroutines of this process go one after the other, so
// that only one of them polls the database.
func (s *Store) refreshTurn(ctx context.Context, slug string) (leave func(), err error) {
	value, _ := s.refreshing.LoadOrStore(slug, make(chan struct{}, 1))
	turn := value.(chan struct{}) // only this line stores
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("store: wait for the token refresh of %s: %w", slug, ctx.Err())
	}
}
