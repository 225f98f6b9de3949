package phone

import (
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Number is one phone number.
type Number struct {
	E164      string // "+" and digits: the same for all ways of writing the number
	Extension string // digits to dial after the answer; empty if none
}

const (
	// maxRaw bounds what is looked at, in bytes: real fields hold up to 31
	// characters of junk, in any script.
	maxRaw = 200
	// minDigits refuses short codes and house numbers.
	minDigits = 7
	// maxDigits is the limit of E.164.
	maxDigits = 15
)

// Normalize reads one phone number. country is the ISO 3166 code (such as
// "RU") whose national forms are understood; with an empty or unknown one only
// international forms are. Words and punctuation around the number are
// tolerated; of several numbers the first counts. It returns false for
// anything that is no phone: bracketed identities, addresses, short codes,
// text.
func Normalize(raw, country string) (Number, bool) {
	text, ok := clean(raw)
	if !ok {
		return Number{}, false
	}
	text, extension := cutExtension(text)
	country = strings.ToUpper(strings.TrimSpace(country))
	for _, c := range candidates(text) {
		if e164, ok := read(c, country); ok {
			return Number{E164: e164, Extension: extension}, true
		}
	}
	return Number{}, false
}

// String is the number in E.164, with its extension as RFC 3966 writes it.
func (n Number) String() string {
	if n.Extension == "" {
		return n.E164
	}
	return n.E164 + ";ext=" + n.Extension
}

// candidate is a run of digits that may be a number.
type candidate struct {
	digits        string
	international bool // written with + or 00
}

// reading is one way to understand a candidate.
type reading struct {
	text, country string
	possible      bool // a possible length is enough
}

// read tries the readings of a candidate, the safest first. Numbers that are
// valid by the plan of their country come before those that merely have a
// possible length: plans grow faster than the tables that describe them.
func read(c candidate, country string) (string, bool) {
	readings := c.readings(country)
	for _, strict := range []bool{true, false} {
		for _, r := range readings {
			if e164, ok := r.parse(strict); ok {
				return e164, true
			}
		}
	}
	return "", false
}

// parse reads r by the plan of its country; if not strict and r allows it, by
// the length alone.
func (r reading) parse(strict bool) (string, bool) {
	n, err := phonenumbers.Parse(r.text, r.country)
	if err != nil || !strict && !r.possible {
		return "", false
	}
	if strict && !phonenumbers.IsValidNumber(n) ||
		!strict && phonenumbers.IsPossibleNumberWithReason(n) != phonenumbers.IS_POSSIBLE {
		return "", false
	}
	e164 := renew(n)
	size := len(e164) - len("+")
	return e164, size >= minDigits && size <= maxDigits && isStable(e164)
}

// isStable reports whether a number reads as itself. Numbers outside the plan
// may not: each reading takes another 0 for a trunk prefix.
func isStable(e164 string) bool {
	n, err := phonenumbers.Parse(e164, "")
	return err == nil && renew(n) == e164
}

func (c candidate) readings(country string) []reading {
	// Whoever writes + or 00 says that the calling code follows.
	abroad := reading{text: "+" + dropMexicanOne(c.digits), possible: true}
	russian := reading{text: "+7" + c.digits[1:], possible: true}
	eight := sharesSeven(country) && len(c.digits) == 11 && c.digits[0] == '8'
	switch {
	case c.international && eight:
		return []reading{abroad, russian} // "+8 999 ..." is a common slip
	case c.international:
		return []reading{abroad}
	}
	// Messengers give the whole number without +. A possible length proves
	// little there, and identities of 14 and more digits are common.
	abroad.possible = len(c.digits) >= 11 && len(c.digits) <= 13
	national := reading{text: c.digits, country: country, possible: len(c.digits) >= 9 && len(c.digits) <= 11}
	national.possible = national.possible && !isCutShort(c.digits, country)
	switch {
	case len(c.digits) < 10:
		return []reading{national}
	case eight:
		return []reading{russian, national, abroad}
	case hasCallingCode(c.digits, country):
		return []reading{abroad, national}
	default:
		return []reading{national, abroad}
	}
}

// sharesSeven reports whether the country dials +7 abroad and 8 at home: one
// plan, in which a Kazakh number may be written in Russia and the reverse.
func sharesSeven(country string) bool { return country == "RU" || country == "KZ" }

func hasCallingCode(digits, country string) bool {
	code := phonenumbers.GetCountryCodeForRegion(country)
	return code != 0 && strings.HasPrefix(digits, strconv.Itoa(code))
}

// isCutShort reports whether a number looks like one of the +7 plan that lost
// its last digit.
func isCutShort(digits, country string) bool {
	return sharesSeven(country) && len(digits) == 10 && (digits[0] == '7' || digits[0] == '8')
}
