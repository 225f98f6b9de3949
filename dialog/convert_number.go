package dialog

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

var (
	errNumber = errors.New("not a number")
	digits    = regexp.MustCompile(`^[0-9]+$`)
	// grouped is a whole part written in groups of three after one separator.
	grouped = regexp.MustCompile(`^[0-9]{1,3}(\x20[0-9]{3})+$`)
)

// spaces are what people put between thousands.
var spaces = strings.NewReplacer("\u00a0", " ", "\u202f", " ", "\u2009", " ", "'", " ", "’", " ", "−", "-")

// decimal brings a number as people write it to digits with a point:
// "1 234,50" and "1.234,50" and "1,234.50" are 1234.50. "1,234" and "1.234"
// could be thousands or a fraction: they are refused.
func decimal(value string) (string, error) {
	value = spaces.Replace(strings.TrimSpace(value))
	sign := ""
	if rest, negative := strings.CutPrefix(value, "-"); negative {
		sign, value = "-", rest
	} else {
		value = strings.TrimPrefix(value, "+")
	}
	whole, fraction, err := splitNumber(strings.TrimSpace(value))
	if err != nil {
		return "", err
	}
	if fraction != "" {
		whole += "." + fraction
	}
	return sign + whole, nil
}

// splitNumber finds the decimal separator and takes the grouping away.
func splitNumber(value string) (whole, fraction string, err error) {
	comma, point := strings.Count(value, ","), strings.Count(value, ".")
	last := strings.LastIndexAny(value, ",.")
	switch {
	case comma+point == 0:
		whole, err = ungroup(value, " ")
		return whole, "", err
	case comma > 1 && point == 0, point > 1 && comma == 0: // 1,234,567
		whole, err = ungroup(value, value[last:last+1])
		return whole, "", err
	}
	whole, fraction = value[:last], value[last+1:]
	if !digits.MatchString(fraction) {
		return "", "", errNumber
	}
	if comma+point == 1 && couldBeThousands(whole, fraction) {
		return "", "", fmt.Errorf("ambiguous: it is not clear whether thousands or a fraction are meant; write %[1]s%[2]s or %[1]s.%[2]s0",
			whole, fraction)
	}
	whole, err = ungroupAny(whole, value[last])
	return whole, fraction, err
}

// couldBeThousands is true for 1,234: one to three digits, then just three.
// Grouped or zero whole parts settle it: 1 234,567 and 0.125 are fractions.
func couldBeThousands(whole, fraction string) bool {
	return len(fraction) == 3 && len(whole) <= 3 && digits.MatchString(whole) && whole[0] != '0'
}

// ungroupAny takes away the grouping that does not use the decimal separator.
func ungroupAny(whole string, decimalSeparator byte) (string, error) {
	for _, separator := range []string{",", ".", " "} {
		if strings.Contains(whole, separator) {
			if separator[0] == decimalSeparator {
				return "", errNumber
			}
			return ungroup(whole, separator)
		}
	}
	return ungroup(whole, " ")
}

func ungroup(whole, separator string) (string, error) {
	if digits.MatchString(whole) {
		return whole, nil
	}
	if separator != " " && strings.Contains(whole, " ") {
		return "", errNumber
	}
	spaced := strings.ReplaceAll(whole, separator, " ")
	if !grouped.MatchString(spaced) {
		return "", errNumber
	}
	return strings.ReplaceAll(spaced, " ", ""), nil
}

// currencies is how people write the commonest currencies beside their codes.
var currencies = map[string]string{
	"$": "USD", "US$": "USD", "€": "EUR", "£": "GBP", "₽": "RUB", "руб": "RUB", "руб.": "RUB", "р.": "RUB",
	"R$": "BRL", "₸": "KZT", "₴": "UAH", "MX$": "MXN",
}

var currencyCode = regexp.MustCompile(`^[A-Z]{3}$`)

// amount is a number with a currency before or behind it.
var amount = regexp.MustCompile(`^([^0-9+\-−]*)([+\-−]?[0-9][0-9., \x{00a0}\x{202f}\x{2009}'’]*)(.*)$`)

// money gives "100|USD" (bitrix24 reference §3.9).
func money(value, fallback string) (any, error) {
	match := amount.FindStringSubmatch(strings.ReplaceAll(value, "|", " "))
	if match == nil {
		return nil, errors.New("not an amount of money")
	}
	plain, err := decimal(match[2])
	if err != nil {
		return nil, err
	}
	code := fallback
	if written := strings.TrimSpace(match[1] + match[3]); written != "" {
		if code, err = currency(written); err != nil {
			return nil, err
		}
	}
	if code == "" {
		return nil, errors.New("no currency is known; write it behind the amount, like 100 USD")
	}
	return plain + "|" + code, nil
}

func currency(value string) (string, error) {
	if code, ok := currencies[value]; ok {
		return code, nil
	}
	if code, ok := currencies[strings.ToLower(value)]; ok {
		return code, nil
	}
	if code := strings.ToUpper(value); currencyCode.MatchString(code) {
		return code, nil
	}
	return "", fmt.Errorf("%q is not a currency", shorten(value, maxProblemValue))
}
