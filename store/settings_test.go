package store_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"puente/settings"
	"puente/store"
	"puente/store/storetest"
)

func language(l string) settings.Settings {
	return settings.Settings{General: settings.General{Language: l, Texts: map[string]string{"a": "b"}}}
}

func TestEachChangeOfSettingsIsAVersion(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			savePortal(t, s)
			_, _, err := s.Settings(t.Context(), "demo")
			require.ErrorIs(t, err, store.ErrNotFound)
			for i, l := range []string{"en", "es", "pt"} {
				version, err := s.SaveSettings(t.Context(), "demo", language(l), "ana", "because "+l, i)
				require.NoError(t, err)
				require.Equal(t, i+1, version)
			}
			doc, version, err := s.Settings(t.Context(), "demo")
			require.NoError(t, err)
			require.Equal(t, 3, version)
			require.Equal(t, language("pt"), doc)
			doc, err = s.SettingsVersion(t.Context(), "demo", 2)
			require.NoError(t, err)
			require.Equal(t, language("es"), doc)
			_, err = s.SettingsVersion(t.Context(), "demo", 4)
			require.ErrorIs(t, err, store.ErrNotFound)
		})
	}
}

func TestSettingsHistoryTellsWhoAndWhyNewestFirst(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			savePortal(t, s)
			for i := range 5 {
				_, err := s.SaveSettings(t.Context(), "demo", language("en"), "ana", fmt.Sprint("reason ", i+1), 0)
				require.NoError(t, err)
			}
			first, next, err := s.SettingsHistory(t.Context(), "demo", store.Page{Limit: 3})
			require.NoError(t, err)
			require.Len(t, first, 3)
			require.Equal(t, "reason 5", first[0].Reason)
			require.Equal(t, "ana", first[0].Author)
			require.False(t, first[0].CreatedAt.IsZero())
			rest, next, err := s.SettingsHistory(t.Context(), "demo", store.Page{Limit: 3, After: next})
			require.NoError(t, err)
			require.Empty(t, next)
			require.Len(t, rest, 2)
			require.Equal(t, 1, rest[1].Version)
		})
	}
}

func TestSettingsOfAnUnknownPortalAreNotSaved(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			_, err := s.SaveSettings(t.Context(), "none", language("en"), "a", "b", 0)
			require.ErrorIs(t, err, store.ErrNotFound)
		})
	}
}

func TestOfTwoChangesBasedOnOneVersionOnlyOneIsSaved(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stores := []*store.Store{storetest.Open(t, url), storetest.Open(t, url)}
			savePortal(t, stores[0])
			_, err := stores[0].SaveSettings(t.Context(), "demo", language("en"), "a", "b", 0)
			require.NoError(t, err)
			var saved, conflicts, anyway atomic.Int32
			var group sync.WaitGroup
			for i := range 16 {
				group.Go(func() {
					base := i % 2 // half of them do not care (0), the others come from version 1
					_, err := stores[i/2%2].SaveSettings(t.Context(), "demo", language("es"), "a", "b", base)
					switch {
					case err == nil && base == 0:
						anyway.Add(1)
					case err == nil:
						saved.Add(1)
					case errors.Is(err, store.ErrConflict):
						conflicts.Add(1)
					default:
						t.Error(err)
					}
				})
			}
			group.Wait()
			require.EqualValues(t, 8, anyway.Load())
			require.LessOrEqual(t, saved.Load(), int32(1))
			require.EqualValues(t, 8, saved.Load()+conflicts.Load())
			_, version, err := stores[0].Settings(t.Context(), "demo")
			require.NoError(t, err)
			require.Equal(t, 1+8+int(saved.Load()), version)
		})
	}
}
