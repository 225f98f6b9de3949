package chat2desk_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"puente/chat2desk"
)

func TestSendMessageSaysExplicitlyWhetherToReopen(t *testing.T) {
	t.Parallel()
	s := newServer(t, answers{"POST /v1/messages": `{"status":"success","data":{"message_id":880013,"channel_id":12,"operator_id":301,
		"transport":"telegram","type":"to_client","client_id":7001,"dialog_id":4401,"request_id":9901}}`}.ServeHTTP)
	sent, err := s.api().SendMessage(t.Context(), chat2desk.OutMessage{ClientID: 7001, Text: "Hi <3", ExternalID: "p-1", ChannelID: 12})
	require.NoError(t, err)
	require.Equal(t, chat2desk.Sent{
		MessageID: 880013, ClientID: 7001, ChannelID: 12, OperatorID: 301, DialogID: 4401, RequestID: 9901, Transport: "telegram",
		Type: "to_client",
	}, sent)
	r := s.requests()[0]
	require.JSONEq(t, `{"client_id":7001,"text":"Hi <3","channel_id":12,"open_dialog":false,"external_id":"p-1"}`, r.body)
	require.Equal(t, "application/json", r.contentType)
}

func TestSendMessageRefusesWhatTheServiceWould(t *testing.T) {
	t.Parallel()
	s := newServer(t, answers{}.ServeHTTP)
	for _, m := range []chat2desk.OutMessage{{}, {ClientID: 7001}, {Text: "x"}} {
		_, err := s.api().SendMessage(t.Context(), m)
		requireKind(t, chat2desk.KindInvalid, err)
	}
	requireKind(t, chat2desk.KindInvalid, s.api().AssignTags(t.Context(), chat2desk.AssigneeClient, 7001))
	require.Empty(t, s.requests(), "nothing is sent")
}

func TestAnAlreadyClosedDialogIsASuccess(t *testing.T) {
	t.Parallel()
	api := answering(t, 200, `{"status":"error","message":"validation_error","errors":{"state":["Dialog already has state closed"]}}`)
	require.NoError(t, api.SetDialog(t.Context(), 4401, 301, chat2desk.StateClosed))
	require.NoError(t, api.CloseRequest(t.Context(), 9901))
}

func TestWritesOfDialogsAndTags(t *testing.T) {
	t.Parallel()
	s := newServer(t, answers{
		"PUT /v1/dialogs/4401":          `{"status":"success"}`,
		"PUT /v1/requests/close":        `{"status":"success"}`,
		"POST /v1/tags/assign_to":       `{"status":"success","data":{}}`,
		"DELETE /v1/tags/3/delete_from": ``,
	}.ServeHTTP)
	api := s.api()
	require.NoError(t, api.SetDialog(t.Context(), 4401, 301, chat2desk.StateOpen))
	require.NoError(t, api.CloseRequest(t.Context(), 9901))
	require.NoError(t, api.AssignTags(t.Context(), chat2desk.AssigneeRequest, 9901, 1, 3))
	require.NoError(t, api.RemoveTag(t.Context(), chat2desk.AssigneeClient, 7001, 3))
	var bodies []string
	for _, r := range s.requests() {
		bodies = append(bodies, r.body)
	}
	require.Equal(t, []string{
		`{"operator_id":301,"state":"open"}`, `{"request_id":9901}`,
		`{"assignee_id":9901,"assignee_type":"request","tag_ids":[1,3]}`, `{"client_id":7001}`,
	}, bodies)
	require.EqualValues(t, 4, api.Calls())
}

// G14: the existing id stands in the second line of the error.
func TestCreateClientFindsTheExistingOne(t *testing.T) {
	t.Parallel()
	api := answering(t, 200, `{"status":"error","errors":{"client":["Client already exist","{\"id\":7001}"]}}`)
	id, created, err := api.CreateClient(t.Context(), chat2desk.NewClient{Phone: "34600111222", Transport: "whatsapp"})
	require.NoError(t, err)
	require.False(t, created)
	require.EqualValues(t, 7001, id)

	api = answering(t, 200, `{"status":"success","data":{"id":7002}}`)
	id, created, err = api.CreateClient(t.Context(), chat2desk.NewClient{Phone: "34600111222", Transport: "whatsapp"})
	require.NoError(t, err)
	require.True(t, created)
	require.EqualValues(t, 7002, id)

	api = answering(t, 200, `{"status":"error","errors":{"transport":["Transport is incorrect"]}}`)
	_, _, err = api.CreateClient(t.Context(), chat2desk.NewClient{})
	requireKind(t, chat2desk.KindInvalid, err)
	api = answering(t, 200, `{"status":"success"}`)
	_, _, err = api.CreateClient(t.Context(), chat2desk.NewClient{})
	requireKind(t, chat2desk.KindAmbiguous, err)
}

const hookURL = "https://puente.example/webhooks/chat2desk/demo/s"

