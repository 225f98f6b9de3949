package activities_test

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
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
