package phone

import (
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// maxVariants is how many values one duplicate search of Bitrix24 takes.
const maxVariants = 20

// Variants lists the forms in which a CRM may hold the number, at most 20, the
// commonest first, none twice, without the extension: E.164, digits, the 8 form
// of Russia and Kazakhstan, the national forms, and the usual ways of setting
// spaces, dashes and brackets. Read by Normalize with the number's own country,
// each gives the number again. A number that is none has no variants.
func Variants(n Number) []string {
	parsed, err := phonenumbers.Parse(n.E164, "")
	if err != nil || !strings.HasPrefix(n.E164, "+") {
		return nil
	}
	country := regionOf(parsed)
	forms := slices.Concat(plainForms(parsed), oldForms(n.E164), sevenForms(parsed), writtenForms(parsed))
	var variants []string
	for _, form := range forms {
		// A form that could be read as another number would find a stranger.
		back, ok := Normalize(form, country)
		if ok && back.E164 == n.E164 && back.Extension == "" && !slices.Contains(variants, form) {
			variants = append(variants, form)
		}
	}
	return variants[:min(len(variants), maxVariants)]
}

// regionOf is the country of a number, or the main one of its calling code.
func regionOf(n *phonenumbers.PhoneNumber) string {
	if region := phonenumbers.GetRegionCodeForNumber(n); region != "" && region != "ZZ" {
		return region
	}
	return phonenumbers.GetRegionCodeForCountryCode(int(n.GetCountryCode()))
}

// plainForms are those without punctuation.
func plainForms(n *phonenumbers.PhoneNumber) []string {
	e164 := phonenumbers.Format(n, phonenumbers.E164)
	national := phonenumbers.Format(n, phonenumbers.NATIONAL)
	own := phonenumbers.GetNationalSignificantNumber(n)
	forms := []string{e164, e164[1:], onlyDigits(national), own}
	if n.GetCountryCode() == 7 {
		forms = append(forms, "8"+own)
	}
	return forms
}

// sevenForms are the habits of the +7 plan, whose numbers have ten digits:
// 999 123-45-67.
func sevenForms(n *phonenumbers.PhoneNumber) []string {
	d := phonenumbers.GetNationalSignificantNumber(n)
	if n.GetCountryCode() != 7 || len(d) != 10 {
		return nil
	}
	code, a, b, c := d[:3], d[3:6], d[6:8], d[8:]
	dashed, spaced := a+"-"+b+"-"+c, a+" "+b+" "+c
	var forms []string
	for _, prefix := range []string{"+7", "8"} {
		forms = append(forms,
			prefix+" ("+code+") "+dashed, prefix+"("+code+")"+dashed, prefix+" "+code+" "+dashed,
			prefix+" "+code+" "+spaced, prefix+"-"+code+"-"+dashed, prefix+"("+code+")"+d[3:])
	}
	return append(forms, "("+code+") "+dashed)
}

// writtenForms are the country's usual forms with their variations.
func writtenForms(n *phonenumbers.PhoneNumber) []string {
	national := phonenumbers.Format(n, phonenumbers.NATIONAL)
	international := phonenumbers.Format(n, phonenumbers.INTERNATIONAL)
	code := "+" + strconv.Itoa(int(n.GetCountryCode()))
	groups := strings.FieldsFunc(strings.TrimPrefix(international, code), isSeparator)
	forms := []string{international, national, code + " " + strings.Join(groups, " "), code + "-" + strings.Join(groups, "-")}
	if len(groups) > 1 {
		area, rest := groups[0], strings.Join(groups[1:], "-")
		forms = append(forms, code+" ("+area+") "+rest, code+"("+area+")"+rest, "("+area+") "+rest, area+"-"+rest)
	}
	return append(forms, strings.Join(groups, " "), strings.Join(strings.FieldsFunc(national, isSeparator), " "),
		strings.Join(strings.FieldsFunc(national, isSeparator), "-"), "00"+onlyDigits(international))
}

func isSeparator(r rune) bool {
	return r == ' ' || r == '-' || r == '(' || r == ')' || r == '.' || r == '/'
}
