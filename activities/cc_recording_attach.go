package activities

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"puente/bitrix24"
	"puente/contactcenter"
	"puente/store"
	"puente/workflows"
)

const (
	attachMethod = "telephony.externalCall.attachRecord"
	// inlineLimit is the largest file that goes inside of a request, in bytes: as
	// base64 it is a third longer, and it is held in memory.
	inlineLimit = 1 << 20
	// A portal may need a moment before a call that has ended is in its
	// statistics; so often it is asked again.
	lateAttempts = 8
	lateDelay    = 2 * time.Second
	maxLateDelay = 2 * time.Minute
	callDelay    = 30 * time.Second
)

// AttachRecording puts the recording of a call into the portal, exactly once
// however often it is repeated, and answers call.attach_recording. Requests: one
// for a small file; two for a large one, which is streamed from the disk; one
// more after a lost answer, to see what became of it.
func (a *Recordings) AttachRecording(ctx context.Context, in workflows.RecordingInput) (workflows.AttachedRecording, error) {
	r, err := a.recorder(ctx, in)
	if err == nil {
		err = r.alone(ctx, in.CallID, r.attach)
	}
	return workflows.AttachedRecording{FileID: r.phone.FileID, Bytes: r.rec.Bytes}, r.end(ctx, stepRecording, r.judged(ctx, r.late(ctx, err)))
}

func (r *recorder) attach(ctx context.Context) error {
	if r.phone.State != store.CallFinished {
		return again(errInFlight, "the call still goes on: its recording is attached when it has ended", growing(ctx, callDelay, growingLimit))
	}
	if holds(r.phone, r.rec) {
		return r.keep(ctx, r.phone.FileID)
	}
	if !r.stored() {
		if err := r.refetch(ctx); err != nil {
			return err
		}
	}
	gateway, err := r.app(ctx)
	if err != nil {
		return err
	}
	return r.through(gateway, func() error {
		id, err := r.once(ctx, r.write())
		if err != nil {
			return err
		}
		return r.keep(ctx, id)
	})
}

func (r *recorder) write() write {
	return write{
		step: r.stepName(), kind: "file", detail: fmt.Sprintf("recording of %d bytes attached", r.rec.Bytes), look: r.lookUp, send: r.send,
	}
}

// stepName is one for each recording: a corrected request may bring another one.
func (r *recorder) stepName() string { return stepRecording + "-" + r.rec.ID }

// lookUp finds in the portal's statistics what an earlier attempt attached. The
// file of an earlier recording of the call is not it.
func (r *recorder) lookUp(ctx context.Context) (int64, error) {
	found, err := r.statistic(ctx, r.phone.CallID)
	if err != nil || int64(found.File) == r.phone.FileID {
		return 0, err
	}
	return int64(found.File), nil
}

// send attaches the file, within the request or by the address that the portal
// gives for it (bitrix24 reference §5.3).
func (r *recorder) send(ctx context.Context) (int64, error) {
	file, err := r.files.Dir.Open(r.rec.Path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }() // only read
	params := bitrix24.Params{"CALL_ID": r.phone.BitrixCallID, "FILENAME": r.rec.FileName}
	if r.rec.Bytes > inlineLimit {
		answer, err := r.visit.call(ctx, attachMethod, params)
		if err != nil {
			return 0, err
		}
		return r.upload(ctx, answer, file)
	}
	content, err := io.ReadAll(io.LimitReader(file, inlineLimit))
	if err != nil {
		return 0, err
	}
	params["FILE_CONTENT"] = base64.StdEncoding.EncodeToString(content)
	return fileID(r.visit.call(ctx, attachMethod, params))
}

func (r *recorder) upload(ctx context.Context, answer bitrix24.Answer, file *os.File) (int64, error) {
	var place struct {
		URL   string `json:"uploadUrl"`
		Field string `json:"fieldName"`
	}
	if err := answer.Decode(&place); err != nil || place.URL == "" {
		return 0, &bitrix24.Error{Kind: bitrix24.KindAmbiguous, Method: attachMethod, Description: "the answer names no upload address", Err: err}
	}
	if deadline, limited := ctx.Deadline(); limited && time.Until(deadline) < r.registry.UploadTimeout(r.rec.Bytes) {
		return 0, again(errBusy, "the portal was too busy for the upload to be done in time", spread(busyDelay))
	}
	uploader, err := r.registry.Uploader(ctx, r.portal)
	if err != nil {
		return 0, err
	}
	r.requests++
	id, err := fileID(uploader.Upload(ctx, bitrix24.Upload{
		URL: place.URL, Field: place.Field, FileName: r.rec.FileName, Size: r.rec.Bytes, Body: r.announced(ctx, file),
	}))
	r.uncount(err)
	return id, err
}

func fileID(answer bitrix24.Answer, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	var made struct {
		File bitrix24.ID `json:"FILE_ID"`
	}
	if err := answer.Decode(&made); err != nil {
		return 0, &bitrix24.Error{Kind: bitrix24.KindAmbiguous, Method: attachMethod, Description: "the answer cannot be read", Err: err}
	}
	return int64(made.File), nil
}

// announced notes anew that the request is under way when the last piece of the
// body leaves: only from then on the portal can have the file, however long the
// rest took. So a restart in the middle of an upload costs no waiting.
func (r *recorder) announced(ctx context.Context, file io.Reader) io.Reader {
	return &lastPiece{from: file, left: r.rec.Bytes, before: func() error {
		return r.save(ctx, store.Step{Name: r.stepName() + sentSuffix, Status: store.StepDone})
	}}
}

// lastPiece calls before ahead of giving out the last byte of a body.
type lastPiece struct {
	from   io.Reader
	left   int64
	before func() error
}

func (l *lastPiece) Read(p []byte) (int, error) {
	n, err := l.from.Read(p)
	if l.left -= int64(n); n > 0 && l.left == 0 {
		if failed := l.before(); failed != nil {
			return 0, failed
		}
	}
	return n, err
}

// keep writes down what stands in the portal now: last that the recording is
// attached, since that ends all repetitions.
func (r *recorder) keep(ctx context.Context, fileID int64) error {
	ctx, cancel := kept(ctx)
	defer cancel()
	r.phone.FileID, r.phone.SHA256, r.phone.Bytes = fileID, r.rec.SHA256, r.rec.Bytes
	done := store.Call{Portal: r.portal, CallID: r.phone.CallID, FileID: fileID, SHA256: r.rec.SHA256, Bytes: r.rec.Bytes}
	if err := r.store.SaveCall(ctx, done); err != nil {
		return err
	}
	if r.row.Kind == store.KindMethod && r.submission.Name == string(contactcenter.CallAttachRecording) {
		if err := r.saveAnswer(ctx, http.StatusOK, recordingAnswer(r.phone)); err != nil {
			return err
		}
	}
	if r.rec.State == store.RecordingGone { // after its retention; only the call still has it
		return nil
	}
	_, err := r.store.SaveRecording(ctx, store.Recording{
		ID: r.rec.ID, Portal: r.portal, State: store.RecordingAttached, AttachedAt: time.Now(),
	})
	return err
}

// late asks again where the portal does not know yet that the call has ended.
func (r *recorder) late(ctx context.Context, err error) error {
	var e *bitrix24.Error
	if errors.As(err, &e) && strings.Contains(e.Description, "not finished yet") && attempt(ctx) < lateAttempts {
		return again(errInFlight, "the call is not in the portal's statistics yet", growing(ctx, lateDelay, maxLateDelay))
	}
	return err
}
