package phone

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// identity recognises what messengers put where a phone is expected: bracketed
// ids, business-scoped ids ("KZ.926…"), addresses, links and account names.
var identity = regexp.MustCompile(`[\[\]@_]|://|^\s*[A-Z]{2}\.[0-9]`)

// clean brings raw to plain characters: ASCII digits, "+", "-", spaces. It
// returns false for what cannot be a phone.
func clean(raw string) (string, bool) {
	if len(raw) > maxRaw {
		return "", false
	}
	// NFKC turns full-width and styled characters into the usual ones.
	text := strings.Map(plain, norm.NFKC.String(raw))
	text = strings.TrimSpace(text)
	if identity.MatchString(text) || countDigits(text) < minDigits {
		return "", false
	}
	return text, true
}

// plain maps digits of all scripts to ASCII and kinds of dashes and spaces to
// one each; marks that only steer the writing direction vanish.
func plain(r rune) rune {
	switch {
	case r < unicode.MaxASCII:
		return r
	case unicode.Is(unicode.Nd, r):
		return '0' + digitValue(r)
	case unicode.Is(unicode.Pd, r), r == '−':
		return '-'
	case unicode.IsSpace(r):
		return ' '
	case unicode.Is(unicode.Cf, r):
		return -1
	}
	return r
}

// digitValue is the value of a decimal digit: every range of Unicode's decimal
// digits is a row of complete sets from 0 to 9.
func digitValue(r rune) rune {
	for _, block := range unicode.Nd.R16 {
		if lo := rune(block.Lo); r >= lo && r <= rune(block.Hi) {
			return (r - lo) % 10
		}
	}
	for _, block := range unicode.Nd.R32 {
		lo, hi := rune(block.Lo), rune(block.Hi) //nolint:gosec // runes fit
		if r >= lo && r <= hi {
			return (r - lo) % 10
		}
	}
	return 0
}

// runs are digits with the punctuation that is written inside numbers. A "/"
// separates two numbers.
var runs = regexp.MustCompile(`\+?[0-9(][0-9 ().\-~\t]*`)

// labels are the words that may stand against a number without a space.
var labels = regexp.MustCompile(`(?i)(?:^|[^a-z])(?:tel|tlf|tfno|fone|phone|mobile|mob|cell|cel|whatsapp|wa|sms|fax|[tmpf])$`)

// candidates cuts text into runs of digits that may be a number. Text without
// a letter is also tried as a whole: "8*999*123*45*67".
func candidates(text string) []candidate {
	var found []candidate
	for _, at := range runs.FindAllStringIndex(text, -1) {
		run := text[at[0]:at[1]]
		if sticksToWord(text, at[0], run) {
			continue
		}
		if c, ok := newCandidate(run); ok {
			found = append(found, c)
		}
	}
	if whole, ok := newCandidate(onlyDigits(text)); ok && len(found) == 0 && strings.IndexFunc(text, unicode.IsLetter) < 0 {
		found = append(found, whole)
	}
	return found
}

// sticksToWord reports whether the run is the tail of an account name or of a
// hexadecimal id, such as "id89991234567" or "1f3a89991234567".
func sticksToWord(text string, start int, run string) bool {
	before, after := text[:start], text[start+len(run):]
	if letterAt(before, len(before)-1) && !labels.MatchString(before) {
		return true
	}
	// "89991234567ab12": letters with more digits behind them.
	return letterAt(after, 0) && run[len(run)-1] != ' ' && strings.ContainsAny(firstWord(after), "0123456789")
}

func letterAt(s string, i int) bool {
	return i >= 0 && i < len(s) && (s[i]|0x20 >= 'a' && s[i]|0x20 <= 'z')
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(s, " ")
	return word
}

func newCandidate(run string) (candidate, bool) {
	c := candidate{digits: onlyDigits(run), international: strings.HasPrefix(run, "+")}
	if rest, ok := strings.CutPrefix(c.digits, "00"); ok && !c.international {
		c.digits, c.international = rest, true
	}
	if !c.international {
		// "(+7) 999 …" and "+(7) …" mean the same; here only the former.
		c.international = strings.Contains(run, "(+")
	}
	return c, len(c.digits) >= minDigits && len(c.digits) <= maxDigits
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

func countDigits(s string) int { return len(onlyDigits(s)) }
