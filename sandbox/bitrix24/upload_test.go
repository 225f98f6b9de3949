package bitrix24

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// noise is a stream of n bytes that repeat no pattern of a power of two.
type noise struct{ n, at int64 }

func (s *noise) Read(b []byte) (int, error) {
	if s.at == s.n {
		return 0, io.EOF
	}
	b = b[:min(int64(len(b)), s.n-s.at)]
	for i := range b {
		b[i] = byte((s.at + int64(i)) % 251)
	}
	s.at += int64(len(b))
	return len(b), nil
}

// upload sends content in a form field, without ever holding it whole.
func (h phones) upload(address, field string, content io.Reader) answer {
	h.Helper()
	r, w := io.Pipe()
	form := multipart.NewWriter(w)
	go func() {
		part, err := form.CreateFormFile(field, "record")
		if err == nil {
			_, err = io.Copy(part, content)
		}
		if err == nil {
			err = form.Close()
		}
		_ = w.CloseWithError(err)
	}()
	resp, err := http.Post(address, form.FormDataContentType(), r) //nolint:noctx // a test
	require.NoError(h, err)
	return h.read(resp)
}

// uploadURL asks where the record of a call is to be sent.
func (h phones) uploadURL(callID string) string {
	h.Helper()
	out := h.done("telephony.externalCall.attachRecord", fmt.Sprintf(`{"CALL_ID":%q,"FILENAME":"big.wav","FILE_CONTENT":null}`, callID))
	require.Equal(h, "file", out["fieldName"])
	return out["uploadUrl"].(string)
}

func TestUploadOfALargeRecordIsStreamed(t *testing.T) { //nolint:paralleltest // it measures memory
	const size = 100 << 20
	h := openPhones(t)
	callID, activity := h.finish("a")
	address := h.uploadURL(callID)
	require.True(t, strings.HasPrefix(address, h.srv.URL+"/rest/upload.json?auth="+h.access+"&token=telephony%7C"), address)

	sum := sha256.New()
	_, err := io.Copy(sum, &noise{n: size})
	require.NoError(t, err)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	a := h.upload(address, "file", &noise{n: size})
	runtime.ReadMemStats(&after)
	require.Equal(t, http.StatusOK, a.Status, a.Body)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(size/4), "all that was ever allocated is far less than the file")

	record := h.calls()[0].Record
	require.Equal(t, &CallRecord{1, "big.wav", size, hex.EncodeToString(sum.Sum(nil)), 1}, record)
	require.InDelta(t, 1, a.object(t)["FILE_ID"], 0)
	row := h.ok("crm.activity.list", fmt.Sprintf(`{"filter":{"ID":%d},"select":["FILES"]}`, activity)).list(t)[0].(map[string]any)
	require.InDelta(t, 1, row["FILES"].([]any)[0].(map[string]any)["id"], 0)
}

func TestAnotherRecordReplacesTheFirst(t *testing.T) {
	t.Parallel()
	h := openPhones(t)
	callID, _ := h.finish("a")
	for i, content := range []string{"first", "second"} {
		address := h.uploadURL(callID)
		require.Equal(t, http.StatusOK, h.upload(address, "file", strings.NewReader(content)).Status)
		require.Equal(t, "Upload token is wrong", h.upload(address, "file", strings.NewReader("x")).Text, "an address works once")
		require.Equal(t, i+1, h.calls()[0].Record.AttachedTimes)
	}
	record := h.calls()[0].Record
	require.Equal(t, int64(6), record.Size)
	require.Equal(t, http.StatusNotFound, h.get("/disk/showFile/1/").Status, "the first one is gone")
	left, err := os.ReadDir(h.p.blobs.dir)
	require.NoError(t, err)
	require.Len(t, left, 1)
	h.p.Reset()
	require.NoDirExists(t, h.p.blobs.dir)
	require.Empty(t, h.calls())
}

