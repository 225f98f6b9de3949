package contactcenter_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"puente/contactcenter"
)

func merged(t *testing.T, revisions ...string) contactcenter.Request {
	t.Helper()
	r, err := contactcenter.MergeRevisions(bodies(revisions...))
	require.NoError(t, err)
	return r
}

func bodies(revisions ...string) [][]byte {
	all := make([][]byte, len(revisions))
	for i, text := range revisions {
		all[i] = []byte(text)
	}
	return all
}

func TestCorrectionsAddUp(t *testing.T) {
	t.Parallel()
	r := merged(t,
		`{"external_id": "r1", "channel": "site", "product": "Subsidy", "contact": {"name": "Ana", "phones": [{"value": "1"}, {"value": "2"}]}, "fields": {"a": "1", "b": "2"}}`,
		`{"external_id": "r1", "channel": "site", "contact": {"last_name": "López", "phones": [{"value": "3"}]}, "fields": {"b": "3", "c": "4"}}`,
		`{"external_id": "r1", "channel": "phone", "deal": {"amount": 0}}`)
	require.Equal(t, "phone", r.Channel)
	require.Equal(t, "Subsidy", r.Product)
	require.Equal(t, contactcenter.ContactData{Name: "Ana", LastName: "López", Phones: []contactcenter.Multi{{Value: "3"}}}, *r.Contact)
	require.Equal(t, map[string]string{"a": "1", "b": "3", "c": "4"}, r.Fields)
	require.Zero(t, *r.Deal.Amount)
}

func TestCorrectionsBlankNothingOut(t *testing.T) {
	t.Parallel()
	first := `{"external_id": "r1", "channel": "site", "comment": "hello", "contact": {"name": "Ana", "phones": [{"value": "1"}], "utm": {"source": "x"}}, "fields": {"a": "1"}}`
	r := merged(t, first, `{"comment": "", "product": null, "contact": {"name": null, "phones": [], "utm": {"source": " ", "term": null}}, "fields": {"a": ""}, "deal": {}, "call": null}`)
	require.Equal(t, merged(t, first), r)
}

func TestRecordingsAndCallsAreNotMixed(t *testing.T) {
	t.Parallel()
	first := `{"external_id": "r1", "channel": "phone", "call": {"call_id": "c1", "direction": "incoming", "phone": "1", "started_at": "2026-01-31T10:00:00Z",
		"status": "answered", "duration": 30, "recording": {"url": "https://a.b/c.wav", "file_name": "c.wav"}}}`
	uploaded := merged(t, first, `{"call": {"recording": {"recording_id": "x"}}}`)
	require.Equal(t, contactcenter.Recording{RecordingID: "x"}, *uploaded.Call.Recording)
	require.Equal(t, 30, uploaded.Call.Duration)

	missed := merged(t, first, `{"call": {"call_id": "c1", "status": "missed"}}`)
	require.Equal(t, contactcenter.Missed, missed.Call.Status)
	require.Zero(t, missed.Call.Duration, "a missed call was not talked")

	other := merged(t, first, `{"call": {"call_id": "c2", "direction": "outgoing", "phone": "2", "started_at": "2026-01-31T11:00:00Z"}}`)
	require.Empty(t, other.Call.Status)
	require.Nil(t, other.Call.Recording)
}

func TestUnreadableRevisionsAreNamed(t *testing.T) {
	t.Parallel()
	_, err := contactcenter.MergeRevisions(nil)
	require.ErrorContains(t, err, "no revision")
	for _, broken := range []string{`{"a": 1}`, `[]`, `{`} {
		_, err = contactcenter.MergeRevisions(bodies(`{"external_id": "r1"}`, broken))
		require.ErrorContains(t, err, "revision 2: ")
	}
}

// anyRequest draws requests with a few fields.
func anyRequest(t *rapid.T) contactcenter.Request {
	word := rapid.SampledFrom([]string{"", "", "a", "b"})
	multi := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) contactcenter.Multi { return contactcenter.Multi{Value: word.Draw(t, "value")} }), 0, 2)
	r := contactcenter.Request{
		ExternalID: "r1", Channel: "site", Comment: word.Draw(t, "comment"),
		Fields: rapid.MapOfN(rapid.SampledFrom([]string{"x", "y"}), word, 0, 2).Draw(t, "fields"),
	}
	if rapid.Bool().Draw(t, "contact") {
		r.Contact = &contactcenter.ContactData{Name: word.Draw(t, "name"), Phones: multi.Draw(t, "phones")}
	}
	if rapid.Bool().Draw(t, "call") {
		r.Call = &contactcenter.Call{CallID: word.Draw(t, "call"), Phone: word.Draw(t, "phone"), Duration: rapid.IntRange(0, 2).Draw(t, "duration")}
	}
	return r
}

func TestARevisionSentAgainChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var revisions [][]byte
		for _, r := range []contactcenter.Request{anyRequest(t), anyRequest(t)} {
			body, err := json.Marshal(r)
			require.NoError(t, err)
			revisions = append(revisions, body)
		}
		once, err := contactcenter.MergeRevisions(revisions)
		require.NoError(t, err)
		twice, err := contactcenter.MergeRevisions(append(revisions, revisions[1]))
		require.NoError(t, err)
		require.Equal(t, once, twice)
	})
}

func TestKeysAreThoseOfDialogs(t *testing.T) {
	t.Parallel()
	s := portal()
	r := contactcenter.Request{
		ExternalID: "r1",
		Contact: &contactcenter.ContactData{
			Phones: []contactcenter.Multi{{Value: "8 (999) 123-45-67"}, {Value: "+79991234567 доб. 5"}, {Value: "+7 495 000 00 01"}, {Value: "none"}},
			Emails: []contactcenter.Multi{{Value: " Ana@Example.ORG "}},
		},
		Company: &contactcenter.CompanyData{Title: " Acme  LTD", INN: "7707083893", OGRN: "1027700132195", Emails: []contactcenter.Multi{{Value: "ana@example.org"}}},
		Call:    &contactcenter.Call{Phone: "+34 600 111 222"},
	}
	require.Equal(t, []string{
		"email:ana@example.org", "inn:7707083893", "ogrn:1027700132195", "phone:+34600111222", "phone:+79991234567", "request:r1", "title:acme ltd",
	}, contactcenter.Keys(r, s))
	require.Equal(t, []string{"request:r2"}, contactcenter.Keys(contactcenter.Request{ExternalID: "r2"}, s))
}
