package activities_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"puente/contactcenter"
	"puente/store"
	"puente/workflows"
)

// told is a request about a call, as far as its call; recording may be nil.
func (s *studio) told(comment string, recording object) (store.Submission, workflows.SavedCall) {
	s.t.Helper()
	h := s.open(s.submit(object{
		"external_id": "r-1", "channel": "phone", "comment": comment, "contact": object{"name": "Oleg"}, "call": talk("c-1", recording),
	})).find().save()
	saved, err := run[workflows.SavedCall](s.bundle, workflows.SaveCallStep, h.in)
	require.NoError(s.t, err)
	h.answer()
	return h.sub, saved
}

func TestCorrectionWithAnotherRecordingReplacesTheFirst(t *testing.T) {
	t.Parallel()
	s := newStudio(t, nil)
	first, second := s.upload("a.wav", 44), s.upload("b.wav", 3*mib)
	sub, saved := s.told("one", object{"recording_id": first.ID})
	require.Empty(t, saved.Recording, "the run knows that there is one to come")
	s.attached(sub, "c-1")

	_, saved = s.told("two", nil)
	require.Equal(t, contactcenter.RecordingAttached, saved.Recording, "it was told before")
	require.Empty(t, saved.Notes)

	_, saved = s.told("three", object{"recording_id": second.ID})
	require.Equal(t, contactcenter.RecordingPending, saved.Recording)
	s.attached(sub, "c-1")
	require.Equal(t, second.SHA256, s.record("c-1").SHA256)
	require.Equal(t, 2, s.record("c-1").AttachedTimes)

	_, saved = s.told("four", object{"recording_id": first.ID})
	require.Equal(t, contactcenter.RecordingAttached, saved.Recording)
	require.Len(t, saved.Notes, 1)
	require.Contains(t, saved.Notes[0], "replaced since")
	require.Equal(t, 2, s.record("c-1").AttachedTimes)
}

func TestRecordingThatTheCallHasFromAnotherRunIsNotFetchedAgain(t *testing.T) {
	t.Parallel()
	s := newStudio(t, nil)
	at := object{"url": s.web.URL + "/1.wav"}
	s.attached(s.asked(contactcenter.CallCreate, talk("c-1", at)), "c-1")
	s.shows(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "gone", http.StatusGone) })
	_, saved := s.told("one", at)
	require.Equal(t, contactcenter.RecordingAttached, saved.Recording)
	for _, note := range saved.Notes {
		require.NotContains(t, note, "replaced")
	}
}