func TestUploadErrors(t *testing.T) {
	t.Parallel()
	h := openPhones(t)
	callID, _ := h.finish("a")
	address := h.uploadURL(callID)
	body := func() io.Reader { return strings.NewReader("x") }
	for name, c := range map[string]struct {
		got    answer
		status int
		code   string
	}{
		"wrong field":   {h.upload(address, "record", body()), http.StatusBadRequest, "ERROR_CORE"},
		"empty file":    {h.upload(address, "file", strings.NewReader("")), http.StatusBadRequest, "ERROR_CORE"},
		"unknown token": {h.upload(h.srv.URL+"/rest/upload.json?auth="+h.access+"&token=telephony%7Cx%7Cy", "file", body()), http.StatusBadRequest, "ERROR_CORE"},
		"changed token": {h.upload(address+"x", "file", body()), http.StatusBadRequest, "ERROR_CORE"},
		"no credential": {h.upload(strings.Replace(address, "auth=", "x=", 1), "file", body()), http.StatusUnauthorized, "NO_AUTH_FOUND"},
		"other token":   {h.upload(strings.Replace(address, h.access, h.issue(7), 1), "file", body()), http.StatusBadRequest, "ERROR_CORE"},
		"no form":       {h.post(strings.TrimPrefix(address, h.srv.URL), "audio/wav", "x"), http.StatusBadRequest, "ERROR_CORE"},
	} {
		require.Equal(t, c.status, c.got.Status, "%s: %s", name, c.got.Body)
		require.Equal(t, c.code, c.got.Error, name)
	}
	h.clock.Advance(2 * time.Hour)
	require.Equal(t, "expired_token", h.upload(address, "file", body()).Error)
	require.Nil(t, h.calls()[0].Record)
	left, err := os.ReadDir(h.p.blobs.dir)
	require.NoError(t, err)
	require.Empty(t, left, "what was refused is not kept")
}

func TestAnInterruptedUploadLeavesNothing(t *testing.T) {
	t.Parallel()
	h := openPhones(t)
	callID, _ := h.finish("a")
	address := h.uploadURL(callID)
	cut := "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\nhalf a rec"
	resp, err := http.Post(address, "multipart/form-data; boundary=b", strings.NewReader(cut)) //nolint:noctx // a test
	require.NoError(t, err)
	require.Equal(t, http.StatusBadRequest, h.read(resp).Status)
	require.Nil(t, h.calls()[0].Record)
}

func TestUploadsAreCountedAndFail(t *testing.T) {
	t.Parallel()
	h := openPhones(t)
	callID, _ := h.finish("a")
	address := h.uploadURL(callID)
	h.control(http.MethodPost, "/sandbox/faults", `{"method":"upload","kind":"html","status":502}`)
	require.Equal(t, http.StatusBadGateway, h.upload(address, "file", strings.NewReader("one")).Status)
	require.Nil(t, h.calls()[0].Record)
	h.control(http.MethodPost, "/sandbox/faults", `{"method":"upload","kind":"lost_answer"}`)
	_, err := http.Post(address, "multipart/form-data; boundary=b", bytes.NewBufferString( //nolint:bodyclose,noctx // there is no answer
		"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\none\r\n--b--\r\n"))
	require.Error(t, err)
	require.Equal(t, 1, h.calls()[0].Record.AttachedTimes, "the answer was lost after the fact")
	require.Equal(t, 2, h.p.Stats().ByMethod["upload"])

	h.control(http.MethodPost, "/sandbox/faults", `{"method":"telephony.externalcall.finish","kind":"status","status":503}`)
	require.Equal(t, http.StatusServiceUnavailable, h.app("telephony.externalCall.finish", `{}`).Status)
	require.Equal(t, 1, h.p.Stats().ByMethod["telephony.externalcall.register"])
}

func TestAWebhookUploadsToItsOwnAddress(t *testing.T) {
	t.Parallel()
	h := openPhones(t)
	callID, _ := h.finish("a")
	address := h.ok("telephony.externalCall.attachRecord", fmt.Sprintf(`{"CALL_ID":%q,"FILENAME":"a.wav"}`, callID)).object(t)["uploadUrl"].(string)
	require.True(t, strings.HasPrefix(address, h.srv.URL+"/rest/1/sandboxsecret/upload.json?token="), address)
	require.Equal(t, http.StatusOK, h.upload(address, "file", strings.NewReader("x")).Status)
}

