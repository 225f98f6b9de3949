package phone_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"puente/phone"
)

func TestNormalizeReadsNumbersAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	tests := []struct{ raw, country, want string }{
		// Russia and Kazakhstan share +7 and dial 8 at home.
		{"+7 (999) 123-45-67", "RU", "+79991234567"},
		{"8 (999) 123-45-67", "RU", "+79991234567"},
		{"8(999)1234567", "RU", "+79991234567"},
		{"79991234567", "RU", "+79991234567"},
		{"9991234567", "RU", "+79991234567"},
		{"+8 999 123 45 67", "RU", "+79991234567"},
		{"(+7) 999 123 45 67", "RU", "+79991234567"},
		{"89991234567", "KZ", "+79991234567"},
		{"87011234567", "RU", "+77011234567"},
		{"8 701 123 45 67", "KZ", "+77011234567"},
		{"+7 700 000 0000", "", "+77000000000"},
		{"8 800 555 35 35", "RU", "+78005553535"},
		// Messengers give all digits without +.
		{"34600111222", "RU", "+34600111222"},
		{"4915112345678", "DE", "+4915112345678"},
		{"5511987654321", "BR", "+5511987654321"},
		{"15551234567", "RU", "+15551234567"},
		// National forms.
		{"55 1234 5678", "MX", "+525512345678"},
		{"(11) 98765-4321", "BR", "+5511987654321"},
		{"55991234567", "BR", "+5555991234567"},
		{"600 111 222", "ES", "+34600111222"},
		{"(202) 555-0143", "US", "+12025550143"},
		{"0151 12345678", "DE", "+4915112345678"},
		{"06 1234 5678", "IT", "+390612345678"},
		{"011 15-2345-6789", "AR", "+5491123456789"},
		{"020 7946 0958", "gb", "+442079460958"},
		// Prefixes of international calls.
		{"0034 600 111 222", "RU", "+34600111222"},
		{"0079991234567", "", "+79991234567"},
		{"8~10 34 600 111 222", "RU", "+34600111222"},
		{"011 44 20 7946 0958", "US", "+442079460958"},
		{"+44 (0)20 7946 0958", "", "+442079460958"},
		// Plans that changed while WhatsApp kept the old form.
		{"5215512345678", "MX", "+525512345678"},
		{"+521 55 1234 5678", "", "+525512345678"},
		{"551187654321", "BR", "+5511987654321"},
		{"(11) 8765-4321", "BR", "+5511987654321"},
		{"+55 11 3123-4567", "", "+551131234567"},
		// Digits, dashes and spaces of the world.
		{"+٧٩٩٩١٢٣٤٥٦٧", "", "+79991234567"},
		{"+۷۹۹۹۱۲۳۴۵۶۷", "", "+79991234567"},
		{"＋７（９９９）１２３－４５－６７", "", "+79991234567"},
		{"+7 999 123–45−67", "", "+79991234567"},
		{"\u202a+7\u00a0999\u00a0123\u00a045\u00a067\u202c", "", "+79991234567"},
		// Junk around the number.
		{"моб 8 999 123 45 67 Анна", "RU", "+79991234567"},
		{"тел.: 8-999-123-45-67 (с 9 до 18)", "RU", "+79991234567"},
		{"тел89991234567", "RU", "+79991234567"},
		{"tel:+7-999-123-45-67", "", "+79991234567"},
		{"8*999*123*45*67", "RU", "+79991234567"},
		{"8.999.123.45.67", "RU", "+79991234567"},
		// The first of several.
		{"89991234567/89997654321", "RU", "+79991234567"},
		{"8 999 123 45 67, 8 999 765 43 21", "RU", "+79991234567"},
		{"89991234567\n89997654321", "RU", "+79991234567"},
		// Not yet in anybody's tables, but of a possible length.
		{"+1 555 123 4567", "", "+15551234567"},
	}
	for _, tt := range tests {
		got, ok := phone.Normalize(tt.raw, tt.country)
		require.True(t, ok, "%q in %s", tt.raw, tt.country)
		require.Equal(t, phone.Number{E164: tt.want}, got, "%q in %s", tt.raw, tt.country)
	}
}

func TestNormalizeKeepsExtensionsApart(t *testing.T) {
	t.Parallel()
	tests := []struct{ raw, extension string }{
		{"8 (999) 123-45-67 доб. 12", "12"},
		{"8 (999) 123-45-67 доб.12 (Анна)", "12"},
		{"8 (999) 123-45-67, доб 12", "12"},
		{"8 999 123-45-67 вн. 305", "305"},
		{"8 999 123-45-67 ext 5", "5"},
		{"+7 999 123 45 67 Ext.: 5", "5"},
		{"tel:+7-999-123-45-67;ext=5", "5"},
		{"89991234567#12", "12"},
		{"8 999 123 45 67 #12", "12"},
		{"89991234567x5", "5"},
		{"8 999 123 45 67 ramal 4321", "4321"},
		{"8 999 123 45 67,,123", "123"},
		{"8 999 123 45 67 доб. ١٢", "12"},
	}
	for _, tt := range tests {
		got, ok := phone.Normalize(tt.raw, "RU")
		require.True(t, ok, tt.raw)
		require.Equal(t, phone.Number{E164: "+79991234567", Extension: tt.extension}, got, tt.raw)
	}
}

