package store_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"puente/store"
)

func TestCursorComesBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n, id := rapid.Int64().Draw(t, "n"), store.Clean(rapid.String().Draw(t, "id"))
		gotN, gotID, err := store.ParseCursor(store.Cursor(n, id))
		require.NoError(t, err)
		require.Equal(t, n, gotN)
		require.Equal(t, id, gotID)
	})
}

func FuzzParseCursor(f *testing.F) {
	for _, seed := range []string{"", "x", "fA", store.Cursor(5, "a"), store.Cursor(-1, "") + "="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, id, err := store.ParseCursor(text)
		if err != nil {
			require.ErrorIs(t, err, store.ErrBadCursor)
			return
		}
		require.Equal(t, id, store.Clean(id), "a cursor can be used in a query")
		again, _, err := store.ParseCursor(store.Cursor(n, id))
		require.NoError(t, err)
		require.Equal(t, n, again)
	})
}

func FuzzClean(f *testing.F) {
	for _, seed := range []string{"", "a\x00b", "\xff\xfe", "שלום 🙂"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cleaned := store.Clean(text)
		require.True(t, utf8.ValidString(cleaned))
		require.False(t, strings.ContainsRune(cleaned, 0))
		require.Equal(t, cleaned, store.Clean(cleaned))
		if utf8.ValidString(text) && !strings.ContainsRune(text, 0) {
			require.Equal(t, text, cleaned)
		}
	})
}
