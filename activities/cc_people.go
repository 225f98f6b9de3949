package activities

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"puente/bitrix24"
	"puente/contactcenter"
	"puente/dialog"
)

// person is an employee as user.get shows him (bitrix24 reference §6.1).
type person struct {
	ID         bitrix24.ID   `json:"ID"`
	Name       string        `json:"NAME"`
	LastName   string        `json:"LAST_NAME"`
	Active     bitrix24.Bool `json:"ACTIVE"`
	Email      string        `json:"EMAIL"`
	WorkPhone  string        `json:"WORK_PHONE"`
	Mobile     string        `json:"PERSONAL_MOBILE"`
	InnerPhone string        `json:"UF_PHONE_INNER"`
}

func (p person) fullName() string {
	return strings.Join(strings.Fields(p.Name+" "+p.LastName), " ")
}

func (p person) phones() []string {
	var out []string
	for _, phone := range []string{p.WorkPhone, p.Mobile, p.InnerPhone} {
		if phone = strings.TrimSpace(phone); phone != "" && !slices.Contains(out, phone) {
			out = append(out, phone)
		}
	}
	return out
}

// people gives users by id, from the cached directory; whoever is not in it is
// asked for.
func (d *desk) people(ctx context.Context, of []int64) (map[int64]person, error) {
	known, err := d.knownPeople(ctx)
	if err != nil {
		return nil, err
	}
	var missing []int64
	for _, id := range of {
		if _, there := known[id]; !there && id != 0 && !slices.Contains(missing, id) {
			missing = append(missing, id)
		}
	}
	for chunk := range slices.Chunk(missing, pageSize) {
		rows, err := d.askPeople(ctx, chunk)
		if err != nil {
			return nil, err
		}
		for _, p := range rows {
			known[int64(p.ID)] = p
		}
	}
	return known, nil
}

// knownPeople are the users of the cached directory: enough for their names.
func (d *desk) knownPeople(ctx context.Context) (map[int64]person, error) {
	list, fresh, err := d.cached(ctx, contactcenter.Users)
	out := map[int64]person{}
	if err != nil || !fresh {
		return out, err
	}
	for _, one := range list.Items {
		if id, err := strconv.ParseInt(one.ID, 10, 64); err == nil {
			out[id] = person{ID: bitrix24.ID(id), Name: one.Name}
		}
	}
	return out, nil
}

func (d *desk) askPeople(ctx context.Context, of []int64) ([]person, error) {
	res, err := d.batch(ctx, false, bitrix24.Command{
		Key: "people", Method: "user.get", Params: bitrix24.Params{"FILTER": bitrix24.Params{"ID": of}},
	})
	if err != nil {
		return nil, err
	}
	var rows []person
	err = res.read("people", &rows)
	return rows, err
}

// Roles of a deal's users, the values of DealUser.Roles.
const (
	roleResponsible = "responsible"
	roleObserver    = "observer"
	roleCreator     = "creator"
	roleEditor      = "last_editor"
)

// dealUsers lists who has to do with a deal, in which roles, and whether they
// work now.
func (d *desk) dealUsers(ctx context.Context, in contactcenter.DealUsersQuery) (reply, error) {
	res, err := d.batch(ctx, false, get("deal", dialog.Deal, in.ID))
	if err != nil {
		return reply{}, err
	}
	if res.absent("deal") {
		return reply{}, absentEntity("body.id", contactcenter.KindDeal, in.ID)
	}
	order, roles, err := dealRoles(res)
	if err != nil {
		return reply{}, err
	}
	users, err := d.atWork(ctx, order)
	for i := range users {
		users[i].Roles = roles[users[i].ID]
	}
	return reply{
		body:     contactcenter.DealUsersAnswer{DealID: in.ID, Users: users},
		story:    []string{fmt.Sprintf("Users of deal %d: %v", in.ID, order)},
		entities: []contactcenter.Ref{{Kind: contactcenter.KindDeal, ID: in.ID}},
	}, err
}

func dealRoles(res results) (order []int64, roles map[int64][]string, err error) {
	var deal struct {
		Item struct {
			Responsible bitrix24.ID   `json:"assignedById"`
			Creator     bitrix24.ID   `json:"createdBy"`
			Editor      bitrix24.ID   `json:"updatedBy"`
			Observers   []bitrix24.ID `json:"observers"`
		} `json:"item"`
	}
	if err := res.read("deal", &deal); err != nil {
		return nil, nil, err
	}
	roles = map[int64][]string{}
	add := func(role string, people ...bitrix24.ID) {
		for _, p := range ids(people) {
			if p == 0 {
				continue
			}
			if len(roles[p]) == 0 {
				order = append(order, p)
			}
			roles[p] = append(roles[p], role)
		}
	}
	add(roleResponsible, deal.Item.Responsible)
	add(roleObserver, deal.Item.Observers...)
	add(roleCreator, deal.Item.Creator)
	add(roleEditor, deal.Item.Editor)
	return order, roles, nil
}

// atWork looks people up, fresh, with the state of their working day
// (timeman.status). A portal without time tracking, or an account without that
// scope, tells nothing of it.
func (d *desk) atWork(ctx context.Context, of []int64) ([]contactcenter.DealUser, error) {
	commands := []bitrix24.Command{{Key: "people", Method: "user.get", Params: bitrix24.Params{"FILTER": bitrix24.Params{"ID": of}}}}
	for _, id := range of[:min(len(of), bitrix24.MaxBatch-1)] {
		commands = append(commands, bitrix24.Command{Key: workKey(id), Method: "timeman.status", Params: bitrix24.Params{"USER_ID": id}})
	}
	res, err := d.batch(ctx, false, commands...)
	if err != nil {
		return nil, err
	}
	var rows []person
	if err := res.read("people", &rows); err != nil {
		return nil, err
	}
	out := make([]contactcenter.DealUser, 0, len(of))
	for _, id := range of {
		p := find(rows, id)
		state, err := workState(res, workKey(id))
		if err != nil {
			return nil, err
		}
		out = append(out, contactcenter.DealUser{
			User: contactcenter.User{ID: id, Name: p.fullName()}, Phones: p.phones(), Email: p.Email, Active: bool(p.Active), Working: state,
		})
	}
	return out, nil
}

func workKey(id int64) string { return "work" + strconv.FormatInt(id, 10) }

func find(rows []person, id int64) person {
	for _, p := range rows {
		if int64(p.ID) == id {
			return p
		}
	}
	return person{}
}

// workUnknown stands where the portal does not tell.
const workUnknown = "unknown"

func workState(res results, key string) (string, error) {
	var day struct {
		Status string `json:"STATUS"`
	}
	err := res.read(key, &day)
	switch {
	case err != nil && named(crmVerdicts[bitrix24.KindOf(err)]).final, err == nil && day.Status == "":
		return workUnknown, nil
	case err != nil:
		return "", err
	}
	return strings.ToLower(day.Status), nil
}
