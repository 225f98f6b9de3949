package activities_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/activities"
	"puente/contactcenter"
	"puente/recordings"
	"puente/sandbox/bitrix24"
	"puente/settings"
	"puente/store"
	"puente/worker"
	"puente/workflows"
)

const mib = 1 << 20

// wav is a recording of a size that is never in memory as a whole.
func wav(size int64) io.Reader {
	return io.LimitReader(io.MultiReader(strings.NewReader("RIFF\x00\x00\x00\x00WAVE"), &endless{}), size)
}

// endless repeats no pattern of a power of two.
type endless struct{ at int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e.at % 251)
		e.at++
	}
	return len(p), nil
}

func sumOf(t *testing.T, from io.Reader) string {
	t.Helper()
	hash := sha256.New()
	_, err := io.Copy(hash, from)
	require.NoError(t, err)
	return hex.EncodeToString(hash.Sum(nil))
}

// studio is a contact center with recordings, and a server on which they lie.
type studio struct {
	*center

	files *recordings.Keeper
	dir   string
	web   *httptest.Server
	serve atomic.Pointer[http.HandlerFunc]
}

func newStudio(t *testing.T, change func(*settings.Settings)) *studio {
	t.Helper()
	s := &studio{center: contactCenter(t, change), dir: t.TempDir()}
	s.files = &recordings.Keeper{Dir: recordings.NewDir(s.dir), Store: s.store}
	s.shows(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Now().Add(-time.Hour), strings.NewReader("RIFF\x00\x00\x00\x00WAVE"+r.URL.Path))
	})
	s.web = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*s.serve.Load())(w, r) }))
	t.Cleanup(s.web.Close)
	trusted := x509.NewCertPool()
	trusted.AddCert(s.web.Certificate())
	worker.RegisterRecordings(activityRegistry{s.env}, &activities.Recordings{
		Store: s.store, Portals: s.portals, Files: s.files,
		Fetcher: recordings.Fetcher{AllowPrivate: true, RootCAs: trusted, Settle: time.Millisecond},
	})
	return s
}

func (s *studio) shows(h http.HandlerFunc) { s.serve.Store(&h) }

// talked is a call that has ended, without a recording.
func (s *studio) talked(id string) {
	s.t.Helper()
	status, _ := call[contactcenter.CallAnswer](s.center, contactcenter.CallCreate, talk(id, nil))
	require.Equal(s.t, http.StatusCreated, status)
}

func talk(id string, recording object) object {
	out := object{
		"call_id": id, "direction": "incoming", "phone": "+79991112233", "operator_id": "anna", "started_at": time.Now(),
		"status": "answered", "duration": 41,
	}
	if recording != nil {
		out["recording"] = recording
	}
	return out
}

func (s *studio) upload(name string, size int64) store.Recording {
	s.t.Helper()
	r, err := s.files.Upload(s.t.Context(), "demo", name, wav(size), 0, s.conf.ContactCenter.Recordings)
	require.NoError(s.t, err)
	return r
}

// asked is a run that is to attach a recording.
func (s *studio) asked(method contactcenter.Method, body object) store.Submission {
	s.t.Helper()
	sub := s.accept(method, body)
	ran, err := s.runMethod(sub)
	require.NoError(s.t, err)
	require.Equal(s.t, body["call_id"], ran.CallID)
	return sub
}

func (s *studio) fetch(sub store.Submission, callID string) (workflows.FetchedRecording, error) {
	return run[workflows.FetchedRecording](s.bundle, workflows.FetchRecordingStep, workflows.RecordingInput{
		Portal: "demo", SyncID: sub.SyncID, CallID: callID,
	})
}

func (s *studio) attach(sub store.Submission, callID string) (workflows.AttachedRecording, error) {
	return run[workflows.AttachedRecording](s.bundle, workflows.AttachRecordingStep, workflows.RecordingInput{
		Portal: "demo", SyncID: sub.SyncID, CallID: callID,
	})
}

