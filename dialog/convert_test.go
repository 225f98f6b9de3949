package dialog_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"puente/dialog"
	"puente/settings"
)

var cities = []dialog.Item{{ID: "45", Value: "Madrid"}, {ID: "46", Value: "São  Paulo"}, {ID: "47", Value: "45"}, {ID: "C1:NEW", Value: "New"}}

type conversion struct {
	typ, value string
	want       any    // nil = refused
	why        string // part of the refusal
}

func checkConversions(t *testing.T, field dialog.FieldType, locale dialog.Locale, conversions []conversion) {
	t.Helper()
	for _, c := range conversions {
		field.Type = c.typ
		got, err := dialog.Convert(c.value, field, locale)
		if c.want == nil {
			require.ErrorContains(t, err, c.why, "%s %q gave %v", c.typ, c.value, got)
			continue
		}
		require.NoError(t, err, "%s %q", c.typ, c.value)
		require.Equal(t, c.want, got, "%s %q", c.typ, c.value)
	}
}

func TestConvertNumbers(t *testing.T) {
	t.Parallel()
	checkConversions(t, dialog.FieldType{}, dialog.Locale{}, []conversion{
		{"integer", "42", int64(42), ""},
		{"integer", " 1 234 567 ", int64(1234567), ""},
		{"integer", "1\u00a0234", int64(1234), ""},
		{"integer", "1'234", int64(1234), ""},
		{"integer", "-7", int64(-7), ""},
		{"integer", "−7", int64(-7), ""},
		{"integer", "+7", int64(7), ""},
		{"integer", "12,00", int64(12), ""},
		{"integer", "1.234.567", int64(1234567), ""},
		{"integer", "12,5", nil, "not a whole number"},
		{"integer", "1,234", nil, "ambiguous"},
		{"integer", "99999999999999999999", nil, "too large"},
		{"integer", "twelve", nil, "not a number"},
		{"integer", "", nil, "not a number"},
		{"integer", "1e3", nil, "not a number"},
		{"integer", "0x10", nil, "not a number"},
		{"double", "1 234,50", 1234.5, ""},
		{"double", "1.234,50", 1234.5, ""},
		{"double", "1,234.50", 1234.5, ""},
		{"double", "1,234,567.8", 1234567.8, ""},
		{"double", "0.125", 0.125, ""},
		{"double", "0,125", 0.125, ""},
		{"double", "1 234,567", 1234.567, ""},
		{"double", "12345.678", 12345.678, ""},
		{"double", "-0,5", -0.5, ""},
		{"double", "1.234", nil, "ambiguous"},
		{"double", "1,234", nil, "write 1234 or 1.2340"},
		{"double", "1,2,3", nil, "not a number"},
		{"double", "12.34.56,7", nil, "not a number"},
		{"double", "1 23", nil, "not a number"},
		{"double", "1 234.567,8", nil, "not a number"},
		{"double", "1,234,567,8", nil, "not a number"},
		{"double", ",5", nil, "not a number"},
		{"double", "1.2.3,5", nil, "not a number"},
		{"double", "1,2.3,5", nil, "not a number"},
		{"double", "5,", nil, "not a number"},
		{"double", "--5", nil, "not a number"},
		{"double", "NaN", nil, "not a number"},
		{"double", "Inf", nil, "not a number"},
		{"double", "9999999999999999", nil, "too large"},
		{"employee", "7", int64(7), ""},
		{"crm_contact", "0", nil, "not an id"},
		{"user", "Olga", nil, "not an id"},
	})
}

func TestConvertMoney(t *testing.T) {
	t.Parallel()
	checkConversions(t, dialog.FieldType{Currency: "EUR"}, dialog.Locale{}, []conversion{
		{"money", "1 234,50", "1234.50|EUR", ""},
		{"money", "100|USD", "100|USD", ""},
		{"money", "$100", "100|USD", ""},
		{"money", "R$ 1.234,50", "1234.50|BRL", ""},
		{"money", "-5 €", "-5|EUR", ""},
		{"money", "1 500 руб.", "1500|RUB", ""},
		{"money", "1500 Руб.", "1500|RUB", ""},
		{"money", "20 kzt", "20|KZT", ""},
		{"money", "20 pesos", nil, `"pesos" is not a currency`},
		{"money", "USD", nil, "not an amount"},
		{"money", "1,234 USD", nil, "ambiguous"},
		{"crm_currency", "usd", "USD", ""},
		{"crm_currency", "dollars", nil, "not a currency"},
	})
	_, err := dialog.Convert("100", dialog.FieldType{Type: "money"}, dialog.Locale{})
	require.ErrorContains(t, err, "no currency is known")
}