func TestRecordsAreFetchedFromAnAddress(t *testing.T) {
	t.Parallel()
	h := openPhones(t)
	h.id("crm.timeline.comment.add", `{"fields":{"ENTITY_TYPE":"deal","ENTITY_ID":1,"COMMENT":"x","FILES":[["talk.wav","UklGRg=="]]}}`)
	callID, _ := h.finish("a")
	out := h.done("telephony.externalCall.attachRecord", fmt.Sprintf(`{"CALL_ID":%q,"FILENAME":"talk.wav","RECORD_URL":"%s/disk/downloadFile/1/"}`, callID, h.srv.URL))
	require.InDelta(t, 2, out["FILE_ID"], 0)
	require.Equal(t, int64(4), h.calls()[0].Record.Size)
}

func TestRecordsCanBeHeardInParts(t *testing.T) {
	t.Parallel()
	h := openPhones(t)
	callID, _ := h.finish("a")
	require.Equal(t, http.StatusOK, h.upload(h.uploadURL(callID), "file", strings.NewReader("RIFF1234")).Status)
	req, err := http.NewRequest(http.MethodGet, h.srv.URL+"/disk/showFile/1/", http.NoBody) //nolint:noctx // a test
	require.NoError(t, err)
	req.Header.Set("Range", "bytes=4-5")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.Equal(t, []string{"audio/wav", "bytes 4-5/8"}, []string{resp.Header.Get("Content-Type"), resp.Header.Get("Content-Range")})
	require.Equal(t, "12", h.read(resp).Body)
	require.Equal(t, http.StatusPartialContent, resp.StatusCode)
}

func TestCallsAndRecordsSurviveARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "portal.db")
	h := open(t, Options{Path: path})
	first := phones{h, h.issue(DemoOperator)}
	callID := first.done("telephony.externalCall.register", `{"USER_ID":7,"PHONE_NUMBER":"+79161234567","TYPE":2}`)["CALL_ID"].(string)
	first.done("telephony.externalCall.finish", fmt.Sprintf(`{"CALL_ID":%q,"USER_ID":7,"DURATION":4}`, callID))
	require.Equal(t, http.StatusOK, first.upload(first.uploadURL(callID), "file", strings.NewReader("RIFF")).Status)
	before := first.calls()
	require.NoError(t, h.p.Close())
	require.NoError(t, os.WriteFile(filepath.Join(path+".files", "file-orphan"), []byte("x"), 0o600))

	again := phones{open(t, Options{Path: path, PublicURL: h.srv.URL}), first.access}
	require.Equal(t, before, again.calls())
	require.Equal(t, "RIFF", again.get("/disk/showFile/1/").Body)
	require.NoFileExists(t, filepath.Join(path+".files", "file-orphan"), "an upload that a crash cut off")
	require.Equal(t, callID, again.done("telephony.externalCall.register", `{"USER_ID":7,"PHONE_NUMBER":"+79161234567","TYPE":2}`)["CALL_ID"])
	require.NoError(t, again.p.Close())
}

func FuzzOnlySignedTokensAreTaken(f *testing.F) {
	p, err := New(Options{})
	require.NoError(f, err)
	good := p.signUpload("callId=c&fileName=a.wav", "key")
	for _, seed := range []string{good, good + "=", strings.ToUpper(good), "telephony||", "|", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		_, err := p.readUpload(token, "other")
		require.ErrorIs(t, err, errUploadToken)
		ticket, err := p.readUpload(token, "key")
		if token != good {
			require.ErrorIs(t, err, errUploadToken)
			return
		}
		require.NoError(t, err)
		require.Equal(t, []string{"c", "a.wav"}, []string{ticket.Get("callId"), ticket.Get("fileName")})
	})
}