// attached runs both steps, each once.
func (s *studio) attached(sub store.Submission, callID string) workflows.AttachedRecording {
	s.t.Helper()
	_, err := s.fetch(sub, callID)
	require.NoError(s.t, err)
	out, err := s.attach(sub, callID)
	require.NoError(s.t, err)
	return out
}

// record is what the portal has of a call.
func (s *studio) record(callID string) *bitrix24.CallRecord {
	s.t.Helper()
	for _, one := range s.crm.Calls() {
		if one.ExternalID == callID {
			return one.Record
		}
	}
	require.Fail(s.t, "no such call", callID)
	return nil
}

func (s *studio) requests() int { return s.crm.Stats().Requests }

func TestARecordingOfAnySizeIsAttachedAndAnswered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		size     int64
		requests int
	}{"small": {44, 1}, "largest in one request": {mib, 1}, "streamed": {mib + 1, 2}, "large": {20 * mib, 2}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStudio(t, nil)
			s.talked("c-1")
			up := s.upload("talk.wav", c.size)
			sub := s.asked(contactcenter.CallAttachRecording, object{"call_id": "c-1", "recording_id": up.ID})
			before := s.requests()
			out := s.attached(sub, "c-1")
			require.Equal(t, c.requests, s.requests()-before)

			sum := sumOf(t, wav(c.size))
			require.Equal(t, &bitrix24.CallRecord{
				FileID: int(out.FileID), Name: "talk.wav", Size: c.size, SHA256: sum, AttachedTimes: 1,
			}, s.record("c-1"))
			status, answer := answerOf[contactcenter.RecordingAnswer](s.center, sub)
			require.Equal(t, http.StatusOK, status)
			require.Equal(t, contactcenter.RecordingAnswer{CallID: "c-1", FileID: out.FileID, Bytes: c.size, SHA256: sum}, answer)
			row, err := s.store.Recording(t.Context(), "demo", up.ID)
			require.NoError(t, err)
			require.Equal(t, store.RecordingAttached, row.State)
			require.WithinDuration(t, time.Now(), row.AttachedAt, time.Minute)
			known, err := s.store.Call(t.Context(), "demo", "c-1")
			require.NoError(t, err)
			require.Equal(t, []any{out.FileID, sum, c.size}, []any{known.FileID, known.SHA256, known.Bytes})
			steps, err := s.store.Steps(t.Context(), sub.SyncID)
			require.NoError(t, err)
			require.Equal(t, store.StepDone, steps[len(steps)-1].Status)
		})
	}
}

func TestACallWithRecordingCostsThreeRequestsAndTheUpload(t *testing.T) {
	t.Parallel()
	s := newStudio(t, nil)
	before := s.requests()
	up := s.upload("talk.wav", 3*mib)
	sub := s.asked(contactcenter.CallCreate, talk("c-1", object{"recording_id": up.ID}))
	s.attached(sub, "c-1")
	require.LessOrEqual(t, s.requests()-before, 3+1)
	require.Equal(t, 1, s.record("c-1").AttachedTimes)
	_, answer := answerOf[contactcenter.CallAnswer](s.center, sub)
	require.Equal(t, "pending", answer.Recording, "the answer of call.create stays what was answered")
	row, err := s.store.Sync(t.Context(), "demo", sub.SyncID)
	require.NoError(t, err)
	require.Equal(t, s.requests()-before, row.Requests, "all of them are in the ledger")
}

func TestARecordingIsFetchedFromItsURL(t *testing.T) {
	t.Parallel()
	s := newStudio(t, nil)
	sub := s.asked(contactcenter.CallCreate, talk("c-1", object{"url": s.web.URL + "/records/55.wav?token=x"}))
	fetched, err := s.fetch(sub, "c-1")
	require.NoError(t, err)
	require.EqualValues(t, len("RIFF0000WAVE/records/55.wav"), fetched.Bytes)
	again, err := s.fetch(sub, "c-1")
	require.NoError(t, err)
	require.Equal(t, fetched, again)
	_, err = s.attach(sub, "c-1")
	require.NoError(t, err)
	require.Equal(t, "55.wav", s.record("c-1").Name)
}

