package api_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/api"
	"puente/store"
)

const upload = "/v1/portals/demo/contact-center/recordings"

// sound begins like a wav file and is so many bytes long.
func sound(size int) []byte {
	content := bytes.Repeat([]byte("sound "), size/6+1)[:size]
	copy(content, "RIFF\x00\x00\x00\x00WAVEfmt ")
	return content
}

// multipartOf is a form with one file.
func multipartOf(t testing.TB, field, name string, content []byte) (body *bytes.Buffer, contentType string) {
	t.Helper()
	body = &bytes.Buffer{}
	form := multipart.NewWriter(body)
	require.NoError(t, form.WriteField("note", "passed over"))
	part, err := form.CreateFormFile(field, name)
	require.NoError(t, err)
	_, err = part.Write(content)
	require.NoError(t, err)
	require.NoError(t, form.Close())
	return body, form.FormDataContentType()
}

func (b *bundle) upload(t testing.TB, field, name string, content []byte) *httptest.ResponseRecorder {
	t.Helper()
	body, contentType := multipartOf(t, field, name, content)
	return callOn(b.handler, http.MethodPost, upload, body, "Authorization", "Bearer "+demoKey, "Content-Type", contentType)
}

func TestUploadedRecordingIsKeptForItsCall(t *testing.T) {
	t.Parallel()
	b := setup(t)
	content := sound(100_000)
	got := decode[api.Uploaded](t, b.upload(t, "file", `C:\calls\Anna.WAV`, content), http.StatusCreated)
	sum := sha256.Sum256(content)
	require.Equal(t, []any{int64(len(content)), hex.EncodeToString(sum[:])}, []any{got.Bytes, got.SHA256})

	r, err := b.store.Recording(t.Context(), "demo", got.RecordingID)
	require.NoError(t, err)
	require.Equal(t, []string{store.RecordingStored, store.RecordingUpload, "Anna.wav", "demo/" + r.ID + ".wav"}, []string{r.State, r.Source, r.FileName, r.Path})
	file, err := b.files.Dir.Open(r.Path)
	require.NoError(t, err)
	stored, err := io.ReadAll(file)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	require.Equal(t, content, stored)
}

func TestWhatIsNoRecordingIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, content := range map[string][]byte{
		"a.exe": sound(100), "a": sound(100), "a.mp3": sound(100), "a.wav": []byte("ID3 but an mp3"), "b.wav": nil, "c.wav": []byte("RIFF"),
	} {
		p := requireProblem(t, b.upload(t, "file", name, content), http.StatusUnprocessableEntity)
		require.Equal(t, "body.file", p.Errors[0].Location, name)
	}
	p := requireProblem(t, b.upload(t, "sound", "a.wav", sound(100)), http.StatusUnprocessableEntity)
	require.Equal(t, "is missing", p.Errors[0].Message)
	requireProblem(t, b.send(http.MethodPost, upload, `{}`), http.StatusUnsupportedMediaType)
	body, contentType := multipartOf(t, "file", "a.wav", sound(100_000))
	body.Truncate(50_000)
	w := callOn(b.handler, http.MethodPost, upload, body, "Authorization", "Bearer "+demoKey, "Content-Type", contentType)
	p = requireProblem(t, w, http.StatusBadRequest)
	require.Contains(t, p.Detail, "broke off")
	requireProblem(t, callOn(b.handler, http.MethodPost, upload, body, "Content-Type", contentType), http.StatusUnauthorized)

	usage, err := b.store.RecordingsUsage(t.Context(), "demo")
	require.NoError(t, err)
	require.Zero(t, usage)
}

// limit allows recordings of 1 MiB, and 2 MiB of them.
func (b *bundle) limit(t *testing.T) {
	t.Helper()
	conf := valid()
	conf.ContactCenter.Recordings.MaxMiB, conf.ContactCenter.Recordings.QuotaMiB = 1, 2
	_, err := b.store.SaveSettings(t.Context(), "demo", conf, "test", "", 0)
	require.NoError(t, err)
}

func TestRecordingsAreBoundedInSize(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.limit(t)
	require.Equal(t, http.StatusCreated, b.upload(t, "file", "a.wav", sound(1<<20)).Code)
	for _, size := range []int{1<<20 + 1, 3 << 20} {
		p := requireProblem(t, b.upload(t, "file", "a.wav", sound(size)), http.StatusRequestEntityTooLarge)
		require.Contains(t, p.Detail, "max_mib")
	}
}