func TestConvertYesAndNoInFourLanguages(t *testing.T) {
	t.Parallel()
	var conversions []conversion
	for _, yes := range []string{"Y", "yes", "TRUE", "1", "on", "Да", "sí", "Si", "sim", "Verdadeiro", "verdadero"} {
		conversions = append(conversions, conversion{"boolean", yes, "Y", ""}, conversion{"char", yes, "Y", ""})
	}
	for _, no := range []string{"N", "no", "False", "0", "off", "НЕТ", "não", "nao", "falso"} {
		conversions = append(conversions, conversion{"boolean", no, "N", ""})
	}
	conversions = append(conversions, conversion{"boolean", "maybe", nil, "not a yes or no"}, conversion{"boolean", "2", nil, "not a yes or no"})
	checkConversions(t, dialog.FieldType{}, dialog.Locale{}, conversions)
}

func TestConvertDates(t *testing.T) {
	t.Parallel()
	checkConversions(t, dialog.FieldType{}, dialog.Locale{Zone: madrid(t)}, []conversion{
		{"date", "2026-01-31", "2026-01-31", ""},
		{"date", "31.01.2026", "2026-01-31", ""},
		{"date", "31-1-2026", "2026-01-31", ""},
		{"date", "31/01/2026", "2026-01-31", ""},
		{"date", "01/31/2026", "2026-01-31", ""},
		{"date", "05/05/2026", "2026-05-05", ""},
		{"date", "2026/01/31", "2026-01-31", ""},
		{"date", "20260131", "2026-01-31", ""},
		{"date", "2026-01-31T23:30:00Z", "2026-02-01", ""},
		{"date", "1767604800", "2026-01-05", ""},
		{"date", "1767604800123", "2026-01-05", ""},
		{"date", "03/04/2026", nil, "ambiguous"},
		{"date", "31.02.2026", nil, "not a date"},
		{"date", "tomorrow", nil, "not a date"},
		{"date", "12345", nil, "not a date"},
		{"date", "0001-01-01T00:00:00+14:00", nil, "not a date"},
		{"date", "", nil, "not a date"},
		{"datetime", "2026-01-05T09:00:00Z", "2026-01-05T10:00:00+01:00", ""},
		{"datetime", "2026-01-05T09:00:00.123456Z", "2026-01-05T10:00:00+01:00", ""},
		{"datetime", "2026-01-05T09:00:00 UTC", "2026-01-05T10:00:00+01:00", ""},
		{"datetime", "2026-01-05 09:00:00", "2026-01-05T09:00:00+01:00", ""},
		{"datetime", "05.01.2026 9:00:00", "2026-01-05T09:00:00+01:00", ""},
		{"datetime", "05.01.2026, 09:00", "2026-01-05T09:00:00+01:00", ""},
		{"datetime", "5/1/2026 09:00", nil, "ambiguous"},
		{"datetime", "2026-07-05", "2026-07-05T00:00:00+02:00", ""},
		{"datetime", "1767604800", "2026-01-05T10:20:00+01:00", ""},
		{"datetime", "2026-01-05T09:00:00+05:00", "2026-01-05T05:00:00+01:00", ""},
		{"datetime", "noon", nil, "not a date"},
	})
	checkConversions(t, dialog.FieldType{}, dialog.Locale{DayFirst: true}, []conversion{
		{"date", "03/04/2026", "2026-04-03", ""}, {"datetime", "3/4/2026 10:00", "2026-04-03T10:00:00Z", ""},
	})
	checkConversions(t, dialog.FieldType{}, dialog.Locale{MonthFirst: true}, []conversion{{"date", "03/04/2026", "2026-03-04", ""}})
}

func TestLocaleComesFromLanguageAndCountry(t *testing.T) {
	t.Parallel()
	tests := []struct {
		language, country    string
		dayFirst, monthFirst bool
	}{
		{"en", "", false, false}, {"en", "US", false, true}, {"en", "GB", true, false}, {"es", "", true, false}, {"es", "US", true, false},
	}
	for _, tt := range tests {
		s := settings.Default()
		s.General.Language, s.General.Country = tt.language, tt.country
		require.Equal(t, dialog.Locale{Zone: time.UTC, DayFirst: tt.dayFirst, MonthFirst: tt.monthFirst}, dialog.LocaleOf(s), "%+v", tt)
	}
}

func TestConvertListsAndTexts(t *testing.T) {
	t.Parallel()
	checkConversions(t, dialog.FieldType{Items: cities}, dialog.Locale{}, []conversion{
		{"enumeration", "madrid", int64(45), ""},
		{"enumeration", "SÃO PAULO", int64(46), ""},
		{"enumeration", "46", int64(46), ""},
		{"enumeration", "45", int64(47), ""}, // the text 45 goes before the id 45
		{"enumeration", "new", "C1:NEW", ""},
		{"enumeration", "Rome", nil, "not one of the options of the list: Madrid, São Paulo, 45, New"},
		{"crm_status", "New", "C1:NEW", ""},
		{"crm_status", "Old", nil, "not one of the options"},
	})
	checkConversions(t, dialog.FieldType{}, dialog.Locale{}, []conversion{
		{"enumeration", "x", nil, "it has none"},
		{"crm_status", "NEW", "NEW", ""},
		{"string", " [b]Ana[/b] \r\n🙂 ", "[b]Ana[/b] \n🙂", ""},
		{"text", "$result[c]", "$result\u200b[c]", ""},
		{"url", "https://example.test/a?b=1", "https://example.test/a?b=1", ""},
		{"url", "example.test/a", "example.test/a", ""},
		{"url", "example.test:8080", "example.test:8080", ""},
		{"url", "javascript:alert(1)", nil, "only http and https"},
		{"url", "two words", nil, "not a web address"},
		{"file", "x", nil, "the type file cannot be filled"},
	})
}