func TestAttachingIsDoneOnceWhateverGetsLost(t *testing.T) {
	t.Parallel()
	const record, upload = "telephony.externalcall.attachrecord", "upload"
	type fault = bitrix24.Fault
	for name, c := range map[string]struct {
		size  int64
		fault fault
	}{
		"small, answer lost":          {44, fault{Method: record, Kind: "lost_answer"}},
		"small, never arrived":        {44, fault{Method: record, Kind: "reset", When: "before"}},
		"small, broke afterwards":     {44, fault{Method: record, Kind: "html", When: "after"}},
		"small, broke before":         {44, fault{Method: record, Kind: "status"}},
		"small, limited":              {44, fault{Method: record, Kind: "status", Code: "QUERY_LIMIT_EXCEEDED"}},
		"small, expired token":        {44, fault{Method: record, Kind: "status", Code: "expired_token"}},
		"large, no address":           {2 * mib, fault{Method: record, Kind: "lost_answer"}},
		"large, answer lost":          {2 * mib, fault{Method: upload, Kind: "lost_answer"}},
		"large, cut":                  {2 * mib, fault{Method: upload, Kind: "reset", When: "before"}},
		"large, reset afterwards":     {2 * mib, fault{Method: upload, Kind: "reset", When: "after"}},
		"large, broke before":         {2 * mib, fault{Method: upload, Kind: "status"}},
		"large, broke afterwards":     {2 * mib, fault{Method: upload, Kind: "html", When: "after"}},
		"large, limited":              {2 * mib, fault{Method: upload, Kind: "status", Code: "QUERY_LIMIT_EXCEEDED"}},
		"large, expired token":        {2 * mib, fault{Method: upload, Kind: "status", Code: "expired_token"}},
		"large, statistics lost once": {2 * mib, fault{Method: "voximplant.statistic.get", Kind: "lost_answer"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStudio(t, nil)
			s.talked("c-1")
			up := s.upload("talk.wav", c.size)
			sub := s.asked(contactcenter.CallAttachRecording, object{"call_id": "c-1", "recording_id": up.ID})
			if c.fault.Method == "voximplant.statistic.get" {
				s.fault(upload, "lost_answer", "after")
			}
			_, err := s.crm.InjectFault(c.fault)
			require.NoError(t, err)
			_, err = s.attach(sub, "c-1")
			if c.fault.Code != "expired_token" || c.fault.Method == upload {
				require.Error(t, err)
				_, app := failure(t, err)
				require.False(t, app.NonRetryable(), "%v", err)
			}
			require.Eventually(t, func() bool { _, err := s.attach(sub, "c-1"); return err == nil }, 20*time.Second, 50*time.Millisecond)
			require.Equal(t, 1, s.record("c-1").AttachedTimes)
			require.Equal(t, up.SHA256, s.record("c-1").SHA256)
			before := s.requests()
			_, err = s.attach(sub, "c-1")
			require.NoError(t, err)
			require.Equal(t, before, s.requests(), "what is attached is not asked for again")
		})
	}
}

func TestARestartWaitsOnlyWhileTheRequestCanBeUnderWay(t *testing.T) {
	t.Parallel()
	s := newStudio(t, nil)
	s.talked("c-1")
	up := s.upload("talk.wav", 2*mib)
	sub := s.asked(contactcenter.CallAttachRecording, object{"call_id": "c-1", "recording_id": up.ID})
	sent := store.Step{SyncID: sub.SyncID, Name: "recording-" + up.ID + ":sent", Status: store.StepDone, At: time.Now()}
	require.NoError(t, s.store.SaveStep(t.Context(), sent))
	_, err := s.attach(sub, "c-1")
	_, app := failure(t, err)
	require.Equal(t, "InFlight", app.Type())
	require.Greater(t, app.NextRetryDelay(), time.Second)
	require.LessOrEqual(t, app.NextRetryDelay(), requestTimeout+time.Minute, "and not as long as an upload may take")

	sent.At = time.Now().Add(-app.NextRetryDelay() - time.Second)
	require.NoError(t, s.store.SaveStep(t.Context(), sent))
	_, err = s.attach(sub, "c-1")
	require.NoError(t, err)
	require.Equal(t, 1, s.record("c-1").AttachedTimes)
}

