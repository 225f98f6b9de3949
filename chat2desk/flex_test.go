package chat2desk

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestIdsComeInManyShapes(t *testing.T) {
	t.Parallel()
	tests := map[string]int64{
		`5`: 5, `"5"`: 5, `" 5 "`: 5, `5.0`: 5, `5e2`: 500, `9007199254740993`: 9007199254740993, `"9223372036854775807"`: 1<<63 - 1,
		`null`: 0, `""`: 0, `0`: 0, `false`: 0, `{}`: 0, `[]`: 0, ``: 0, `5.5`: 0, `"abc"`: 0, `1e300`: 0, `99999999999999999999`: 0,
		`-3`: -3,
	}
	for raw, want := range tests {
		require.Equal(t, want, flexInt(json.RawMessage(raw)), raw)
	}
}

func TestBooleansComeInManyShapes(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{
		`true`: true, `1`: true, `"1"`: true, `"true"`: true, `"Yes"`: true,
		`false`: false, `0`: false, `"0"`: false, `""`: false, `null`: false, ``: false, `"false"`: false, `[]`: false, `{}`: false,
	}
	for raw, want := range tests {
		require.Equal(t, want, flexBool(json.RawMessage(raw)), raw)
	}
}

func TestTextsMayBeNumbers(t *testing.T) {
	t.Parallel()
	tests := map[string]string{`"a\nb"`: "a\nb", `5`: "5", `true`: "true", `null`: "", `{}`: "", `[]`: "", ``: "", `""`: "", `1.50`: "1.50"}
	for raw, want := range tests {
		require.Equal(t, want, flexText(json.RawMessage(raw)), raw)
	}
}

func TestTimesComeInManyShapes(t *testing.T) {
	t.Parallel()
	moscow := time.FixedZone("MSK", 3*3600)
	nine := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	tests := []struct {
		raw  string
		want time.Time
	}{
		{`"2026-01-05T09:00:00Z"`, nine},
		{`"2026-01-05T09:00:00.123456Z"`, nine.Add(123456 * time.Microsecond)},
		{`"2026-01-05T12:00:00+03:00"`, nine},
		{`"2026-01-05T12:00:00+0300"`, nine},
		{`"2026-01-05 12:00:00 +0300"`, nine},
		{`"2026-01-05T09:00:00 UTC"`, nine},
		{`"2026-01-05 09:00:00 UTC"`, nine},
		{`"2026-01-05 09:00:00 GMT"`, nine},
		{`1767603600`, nine},
		{`"1767603600"`, nine},
		{`1767603600.5`, nine.Add(500 * time.Millisecond)},
		{`1767603600000`, nine},
		// No zone: the account's.
		{`"05.01.2026 12:00:00"`, nine},
		{`"5.1.2026 12:00:00"`, nine},
		{`"05.01.2026 9:00:00"`, nine.Add(-3 * time.Hour)},
		{`"2026-01-05 12:00:00"`, nine},
		{`"2026-01-05T12:00:00"`, nine},
		{`"2026-01-05"`, nine.Add(-12 * time.Hour)},
		{`"05-01-2026"`, nine.Add(-12 * time.Hour)},
		// Nothing that says when.
		{`null`, time.Time{}},
		{`""`, time.Time{}},
		{`0`, time.Time{}},
		{`-5`, time.Time{}},
		{`"NaN"`, time.Time{}},
		{`"yesterday"`, time.Time{}},
		{`{}`, time.Time{}},
		{`1e300`, time.Time{}},
		{``, time.Time{}},
		{`"2026-13-45T99:00:00Z"`, time.Time{}},
	}
	for _, tt := range tests {
		got := flexTime(json.RawMessage(tt.raw), moscow)
		require.True(t, tt.want.Equal(got), "%s: %s", tt.raw, got)
		require.Equal(t, time.UTC, got.Location(), tt.raw)
	}
}

func TestKeysAreReadInBothSpellings(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"client_id": "client_id", "clientID": "client_id", "clientId": "client_id", "ClientID": "client_id",
		"gateway_status": "gateway_status", "UTM_SOURCE": "utm_source", "id": "id", "ID": "id",
	} {
		require.Equal(t, want, snakeCase(key))
	}
	o := readObject(json.RawMessage(`{"clientID":7,"client_id":null,"dialog_id":1,"dialogID":2}`))
	require.EqualValues(t, 7, o.int("client_id"), "a spelling that says nothing does not hide the other")
	require.EqualValues(t, 1, o.int("dialog_id"), "the documented spelling wins")
}

func TestWhatIsNoObjectIsAnEmptyOne(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{`[]`, `null`, `""`, `5`, ``, `{"a":`} {
		o := readObject(json.RawMessage(raw))
		require.Zero(t, o.int("id"), raw)
		require.Empty(t, o.text("name"), raw)
		require.Empty(t, o.object("client").list("tags"), raw)
	}
}

func FuzzFlexTime(f *testing.F) {
	for _, raw := range []string{
		`"2026-01-05T09:00:00.123456Z"`, `"2026-01-05T09:00:00 UTC"`, `"05.01.2026 9:00:00"`, `1767603600`, `"2026-01-05 09:00:00"`, `null`,
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got := flexTime(json.RawMessage(raw), time.FixedZone("X", 3*3600))
		if got.IsZero() {
			return
		}
		text, err := json.Marshal(got) // fails outside the years 0 to 9999
		require.NoError(t, err, raw)
		require.True(t, flexTime(text, nil).Equal(got), "%s: %s", raw, got)
	})
}
