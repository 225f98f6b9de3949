package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"puente/bitrix24"
	"puente/dialog"
	"puente/settings"
)

// fieldsAge is how old the fields of a portal may be to convert values by (D5).
const fieldsAge = 10 * time.Minute

// fieldsCommand asks for the fields of a kind.
func fieldsCommand(kind dialog.Kind) bitrix24.Command {
	return bitrix24.Command{Key: "fields-" + string(kind), Method: "crm.item.fields", Params: bitrix24.Params{"entityTypeId": entityTypes[kind]}}
}

func fieldsDirectory(kind dialog.Kind) string { return "bitrix24:fields:" + string(kind) }

// fieldTypes reads the types of a kind's fields through the cache. What cannot
// be read is neither kept nor taken from it.
func (v *visit) fieldTypes(ctx context.Context, kind dialog.Kind, maxAge time.Duration) (map[string]settings.FieldType, error) {
	raw, age, found, err := v.store.Directory(ctx, v.portal, fieldsDirectory(kind))
	if err != nil {
		return nil, err
	}
	if types, err := FieldTypes(raw); found && age <= maxAge && err == nil {
		return v.withCurrency(ctx, types)
	}
	command := fieldsCommand(kind)
	res, err := v.batch(ctx, false, command)
	if err != nil {
		return nil, err
	}
	if err := res.trouble(command.Key); err != nil {
		return nil, err
	}
	raw = res[command.Key].Value
	types, err := FieldTypes(raw)
	if err != nil {
		return nil, &bitrix24.Error{Kind: bitrix24.KindAmbiguous, Method: command.Method, Description: "the answer cannot be read", Err: err}
	}
	if err := v.store.SaveDirectory(ctx, v.portal, fieldsDirectory(kind), raw); err != nil {
		return nil, err
	}
	return v.withCurrency(ctx, types)
}

// currencyDirectory keeps the answer of crm.currency.base.get.
const currencyDirectory = "bitrix24:currency"

// withCurrency gives money fields the portal's base currency, for amounts that
// name none.
func (v *visit) withCurrency(ctx context.Context, types map[string]settings.FieldType) (map[string]settings.FieldType, error) {
	raw, _, found, err := v.store.Directory(ctx, v.portal, currencyDirectory)
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
		Fields map[string]field `json:"fields"`
	}
	if err := (bitrix24.Answer{Value: answer}).Decode(&body); err != nil {
		return nil, fmt.Errorf("crm.item.fields: %w", err)
	}
	out := map[string]settings.FieldType{}
	for name, f := range body.Fields {
		if bool(f.Dynamic) && f.Upper != "" {
			name = f.Upper
		}
		out[name] = f.fieldType()
	}
	return out, nil
}

// field is one field in the answer of crm.item.fields.
type field struct {
	Type     string        `json:"type"`
	Upper    string        `json:"upperName"`
	Dynamic  bitrix24.Bool `json:"isDynamic"`
	Multiple bitrix24.Bool `json:"isMultiple"`
	ReadOnly bitrix24.Bool `json:"isReadOnly"`
	Items    []struct {
		ID    json.RawMessage `json:"ID"` // a number, or the code of a status
		Value string          `json:"VALUE"`
	} `json:"items"`
}

func (f field) fieldType() settings.FieldType {
	t := settings.FieldType{Type: f.Type, Multiple: bool(f.Multiple), ReadOnly: bool(f.ReadOnly)}
	for _, i := range f.Items {
		t.Items = append(t.Items, settings.Item{ID: strings.Trim(string(i.ID), `"`), Value: i.Value})
	}
	return t
}

// wantsFields reports whether anything is mapped to fields of deals and leads.
func wantsFields(s settings.Settings) bool {
	return len(s.Fields) > 0 || len(s.Analytics.Fields) > 0 || s.Analytics.Combined != ""
}

// literalFields keeps clients' words from being read as references of a batch.
func literalFields(fields map[string]any) map[string]any {
	for name, value := range fields {
		switch v := value.(type) {
		case string:
			fields[name] = bitrix24.Literal(v)
		case []any:
			for i := range v {
				if text, ok := v[i].(string); ok {
					v[i] = bitrix24.Literal(text)
				}
			}
		}
	}
	return fields
}
