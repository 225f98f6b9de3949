package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"puente/bitrix24"
	"puente/dialog"
	"puente/portals"
	"puente/settings"
	"puente/store"
	"puente/workflows"
)

// Bitrix24 holds the steps that read and write the CRM.
type Bitrix24 struct {
	Store   *store.Store
	Portals *portals.Registry
}

// fieldsAge is how old the fields of a portal may be to convert values by (D5).
const fieldsAge = 10 * time.Minute

// claimLease is how long a client's keys stay claimed by a run that died. It
// is longer than one request with its waiting for a permit.
const claimLease = 10 * time.Minute

// entityTypes are the entityTypeId of crm.item.* (bitrix24 reference §3.1).
var entityTypes = map[dialog.Kind]int{dialog.Lead: 1, dialog.Deal: 2, dialog.Contact: 3, dialog.Company: 4}

// session is one step at one portal: its gateway, settings and snapshot.
type session struct {
	store    *store.Store
	gateway  bitrix24.Gateway
	portal   string
	syncID   string
	settings settings.Settings
	snapshot dialog.Snapshot
	requests int // counted by call and batch
}

func (a *Bitrix24) session(ctx context.Context, portal, syncID string, version int) (*session, error) {
	s := &session{store: a.Store, portal: portal, syncID: syncID}
	var err error
	if s.gateway, err = a.Portals.Gateway(ctx, portal); err != nil {
		return nil, err
	}
	if s.settings, err = a.Store.SettingsVersion(ctx, portal, version); err != nil {
		return nil, err
	}
	s.snapshot, err = a.Store.Snapshot(ctx, portal, syncID)
	return s, err
}

func (s *session) call(ctx context.Context, method string, p bitrix24.Params) (bitrix24.Answer, error) {
	s.requests++
	return s.gateway.Call(ctx, method, p)
}

// batch runs commands and returns their results by key.
func (s *session) batch(ctx context.Context, halt bool, commands ...bitrix24.Command) (results, error) {
	if len(commands) == 0 {
		return results{}, nil
	}
	s.requests++
	list, err := s.gateway.Batch(ctx, bitrix24.Group{Commands: commands, Halt: halt})
	if err != nil {
		return nil, err
	}
	out := results{}
	for _, r := range list {
		out[r.Key] = r
	}
	return out, nil
}

// count adds the requests of this step to the ledger.
func (s *session) count(ctx context.Context) error {
	return s.store.UpdateSync(ctx, s.portal, s.syncID, func(row *store.Sync) { row.Requests += s.requests })
}

// results are the outcomes of a batch by command key.
type results map[string]bitrix24.Result

// into decodes the answer of a command; false if the command failed, was not
// run or answered something else.
func (r results) into(key string, dst any) bool {
	res, ran := r[key]
	return ran && res.Err == nil && res.Decode(dst) == nil
}

// trouble is the first error of the given commands that says more than "there
// is nothing": the whole step has to be tried again or parked.
func (r results) trouble(keys ...string) error {
	for _, key := range keys {
		res, ran := r[key]
		if !ran || res.Err == nil {
			continue
		}
		if kind := bitrix24.KindOf(res.Err); kind != bitrix24.KindNotFound {
			return res.Err
		}
	}
	return nil
}

// item is one row of crm.item.*; ids come as numbers or text.
type item struct {
	ID         bitrix24.ID   `json:"id"`
	CategoryID bitrix24.ID   `json:"categoryId"`
	ContactID  bitrix24.ID   `json:"contactId"`
	LeadID     bitrix24.ID   `json:"leadId"`
	StageID    string        `json:"stageId"`
	Created    bitrix24.Time `json:"createdTime"`
}

type itemAnswer struct {
	Item item `json:"item"`
}

type itemsAnswer struct {
	Items []item `json:"items"`
}

// list is a crm.item.list command for few fields.
func list(key string, kind dialog.Kind, filter bitrix24.Params) bitrix24.Command {
	fields := []string{"id", "createdTime", "contactId"}
	if kind == dialog.Deal {
		fields = append(fields, "categoryId")
	}
	return bitrix24.Command{Key: key, Method: "crm.item.list", Params: bitrix24.Params{
		"entityTypeId": entityTypes[kind], "select": fields, "filter": filter, "order": bitrix24.Params{"id": "DESC"},
	}}
}