func TestRecordingsAreBoundedByTheQuotaOfThePortal(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.limit(t)
	var ids []string
	for range 2 {
		ids = append(ids, decode[api.Uploaded](t, b.upload(t, "file", "a.wav", sound(1<<20)), http.StatusCreated).RecordingID)
	}
	p := requireProblem(t, b.upload(t, "file", "a.wav", sound(1<<19)), http.StatusInsufficientStorage)
	require.Contains(t, p.Detail, "quota_mib")

	_, err := b.store.SaveRecording(t.Context(), store.Recording{
		ID: ids[0], Portal: "demo", State: store.RecordingAttached, AttachedAt: time.Now().Add(-time.Minute),
	})
	require.NoError(t, err)
	require.Equal(t, http.StatusCreated, b.upload(t, "file", "a.wav", sound(1<<19)).Code, "what is in the portal makes way")
	gone, err := b.store.Recording(t.Context(), "demo", ids[0])
	require.NoError(t, err)
	require.Equal(t, store.RecordingGone, gone.State)
	_, err = b.files.Dir.Open(gone.Path)
	require.ErrorIs(t, err, os.ErrNotExist)
}

// serve runs the API as the service does, on a real connection.
func (b *bundle) serve(t *testing.T, change func(*http.Server)) string {
	t.Helper()
	server := httptest.NewUnstartedServer(b.handler)
	server.Config = api.NewHTTPServer("", b.handler)
	if change != nil {
		change(server.Config)
	}
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

func TestSlowUploadOutlivesTheTimeoutsOfTheServer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	address := b.serve(t, func(s *http.Server) { s.ReadTimeout, s.WriteTimeout = 300*time.Millisecond, 300*time.Millisecond })
	body, contentType := multipartOf(t, "file", "a.wav", sound(1000))
	from, to := io.Pipe()
	go func() {
		pace := time.NewTicker(80 * time.Millisecond)
		defer pace.Stop()
		for body.Len() > 0 {
			<-pace.C
			_, _ = to.Write(body.Next(200))
		}
		_ = to.Close()
	}()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+upload, from)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+demoKey)
	req.Header.Set("Content-Type", contentType)
	answer, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, answer.Body.Close()) }()
	require.Equal(t, http.StatusCreated, answer.StatusCode)
}

func TestWaitOutlivesTheTimeoutsOfTheServer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	address := b.serve(t, func(s *http.Server) { s.ReadTimeout, s.WriteTimeout = 300*time.Millisecond, 300*time.Millisecond })
	go func() {
		sub := <-b.starter.begun
		<-time.After(6 * time.Second) // longer than the body may take to be read
		_ = b.store.SaveAnswer(t.Context(), "demo", sub.SyncID, 1, http.StatusOK, []byte(`{"late":true}`))
	}()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+create, strings.NewReader(maria))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+demoKey)
	req.Header.Set("Idempotency-Key", "k1")
	req.Header.Set("Prefer", "wait=30")
	answer, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, answer.Body.Close()) }()
	content, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, []any{http.StatusOK, `{"late":true}`}, []any{answer.StatusCode, string(content)})
}

// An upload must not be held in memory.
func TestLargeUploadIsStreamed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	address := b.serve(t, nil)
	const size = 64 << 20
	from, to := io.Pipe()
	form := multipart.NewWriter(to)
	var most uint64
	go func() {
		part, _ := form.CreateFormFile("file", "long.wav")
		_, _ = part.Write(sound(1 << 20))
		piece := make([]byte, 1<<20)
		for range size>>20 - 1 {
			_, _ = part.Write(piece)
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapInuse)
		}
		_ = to.CloseWithError(form.Close())
	}()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+upload, from)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+demoKey)
	req.Header.Set("Content-Type", form.FormDataContentType())
	answer, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusCreated, answer.StatusCode)
	usage, err := b.store.RecordingsUsage(t.Context(), "demo")
	require.NoError(t, err)
	require.Equal(t, int64(size), usage)
	t.Logf("heap before %d MiB, at most %d MiB", before.HeapInuse>>20, most>>20)
	require.Less(t, most, before.HeapInuse+size/2)
}
