package contactcenter

import (
	"cmp"
	"fmt"

	"puente/settings"
)

// Types of a call in telephony.externalCall.register (bitrix24 reference §5.1).
const (
	CallOutgoing   = 1
	CallIncoming   = 2
	CallRedirected = 3 // incoming, passed to another user
)

// statusCodes are the values of STATUS_CODE of telephony.externalCall.finish
// (bitrix24 reference §5.2).
var statusCodes = map[string]string{
	Answered: "200", Missed: "304", Declined: "603", Cancelled: "603-S", Busy: "486", Failed: "OTHER",
}

// CallStatusCode is STATUS_CODE of a call that ended; "" while it goes on.
func CallStatusCode(status string) string { return statusCodes[status] }

// CallType is TYPE of a call.
func CallType(direction string, transferred bool) int {
	switch {
	case direction == Outgoing:
		return CallOutgoing
	case transferred:
		return CallRedirected
	}
	return CallIncoming
}

// ActingUser is the Bitrix24 user who talked at the end: of the last transfer,
// else of the call. user_id wins over operator_id. unmapped says that an
// operator is named whom the settings do not map, so that operators.fallback
// stands in; a call that names nobody gets the fallback as well, but is not
// unmapped.
func ActingUser(c Call, s settings.Settings) (user int64, unmapped bool) {
	operator, given := c.OperatorID, c.UserID
	if n := len(c.Transfers); n > 0 {
		operator, given = c.Transfers[n-1].OperatorID, c.Transfers[n-1].UserID
	}
	return userOf(operator, given, s)
}

// FirstUser is the Bitrix24 user who took the call at first. A call is
// registered with this user: it stays the same when a transfer becomes known.
func FirstUser(c Call, s settings.Settings) (user int64, unmapped bool) {
	return userOf(c.OperatorID, c.UserID, s)
}

func userOf(operator string, given int64, s settings.Settings) (user int64, unmapped bool) {
	if given != 0 {
		return given, false
	}
	user, mapped := s.ContactCenterUser(operator)
	return user, !mapped && operator != ""
}

// CallNotes tell in English what was done otherwise than a call says: whom the
// fallback replaces, and between whom it was passed, which telephony of the
// portal has no field for.
func CallNotes(c Call, s settings.Settings) []string {
	var notes []string
	from := who(c.OperatorID, c.UserID)
	if user, unmapped := FirstUser(c, s); unmapped {
		notes = append(notes, standIn(c.OperatorID, user))
	}
	for _, t := range c.Transfers {
		to := who(t.OperatorID, t.UserID)
		notes = append(notes, fmt.Sprintf("the call was passed from %s to %s", from, to))
		if user, unmapped := userOf(t.OperatorID, t.UserID, s); unmapped {
			notes = append(notes, standIn(t.OperatorID, user))
		}
		from = to
	}
	return notes
}

func who(operator string, user int64) string {
	if user != 0 {
		return fmt.Sprintf("user %d", user)
	}
	return cmp.Or(prefixed("operator ", shortened(operator)), "nobody")
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

func standIn(operator string, user int64) string {
	const words = "operator %s is not mapped to a Bitrix24 user (setting contact_center.operators); user %d stands in"
	return fmt.Sprintf(words, shortened(operator), user)
}
