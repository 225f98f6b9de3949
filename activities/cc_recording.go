package activities

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"path"
	"strings"

	"puente/contactcenter"
	"puente/store"
)

// askForRecording is call.attach_recording: the call must have ended. The answer
// is given by AttachRecording when the recording is in the portal; at once if it
// is there already.
func (d *desk) askForRecording(ctx context.Context, in contactcenter.AttachRecordingInput) (reply, error) {
	known, err := d.knownCall(ctx, in.CallID)
	if err != nil {
		return reply{}, err
	}
	if known.State != store.CallFinished {
		return reply{}, stillGoing(in.CallID)
	}
	if err := d.expectRecording(ctx, in.CallID, in.Recording); err != nil {
		return reply{}, err
	}
	rec, err := d.wantedRecording(ctx)
	if err != nil {
		return reply{}, err
	}
	if holds(known, rec) {
		return reply{body: recordingAnswer(known), story: []string{"The recording is attached already"}}, nil
	}
	return reply{callID: in.CallID}, nil
}

// holds tells whether a recording is the one that the call has in the portal.
func holds(c store.Call, r store.Recording) bool {
	return c.FileID != 0 && r.SHA256 != "" && c.SHA256 == r.SHA256
}

func recordingAnswer(c store.Call) contactcenter.RecordingAnswer {
	return contactcenter.RecordingAnswer{CallID: c.CallID, FileID: c.FileID, Bytes: c.Bytes, SHA256: c.SHA256}
}

// expectRecording notes that this run is to attach a recording to a call.
// Repeating it changes nothing. A recording_id that cannot be used is refused.
func (d *desk) expectRecording(ctx context.Context, callID string, r contactcenter.Recording) error {
	if r.RecordingID != "" {
		return d.expectUpload(ctx, callID, r)
	}
	known, err := d.store.RecordingOfSync(ctx, d.portal, d.syncID)
	switch {
	case err == nil && known.URL == r.URL && known.CallID == callID:
		return nil
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return err
	}
	_, err = d.store.SaveRecording(ctx, store.Recording{
		Portal: d.portal, CallID: callID, SyncID: d.syncID, Source: store.RecordingURL, URL: r.URL, FileName: r.FileName,
	})
	return err
}

// expectUpload gives an uploaded recording to a call.
func (d *desk) expectUpload(ctx context.Context, callID string, r contactcenter.Recording) error {
	known, err := d.store.Recording(ctx, d.portal, r.RecordingID)
	switch {
	case errors.Is(err, store.ErrNotFound) || err == nil && known.Source != store.RecordingUpload:
		return d.refuseUpload(http.StatusNotFound, r.RecordingID, "there is no uploaded recording with this recording_id: upload it first")
	case err != nil:
		return err
	case known.CallID != "" && known.CallID != callID:
		return d.refuseUpload(http.StatusConflict, r.RecordingID, "this recording belongs to another call: upload one for this call")
	case known.State == store.RecordingGone:
		return d.refuseUpload(http.StatusConflict, r.RecordingID, uploadGone)
	}
	_, err = d.store.SaveRecording(ctx, store.Recording{
		ID: known.ID, Portal: d.portal, CallID: callID, SyncID: d.syncID, FileName: renamed(r.FileName, known.Path),
	})
	return err
}

const uploadGone = "the uploaded recording was deleted after its time: upload it again, and send its new recording_id"

// renamed is the name that was asked for with the ending of the stored file: the
// portal goes by the ending (bitrix24 reference §5.3).
func renamed(name, stored string) string {
	if name == "" {
		return ""
	}
	return strings.TrimSuffix(name, path.Ext(name)) + path.Ext(stored)
}

// refuseUpload says no: to a method with an answer, to a request by parking it.
func (d *desk) refuseUpload(status int, id, words string) error {
	field := d.recordingField("recording_id")
	if d.row.Kind == store.KindRequest {
		return finalAt(field, errInvalid, words)
	}
	return &refusal{status: status, detail: words, errors: []problemDetail{{Message: words, Location: field, Value: id}}}
}

// recordingField is where a member of the recording stands in the input.
func (d *desk) recordingField(name string) string {
	switch {
	case d.row.Kind == store.KindRequest:
		return "body.call.recording." + name
	case d.submission.Name == string(contactcenter.CallAttachRecording):
		return "body." + name
	default:
		return "body.recording." + name
	}
}

// wantedRecording is the recording that this run is to attach: the upload that
// its input names, else what was noted for it last.
func (d *desk) wantedRecording(ctx context.Context) (store.Recording, error) {
	given, err := d.recordingInput(ctx)
	if err != nil {
		return store.Recording{}, err
	}
	if given.RecordingID != "" {
		return d.store.Recording(ctx, d.portal, given.RecordingID)
	}
	return d.store.RecordingOfSync(ctx, d.portal, d.syncID)
}

// recordingInput is the recording in the input; empty if there is none, or if
// the input was deleted after its retention.
func (d *desk) recordingInput(ctx context.Context) (contactcenter.Recording, error) {
	if len(d.body) == 0 {
		return contactcenter.Recording{}, nil
	}
	if d.row.Kind == store.KindRequest {
		req, err := merged(d.revisions, 0)
		if err != nil || req.Call == nil || req.Call.Recording == nil {
			return contactcenter.Recording{}, err
		}
		return *req.Call.Recording, nil
	}
	var in struct {
		contactcenter.Recording
		Inner contactcenter.Recording `json:"recording"` // of call.create
	}
	if err := json.Unmarshal(d.body, &in); err != nil {
		return contactcenter.Recording{}, final("input", errInvalid, "the stored input cannot be read")
	}
	if d.submission.Name == string(contactcenter.CallAttachRecording) {
		return in.Recording, nil
	}
	return in.Inner, nil
}
