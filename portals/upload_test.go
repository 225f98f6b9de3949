package portals_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	crm "puente/bitrix24"
	"puente/sandbox/bitrix24"
	"puente/store"
)

// address registers and finishes a call and asks where its record is to be sent.
func address(t *testing.T, app crm.Gateway) crm.Upload {
	t.Helper()
	results, err := app.Batch(t.Context(), crm.Group{Halt: true, Commands: []crm.Command{
		{Key: "call", Method: "telephony.externalCall.register", Params: crm.Params{
			"USER_ID": 1, "PHONE_NUMBER": "+79991234567", "TYPE": 2, "SHOW": 0, "ADD_TO_CHAT": 0, "EXTERNAL_CALL_ID": "cc-1",
		}},
		{Key: "end", Method: "telephony.externalCall.finish", Params: crm.Params{
			"CALL_ID": crm.Ref("call", "CALL_ID"), "USER_ID": 1, "DURATION": 41, "STATUS_CODE": "200",
		}},
		{Key: "record", Method: "telephony.externalCall.attachRecord", Params: crm.Params{
			"CALL_ID": crm.Ref("call", "CALL_ID"), "FILENAME": "call.mp3",
		}},
	}})
	require.NoError(t, err)
	for _, res := range results {
		require.NoError(t, res.Err)
	}
	var target struct {
		URL   string `json:"uploadUrl"`
		Field string `json:"fieldName"`
	}
	require.NoError(t, results[2].Decode(&target))
	return crm.Upload{URL: target.URL, Field: target.Field, FileName: "call.mp3"}
}

// recordingApp is a portal with an application, a call that waits for its record, and the way to send it.
func recordingApp(t *testing.T) (*installing, crm.Upload, crm.Uploader) {
	t.Helper()
	i := newInstalling(t, func(a *store.Bitrix24Account) {
		a.ClientID, a.ClientSecret = bitrix24.DemoClientID, bitrix24.DemoClientSecret
	})
	_, err := i.registry.Install(t.Context(), "demo", i.handover(t))
	require.NoError(t, err)
	app, err := i.registry.App(t.Context(), "demo")
	require.NoError(t, err)
	uploader, err := i.registry.Uploader(t.Context(), "demo")
	require.NoError(t, err)
	return i, address(t, app), uploader
}

func TestRecordingGoesToThePortalByItsUploadAddress(t *testing.T) {
	t.Parallel()
	_, u, uploader := recordingApp(t)
	sound := bytes.Repeat([]byte("ID3 sound "), 200_000)
	u.Body, u.Size = bytes.NewReader(sound), int64(len(sound))
	answer, err := uploader.Upload(t.Context(), u)
	require.NoError(t, err)
	var file struct {
		ID crm.ID `json:"FILE_ID"`
	}
	require.NoError(t, answer.Decode(&file))
	require.NotZero(t, file.ID)
}

func TestUploadWithoutAnAnswerIsAmbiguous(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"lost_answer", "reset", "html", "status"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			i, u, uploader := recordingApp(t)
			_, err := i.sandbox.InjectFault(bitrix24.Fault{Method: "upload", Kind: kind})
			require.NoError(t, err)
			u.Body, u.Size = bytes.NewReader([]byte("ID3")), 3
			_, err = uploader.Upload(t.Context(), u)
			require.Equal(t, crm.KindAmbiguous, crm.KindOf(err), "%v", err)
			require.NotContains(t, err.Error(), "telephony|")
		})
	}
}