// openOf lists the open (in work) entities of a contact.
func openOf(key string, kind dialog.Kind, contact any) bitrix24.Command {
	return list(key, kind, bitrix24.Params{"contactId": contact, "stageSemanticId": "P"})
}

// byOrigin lists what Puente created under an origin id (bitrix24 reference §3.6).
func byOrigin(key string, kind dialog.Kind, origin string) bitrix24.Command {
	return list(key, kind, bitrix24.Params{"originatorId": workflows.Originator, "originId": origin})
}

// fieldsCommand asks for the fields of a kind.
func fieldsCommand(kind dialog.Kind) bitrix24.Command {
	return bitrix24.Command{Key: "fields-" + string(kind), Method: "crm.item.fields", Params: bitrix24.Params{"entityTypeId": entityTypes[kind]}}
}

func fieldsDirectory(kind dialog.Kind) string { return "bitrix24:fields:" + string(kind) }

// fieldTypes reads the types of a kind's fields through the cache.
func (s *session) fieldTypes(ctx context.Context, kind dialog.Kind, maxAge time.Duration) (map[string]settings.FieldType, error) {
	raw, age, found, err := s.store.Directory(ctx, s.portal, fieldsDirectory(kind))
	if err != nil {
		return nil, err
	}
	if !found || age > maxAge {
		command := fieldsCommand(kind)
		answer, err := s.call(ctx, command.Method, command.Params)
		if err != nil {
			return nil, err
		}
		raw = answer.Value
		if err := s.store.SaveDirectory(ctx, s.portal, fieldsDirectory(kind), raw); err != nil {
			return nil, err
		}
	}
	types, err := FieldTypes(raw)
	if err != nil {
		return nil, err
	}
	return s.withCurrency(ctx, types)
}

// currencyDirectory keeps the answer of crm.currency.base.get.
const currencyDirectory = "bitrix24:currency"

// withCurrency gives money fields the portal's base currency, for amounts that
// name none.
func (s *session) withCurrency(ctx context.Context, types map[string]settings.FieldType) (map[string]settings.FieldType, error) {
	raw, _, found, err := s.store.Directory(ctx, s.portal, currencyDirectory)
	var code string
	if err != nil || !found || json.Unmarshal(raw, &code) != nil {
		return types, err
	}
	for name, t := range types {
		if t.Type == "money" {
			t.Currency = code
			types[name] = t
		}
	}
	return types, nil
}

// FieldTypes reads an answer of crm.item.fields. User fields stand under their
// original name (UF_CRM_…), all others under the name crm.item uses: under
// exactly these names Puente writes them (bitrix24 reference §3.2).
func FieldTypes(answer json.RawMessage) (map[string]settings.FieldType, error) {
	var body struct {
		Fields map[string]struct {
			Type      string        `json:"type"`
			Upper     string        `json:"upperName"`
			Dynamic   bitrix24.Bool `json:"isDynamic"`
			Multiple  bitrix24.Bool `json:"isMultiple"`
			ReadOnly  bitrix24.Bool `json:"isReadOnly"`
			Immutable bitrix24.Bool `json:"isImmutable"`
			Items     []struct {
				ID    json.RawMessage `json:"ID"` // a number, or the code of a status
				Value string          `json:"VALUE"`
			} `json:"items"`
		} `json:"fields"`
	}
	if err := (bitrix24.Answer{Value: answer}).Decode(&body); err != nil {
		return nil, fmt.Errorf("crm.item.fields: %w", err)
	}
	out := map[string]settings.FieldType{}
	for name, f := range body.Fields {
		t := settings.FieldType{Type: f.Type, Multiple: bool(f.Multiple), ReadOnly: bool(f.ReadOnly)}
		for _, i := range f.Items {
			t.Items = append(t.Items, settings.Item{ID: strings.Trim(string(i.ID), `"`), Value: i.Value})
		}
		if bool(f.Dynamic) && f.Upper != "" {
			name = f.Upper
		}
		out[name] = t
	}
	return out, nil
}

// wantsFields reports whether anything is mapped to fields of deals and leads.
func wantsFields(s settings.Settings) bool {
	return len(s.Fields) > 0 || len(s.Analytics.Fields) > 0 || s.Analytics.Combined != ""
}