func TestOneAtATimeWorksOnTheRecordingOfACall(t *testing.T) {
	t.Parallel()
	s := newStudio(t, nil)
	s.talked("c-1")
	up := s.upload("talk.wav", 44)
	sub := s.asked(contactcenter.CallAttachRecording, object{"call_id": "c-1", "recording_id": up.ID})
	unlock, ok, err := s.files.Dir.Lock("demo", "c-1")
	require.NoError(t, err)
	require.True(t, ok)
	_, err = s.attach(sub, "c-1")
	_, app := failure(t, err)
	require.Equal(t, "InFlight", app.Type())
	require.False(t, app.NonRetryable())
	unlock()
	s.attached(sub, "c-1")
}

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

func TestAnotherRecordingReplacesTheFirst(t *testing.T) {
	t.Parallel()
	s := newStudio(t, nil)
	first, second := s.upload("a.wav", 44), s.upload("b.wav", 3*mib)
	s.attached(s.asked(contactcenter.CallCreate, talk("c-1", object{"recording_id": first.ID})), "c-1")
	sub := s.asked(contactcenter.CallAttachRecording, object{"call_id": "c-1", "recording_id": second.ID})
	s.fault("upload", "status", "before") // lost: the file of the first one must not be taken for this one
	_, err := s.attach(sub, "c-1")
	require.Error(t, err)
	_, err = s.attach(sub, "c-1")
	require.NoError(t, err)
	require.Equal(t, second.SHA256, s.record("c-1").SHA256)
	require.Equal(t, 2, s.record("c-1").AttachedTimes)
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

func TestAnUploadThatIsGoneFromTheDiskMustBeSentAgain(t *testing.T) {
	t.Parallel()
	s := newStudio(t, nil)
	up := s.upload("talk.wav", 44)
	sub := s.asked(contactcenter.CallCreate, talk("c-1", object{"recording_id": up.ID}))
	require.NoError(t, s.files.Dir.Remove(up.Path))
	for _, step := range []func() error{
		func() error { _, err := s.fetch(sub, "c-1"); return err },
		func() error { _, err := s.attach(sub, "c-1"); return err },
	} {
		f, app := failure(t, step())
		require.True(t, app.NonRetryable())
		require.Equal(t, "body.recording.recording_id", f.Field)
		require.Contains(t, f.Text, "upload it again")
	}
}

func TestAFetchedFileThatIsNotWholeOnTheDiskIsFetchedAgain(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(file string) error{
		"gone":  func(file string) error { return os.RemoveAll(filepath.Dir(file)) }, // the other machine has a disk of its own
		"short": func(file string) error { return os.Truncate(file, 5) },
	} {
		s := newStudio(t, nil)
		sub := s.asked(contactcenter.CallCreate, talk("c-1", object{"url": s.web.URL + "/1.wav"}))
		fetched, err := s.fetch(sub, "c-1")
		require.NoError(t, err)
		row, err := s.store.Recording(t.Context(), "demo", fetched.RecordingID)
		require.NoError(t, err)
		require.NoError(t, spoil(filepath.Join(s.dir, filepath.FromSlash(row.Path))))
		_, err = s.attach(sub, "c-1")
		require.NoError(t, err, name)
		require.Equal(t, row.SHA256, s.record("c-1").SHA256)
		require.Equal(t, 1, s.record("c-1").AttachedTimes)
	}
}

func TestWhatCannotBeFetchedWaitsOrIsExplained(t *testing.T) {
	t.Parallel()
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "700")
			w.WriteHeader(code)
		}
	}
	content := func(from func() io.Reader) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			all, _ := io.ReadAll(from())
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(all))
		}
	}
	var looks atomic.Int64
	for name, c := range map[string]struct {
		shows http.HandlerFunc
		kind  string
		final bool
		words string
		delay time.Duration // at least
	}{
		"not there":   {status(http.StatusNotFound), "Unavailable", false, "404 Not Found", 700 * time.Second},
		"no access":   {status(http.StatusForbidden), "Unavailable", false, "403 Forbidden", 700 * time.Second},
		"no file":     {content(func() io.Reader { return strings.NewReader("<html></html>") }), "Invalid", true, "neither a wav nor an mp3", 0},
		"too large":   {content(func() io.Reader { return wav(2*mib + 1) }), "Invalid", true, "2 MiB (setting contact_center.recordings.max_mib)", 0},
		"no room":     {content(func() io.Reader { return wav(2 * mib) }), "NoRoom", false, "(setting contact_center.recordings.quota_mib)", 30 * time.Second},
		"being taken": {content(func() io.Reader { return wav(100 + looks.Add(1)) }), "Growing", false, "still being written", time.Second},
	} {
		s := newStudio(t, func(conf *settings.Settings) {
			conf.ContactCenter.Recordings.MaxMiB, conf.ContactCenter.Recordings.QuotaMiB = 2, 3
		})
		s.upload("other.wav", 3*mib/2)
		s.shows(c.shows)
		sub := s.asked(contactcenter.CallCreate, talk("c-1", object{"url": s.web.URL + "/secret.wav?token=secret"}))
		_, err := s.fetch(sub, "c-1")
		f, app := failure(t, err)
		require.Equal(t, []any{c.kind, c.final}, []any{app.Type(), app.NonRetryable()}, name)
		require.Contains(t, f.Text, c.words, name)
		require.NotContains(t, err.Error(), "secret", name)
		require.GreaterOrEqual(t, app.NextRetryDelay(), c.delay, name)
		if c.final {
			require.Equal(t, "body.recording.url", f.Field, name)
		}
	}
}

