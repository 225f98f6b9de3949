package settings

import "time"

// ChannelRule returns what the channel makes, and whether the settings mention
// it. A channel that is not mapped makes the default entity of the CRM mode in
// pipeline 0.
func (s Settings) ChannelRule(channel int64) (Channel, bool) {
	for _, c := range s.CRM.Channels {
		if c.ID == channel {
			return c, true
		}
	}
	return Channel{ID: channel}, false
}

// UserFor returns the Bitrix24 user of a Chat2Desk operator, and whether the
// settings map that operator. An operator who is not mapped, and operator 0
// (nobody), give the fallback user, else the administrator (A8).
func (s Settings) UserFor(operator int64) (int64, bool) {
	if user, ok := s.Operators.user(operator); ok {
		return user, true
	}
	if s.Operators.Fallback != 0 {
		return s.Operators.Fallback, false
	}
	return s.Operators.Administrator, false
}

// Zone is the time zone of the portal; UTC if the name is not known.
func (s Settings) Zone() *time.Location {
	zone, err := time.LoadLocation(s.General.TimeZone)
	if err != nil {
		return time.UTC
	}
	return zone
}

func (o Operators) user(operator int64) (int64, bool) {
	if operator == 0 {
		return 0, false
	}
	for _, row := range o.Users {
		if row.Operator == operator {
			return row.User, true
		}
	}
	return 0, false
}
