package dialog

import (
	"strings"

	"puente/phone"
	"puente/settings"
)

// ClientPhone is the client's real phone, if there is one that is not the
// company's own.
func ClientPhone(s settings.Settings, c Client) (phone.Number, bool) {
	number, ok := phone.Normalize(c.Phone, s.General.Country)
	if !ok {
		return phone.Number{}, false
	}
	for _, own := range s.General.OwnPhones {
		if n, valid := phone.Normalize(own, s.General.Country); valid && n.E164 == number.E164 {
			return phone.Number{}, false
		}
	}
	return number, true
}

// ContactKey is what a person is known by on all channels: the phone, else the
// e-mail; "" if neither is known. It is personal data.
func ContactKey(s settings.Settings, c Client) string {
	if number, ok := ClientPhone(s, c); ok {
		return "phone:" + number.E164
	}
	if email := strings.ToLower(strings.TrimSpace(c.Email)); email != "" {
		return "email:" + email
	}
	return ""
}
