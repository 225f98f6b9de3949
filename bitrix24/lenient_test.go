package bitrix24

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestIDReadsEveryFormOfThePortal(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]ID{
		`5`: 5, `"5"`: 5, `" 5 "`: 5, `null`: 0, `""`: 0, `0`: 0, `"0"`: 0, `false`: 0, `-1`: -1, `9007199254740993`: 9007199254740993,
	} {
		id := ID(99)
		require.NoError(t, json.Unmarshal([]byte(text), &id), text)
		require.Equal(t, want, id, text)
	}
	for _, text := range []string{`true`, `"x"`, `{}`, `[]`, `1.5`, `"5 6"`, `99999999999999999999`} {
		var id ID
		require.Error(t, json.Unmarshal([]byte(text), &id), text)
	}
	raw, err := json.Marshal(ID(7))
	require.NoError(t, err)
	require.Equal(t, "7", string(raw))
	require.Equal(t, "7", ID(7).String())
}

func TestIDsInsideARow(t *testing.T) {
	t.Parallel()
	var row struct {
		ID        ID   `json:"ID"`
		CompanyID ID   `json:"COMPANY_ID"`
		LeadID    ID   `json:"LEAD_ID"`
		Contacts  []ID `json:"contactIds"`
	}
	require.NoError(t, json.Unmarshal([]byte(`{"ID":"394","COMPANY_ID":0,"LEAD_ID":null,"contactIds":[1,"2"]}`), &row))
	require.Equal(t, ID(394), row.ID)
	require.Zero(t, row.CompanyID)
	require.Zero(t, row.LeadID)
	require.Equal(t, []ID{1, 2}, row.Contacts)
}

func TestBoolReadsEveryFormOfThePortal(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Bool{
		`"Y"`: true, `"y"`: true, `"1"`: true, `1`: true, `true`: true, `"true"`: true,
		`"N"`: false, `"0"`: false, `0`: false, `false`: false, `null`: false, `""`: false,
	} {
		b := !want
		require.NoError(t, json.Unmarshal([]byte(text), &b), text)
		require.Equal(t, want, b, text)
	}
	for _, text := range []string{`"maybe"`, `2`, `{}`, `[]`} {
		var b Bool
		require.Error(t, json.Unmarshal([]byte(text), &b), text)
	}
}

func TestTimeReadsEveryFormOfThePortal(t *testing.T) {
	t.Parallel()
	moment := time.Date(2024, 8, 30, 11, 29, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		`"2024-08-30T14:29:00+03:00"`: moment,
		`"2024-08-30T14:29:00+0300"`:  moment,
		`"2024-08-30 11:29:00"`:       moment,
		`"2024-08-30"`:                time.Date(2024, 8, 30, 0, 0, 0, 0, time.UTC),
		`1725017340`:                  moment,
		`""`:                          {}, `null`: {}, `{}`: {}, `[]`: {}, `false`: {}, `{"x":1}`: {},
	} {
		got := Time{time.Now()}
		require.NoError(t, json.Unmarshal([]byte(text), &got), text)
		require.True(t, want.Equal(got.Time), "%s: %s", text, got)
	}
	var got Time
	require.Error(t, json.Unmarshal([]byte(`"yesterday"`), &got))
}

func TestTimeIsWrittenInISO8601(t *testing.T) {
	t.Parallel()
	raw, err := json.Marshal([]Time{{}, {time.Date(2024, 8, 30, 14, 29, 0, 0, time.FixedZone("", 3*3600))}})
	require.NoError(t, err)
	require.JSONEq(t, `["","2024-08-30T14:29:00+03:00"]`, string(raw))
}

func TestMapAcceptsTheListsOfPHP(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Map[int]{
		`{}`: {}, `[]`: {}, `{"a":1}`: {"a": 1}, `[7,8]`: {"0": 7, "1": 8}, `null`: nil,
	} {
		var got Map[int]
		require.NoError(t, json.Unmarshal([]byte(text), &got), text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{`5`, `"x"`, `{"a":"b"}`} {
		var got Map[int]
		require.Error(t, json.Unmarshal([]byte(text), &got), text)
	}
}

func TestAnswerDecodesAnEmptyListAsAnEmptyObject(t *testing.T) {
	t.Parallel()
	type found struct {
		Contacts []ID `json:"CONTACT"`
	}
	var dst found
	require.NoError(t, Answer{Value: json.RawMessage(`{"CONTACT":[42]}`)}.Decode(&dst))
	require.Equal(t, found{Contacts: []ID{42}}, dst)
	dst = found{}
	require.NoError(t, Answer{Value: json.RawMessage(` [ ] `)}.Decode(&dst))
	require.Empty(t, dst.Contacts)

	var fields map[string]ID
	require.NoError(t, Answer{Value: json.RawMessage(`[]`)}.Decode(&fields))
	require.Empty(t, fields)
	require.NoError(t, Answer{Value: json.RawMessage(`["5",6]`)}.Decode(&fields))
	require.Equal(t, map[string]ID{"0": 5, "1": 6}, fields)

	var rows []ID
	require.NoError(t, Answer{Value: json.RawMessage(`[]`)}.Decode(&rows))
	require.Empty(t, rows)
	var id ID
	require.NoError(t, Answer{Value: json.RawMessage(`"46"`)}.Decode(&id))
	require.Equal(t, ID(46), id)
}

func TestAnswerOfAnotherShapeIsAPermanentError(t *testing.T) {
	t.Parallel()
	var dst struct{ ID ID }
	err := Answer{Value: json.RawMessage(`[1]`), method: "crm.item.get"}.Decode(&dst)
	e := errorOf(t, err, KindUnknown)
	require.Equal(t, "crm.item.get", e.Method)
	require.Error(t, Answer{}.Decode(&dst))
	require.Error(t, Answer{Value: json.RawMessage(`1`)}.Decode(nil))
}