func TestAPrivateAddressIsRefusedInProduction(t *testing.T) {
	t.Parallel()
	s := newStudio(t, nil)
	production := &activities.Recordings{Store: s.store, Portals: s.portals, Files: s.files}
	s.env.RegisterActivity(production.FetchRecording)
	sub := s.asked(contactcenter.CallCreate, talk("c-1", object{"url": s.web.URL + "/1.wav"}))
	_, err := s.env.ExecuteActivity(production.FetchRecording, workflows.RecordingInput{Portal: "demo", SyncID: sub.SyncID, CallID: "c-1"})
	f, app := failure(t, err)
	require.Equal(t, []any{"AccessDenied", true}, []any{app.Type(), app.NonRetryable()})
	require.Equal(t, "body.recording.url", f.Field)
	require.Contains(t, f.Text, "must be public")
}

func TestWhatThePortalRefusesParksTheRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		description string
		final       bool
	}{
		"wrong kind": {"Wrong file extension. Only wav and mp3 are allowed", true},
		"too early":  {"Call is not found in the statistic table. It looks like it is not finished yet.", false},
	} {
		s := newStudio(t, nil)
		up := s.upload("talk.wav", 44)
		sub := s.asked(contactcenter.CallCreate, talk("c-1", object{"recording_id": up.ID}))
		_, err := s.crm.InjectFault(bitrix24.Fault{
			Method: "telephony.externalcall.attachrecord", Kind: "status", Status: http.StatusBadRequest, Code: "ERROR_CORE", Description: c.description,
		})
		require.NoError(t, err)
		_, err = s.attach(sub, "c-1")
		_, app := failure(t, err)
		require.Equal(t, c.final, app.NonRetryable(), name)
		_, err = s.attach(sub, "c-1") // mended, and run again
		require.NoError(t, err)
		require.Equal(t, 1, s.record("c-1").AttachedTimes)
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

func TestALargeRecordingIsNeverInTheMemoryOfTheWorker(t *testing.T) { //nolint:paralleltest // it measures memory
	const size = 100 * mib
	s := newStudio(t, nil)
	up := s.upload("talk.wav", size)
	sub := s.asked(contactcenter.CallCreate, talk("c-1", object{"recording_id": up.ID}))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s.attached(sub, "c-1")
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(size/4), "all that was ever allocated, the portal's share included")
	require.Equal(t, up.SHA256, s.record("c-1").SHA256)
}
