package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/store"
	"puente/store/storetest"
)

func TestRefreshHappensOnceHoweverManyFindTheTokenStale(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stores := []*store.Store{storetest.Open(t, url), storetest.Open(t, url)} // two processes
			require.NoError(t, stores[0].SavePortal(t.Context(), fullPortal()))
			var calls atomic.Int32
			fresh := store.Token{Access: "new", Refresh: "new-r", ExpiresAt: time.Now().Add(time.Hour).UTC().Truncate(time.Second)}
			refresh := func(_ context.Context, old store.Token) (store.Token, error) {
				calls.Add(1)
				if old.Refresh != "refresh-hunter2" {
					return store.Token{}, errors.New("not the stored refresh token")
				}
				return fresh, nil
			}
			var group sync.WaitGroup
			for i := range 20 {
				group.Go(func() {
					got, err := stores[i%2].RefreshToken(t.Context(), "demo", "access-hunter2", refresh)
					if err != nil || got != fresh {
						t.Errorf("got %v, %v", got, err)
					}
				})
			}
			group.Wait()
			require.EqualValues(t, 1, calls.Load())
			got, err := stores[0].LoadToken(t.Context(), "demo")
			require.NoError(t, err)
			require.Equal(t, fresh, got)
		})
	}
}

func TestRefreshIsSavedAlthoughTheCallerHasGone(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			require.NoError(t, s.SavePortal(t.Context(), fullPortal()))
			ctx, cancel := context.WithCancel(t.Context())
			_, err := s.RefreshToken(ctx, "demo", "access-hunter2", func(context.Context, store.Token) (store.Token, error) {
				cancel()
				return store.Token{Access: "new"}, nil
			})
			require.NoError(t, err)
			got, err := s.LoadToken(t.Context(), "demo")
			require.NoError(t, err)
			require.Equal(t, "new", got.Access)
		})
	}
}

func TestFailedRefreshLetsTheNextOneTry(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			require.NoError(t, s.SavePortal(t.Context(), fullPortal()))
			broken := errors.New("oauth is down")
			_, err := s.RefreshToken(t.Context(), "demo", "access-hunter2",
				func(context.Context, store.Token) (store.Token, error) { return store.Token{}, broken })
			require.ErrorIs(t, err, broken)
			got, err := s.RefreshToken(t.Context(), "demo", "access-hunter2",
				func(context.Context, store.Token) (store.Token, error) { return store.Token{Access: "new"}, nil })
			require.NoError(t, err)
			require.Equal(t, "new", got.Access)
		})
	}
}

func TestRefreshWaitsForAnotherProcessOnlyAsLongAsItsCaller(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one, two := storetest.Open(t, url), storetest.Open(t, url)
			require.NoError(t, one.SavePortal(t.Context(), fullPortal()))
			_, err := one.RefreshToken(t.Context(), "demo", "access-hunter2", func(context.Context, store.Token) (store.Token, error) {
				ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
				defer cancel()
				_, err := two.RefreshToken(ctx, "demo", "access-hunter2", nil)
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v", err)
				}
				return store.Token{Access: "new"}, nil
			})
			require.NoError(t, err)
		})
	}
}

func TestRefreshOfAPortalWithoutTokensIsNotFound(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			savePortal(t, s)
			_, err := s.LoadToken(t.Context(), "demo")
			require.ErrorIs(t, err, store.ErrNotFound)
			_, err = s.RefreshToken(t.Context(), "demo", "", nil)
			require.ErrorIs(t, err, store.ErrNotFound)
		})
	}
}

// refreshTo refreshes the token of the portal demo to another one.
func refreshTo(t *testing.T, s *store.Store, fresh store.Token) {
	t.Helper()
	held, err := s.LoadToken(t.Context(), "demo")
	require.NoError(t, err)
	_, err = s.RefreshToken(t.Context(), "demo", held.Access,
		func(context.Context, store.Token) (store.Token, error) { return fresh, nil })
	require.NoError(t, err)
}

func TestSavingAPortalDoesNotUndoARefresh(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			save := func(change func(*store.Portal)) (accessAfter string) {
				t.Helper()
				p, err := s.Portal(t.Context(), "demo")
				require.NoError(t, err)
				change(&p)
				p.Version = 0
				require.NoError(t, s.SavePortal(t.Context(), p))
				p, err = s.Portal(t.Context(), "demo")
				require.NoError(t, err)
				return p.Bitrix24.AccessToken
			}
			entered := fullPortal()
			entered.Bitrix24.WebhookURL = ""
			require.NoError(t, s.SavePortal(t.Context(), entered))
			for i := range 3 {
				refreshTo(t, s, store.Token{Access: fmt.Sprint("a", i), Refresh: fmt.Sprint("r", i)})
			}
			require.Equal(t, "a2", save(func(p *store.Portal) { p.Bitrix24 = entered.Bitrix24 }), "what was entered first")
			require.Equal(t, "a2", save(func(p *store.Portal) { p.Bitrix24.RefreshToken = "refresh-hunter2" }), "half of it, as from a file")
			require.Equal(t, "a2", save(func(p *store.Portal) { p.Bitrix24.AccessToken, p.Bitrix24.RefreshToken = "a1", "r1" }), "read before")
			require.Equal(t, "a2", save(func(p *store.Portal) { p.Bitrix24.AccessToken, p.Bitrix24.RefreshToken = "", "" }), "none given")
			require.Equal(t, "a9", save(func(p *store.Portal) { p.Bitrix24.AccessToken, p.Bitrix24.RefreshToken = "a9", "r9" }), "new ones")
			require.Equal(t, "a9", save(func(p *store.Portal) { p.Bitrix24.ClientEndpoint = "https://moved.example/rest/" }))
			held, err := s.LoadToken(t.Context(), "demo")
			require.NoError(t, err)
			require.Equal(t, "https://moved.example/rest/", held.ClientEndpoint)
			require.Empty(t, save(func(p *store.Portal) {
				p.Bitrix24 = store.Bitrix24Account{WebhookURL: "https://b24.example/rest/1/x/"}
			}), "a webhook portal has none")
			_, err = s.LoadToken(t.Context(), "demo")
			require.ErrorIs(t, err, store.ErrNotFound)
		})
	}
}

func TestTokensEnteredDuringARefreshHold(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			require.NoError(t, s.SavePortal(t.Context(), fullPortal()))
			got, err := s.RefreshToken(t.Context(), "demo", "access-hunter2", func(ctx context.Context, _ store.Token) (store.Token, error) {
				p := fullPortal()
				p.Bitrix24.AccessToken, p.Bitrix24.RefreshToken = "entered", "entered-r"
				return store.Token{Access: "refreshed", Refresh: "refreshed-r"}, s.SavePortal(ctx, p)
			})
			require.NoError(t, err)
			require.Equal(t, "entered", got.Access)
		})
	}
}
