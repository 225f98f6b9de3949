package dialog

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"puente/settings"
)

// Locale is how people of a portal write numbers and dates.
type Locale struct {
	Zone *time.Location // of times without one; nil = UTC
	// DayFirst and MonthFirst say how 03/04/2026 is read; if neither is set, it
	// is refused as ambiguous.
	DayFirst, MonthFirst bool
}

// LocaleOf takes the locale from the settings: Spanish, Russian and Portuguese
// put the day first; in English it depends on the country.
func LocaleOf(s settings.Settings) Locale {
	american := s.General.Country == "US"
	return Locale{
		Zone:       s.Zone(),
		DayFirst:   s.General.Language != "en" || s.General.Country != "" && !american,
		MonthFirst: s.General.Language == "en" && american,
	}
}

func (l Locale) zone() *time.Location {
	if l.Zone == nil {
		return time.UTC
	}
	return l.Zone
}

// Convert turns the text of a Chat2Desk field into a value that crm.item.add
// accepts for a field of type t (bitrix24 reference §3.9, §9.9):
//
//	string, text, address   the text
//	integer                 int64
//	double                  float64
//	boolean, char           "Y" or "N"
//	date                    "2026-01-31"
//	datetime                "2026-01-31T10:00:00+03:00"
//	money                   "1234.50|EUR"; the field's currency if the text names none
//	enumeration             the id of the option with that text (any case) or id
//	crm_status              the id of the option, or the text if options are unknown
//	url                     the address
//	employee, user and the like   a positive int64
//
// A multiple field gets a list: a JSON array or lines give several values, for
// lists of options also commas and semicolons. The error is a clause that says
// why the text does not fit. Convert never guesses: what can be read in two
// ways, like 03/04/2026 or 1.234, is an error.
func Convert(value string, t FieldType, l Locale) (any, error) {
	value = strings.TrimSpace(clean(value))
	if !t.Multiple {
		return convertOne(value, t, l)
	}
	values := []any{}
	for _, part := range parts(value, t) {
		one, err := convertOne(part, t, l)
		if err != nil {
			return nil, err
		}
		values = append(values, one)
	}
	return values, nil
}

// parts splits the value of a multiple field.
func parts(value string, t FieldType) []string {
	var list []any
	if strings.HasPrefix(value, "[") && json.Unmarshal([]byte(value), &list) == nil {
		return texted(list)
	}
	separators := "\n"
	if _, err := option(value, t); len(t.Items) > 0 && err != nil {
		separators = "\n,;"
	}
	return trimmed(strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(separators, r) }))
}

func texted(list []any) []string {
	words := make([]string, len(list))
	for i, element := range list {
		words[i] = fmt.Sprint(element)
		if n, ok := element.(float64); ok {
			words[i] = strconv.FormatFloat(n, 'f', -1, 64)
		}
	}
	return trimmed(words)
}

// trimmed drops empty words.
func trimmed(words []string) []string {
	var kept []string
	for _, word := range words {
		if word = strings.TrimSpace(word); word != "" {
			kept = append(kept, word)
		}
	}
	return kept
}

func convertOne(value string, t FieldType, l Locale) (any, error) {
	switch t.Type {
	case "string", "text", "address":
		return literal(value), nil
	case "integer":
		return integer(value)
	case "double":
		return double(value)
	case "boolean", "char":
		return boolean(value)
	case "date":
		return date(value, l)
	case "datetime":
		return dateTime(value, l)
	case "money":
		return money(value, t.Currency)
	case "enumeration":
		return option(value, t)
	}
	return convertRare(value, t)
}

func convertRare(value string, t FieldType) (any, error) {
	switch t.Type {
	case "crm_status":
		if len(t.Items) == 0 {
			return literal(value), nil
		}
		return option(value, t)
	case "url":
		return webAddress(literal(value))
	case "crm_currency":
		return currency(value)
	case "employee", "user", "crm_company", "crm_contact", "crm_lead", "crm_category":
		return reference(value)
	}
	return nil, fmt.Errorf("a field of the type %s cannot be filled from text", t.Type)
}

func integer(value string) (any, error) {
	plain, err := decimal(value)
	if err != nil {
		return nil, err
	}
	whole, fraction, _ := strings.Cut(plain, ".")
	if strings.Trim(fraction, "0") != "" {
		return nil, errors.New("not a whole number")
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return nil, errors.New("the number is too large")
	}
	return n, nil
}

// maxDouble is up to where float64 keeps whole numbers exact.
const maxDouble = 1e15

func double(value string) (any, error) {
	plain, err := decimal(value)
	if err != nil {
		return nil, err
	}
	n, err := strconv.ParseFloat(plain, 64)
	if err != nil || math.Abs(n) > maxDouble {
		return nil, errors.New("the number is too large")
	}
	return n, nil
}

func reference(value string) (any, error) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n <= 0 {
		return nil, errors.New("not an id; a positive whole number is needed")
	}
	return n, nil
}

// truths is yes and no in the languages of the portal.
var truths = map[string]string{
	"y": "Y", "yes": "Y", "true": "Y", "1": "Y", "on": "Y", "да": "Y", "истина": "Y",
	"sí": "Y", "si": "Y", "s": "Y", "verdadero": "Y", "sim": "Y", "verdadeiro": "Y",
	"n": "N", "no": "N", "false": "N", "0": "N", "off": "N", "нет": "N", "ложь": "N",
	"falso": "N", "não": "N", "nao": "N",
}

func boolean(value string) (any, error) {
	if answer, ok := truths[strings.ToLower(value)]; ok {
		return answer, nil
	}
	return nil, errors.New("not a yes or no")
}

func webAddress(value string) (any, error) {
	if strings.ContainsAny(value, " \n\t") {
		return nil, errors.New("not a web address")
	}
	scheme, _, found := strings.Cut(value, ":")
	if _, ok := safeURL(value); found && !ok && !strings.Contains(scheme, ".") {
		return nil, errors.New("not a web address; only http and https are allowed")
	}
	return value, nil
}
