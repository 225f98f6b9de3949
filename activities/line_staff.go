package activities

import (
	"context"
	"errors"
	"slices"
	"time"

	"puente/bitrix24"
	"puente/openlines"
	"puente/portals"
	"puente/store"
)

// LineEvents are lines of one portal as the desk hears of them, in their order;
// each department is asked for once.
func (a *Lines) LineEvents(ctx context.Context, portal string, all []store.Line) ([]openlines.Event, error) {
	departments, err := a.departments(ctx, portal, all)
	if err != nil {
		return nil, err
	}
	events := make([]openlines.Event, len(all))
	for i := range all {
		events[i] = a.lineEvent(all[i], departments)
	}
	return events, nil
}

// KnownMembers are the members of lines, with the employees of departments as the
// portal told them last.
func (a *Lines) KnownMembers(ctx context.Context, portal string, all []store.Line) (users []openlines.UserID, err error) {
	v := &visit{store: a.Store, portal: portal}
	departments, err := v.keptDepartments(ctx, departmentsIn(all), nil)
	for i := range all {
		users = append(users, a.lineEvent(all[i], departments).Members...)
	}
	return users, err
}

// usersAsked is how many users one user.get is asked for: a page.
const usersAsked = pageSize

// Inactive tells of users whether the portal has dismissed them. Those that it
// does not show are left out: that may be for want of rights (bitrix24 reference
// §6.1). One request asks for fifty times fifty users.
func (a *Lines) Inactive(ctx context.Context, portal string, users []openlines.UserID) (map[openlines.UserID]bool, error) {
	v, err := a.look(ctx, portal)
	if err != nil {
		return nil, noCRM(err)
	}
	var commands []bitrix24.Command
	for chunk := range slices.Chunk(users, usersAsked) {
		commands = append(commands, bitrix24.Command{
			Key: workKey(int64(chunk[0])), Method: "user.get", Params: bitrix24.Params{"FILTER": bitrix24.Params{"ID": chunk}},
		})
	}
	out := map[openlines.UserID]bool{}
	for chunk := range slices.Chunk(commands, bitrix24.MaxBatch) {
		res, err := v.batch(ctx, false, chunk...)
		if err != nil {
			return nil, err
		}
		for _, c := range chunk {
			var rows []person
			if err := res.read(c.Key, &rows); err != nil {
				return nil, err
			}
			for _, p := range rows {
				out[openlines.UserID(p.ID)] = !bool(p.Active)
			}
		}
	}
	return out, nil
}

// WorkDays tells of users how their working day stands (timeman.status); "" for
// those who do not keep one. told is false where the portal tells of nobody, for
// want of the module, the scope or the right. One request asks for fifty users.
func (a *Lines) WorkDays(
	ctx context.Context, portal string, users []openlines.UserID,
) (days map[openlines.UserID]openlines.Presence, told bool, err error) {
	v, err := a.look(ctx, portal)
	if err != nil {
		return nil, false, noCRM(err)
	}
	days = map[openlines.UserID]openlines.Presence{}
	for chunk := range slices.Chunk(users, bitrix24.MaxBatch) {
		some, err := v.workDays(ctx, chunk, days)
		if err != nil {
			return nil, false, err
		}
		told = told || some
	}
	return days, told, nil
}

// noCRM lets a portal without an account of Bitrix24 tell of nobody.
func noCRM(err error) error {
	if errors.Is(err, portals.ErrNoAccount) {
		return nil
	}
	return err
}

// workDays asks for some users; told says whether the portal told of any.
func (v *visit) workDays(ctx context.Context, users []openlines.UserID, out map[openlines.UserID]openlines.Presence) (told bool, err error) {
	var commands []bitrix24.Command
	for _, user := range users {
		commands = append(commands, bitrix24.Command{
			Key: workKey(int64(user)), Method: "timeman.status", Params: bitrix24.Params{"USER_ID": int64(user)},
		})
	}
	res, err := v.batch(ctx, false, commands...)
	if err != nil {
		return false, err
	}
	for i, user := range users {
		var day workDay
		err := res.read(commands[i].Key, &day)
		switch {
		case err == nil:
			told, out[user] = true, day.presence(time.Now())
		case named(crmVerdicts[bitrix24.KindOf(err)]).final:
			out[user] = ""
		default:
			return false, err
		}
	}
	return told, nil
}

// Online tells how the operators of Chat2Desk are present, by the users that they
// are mapped to; nobody where there is no account.
func (a *Lines) Online(ctx context.Context, portal string) (map[openlines.UserID]openlines.Presence, error) {
	conf, _, err := a.Store.Settings(ctx, portal)
	if err != nil {
		return nil, err
	}
	api, err := a.Portals.Chat2Desk(ctx, portal)
	out := map[openlines.UserID]openlines.Presence{}
	switch {
	case errors.Is(err, portals.ErrNoAccount):
		return out, nil
	case err != nil:
		return nil, err
	}
	operators, err := api.Operators(ctx)
	for _, o := range operators {
		if user, mapped := conf.UserFor(o.ID); mapped && user != 0 {
			out[openlines.UserID(user)] = openlines.ChannelPresence(o.Online, o.OfflineType != "")
		}
	}
	return out, err
}

// workDay is the last working day of a user.
type workDay struct {
	Status string        `json:"STATUS"`
	Start  bitrix24.Time `json:"TIME_START"`
}

// dayKept is how old the last day of somebody who keeps his days may be: every
// portal has the module, and whoever does not use it has closed his day for ever.
const dayKept = 8 * 24 * time.Hour

// presence is what the day says; "" if nothing. A day that was forgotten, and
// expired, does not say whether he works.
func (d workDay) presence(now time.Time) openlines.Presence {
	if d.Start.IsZero() || now.Sub(d.Start.Time) > dayKept {
		return ""
	}
	return map[string]openlines.Presence{
		"OPENED": openlines.DayStarted, "PAUSED": openlines.DayPaused, "CLOSED": openlines.DayEnded,
	}[d.Status]
}
