package chat2desk

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const testStorage = "https://storage.example"

func decode(raw string) Message {
	return readMessage(readObject(json.RawMessage(raw)), time.UTC, testStorage)
}

func TestMessageFromRestAndFromRequestMessagesAreTheSame(t *testing.T) {
	t.Parallel()
	want := Message{
		ID: 1, ClientID: 7001, OperatorID: 301, ChannelID: 12, DialogID: 4401, RequestID: 9901, Type: TypeToClient,
		Text: "Hi", Transport: "telegram", Time: time.Date(2026, 1, 5, 9, 20, 0, 0, time.UTC),
	}
	require.Equal(t, want, decode(`{"id":1,"text":"Hi","type":"to_client","transport":"telegram","created":"2026-01-05T09:20:00 UTC",
		"client_id":7001,"operator_id":"301","channel_id":12,"dialog_id":4401,"request_id":9901,"photo":null,"attachments":null,"extra_data":[]}`))
	require.Equal(t, want, decode(`{"id":"1","text":"Hi","type":"out","transport":"telegram","created":1767604800,
		"clientID":7001,"operatorID":301,"channelID":12,"dialogID":4401,"requestID":9901,"photo":"","extra_data":{}}`))
}

func TestMessageTypesOfBothVocabularies(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{
		`"in"`: TypeFromClient, `"from_client"`: TypeFromClient, `"out"`: TypeToClient, `"to_client"`: TypeToClient,
		`"autoreply"`: TypeAutoreply, `"system"`: TypeSystem, `"comment"`: TypeComment, `null`: TypeAutoreply, `"new"`: TypeAutoreply,
	} {
		require.Equal(t, want, decode(`{"id":1,"type":`+word+`}`).Type, word)
	}
}

func TestMediaSlotsAndAttachmentsAreMerged(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, raw string
		want      []Attachment
	}{
		{"none", `{"photo":"","video":null,"attachments":[]}`, nil},
		{
			"relative slot", `{"photo":"/media/a.jpg","pdf":"media/b.pdf"}`,
			[]Attachment{{"a.jpg", testStorage + "/media/a.jpg"}, {"b.pdf", testStorage + "/media/b.pdf"}},
		},
		{
			"a photo in both places", `{"photo":"media/a.jpg","attachments":[{"name":"Photo","link":"https://cdn.example/x/a.jpg?v=1"}]}`,
			[]Attachment{{"Photo", "https://cdn.example/x/a.jpg?v=1"}},
		},
		{
			"same name, different files", `{"attachments":[{"name":"i.jpg","link":"https://s/1/i.jpg"},{"name":"i.jpg","link":"https://s/2/i.jpg"}]}`,
			[]Attachment{{"i.jpg", "https://s/1/i.jpg"}, {"i.jpg", "https://s/2/i.jpg"}},
		},
		{
			"the same link twice", `{"attachments":[{"name":"i.jpg","link":"https://s/i.jpg"},{"name":"i.jpg","link":"https://s/i.jpg"}]}`,
			[]Attachment{{"i.jpg", "https://s/i.jpg"}},
		},
		{"without a link", `{"attachments":[{"name":"lost.jpg"},{"name":"x","link":""},null]}`, nil},
		{
			"a link alone, escaped", `{"attachments":["https://s/%D0%B0.jpg"]}`,
			[]Attachment{{"а.jpg", "https://s/%D0%B0.jpg"}},
		},
		{
			"doubled host", `{"photo":"https://storage.example/https://storage.example/a.jpg"}`,
			[]Attachment{{"a.jpg", "https://storage.example/a.jpg"}},
		},
		{"no scheme", `{"video":"//cdn.example/v.mp4"}`, []Attachment{{"v.mp4", "https://cdn.example/v.mp4"}}},
		{"a space", `{"audio":"a b.ogg"}`, []Attachment{{"a b.ogg", testStorage + "/a%20b.ogg"}}},
		{"a script is only a path", `{"photo":"javascript:x"}`, []Attachment{{"javascript:x", testStorage + "/javascript:x"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, decode(tt.raw).Attachments)
		})
	}
}

func TestLocations(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`null`: "", `""`: "", `{}`: "", `[]`: "", `"19.43,-99.13"`: "19.43,-99.13", `{"lat":19.43,"lon":-99.13}`: "19.43,-99.13",
		`{"latitude":"19.43","longitude":"-99.13"}`: "19.43,-99.13", `[19.43,-99.13]`: "19.43,-99.13", `{"place":"here"}`: `{"place":"here"}`,
	} {
		require.Equal(t, want, decode(`{"coordinates":`+raw+`}`).Location, raw)
	}
}

func TestUTMIsFoundInExtraData(t *testing.T) {
	t.Parallel()
	require.Equal(t, map[string]string{"utm_source": "ya", "utm_term": "5"},
		decode(`{"extra_data":{"UTM_Source":"ya","page":{"utm_term":5,"utm_content":null},"system_type":"x"}}`).Analytics)
	require.Nil(t, decode(`{"extra_data":[]}`).Analytics)
	require.Nil(t, decode(`{"extra_data":"text"}`).Analytics)
}

func FuzzDecodeMessage(f *testing.F) {
	for _, raw := range []string{
		`{"id":1,"text":"Hi","type":"in","created":1767604800,"clientID":7001,"photo":"a.jpg","attachments":[{"name":"a","link":"https://s/a.jpg"}]}`,
		`{"id":"1","coordinates":{"lat":1,"lon":2},"extra_data":{"utm_source":"x"}}`, `[]`, `{"attachments":{}}`,
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		m := decode(raw)
		require.Contains(t, []string{TypeFromClient, TypeToClient, TypeAutoreply, TypeSystem, TypeComment}, m.Type)
		for _, a := range m.Attachments {
			require.NotEmpty(t, a.Link)
			require.Contains(t, a.Link, "://", "absolute")
		}
		require.Equal(t, fmt.Sprint(m), fmt.Sprint(decode(raw)), "the same every time")
	})
}