func TestConvertMultiple(t *testing.T) {
	t.Parallel()
	tests := []struct {
		typ, value string
		items      []dialog.Item
		want       []any
	}{
		{"string", "one, two", nil, []any{"one, two"}},
		{"string", "one\n\n two ", nil, []any{"one", "two"}},
		{"string", `["one", 2, 1767604800]`, nil, []any{"one", "2", "1767604800"}},
		{"string", `[not json`, nil, []any{"[not json"}},
		{"integer", "1\n2", nil, []any{int64(1), int64(2)}},
		{"enumeration", "Madrid; são paulo", cities, []any{int64(45), int64(46)}},
		{"enumeration", "Madrid", cities, []any{int64(45)}},
		{"enumeration", "a, b", []dialog.Item{{ID: "1", Value: "A, B"}}, []any{int64(1)}},
		{"string", "", nil, []any{}},
	}
	for _, tt := range tests {
		got, err := dialog.Convert(tt.value, dialog.FieldType{Type: tt.typ, Multiple: true, Items: tt.items}, dialog.Locale{})
		require.NoError(t, err, tt.value)
		require.Equal(t, tt.want, got, tt.value)
	}
	_, err := dialog.Convert("1\nx", dialog.FieldType{Type: "integer", Multiple: true}, dialog.Locale{})
	require.ErrorContains(t, err, "not a number")
}

func TestTypesThatSettingsAllowCanBeConverted(t *testing.T) {
	t.Parallel()
	for _, typ := range []string{
		"string", "text", "address", "url", "integer", "double", "boolean", "char", "date", "datetime", "money", "enumeration",
		"crm_status", "crm_currency", "crm_category", "crm_company", "crm_contact", "crm_lead", "employee", "user",
		"file", "crm", "iblock_element", "resourcebooking", "crm_multifield", "", "location",
	} {
		field := dialog.FieldType{Type: typ}
		_, err := dialog.Convert("?", field, dialog.Locale{})
		cannot := err != nil && strings.Contains(err.Error(), "cannot be filled from text")
		require.Equal(t, field.Fillable(), !cannot, typ)
	}
}

func TestLongListsAreNotSpelledOut(t *testing.T) {
	t.Parallel()
	var items []dialog.Item
	for range 30 {
		items = append(items, dialog.Item{ID: "1", Value: "option"})
	}
	_, err := dialog.Convert("x", dialog.FieldType{Type: "enumeration", Items: items}, dialog.Locale{})
	require.ErrorContains(t, err, "option, …")
	require.Less(t, len(err.Error()), 200)
}

func TestDecimalsKeepTheirValueHoweverTheyAreGrouped(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cents := rapid.Int64Range(0, 1e13).Draw(t, "cents")
		style := rapid.SampledFrom([][2]string{{" ", ","}, {".", ","}, {",", "."}, {"", "."}, {"", ","}, {"\u00a0", ","}, {"'", "."}}).Draw(t, "style")
		got, err := dialog.Convert(grouped(cents, style[0], style[1]), dialog.FieldType{Type: "double"}, dialog.Locale{})
		require.NoError(t, err)
		require.InDelta(t, float64(cents)/100, got, 0.001)
	})
}

// grouped writes cents as a number with two places.
func grouped(cents int64, group, point string) string {
	whole := strconv.FormatInt(cents/100, 10)
	out := ""
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			out += group
		}
		out += string(digit)
	}
	return out + point + fmt.Sprintf("%02d", cents%100)
}

func FuzzConvert(f *testing.F) {
	for _, value := range []string{"1 234,50", "03/04/2026", "$100", "Madrid;Rome", `["a"]`, "\xff", "-", "2026-01-05T09:00:00 UTC", "9999999999999"} {
		f.Add(value, "double", false)
		f.Add(value, "date", true)
		f.Add(value, "money", false)
		f.Add(value, "enumeration", true)
		f.Add(value, "datetime", false)
	}
	f.Fuzz(func(t *testing.T, value, typ string, multiple bool) {
		field := dialog.FieldType{Type: typ, Multiple: multiple, Items: cities, Currency: "EUR"}
		got, err := dialog.Convert(value, field, dialog.Locale{DayFirst: true})
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		_, err = json.Marshal(got)
		require.NoError(t, err, "what is given can be sent")
		if _, isList := got.([]any); multiple != isList {
			t.Fatalf("multiple=%v gave %T", multiple, got)
		}
	})
}
