package activities_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/contactcenter"
	"puente/store"
)

func TestTheSameRecordingIsNotAttachedTwice(t *testing.T) {
	t.Parallel()
	s := newStudio(t, nil)
	up := s.upload("talk.wav", 44)
	s.attached(s.asked(contactcenter.CallCreate, talk("c-1", object{"recording_id": up.ID})), "c-1")

	status, answer := call[contactcenter.RecordingAnswer](s.center, contactcenter.CallAttachRecording, object{"call_id": "c-1", "recording_id": up.ID})
	require.Equal(t, http.StatusOK, status, "answered at once")
	require.Equal(t, up.SHA256, answer.SHA256)
	require.EqualValues(t, s.record("c-1").FileID, answer.FileID)

	same := s.upload("same.wav", 44)
	status, answer = call[contactcenter.RecordingAnswer](s.center, contactcenter.CallAttachRecording, object{"call_id": "c-1", "recording_id": same.ID})
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, up.SHA256, answer.SHA256)

	content, err := io.ReadAll(wav(44))
	require.NoError(t, err)
	s.shows(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	})
	s.attached(s.asked(contactcenter.CallAttachRecording, object{"call_id": "c-1", "url": s.web.URL + "/1.wav"}), "c-1")
	require.Equal(t, 1, s.record("c-1").AttachedTimes)
}

func TestTwoRunsMayAttachOneUploadToItsCall(t *testing.T) {
	t.Parallel()
	s := newStudio(t, nil)
	up := s.upload("talk.wav", 44)
	first := s.asked(contactcenter.CallCreate, talk("c-1", object{"recording_id": up.ID}))
	second := s.asked(contactcenter.CallAttachRecording, object{"call_id": "c-1", "recording_id": up.ID})
	require.Equal(t, s.attached(first, "c-1"), s.attached(second, "c-1"))
	require.Equal(t, 1, s.record("c-1").AttachedTimes)
}

func TestUploadsThatCannotBeUsedAreRefused(t *testing.T) {
	t.Parallel()
	s := newStudio(t, nil)
	s.talked("c-1")
	s.talked("c-2")
	used, gone := s.upload("used.wav", 44), s.upload("gone.wav", 44)
	s.asked(contactcenter.CallAttachRecording, object{"call_id": "c-2", "recording_id": used.ID})
	_, err := s.store.SaveRecording(t.Context(), store.Recording{ID: gone.ID, Portal: "demo", State: store.RecordingGone})
	require.NoError(t, err)
	byURL, err := s.store.SaveRecording(t.Context(), store.Recording{Portal: "demo", CallID: "c-1", Source: store.RecordingURL})
	require.NoError(t, err)
	foreign, err := s.store.SaveRecording(t.Context(), store.Recording{Portal: "other", Source: store.RecordingUpload, State: store.RecordingStored})
	require.NoError(t, err)
	for id, want := range map[string]int{
		"unknown": http.StatusNotFound, foreign.ID: http.StatusNotFound, byURL.ID: http.StatusNotFound, used.ID: http.StatusConflict, gone.ID: http.StatusConflict,
	} {
		status, answer := call[object](s.center, contactcenter.CallAttachRecording, object{"call_id": "c-1", "recording_id": id})
		require.Equal(t, want, status, id)
		require.Equal(t, "body.recording_id", answer["errors"].([]any)[0].(object)["location"])
	}
}

func TestARecordingBeforeTheEndOfItsCallIsRefused(t *testing.T) {
	t.Parallel()
	s := newStudio(t, nil)
	going := talk("c-1", nil)
	delete(going, "status")
	delete(going, "duration")
	status, _ := call[contactcenter.CallAnswer](s.center, contactcenter.CallCreate, going)
	require.Equal(t, http.StatusCreated, status)
	up := s.upload("talk.wav", 44)
	for id, want := range map[string]int{"c-1": http.StatusConflict, "c-9": http.StatusNotFound} {
		status, answer := call[object](s.center, contactcenter.CallAttachRecording, object{"call_id": id, "recording_id": up.ID})
		require.Equal(t, want, status)
		require.Equal(t, "body.call_id", answer["errors"].([]any)[0].(object)["location"])
	}
}
