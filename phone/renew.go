package phone

import (
	"regexp"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Two countries changed their mobile numbers, and WhatsApp keeps the old form
// as the identity: Mexico dropped the 1 behind +52 in 2019, Brazil put a 9
// before the eight digits of a mobile until 2016. Both forms are the same
// person, so the new one is what Normalize returns.
var (
	oldMexican   = regexp.MustCompile(`^521([0-9]{10})$`)
	oldBrazilian = regexp.MustCompile(`^\+55([0-9]{2})([6-9][0-9]{7})$`)
	newBrazilian = regexp.MustCompile(`^\+55([0-9]{2})9([6-9][0-9]{7})$`)
)

func dropMexicanOne(digits string) string { return oldMexican.ReplaceAllString(digits, "52$1") }

// renew formats a number in E.164, in its present form.
func renew(n *phonenumbers.PhoneNumber) string {
	return oldBrazilian.ReplaceAllString(phonenumbers.Format(n, phonenumbers.E164), "+55${1}9$2")
}

// oldForms are what WhatsApp calls a number whose plan changed.
func oldForms(e164 string) []string {
	switch rest, mexican := strings.CutPrefix(e164, "+52"); {
	case mexican && len(rest) == 10:
		return []string{"+521" + rest, "521" + rest}
	case newBrazilian.MatchString(e164):
		old := newBrazilian.ReplaceAllString(e164, "+55$1$2")
		return []string{old, old[1:]}
	}
	return nil
}
