package activities

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"puente/settings"
)

func TestFieldsAreReadUnderTheNamesTheyAreWrittenBy(t *testing.T) {
	t.Parallel()
	types, err := FieldTypes(json.RawMessage(`{"fields":{
		"title":{"type":"string","upperName":"TITLE","isDynamic":false,"isReadOnly":false},
		"id":{"type":"integer","upperName":"ID","isReadOnly":true},
		"ufCrm_CITY":{"type":"enumeration","upperName":"UF_CRM_CITY","isDynamic":true,"isMultiple":"Y","items":[{"ID":5,"VALUE":"Omsk"},{"ID":"NEW","VALUE":"Perm"}]}}}`))
	require.NoError(t, err)
	require.Equal(t, map[string]settings.FieldType{
		"title":       {Type: "string"},
		"id":          {Type: "integer", ReadOnly: true},
		"UF_CRM_CITY": {Type: "enumeration", Multiple: true, Items: []settings.Item{{ID: "5", Value: "Omsk"}, {ID: "NEW", Value: "Perm"}}},
	}, types)
}

func TestUnreadableFieldsAreAnError(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"", "null", `"text"`, `{"fields":5}`} {
		_, err := FieldTypes(json.RawMessage(raw))
		if raw == "null" { // what a portal without fields might answer
			continue
		}
		require.Error(t, err, raw)
	}
}

func FuzzFieldTypes(f *testing.F) {
	f.Add([]byte(`{"fields":{"a":{"type":"string","items":[{"ID":1,"VALUE":"x"}]}}}`))
	f.Add([]byte(`{"fields":[]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		types, err := FieldTypes(raw)
		if err == nil && types == nil {
			t.Fatal("neither fields nor an error")
		}
	})
}

func TestClientsWordsAreNoReferences(t *testing.T) {
	t.Parallel()
	fields := literalFields(map[string]any{"a": "$result[contact]", "b": []any{"$result[x]", 5}, "c": 7})
	require.NotContains(t, fields["a"], "$result[")
	require.NotContains(t, fields["b"].([]any)[0], "$result[") //nolint:forcetypeassert // as given
	require.Equal(t, 7, fields["c"])
}
