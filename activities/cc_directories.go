package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"puente/bitrix24"
	"puente/contactcenter"
)

// directoryKey is the name under which a list of the portal is cached.
func directoryKey(name string) string { return "bitrix24:directory:" + name }

// source says where a directory comes from and how its rows are read.
type source struct {
	method string
	params bitrix24.Params
	read   func(answer bitrix24.Answer) ([]contactcenter.DirectoryItem, error)
	paged  bool
}

var sources = map[string]source{
	contactcenter.Pipelines: {method: "crm.category.list", params: bitrix24.Params{"entityTypeId": 2}, read: readPipelines},
	contactcenter.Stages: {
		method: "crm.status.list", params: bitrix24.Params{"order": bitrix24.Params{"SORT": "ASC"}}, read: readStages, paged: true,
	},
	contactcenter.Sources:       statuses("SOURCE"),
	contactcenter.DealTypes:     statuses("DEAL_TYPE"),
	contactcenter.ContactTypes:  statuses("CONTACT_TYPE"),
	contactcenter.CompanyTypes:  statuses("COMPANY_TYPE"),
	contactcenter.Currencies:    {method: "crm.currency.list", params: bitrix24.Params{}, read: readCurrencies},
	contactcenter.DealFields:    userFields("deal"),
	contactcenter.ContactFields: userFields("contact"),
	contactcenter.CompanyFields: userFields("company"),
	contactcenter.Users: {
		method: "user.get", read: readUsers, paged: true,
		params: bitrix24.Params{"FILTER": bitrix24.Params{"ACTIVE": true}, "sort": "ID", "order": "ASC"},
	},
}

func statuses(entity string) source {
	return source{method: "crm.status.list", read: readStatuses, params: bitrix24.Params{
		"filter": bitrix24.Params{"ENTITY_ID": entity}, "order": bitrix24.Params{"SORT": "ASC"},
	}}
}

func userFields(kind string) source {
	return source{method: "crm." + kind + ".userfield.list", read: readUserFields, params: bitrix24.Params{
		"order": bitrix24.Params{"SORT": "ASC"}, "filter": bitrix24.Params{"LANG": "en"},
	}, paged: true}
}

// directoryNames lists all directories in the order of the documentation.
func directoryNames() []string {
	return []string{
		contactcenter.Pipelines, contactcenter.Stages, contactcenter.Sources, contactcenter.Currencies, contactcenter.DealTypes,
		contactcenter.ContactTypes, contactcenter.CompanyTypes, contactcenter.DealFields, contactcenter.ContactFields,
		contactcenter.CompanyFields, contactcenter.Users,
	}
}

// directories answers lists of the portal, each with its age: from the cache
// while it is fresh, else from the portal. Those that must be asked for travel
// in one request. While the portal cannot be asked, an older list is given.
func (d *desk) directories(ctx context.Context, in contactcenter.DirectoriesQuery) (reply, error) {
	names := in.Names
	if len(names) == 0 {
		names = directoryNames()
	}
	out := contactcenter.Directories{Directories: map[string]contactcenter.Directory{}}
	var stale []string
	for _, name := range names {
		one, fresh, err := d.cached(ctx, name)
		if err != nil {
			return reply{}, err
		}
		if out.Directories[name] = one; !fresh || in.Refresh {
			stale = append(stale, name)
		}
	}
	if err := d.refresh(ctx, stale, out.Directories); err != nil {
		return reply{}, err
	}
	return reply{body: out, story: []string{fmt.Sprintf("Directories: %d asked, %d from the portal now", len(names), len(stale))}}, nil
}

func (d *desk) cached(ctx context.Context, name string) (one contactcenter.Directory, fresh bool, err error) {
	raw, age, found, err := d.store.Directory(ctx, d.portal, directoryKey(name)+":items")
	if err != nil || !found || json.Unmarshal(raw, &one.Items) != nil {
		return one, false, err
	}
	one.AgeSeconds, one.SavedAt = int64(age/time.Second), time.Now().Add(-age).UTC().Truncate(time.Second)
	return one, age < directoryAge, nil
}

func (d *desk) refresh(ctx context.Context, names []string, into map[string]contactcenter.Directory) error {
	var commands []bitrix24.Command
	for _, name := range names {
		commands = append(commands, bitrix24.Command{Key: name, Method: sources[name].method, Params: sources[name].params})
	}
	res, err := d.batch(ctx, false, commands...)
	if err != nil {
		return err
	}
	for _, name := range names {
		items, err := d.all(ctx, name, res)
		if err != nil {
			return &fieldError{field: "body.names", err: err}
		}
		if items == nil {
			items = []contactcenter.DirectoryItem{}
		}
		into[name] = contactcenter.Directory{Items: items, SavedAt: time.Now().UTC().Truncate(time.Second)}
		if err := d.keepDirectory(ctx, name, items); err != nil {
			return err
		}
	}
	return nil
}

// maxPages bounds a directory: 100 pages of 50.
const maxPages = 100