func TestEnsureWebhookAdoptsWhatIsThere(t *testing.T) {
	t.Parallel()
	events := []string{"inbox", "outbox"}
	tests := []struct {
		name, have, update string
	}{
		{"as wanted", `{"id":3,"name":"Puente","url":"` + hookURL + `","events":["outbox","inbox","comment"],"status":"enable","channels":[]}`, ``},
		{
			"switched off", `{"id":3,"name":"Puente","url":"` + hookURL + `","events":["inbox","outbox"],"status":"disable","channels":[]}`,
			`{"name":"Puente","url":"` + hookURL + `","events":["inbox","outbox"],"status":"enable","channels":[]}`,
		},
		{
			"an event is missing", `{"id":3,"name":"Puente","url":"` + hookURL + `","events":["comment","inbox"],"status":"enable"}`,
			`{"name":"Puente","url":"` + hookURL + `","events":["comment","inbox","outbox"],"status":"enable","channels":[]}`,
		},
		{
			"another name, only some channels", `{"id":3,"name":"x","url":"` + hookURL + `","events":["inbox","outbox"],"channels":[12]}`,
			`{"name":"Puente","url":"` + hookURL + `","events":["inbox","outbox"],"status":"enable","channels":[]}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, answers{
				"GET /v1/webhooks":   `{"status":"success","data":[{"id":1,"name":"Puente","url":"https://other.example/"},` + tt.have + `]}`,
				"PUT /v1/webhooks/3": `{"status":"success"}`,
			}.ServeHTTP)
			w, err := s.api().EnsureWebhook(t.Context(), "Puente", hookURL, events)
			require.NoError(t, err)
			require.EqualValues(t, 3, w.ID)
			require.Equal(t, chat2desk.WebhookEnabled, w.Status)
			require.Subset(t, w.Events, events)
			asked := s.requests()
			if tt.update == "" {
				require.Len(t, asked, 1)
				return
			}
			require.Len(t, asked, 2)
			require.JSONEq(t, tt.update, asked[1].body)
		})
	}
}

func TestEnsureWebhookCreatesOne(t *testing.T) {
	t.Parallel()
	s := newServer(t, answers{
		"GET /v1/webhooks": `{"status":"success","data":[]}`,
		"POST /v1/webhooks": `{"status":"success","data":{"id":4,"name":"Puente","url":"` + hookURL + `","events":["inbox"],"status":"enable",
			"channels":[],"errors":[{"text":"timeout","created_at":1767604800}]}}`,
	}.ServeHTTP)
	w, err := s.api().EnsureWebhook(t.Context(), "Puente", hookURL, []string{"inbox"})
	require.NoError(t, err)
	require.Equal(t, chat2desk.Webhook{
		ID: 4, Name: "Puente", URL: hookURL, Events: []string{"inbox"}, Status: "enable",
		Errors: []chat2desk.WebhookError{{Text: "timeout", Time: at("2026-01-05T09:20:00Z")}},
	}, w)
}

// G20: between the look and the creation somebody else registered the URL.
func TestEnsureWebhookAdoptsWhatAnotherCreatedMeanwhile(t *testing.T) {
	t.Parallel()
	list := `[]`
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			list = `[{"id":5,"name":"Puente","url":"` + hookURL + `","events":["inbox"],"status":"enable"}]`
			_, _ = io.WriteString(w, `{"status":"error","errors":{"url":["URL is already used"]}}`)
			return
		}
		_, _ = io.WriteString(w, `{"status":"success","data":`+list+`}`)
	})
	w, err := s.api().EnsureWebhook(t.Context(), "Puente", hookURL, []string{"inbox"})
	require.NoError(t, err)
	require.EqualValues(t, 5, w.ID)
}

func TestDeletingAnUnknownWebhookIsNotFound(t *testing.T) {
	t.Parallel()
	api := answering(t, 200, `{"status":"error","message":"not_found","errors":"Webhook 9 not found"}`)
	requireKind(t, chat2desk.KindNotFound, api.DeleteWebhook(t.Context(), 9))
}

func TestSentMessageIsFoundByItsExternalID(t *testing.T) {
	t.Parallel()
	s := newServer(t, answers{"GET /v1/messages": `{"status":"success","data":[
		{"id":3,"text":"b","type":"autoreply","external_id":"mine"},{"id":2,"text":"a","type":"to_client","external_id":null}]}`}.ServeHTTP)
	m, found, err := s.api().FindSent(t.Context(), 7001, "mine")
	require.NoError(t, err)
	require.True(t, found)
	require.EqualValues(t, 3, m.ID)
	require.Equal(t, "/v1/messages?client_id=7001&limit=200&order=desc", s.requests()[0].uri)
	_, found, err = s.api().FindSent(t.Context(), 7001, "another")
	require.NoError(t, err)
	require.False(t, found)
	_, _, err = answering(t, 502, "bad gateway").FindSent(t.Context(), 7001, "mine")
	requireKind(t, chat2desk.KindAmbiguous, err)
}
