package strictdoc_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"puente/internal/strictdoc"
)

func TestKeysThatAreGivenTwiceAreNamed(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]string{
		`{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}`:           "",
		`{"a":1,"b":2,"a":1}`:                                 "a",
		`{"a":1,"a":2,"a":3}`:                                 "a",
		`{"contact":{"name":"x","phones":[],"name":"y"}}`:     "contact.name",
		`[{"a":1},{"b":[[],[{"k":1,"k":2}]]}]`:                "[1].b[1][0].k",
		`{"a":{"x":1},"a":{"x":1,"x":2}}`:                     "a a.x",
		`{"name":1,"Name":2}`:                                 "",
		`{"a":1,"\u0061":2}`:                                  "a",
		`"a"`:                                                 "",
		`{"a":1,"a":2`:                                        "",
		`{"a":1,"a":2}{}`:                                     "",
		strings.Repeat("[", 9999) + strings.Repeat("]", 9999): "",
	} {
		var got []string
		for _, p := range strictdoc.Duplicates([]byte(document)) {
			require.Equal(t, "is given more than once", p.Message)
			got = append(got, p.Field)
		}
		require.Equal(t, want, strings.Join(got, " "), "%.80s", document)
	}
}

func TestWhatAMapCanHoldHasNoDuplicates(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		inner := rapid.MapOf(rapid.StringMatching(`[a-c"\\.]{0,2}`), rapid.SliceOf(rapid.Int()))
		raw, err := json.Marshal(rapid.MapOf(rapid.String(), inner).Draw(t, "document"))
		require.NoError(t, err)
		require.Empty(t, strictdoc.Duplicates(raw))
	})
}
