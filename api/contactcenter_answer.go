package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"puente/contactcenter"
	"puente/store"
)

// An answer about a call is given before its recording is in the portal, which
// may take days. All of an answer stays as it was given, except the state of the
// recording: who asks later is told what became of it.

// pendingRecording is how that state stands in a stored answer. Inside of a text
// its quotes would be escaped, so nothing else can read like it.
var pendingRecording = recordingIs(contactcenter.RecordingPending)

func recordingIs(state string) []byte { return []byte(`"recording":"` + state + `"`) }

// answerToday is the stored answer with the present state of its recording.
func (s *server) answerToday(ctx context.Context, sub store.Submission) (json.RawMessage, error) {
	if !bytes.Contains(sub.Answer, pendingRecording) {
		return sub.Answer, nil
	}
	line, err := s.Store.Sync(ctx, sub.Portal, sub.SyncID)
	if err != nil {
		return nil, s.fail(ctx, "run", err)
	}
	return s.answerNow(ctx, sub, line)
}

// answerNow is answerToday for a submission whose line of the ledger is known.
func (s *server) answerNow(ctx context.Context, sub store.Submission, line store.Sync) (json.RawMessage, error) {
	if !bytes.Contains(sub.Answer, pendingRecording) {
		return sub.Answer, nil
	}
	state, err := s.recordingState(ctx, line)
	if err != nil {
		return nil, s.fail(ctx, "recording", err)
	}
	return bytes.Replace(sub.Answer, pendingRecording, recordingIs(state), 1), nil
}

// recordingState tells what became of the recording that a run promised. A run
// that is done has attached it; one that is at work again, because of a
// correction, may have done so before.
func (s *server) recordingState(ctx context.Context, line store.Sync) (string, error) {
	recording, err := s.Store.RecordingOfSync(ctx, line.Portal, line.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	switch {
	case line.Status == store.SyncDone, err == nil && !recording.AttachedAt.IsZero():
		return contactcenter.RecordingAttached, nil
	case line.Status == store.SyncFailed, line.Status == store.SyncAbandoned:
		return contactcenter.RecordingFailed, nil
	}
	return contactcenter.RecordingPending, nil
}
