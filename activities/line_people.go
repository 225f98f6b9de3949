package activities

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"puente/bitrix24"
	"puente/openlines"
	"puente/settings"
	"puente/store"
)

// departmentDirectory is the name under which the employees of a department are
// kept, for when the portal does not answer.
func departmentDirectory(id int64) string {
	return "bitrix24:department:" + strconv.FormatInt(id, 10)
}

// departments gives the active employees of the departments that lines have as
// members, by user id (openlines reference §2). The portal is asked; while it
// does not answer, those that it gave last serve.
func (a *Lines) departments(ctx context.Context, portal string, lines []store.Line) (map[int64][]openlines.UserID, error) {
	out := map[int64][]openlines.UserID{}
	wanted := departmentsIn(lines)
	if len(wanted) == 0 {
		return out, nil
	}
	v := visit{store: a.Store, portal: portal, request: a.Portals.RequestTimeout()}
	for _, id := range wanted {
		users, err := v.department(ctx, a.Portals.Gateway, id)
		if err != nil {
			return nil, err
		}
		out[id] = users
	}
	return out, nil
}

func departmentsIn(lines []store.Line) (ids []int64) {
	for _, line := range lines {
		for _, m := range line.Settings.Members {
			if m.Department != 0 && !slices.Contains(ids, m.Department) {
				ids = append(ids, m.Department)
			}
		}
	}
	return ids
}

// department reads the employees of one department and keeps them.
func (v *visit) department(
	ctx context.Context, gateway func(context.Context, string) (bitrix24.Gateway, error), id int64,
) (users []openlines.UserID, err error) {
	raw, _, known, err := v.store.Directory(ctx, v.portal, departmentDirectory(id))
	if err != nil {
		return nil, err
	}
	if v.gateway, err = gateway(ctx, v.portal); err == nil {
		users, err = v.askDepartment(ctx, id)
	}
	switch {
	case err != nil && known:
		return users, json.Unmarshal(raw, &users)
	case err != nil:
		return nil, err
	}
	fresh, err := json.Marshal(users)
	return users, errors.Join(err, v.store.SaveDirectory(ctx, v.portal, departmentDirectory(id), fresh))
}

// maxEmployees bounds the employees of one department that are read.
const maxEmployees = 1000

// askDepartment asks the portal, fifty employees to a page (bitrix24 reference §6.1).
func (v *visit) askDepartment(ctx context.Context, id int64) (users []openlines.UserID, err error) {
	for start := 0; start < maxEmployees; start += pageSize {
		res, err := v.batch(ctx, false, bitrix24.Command{Key: "users", Method: "user.get", Params: bitrix24.Params{
			"FILTER": bitrix24.Params{"UF_DEPARTMENT": id, "ACTIVE": true}, "sort": "ID", "order": "ASC", "start": start,
		}})
		if err != nil {
			return nil, err
		}
		var rows []person
		if err := res.read("users", &rows); err != nil {
			return nil, err
		}
		for _, p := range rows {
			users = append(users, openlines.UserID(p.ID))
		}
		if !res.more("users") {
			break
		}
	}
	return users, nil
}

// operatorOf is the Chat2Desk operator of a Bitrix24 user, 0 if none is mapped.
func operatorOf(conf settings.Settings, user openlines.UserID) int64 {
	for _, row := range conf.Operators.Users {
		if row.User == int64(user) && user != 0 {
			return row.Operator
		}
	}
	return 0
}
