package bitrix24

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBracketedParameters(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"a=1&b=x%20y+z":                             `{"a":"1","b":"x y z"}`,
		"a[b][c]=1&a[b][d]=2":                       `{"a":{"b":{"c":"1","d":"2"}}}`,
		"a[]=1&a[]=2":                               `{"a":["1","2"]}`,
		"a[5]=x&a[]=y":                              `{"a":{"5":"x","6":"y"}}`,
		"fields[PHONE][0][VALUE]=%2B7":              `{"fields":{"PHONE":[{"VALUE":"+7"}]}}`,
		"filter[%3E%3DOPPORTUNITY]=5&filter[!ID]=1": `{"filter":{">=OPPORTUNITY":"5","!ID":"1"}}`,
		"a=1&a=2":                                   `{"a":"2"}`,
		"a=1&a[b]=2":                                `{"a":{"b":"2"}}`,
		"a.b c=1":                                   `{"a_b_c":"1"}`,
		"a[b=1":                                     `{"a_b":"1"}`,
		"a[b]c=1":                                   `{"a":{"b":"1"}}`,
		"[a]=1&=2&&x":                               `{"[a]":"1","x":""}`,
		"a=%zz%41":                                  `{"a":"%zzA"}`,
		"":                                          `[]`,
	} {
		d := newDict()
		parseQuery(d, query)
		raw, err := json.Marshal(d)
		require.NoError(t, err)
		require.JSONEq(t, want, string(raw), query)
	}
}

func TestEncodingsAreEqual(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	path := "/rest/1/sandboxsecret/crm.contact.add"
	require.Equal(t, http.StatusOK, h.get(path+"?fields[NAME]=Anna&fields[PHONE][0][VALUE]=%2B71").Status)
	require.Equal(t, http.StatusOK, h.post(path+".json/", "application/x-www-form-urlencoded", "fields[NAME]=Anna&fields[PHONE][0][VALUE]=%2B71").Status)
	require.Equal(t, http.StatusOK, h.post("//rest//1//sandboxsecret//CRM.Contact.Add", "application/json", `{"FIELDS":{"NAME":"Anna","PHONE":[{"VALUE":"+71"}]}}`).Status)
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	require.NoError(t, form.WriteField("fields[NAME]", "Anna"))
	require.NoError(t, form.WriteField("fields[PHONE][0][VALUE]", "+71"))
	require.NoError(t, form.Close())
	require.Equal(t, http.StatusOK, h.post(path, form.FormDataContentType(), body.String()).Status)
	found := h.ok("crm.duplicate.findbycomm", `{"type":"PHONE","values":["+71"]}`)
	require.JSONEq(t, `{"result":{"CONTACT":[1,2,3,4]}}`, found.without(t))
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	h := open(t, Options{MaxBody: 100})
	a := h.call("profile", `{"x":"`+strings.Repeat("y", 100)+`"}`)
	require.Equal(t, http.StatusRequestEntityTooLarge, a.Status)
	require.Contains(t, a.Body, "<html>")
}

func TestMalformedJSONIsNoParameters(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	for _, body := range []string{`{`, `[]`, `"x"`, `{"a":1} {"b":2}`, strings.Repeat(`{"a":`, 100)} {
		require.Equal(t, http.StatusOK, h.call("profile", body).Status, body)
	}
}

func FuzzBracketedParameters(f *testing.F) {
	for _, seed := range []string{"a[b][]=1", "a[[]]]=%", "a[]=1&a[x]=2", "[=&]=", "a[0]=1&a=2&a[]=3", "a.b[c d]=%u1", strings.Repeat("a[b]", 80)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		d := newDict()
		parseQuery(d, query)
		raw, err := json.Marshal(d)
		require.NoError(t, err)
		require.True(t, json.Valid(raw), "%q", raw)
		_, err = readJSON(raw)
		require.NoError(t, err)
	})
}

func FuzzJSONKeepsItsMeaning(f *testing.F) {
	for _, seed := range []string{`{"b":1,"a":[1,2.5,"x",null,true]}`, `{"0":"a","1":"b"}`, `[]`, `{"a":"\u0000\ud83d\ude00"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := readJSON(body)
		if err != nil {
			return
		}
		var once, twice bytes.Buffer
		require.NoError(t, writeJSON(&once, v))
		again, err := readJSON(once.Bytes())
		require.NoError(t, err)
		require.NoError(t, writeJSON(&twice, again))
		require.Equal(t, once.String(), twice.String())
	})
}