func TestNormalizeRefusesWhatIsNoPhone(t *testing.T) {
	t.Parallel()
	tests := []struct{ raw, country string }{
		{"", "RU"},
		{"   ", "RU"},
		{"[tg] 5551", "RU"},
		{"[tg] 89991234567", "RU"},
		{"[tg] 5551234567", "US"},
		{"[chat] 1f3a89991234567", "RU"},
		{"[wa_gupshup] KZ.9265551122", "RU"},
		{"KZ.9265551122", "RU"},
		{"[vk] 89991234567", "RU"},
		{"ana89991234567@example.org", "RU"},
		{"https://wa.me/79991234567", "RU"},
		{"id89991234567", "RU"},
		{"user_89991234567", "RU"},
		{"1f3a89991234567", "RU"},
		{"89991234567ab12", "RU"},
		{"112", "RU"},
		{"0611", "RU"},
		{"900", "RU"},
		{"911", "US"},
		{"12345", "DE"},
		{"555-0143", "US"},
		{"9991234567", ""},
		{"8999123456", "RU"},
		{"7999123456", "RU"},
		{"123456789012345", "RU"},
		{"1234567890123456", "RU"},
		{"00000000000", "RU"},
		{"unknown", "RU"},
		{"Анна Петрова", "RU"},
		{"+", "RU"},
	}
	for _, tt := range tests {
		got, ok := phone.Normalize(tt.raw, tt.country)
		require.False(t, ok, "%q in %s gave %v", tt.raw, tt.country, got)
		require.Zero(t, got)
	}
}

func TestNormalizeBoundsWhatItLooksAt(t *testing.T) {
	t.Parallel()
	long := make([]byte, 1<<20)
	for i := range long {
		long[i] = '9'
	}
	_, ok := phone.Normalize(string(long), "RU")
	require.False(t, ok)
}

func TestNumberIsPrintedWithItsExtension(t *testing.T) {
	t.Parallel()
	require.Equal(t, "+79991234567", phone.Number{E164: "+79991234567"}.String())
	require.Equal(t, "+79991234567;ext=12", phone.Number{E164: "+79991234567", Extension: "12"}.String())
}

func TestVariantsHoldTheUsualForms(t *testing.T) {
	t.Parallel()
	tests := []struct {
		e164 string
		want []string
	}{
		{"+79991234567", []string{
			"+79991234567", "79991234567", "89991234567", "9991234567", "+7 (999) 123-45-67", "8 (999) 123-45-67",
			"+7 999 123-45-67", "+7 999 123 45 67", "8 999 123 45 67", "+7(999)1234567", "8(999)123-45-67", "+7-999-123-45-67",
		}},
		{"+77011234567", []string{"+77011234567", "77011234567", "87011234567", "7011234567", "+7 (701) 123-45-67", "8 (701) 123-45-67"}},
		{"+525512345678", []string{"+525512345678", "525512345678", "5512345678", "+52 55 1234 5678", "5215512345678", "(55) 1234-5678"}},
		{"+5511987654321", []string{"5511987654321", "11987654321", "551187654321", "+55 11 98765-4321", "(11) 98765-4321"}},
		{"+34600111222", []string{"+34600111222", "34600111222", "600111222", "+34 600 11 12 22", "600 11 12 22", "0034600111222"}},
		{"+12025550143", []string{"+12025550143", "2025550143", "(202) 555-0143", "+1 202-555-0143", "202-555-0143", "+1 (202) 555-0143"}},
		{"+4915112345678", []string{"+4915112345678", "015112345678", "+49 1511 2345678", "01511 2345678"}},
		{"+390612345678", []string{"+390612345678", "0612345678", "06 1234 5678"}},
	}
	for _, tt := range tests {
		got := phone.Variants(phone.Number{E164: tt.e164})
		require.Subset(t, got, tt.want)
		require.Equal(t, tt.e164, got[0], "the commonest form comes first")
		require.LessOrEqual(t, len(got), 20)
	}
}

func TestVariantsOfNothingAreNone(t *testing.T) {
	t.Parallel()
	for _, e164 := range []string{"", "+", "79991234567", "[tg] 5551", "abc"} {
		require.Empty(t, phone.Variants(phone.Number{E164: e164}), e164)
	}
}
