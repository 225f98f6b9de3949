package setup

import (
	"context"
	"fmt"
	"slices"

	"puente/openlines"
	"puente/settings"
)

// ValidateLine names members and other users of an open line that are no active
// employees of the portal, and channels that Chat2Desk does not have. The error
// says what could not be asked; problems found elsewhere are given all the same.
func (c Checker) ValidateLine(ctx context.Context, portal string, line openlines.Settings) ([]openlines.Problem, error) {
	asked := settings.Settings{}
	for _, m := range line.Members {
		asked.Operators.Supervisors = append(asked.Operators.Supervisors, m.User)
	}
	asked.Operators.Supervisors = append(asked.Operators.Supervisors, line.SLANotify...)
	for _, id := range line.Channels {
		asked.CRM.Channels = append(asked.CRM.Channels, settings.Channel{ID: id})
	}
	facts, err := c.Facts(ctx, portal, asked)
	var problems []openlines.Problem
	missing := func(field, what string, id int64, known []int64) {
		if known != nil && !slices.Contains(known, id) {
			problems = append(problems, openlines.Problem{Field: field, Message: fmt.Sprintf("there is no such %s: %d", what, id)})
		}
	}
	for i, id := range line.Channels {
		missing(fmt.Sprintf("channels[%d]", i), "channel in Chat2Desk", id, facts.Channels)
	}
	checked := namedUsers(asked)
	user := func(field string, id int64) {
		if slices.Contains(checked, id) { // of very many users only the first are asked for
			missing(field, "active user in the portal", id, facts.Users)
		}
	}
	for i, m := range line.Members {
		user(fmt.Sprintf("members[%d].user", i), m.User)
	}
	for i, id := range line.SLANotify {
		user(fmt.Sprintf("sla_notify[%d]", i), id)
	}
	return problems, err
}