// all reads the first page of a directory and those behind it.
func (d *desk) all(ctx context.Context, name string, res results) ([]contactcenter.DirectoryItem, error) {
	s, key := sources[name], name
	var out []contactcenter.DirectoryItem
	for range maxPages {
		if err := res.trouble(key); err != nil {
			return nil, err
		}
		items, err := s.read(res[key].Answer)
		if err != nil {
			return nil, &bitrix24.Error{Kind: bitrix24.KindAmbiguous, Method: s.method, Description: "the answer cannot be read", Err: err}
		}
		out = append(out, items...)
		next := res[key].Next
		if !s.paged || next == nil {
			return out, nil
		}
		params := bitrix24.Params{"start": *next}
		for k, v := range s.params {
			params[k] = v
		}
		if res, err = d.batch(ctx, false, bitrix24.Command{Key: key, Method: s.method, Params: params}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (d *desk) keepDirectory(ctx context.Context, name string, items []contactcenter.DirectoryItem) error {
	raw, err := json.Marshal(items)
	if err != nil {
		return err
	}
	return d.store.SaveDirectory(ctx, d.portal, directoryKey(name)+":items", raw)
}

// rows decodes a list and maps each row; false leaves a row out.
func rows[R any](answer bitrix24.Answer, item func(R) (contactcenter.DirectoryItem, bool)) ([]contactcenter.DirectoryItem, error) {
	var list []R
	if err := answer.Decode(&list); err != nil {
		return nil, err
	}
	var out []contactcenter.DirectoryItem
	for _, row := range list {
		if one, wanted := item(row); wanted {
			out = append(out, one)
		}
	}
	return out, nil
}

func readPipelines(answer bitrix24.Answer) ([]contactcenter.DirectoryItem, error) {
	var body struct {
		Categories []struct {
			ID      bitrix24.ID   `json:"id"`
			Name    string        `json:"name"`
			Default bitrix24.Bool `json:"isDefault"`
		} `json:"categories"`
	}
	if err := answer.Decode(&body); err != nil {
		return nil, err
	}
	var out []contactcenter.DirectoryItem
	for _, c := range body.Categories {
		details := map[string]string{"default": strconv.FormatBool(bool(c.Default))}
		out = append(out, contactcenter.DirectoryItem{ID: c.ID.String(), Name: c.Name, Details: details})
	}
	return out, nil
}

// statusRow is a row of crm.status.list (bitrix24 reference §3.8).
type statusRow struct {
	Entity    string `json:"ENTITY_ID"`
	Status    string `json:"STATUS_ID"`
	Name      string `json:"NAME"`
	Semantics string `json:"SEMANTICS"`
}

func readStatuses(answer bitrix24.Answer) ([]contactcenter.DirectoryItem, error) {
	return rows(answer, func(r statusRow) (contactcenter.DirectoryItem, bool) {
		return contactcenter.DirectoryItem{ID: r.Status, Name: r.Name}, true
	})
}

// readStages takes the stages of deals out of all statuses; Of is the pipeline.
func readStages(answer bitrix24.Answer) ([]contactcenter.DirectoryItem, error) {
	return rows(answer, func(r statusRow) (contactcenter.DirectoryItem, bool) {
		pipeline, isDeal := contactcenter.PipelineOfStages(r.Entity)
		meaning := map[string]string{"S": "won", "F": "lost"}[r.Semantics]
		if meaning == "" {
			meaning = "open"
		}
		return contactcenter.DirectoryItem{
			ID: r.Status, Name: r.Name, Of: strconv.FormatInt(pipeline, 10), Details: map[string]string{"meaning": meaning},
		}, isDeal
	})
}

func readCurrencies(answer bitrix24.Answer) ([]contactcenter.DirectoryItem, error) {
	return rows(answer, func(r struct {
		Code string        `json:"CURRENCY"`
		Name string        `json:"FULL_NAME"`
		Base bitrix24.Bool `json:"BASE"`
	},
	) (contactcenter.DirectoryItem, bool) {
		return contactcenter.DirectoryItem{ID: r.Code, Name: r.Name, Details: map[string]string{"base": strconv.FormatBool(bool(r.Base))}}, true
	})
}

func readUsers(answer bitrix24.Answer) ([]contactcenter.DirectoryItem, error) {
	return rows(answer, func(p person) (contactcenter.DirectoryItem, bool) {
		details := map[string]string{}
		for name, value := range map[string]string{"email": p.Email, "work_phone": p.WorkPhone, "inner_phone": p.InnerPhone} {
			if value != "" {
				details[name] = value
			}
		}
		return contactcenter.DirectoryItem{ID: p.ID.String(), Name: p.fullName(), Details: details}, true
	})
}

// readUserFields lists the user fields, with the options of lists.
func readUserFields(answer bitrix24.Answer) ([]contactcenter.DirectoryItem, error) {
	return rows(answer, func(r struct {
		Field    string        `json:"FIELD_NAME"`
		Type     string        `json:"USER_TYPE_ID"`
		Label    any           `json:"EDIT_FORM_LABEL"` // text; false or a map where the portal has none
		Multiple bitrix24.Bool `json:"MULTIPLE"`
		List     []struct {
			ID    bitrix24.ID `json:"ID"`
			Value string      `json:"VALUE"`
		} `json:"LIST"`
	},
	) (contactcenter.DirectoryItem, bool) {
		label, _ := r.Label.(string)
		out := contactcenter.DirectoryItem{ID: r.Field, Name: label, Details: map[string]string{
			"type": r.Type, "multiple": strconv.FormatBool(bool(r.Multiple)),
		}}
		for _, o := range r.List {
			out.Options = append(out.Options, contactcenter.DirectoryItem{ID: o.ID.String(), Name: o.Value})
		}
		return out, true
	})
}
