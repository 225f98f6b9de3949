package activities

import (
	"cmp"
	"context"
	"encoding/json"
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
	wanted := departmentsIn(lines)
	if len(wanted) == 0 {
		return map[int64][]openlines.UserID{}, nil
	}
	v, err := a.look(ctx, portal)
	if err != nil {
		return v.keptDepartments(ctx, wanted, err)
	}
	out, err := v.askDepartments(ctx, wanted)
	if err != nil {
		return v.keptDepartments(ctx, wanted, err)
	}
	return out, v.keepDepartments(ctx, out)
}

// look is a visit that only asks. It can read what is kept also when the error
// says that the portal has no account.
func (a *Lines) look(ctx context.Context, portal string) (v *visit, err error) {
	v = &visit{store: a.Store, portal: portal, request: a.Portals.RequestTimeout()}
	v.gateway, err = a.Portals.Gateway(ctx, portal)
	return v, err
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

// keptDepartments are the employees as the portal told last. If nothing is kept of
// one of the departments, the error is why the portal does not tell now.
func (v *visit) keptDepartments(ctx context.Context, wanted []int64, why error) (map[int64][]openlines.UserID, error) {
	out := map[int64][]openlines.UserID{}
	for _, id := range wanted {
		raw, _, known, err := v.store.Directory(ctx, v.portal, departmentDirectory(id))
		var users []openlines.UserID
		if err == nil && known {
			err = json.Unmarshal(raw, &users)
		}
		if err != nil || !known {
			return nil, cmp.Or(err, why)
		}
		out[id] = users
	}
	return out, nil
}

func (v *visit) keepDepartments(ctx context.Context, fresh map[int64][]openlines.UserID) error {
	for id, users := range fresh {
		raw, err := json.Marshal(users)
		if err == nil {
			err = v.store.SaveDirectory(ctx, v.portal, departmentDirectory(id), raw)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// maxEmployees bounds the employees of one department that are read.
const maxEmployees = 1000

// askDepartments asks the portal: the first fifty employees of as many
// departments in one request, then the pages behind them (bitrix24 reference §6.1).
func (v *visit) askDepartments(ctx context.Context, wanted []int64) (map[int64][]openlines.UserID, error) {
	out := map[int64][]openlines.UserID{}
	for start := 0; start < maxEmployees && len(wanted) > 0; start += pageSize {
		var more []int64
		for chunk := range slices.Chunk(wanted, bitrix24.MaxBatch) {
			longer, err := v.askPage(ctx, chunk, start, out)
			if err != nil {
				return nil, err
			}
			more = append(more, longer...)
		}
		wanted = more
	}
	return out, nil
}

// askPage adds one page of each department, and says which have more.
func (v *visit) askPage(ctx context.Context, wanted []int64, start int, out map[int64][]openlines.UserID) (more []int64, err error) {
	var commands []bitrix24.Command
	for _, id := range wanted {
		commands = append(commands, bitrix24.Command{Key: strconv.FormatInt(id, 10), Method: "user.get", Params: bitrix24.Params{
			"FILTER": bitrix24.Params{"UF_DEPARTMENT": id, "ACTIVE": true}, "sort": "ID", "order": "ASC", "start": start,
		}})
	}
	res, err := v.batch(ctx, false, commands...)
	if err != nil {
		return nil, err
	}
	for i, id := range wanted {
		var rows []person
		if err := res.read(commands[i].Key, &rows); err != nil {
			return nil, err
		}
		for _, p := range rows {
			out[id] = append(out[id], openlines.UserID(p.ID))
		}
		if res.more(commands[i].Key) {
			more = append(more, id)
		}
	}
	return more, nil
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
