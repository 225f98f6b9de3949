package e2e

import (
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A large recording is on its way to the portal when API, worker and Temporal
// are killed; afterwards it is attached once, and no worker ever needed memory
// for it.
func TestLargeRecordingSurvivesARestartOfEverything(t *testing.T) {
	t.Parallel()
	site := newRecordSite(t)
	c := startCenter(t, options{separateTemporal: true, env: []string{
		"PUENTE_BITRIX24_TIMEOUT=5s", "PUENTE_ALLOW_PRIVATE_URLS=true", "SSL_CERT_FILE=" + site.authority,
	}})
	call := object{"call_id": "large", "direction": "outgoing", "phone": "+79057770001", "user_id": 7, "started_at": time.Now(), "status": "answered", "duration": 9}
	c.ofContact(call)
	idle := c.memory(c.workers[0])
	file := c.upload(soak(40, 300) << 20)
	c.fault(object{"method": "upload", "kind": "delay", "delay_ms": 3000})
	run := c.attachLater("large", object{"recording_id": file.ID})
	require.Eventually(t, func() bool { return c.stats().ByMethod["upload"] > 0 }, patience*20*time.Second, 20*time.Millisecond)
	for _, p := range []*process{c.workers[0], c.apiProc, c.temporalProc} {
		p.kill()
	}
	for _, p := range []*process{c.temporalProc, c.apiProc, c.workers[0]} {
		p.start(t)
	}
	c.ready("puente api", "http://"+c.api+"/readyz")
	require.Equal(t, "done", c.ended(run).Status)
	c.requireRecord("large", file)
	require.GreaterOrEqual(t, c.stats().ByMethod["upload"], 2, "the first upload was cut off")
	more := c.peak(c.workers[0]) - idle
	t.Logf("%d MiB: worker %d MiB idle, at most %d MiB more", file.Bytes>>20, idle>>20, more>>20)
	require.Less(t, more, int64(64<<20))

	c.recordingOfAURL(site)
	c.fullMeasureOfRecordings()
}

// ofContact writes a call of a contact down.
func (c *center) ofContact(call object) {
	c.t.Helper()
	id := fmt.Sprint(call["call_id"])
	call["contact_id"] = c.made("contact.create", "contact-"+id, object{"name": "Recorded", "phones": []object{{"value": call["phone"]}}})
	got := c.method("call.create", "call-"+id, call)
	require.Equal(c.t, http.StatusCreated, got.status, string(got.raw))
}

// attachLater asks for a recording to be attached and gives the run.
func (c *center) attachLater(call string, body object) string {
	c.t.Helper()
	body["call_id"] = call
	got, err := c.send(http.MethodPost, "contact-center/methods/call.attach_recording", body,
		map[string]string{"Idempotency-Key": "attach-" + call, "Prefer": "respond-async"})
	require.NoError(c.t, err)
	require.Equal(c.t, http.StatusAccepted, got.status, string(got.raw))
	return got.run()
}

func (c *center) requireRecord(call string, want sound) {
	c.t.Helper()
	calls := c.phoneCalls(call)
	require.Len(c.t, calls, 1)
	require.NotNil(c.t, calls[0].Record)
	require.Equal(c.t, []any{1, want.Bytes, want.SHA256}, []any{calls[0].Record.AttachedTimes, calls[0].Record.Size, calls[0].Record.SHA256})
}

// peak is the largest resident size that a process had, in bytes.
func (c *center) peak(p *process) int64 {
	c.t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	require.NoError(c.t, err)
	_, rest, found := strings.Cut(string(raw), "VmHWM:")
	require.True(c.t, found)
	kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	require.NoError(c.t, err)
	return kib << 10
}

// recordSite serves recordings by https. Each look at the file, until it is
// written to its end, finds it longer.
type recordSite struct {
	*httptest.Server
	authority string // file with the certificate to trust
	looks     atomic.Int64
}

func newRecordSite(t *testing.T) *recordSite {
	t.Helper()
	s := &recordSite{}
	s.Server = httptest.NewTLSServer(s)
	t.Cleanup(s.Close)
	s.authority = filepath.Join(t.TempDir(), "authority.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	require.NoError(t, os.WriteFile(s.authority, certificate, 0o600))
	return s
}

func (s *recordSite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	whole, err := io.ReadAll(wav(large, 77))
	if err != nil { // it reads from memory
		panic(err)
	}
	if looks := s.looks.Add(1); looks < 3 {
		whole = whole[:large/4*looks]
	}
	http.ServeContent(w, r, "talk.wav", time.Time{}, strings.NewReader(string(whole)))
}

// recordingOfAURL: a recording that is still being written is waited for.
func (c *center) recordingOfAURL(site *recordSite) {
	c.t.Helper()
	call := object{"call_id": "by-url", "direction": "incoming", "phone": "+79057770002", "user_id": 7, "started_at": time.Now(), "status": "answered", "duration": 9}
	c.ofContact(call)
	run := c.attachLater("by-url", object{"url": site.URL + "/talk.wav?token=secret"})
	require.Equal(c.t, "done", c.ended(run).Status)
	c.requireRecord("by-url", soundOf(c.t, wav(large, 77)))
	require.Greater(c.t, site.looks.Load(), int64(3))
}

// fullMeasureOfRecordings: what is no recording, and what nobody uploaded.
func (c *center) fullMeasureOfRecordings() {
	c.t.Helper()
	got := c.method("call.attach_recording", "unknown", object{"call_id": "large", "recording_id": "nobody-sent-it"})
	require.Equal(c.t, http.StatusNotFound, got.status, string(got.raw))
	require.Equal(c.t, "body.recording_id", decode[problem](c.t, got).Errors[0].Location)
	status, raw := c.form(strings.NewReader("MZ this is a program"))
	require.Equal(c.t, http.StatusUnprocessableEntity, status, string(raw))
	require.Contains(c.t, string(raw), "body.file")
}
