package contactcenter

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Codes of Russian companies. INN and OGRN end in check digits, whose rules are
// public (orders of the tax service on INN and of the government on OGRN).

var (
	onlyDigits = regexp.MustCompile(`^[0-9]+$`)
	// kppForm is tax office, reason (letters are possible), serial number.
	kppForm = regexp.MustCompile(`^[0-9]{4}[0-9A-Z]{2}[0-9]{3}$`)
)

// CheckINN says what is wrong with a taxpayer number: 10 digits of a company or
// 12 of a person, the last one or two of which are check digits. nil = right.
func CheckINN(inn string) error {
	if !onlyDigits.MatchString(inn) || len(inn) != 10 && len(inn) != 12 {
		return fmt.Errorf("%q is not an INN: 10 digits of a company or 12 of a person are needed", shortened(inn))
	}
	if strings.Trim(inn, "0") == "" {
		return errors.New("an INN cannot consist of zeros")
	}
	weights := []int{3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8}
	places := []int{9} // of the check digits
	if len(inn) == 12 {
		places = []int{10, 11}
	}
	for _, place := range places {
		sum := 0
		for i, weight := range weights[len(weights)-place:] {
			sum += weight * int(inn[i]-'0')
		}
		if sum%11%10 != int(inn[place]-'0') {
			return fmt.Errorf("%s is not an INN: its checksum is wrong, so a digit is mistyped", inn)
		}
	}
	return nil
}

// CheckKPP says what is wrong with a KPP: 9 characters, of which the fifth and
// sixth may be capital letters. It has no checksum.
func CheckKPP(kpp string) error {
	if !kppForm.MatchString(kpp) {
		return fmt.Errorf("%q is not a KPP: 9 digits are needed (the fifth and sixth may be capital letters)", shortened(kpp))
	}
	return nil
}

// CheckOGRN says what is wrong with a registration number: 13 digits of a
// company or 15 of an entrepreneur, the last of which is a check digit.
func CheckOGRN(ogrn string) error {
	if !onlyDigits.MatchString(ogrn) || len(ogrn) != 13 && len(ogrn) != 15 {
		return fmt.Errorf("%q is not an OGRN: 13 digits of a company or 15 of an entrepreneur are needed", shortened(ogrn))
	}
	if strings.Trim(ogrn, "0") == "" {
		return errors.New("an OGRN cannot consist of zeros")
	}
	last := len(ogrn) - 1
	number, err := strconv.ParseInt(ogrn[:last], 10, 64)
	if err != nil || int(number%int64(last-1)%10) != int(ogrn[last]-'0') {
		return fmt.Errorf("%s is not an OGRN: its checksum is wrong, so a digit is mistyped", ogrn)
	}
	return nil
}
