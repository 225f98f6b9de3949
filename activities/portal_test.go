package activities_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	crm "puente/bitrix24"
	"puente/dialog"
	"puente/sandbox/bitrix24"
)

var entityTypes = map[dialog.Kind]int{dialog.Lead: 1, dialog.Deal: 2, dialog.Contact: 3}

// rest calls a method of the sandbox portal as a person with an administrator's rights.
func (b *bundle) rest(t *testing.T, method string, params crm.Params, out any) {
	t.Helper()
	answer, err := b.admin.Call(t.Context(), method, params)
	require.NoError(t, err)
	if out != nil {
		require.NoError(t, answer.Decode(out))
	}
}

// add makes an entity by hand.
func (b *bundle) add(t *testing.T, kind dialog.Kind, fields crm.Params) int64 {
	t.Helper()
	var made struct {
		Item struct {
			ID int64 `json:"id"`
		} `json:"item"`
	}
	b.rest(t, "crm.item.add", crm.Params{"entityTypeId": entityTypes[kind], "fields": fields, "useOriginalUfNames": "Y"}, &made)
	return made.Item.ID
}

// person adds a contact by hand, with a phone and an e-mail ("" = none).
func (b *bundle) person(t *testing.T, phone, email string) int64 {
	t.Helper()
	return b.add(t, dialog.Contact, crm.Params{"name": "By hand", "fm": comms(phone, email)})
}

func comms(phone, email string) []any {
	rows := []any{}
	if phone != "" {
		rows = append(rows, crm.Params{"typeId": "PHONE", "valueType": "WORK", "value": phone})
	}
	if email != "" {
		rows = append(rows, crm.Params{"typeId": "EMAIL", "valueType": "WORK", "value": email})
	}
	return rows
}

func (b *bundle) update(t *testing.T, ref dialog.Ref, fields crm.Params) {
	t.Helper()
	b.rest(t, "crm.item.update", crm.Params{"entityTypeId": entityTypes[ref.Kind], "id": ref.ID, "fields": fields}, nil)
}

func (b *bundle) remove(t *testing.T, ref dialog.Ref) {
	t.Helper()
	b.rest(t, "crm.item.delete", crm.Params{"entityTypeId": entityTypes[ref.Kind], "id": ref.ID}, nil)
}

// item reads an entity with all its fields.
func (b *bundle) item(t *testing.T, ref dialog.Ref) map[string]any {
	t.Helper()
	var out struct {
		Item map[string]any `json:"item"`
	}
	b.rest(t, "crm.item.get", crm.Params{"entityTypeId": entityTypes[ref.Kind], "id": ref.ID, "useOriginalUfNames": "Y"}, &out)
	return out.Item
}

// count is how many entities of a kind Puente made in the sandbox CRM.
func (b *bundle) count(t *testing.T, kind dialog.Kind) int {
	t.Helper()
	answer, err := b.admin.Call(t.Context(), "crm.item.list", crm.Params{"entityTypeId": entityTypes[kind], "filter": crm.Params{"originatorId": "puente"}})
	require.NoError(t, err)
	require.NotNil(t, answer.Total)
	return *answer.Total
}

// comments are the texts on an entity's timeline, oldest first.
func (b *bundle) comments(t *testing.T, ref dialog.Ref) []string {
	t.Helper()
	var rows []struct {
		Comment string `json:"COMMENT"`
	}
	b.rest(t, "crm.timeline.comment.list", crm.Params{
		"filter": crm.Params{"ENTITY_ID": ref.ID, "ENTITY_TYPE": string(ref.Kind)}, "order": crm.Params{"ID": "ASC"},
	}, &rows)
	var texts []string
	for _, r := range rows {
		texts = append(texts, r.Comment)
	}
	return texts
}

// requests counts what an action costs at the portal.
func (b *bundle) requests(action func()) int {
	before := b.crm.Stats().Requests
	action()
	return b.crm.Stats().Requests - before
}

func (b *bundle) fault(t *testing.T, f bitrix24.Fault) {
	t.Helper()
	_, err := b.crm.InjectFault(f)
	require.NoError(t, err)
}
