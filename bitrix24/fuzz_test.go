package bitrix24

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
)

func FuzzDecodeEnvelope(f *testing.F) {
	for _, body := range []string{
		`{"result":{"item":{"id":42}},"total":1,"next":50,"time":{"operating":0.2,"operating_reset_at":1780000600}}`,
		`{"error":"","error_description":"Not found"}`, `{"error":{"code":"X","message":"m"}}`, `{"error":0}`, `[]`, `<html>`, ``,
		`{"result":{"result":{"a":1},"result_error":{"b":{"error":"NOT_FOUND"}},"result_total":[],"result_time":{"a":[]}}}`,
		`{"result":{"result":[1,2],"result_error":[],"result_next":{"a":"50"}}}`, `{"result":null,"error":null}`,
	} {
		f.Add(200, []byte(body))
		f.Add(503, []byte(body))
	}
	commands := []Command{{Key: "a", Method: "m.a"}, {Key: "b", Method: "m.b"}, {Key: "0", Method: "m.c"}}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		answer, err := decodeEnvelope("m", status, body)
		if err != nil {
			checkError(t, err)
			return
		}
		if answer.Value == nil {
			t.Fatal("an answer without error has a value")
		}
		var object map[string]any
		if err := answer.Decode(&object); err != nil {
			checkError(t, err)
		}
		results, err := decodeBatch(commands, true, answer.Value)
		if err != nil {
			checkError(t, err)
			return
		}
		for i, r := range results {
			if r.Key != commands[i].Key || (r.Err == nil && r.Value == nil) {
				t.Fatalf("result %d: %+v", i, r)
			}
			if r.Err != nil {
				checkError(t, r.Err)
			}
		}
	})
}

// checkError asserts what every error of the package promises.
func checkError(t *testing.T, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || KindOf(err) == "" || e.Error() == "" {
		t.Fatalf("not a typed error: %v", err)
	}
	if len([]rune(e.Code)) > maxWords || len([]rune(e.Description)) > maxWords {
		t.Fatalf("the words are not bounded: %d, %d", len(e.Code), len(e.Description))
	}
}

func FuzzID(f *testing.F) {
	for _, text := range []string{`5`, `"5"`, `null`, `""`, `0`, `false`, `true`, `{}`, `[]`, `"Y"`, `"2024-08-30T14:29:00+03:00"`, `1e3`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var id ID
		if json.Unmarshal(data, &id) == nil {
			raw, err := json.Marshal(id)
			var again ID
			if err != nil || json.Unmarshal(raw, &again) != nil || again != id {
				t.Fatalf("%s became %s", data, raw)
			}
		}
		var b Bool
		_ = json.Unmarshal(data, &b)
		var moment Time
		if json.Unmarshal(data, &moment) == nil && !moment.IsZero() && moment.Year() > 0 && moment.Year() < 10000 {
			if _, err := json.Marshal(moment); err != nil {
				t.Fatalf("%s cannot be written: %v", data, err)
			}
		}
		var m Map[json.RawMessage]
		_ = json.Unmarshal(data, &m)
	})
}

func FuzzQuery(f *testing.F) {
	for _, text := range []string{
		`{}`, `{"a":1}`, `{"fields":{"PHONE":[{"VALUE":"+7"}]},"filter":{">=id":5}}`, `{"a":[],"b":{},"c":null,"d":true}`,
		`{"a":"$result[c][item][id]","b":["$result[c]"]}`, `{"a&b":"=?#%"}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var params Params
		if json.Unmarshal(data, &params) != nil {
			return
		}
		query, err := encodeQuery(params)
		if err != nil {
			t.Fatalf("JSON that was read cannot be written: %v", err)
		}
		if strings.ContainsAny(query, " \n#?\"") {
			t.Fatalf("not escaped: %q", query)
		}
		if _, err := url.ParseQuery(query); err != nil {
			t.Fatalf("%q: %v", query, err)
		}
		if _, err := json.Marshal(commandMap{{Key: "c", Method: "m", Params: params}}); err != nil {
			t.Fatal(err)
		}
	})
}
