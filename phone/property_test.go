package phone_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/nyaruka/phonenumbers"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"puente/phone"
)

// countries of the properties: with and without trunk prefixes, fixed and
// varying lengths, shared calling codes.
var countries = []string{
	"RU", "KZ", "MX", "BR", "ES", "US", "CA", "DE", "AR", "IT", "FR", "GB", "PT", "PL", "UA", "BY", "UZ", "TR",
	"IN", "CN", "JP", "CO", "CL", "PE", "AE", "IL", "ZA", "EE",
}

// drawNumber draws a valid number of a country: an example of the tables with
// its last four digits replaced.
func drawNumber(t *rapid.T) (*phonenumbers.PhoneNumber, string) {
	country := rapid.SampledFrom(countries).Draw(t, "country")
	kind := rapid.SampledFrom([]phonenumbers.PhoneNumberType{phonenumbers.MOBILE, phonenumbers.FIXED_LINE}).Draw(t, "kind")
	example := phonenumbers.Format(phonenumbers.GetExampleNumberForType(country, kind), phonenumbers.E164)
	e164 := fmt.Sprintf("%s%04d", example[:len(example)-4], rapid.IntRange(0, 9999).Draw(t, "tail"))
	n, err := phonenumbers.Parse(e164, "")
	if err != nil || !phonenumbers.IsValidNumber(n) {
		n = phonenumbers.GetExampleNumberForType(country, kind)
	}
	return n, country
}

// The national form of an Argentine mobile has 15 in its middle, which the
// library writes wrongly; it is read, see the tables.
func TestNormalizeUndoesFormatting(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n, country := drawNumber(t)
		formats := []phonenumbers.PhoneNumberFormat{phonenumbers.E164, phonenumbers.INTERNATIONAL, phonenumbers.RFC3966}
		if country != "AR" {
			formats = append(formats, phonenumbers.NATIONAL)
		}
		written := phonenumbers.Format(n, rapid.SampledFrom(formats).Draw(t, "format"))
		got, ok := phone.Normalize(written, country)
		require.True(t, ok, written)
		require.Equal(t, phonenumbers.Format(n, phonenumbers.E164), got.E164, written)
	})
}

func TestNormalizeIsIdempotent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.StringMatching(`[+]?[0-9 ()-]{5,18}( (доб|ext)[.]? [0-9]{1,4})?`).Draw(t, "raw")
		country := rapid.SampledFrom(countries).Draw(t, "country")
		first, ok := phone.Normalize(raw, country)
		if !ok {
			return // most strings are no numbers
		}
		again, ok := phone.Normalize(first.String(), "")
		require.True(t, ok, first.String())
		require.Equal(t, first, again)
	})
}

func TestEveryVariantIsTheSameNumber(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n, country := drawNumber(t)
		e164 := phonenumbers.Format(n, phonenumbers.E164)
		variants := phone.Variants(phone.Number{E164: e164})
		require.GreaterOrEqual(t, len(variants), 5, e164)
		require.LessOrEqual(t, len(variants), 20, e164)
		require.Len(t, slices.Compact(slices.Sorted(slices.Values(variants))), len(variants), "no form twice")
		for _, form := range variants {
			got, ok := phone.Normalize(form, country)
			require.True(t, ok, form)
			require.Equal(t, e164, got.E164, form)
		}
	})
}

func TestBracketedIdentitiesAreNeverPhones(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n, country := drawNumber(t)
		messenger := rapid.StringMatching(`[a-z_]{1,12}`).Draw(t, "messenger")
		_, ok := phone.Normalize("["+messenger+"] "+phonenumbers.Format(n, phonenumbers.E164), country)
		require.False(t, ok)
	})
}

func FuzzNormalize(f *testing.F) {
	for _, raw := range []string{
		"+7 (999) 123-45-67 доб. 12", "[tg] 5551", "0034 600 111 222", "＋７９９９１２３４５６７", "8*999*123*45*67", "+55 11 8765-4321", "",
	} {
		f.Add(raw, "RU")
		f.Add(raw, "")
	}
	f.Fuzz(func(t *testing.T, raw, country string) {
		n, ok := phone.Normalize(raw, country)
		if !ok {
			require.Zero(t, n)
			return
		}
		require.Regexp(t, `^\+[1-9][0-9]{6,14}$`, n.E164)
		require.Regexp(t, `^[0-9]{0,7}$`, n.Extension)
		again, ok := phone.Normalize(n.String(), "")
		require.True(t, ok, n.String())
		require.Equal(t, n, again)
		require.LessOrEqual(t, len(phone.Variants(n)), 20)
	})
}
