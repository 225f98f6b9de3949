package bitrix24

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

const uploaded = `{"result":{"FILE_ID":5510},"time":{"processing":0.5}}`

// recording is a small file for the portal.
func recording(p *portal, text string) Upload {
	return Upload{
		URL:      p.URL + "/rest/upload.json?auth=secret-access&token=telephony%7Csecret-token",
		FileName: "call \"1\".mp3", Body: strings.NewReader(text), Size: int64(len(text)),
	}
}

// files reads the parts of a multipart request: field → name and content.
func files(t *testing.T, s seen) map[string][2]string {
	t.Helper()
	kind, params, err := mime.ParseMediaType(s.contentType)
	require.NoError(t, err)
	require.Equal(t, "multipart/form-data", kind)
	out := map[string][2]string{}
	reader := multipart.NewReader(strings.NewReader(s.raw), params["boundary"])
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return out
		}
		require.NoError(t, err)
		content, err := io.ReadAll(part)
		require.NoError(t, err)
		out[part.FormName()] = [2]string{part.FileName(), string(content)}
	}
}

func TestFileIsSentAsOneFormOfKnownLength(t *testing.T) {
	t.Parallel()
	lengths := make(chan string, 1)
	p := newPortal(t, func(w http.ResponseWriter, r *http.Request, s seen) {
		require.Equal(t, []string{http.MethodPost, "telephony|secret-token"}, []string{r.Method, r.URL.Query().Get("token")})
		require.Equal(t, strconv.Itoa(len(s.raw)), r.Header.Get("Content-Length"))
		require.Empty(t, r.TransferEncoding)
		lengths <- r.Header.Get("Content-Length")
		answerWith(w, 200, uploaded)
	})
	bucket := &fakeBucket{}
	c := p.client(t, func(cfg *Config) { cfg.Bucket = bucket })
	answer, err := c.Upload(t.Context(), recording(p, "ID3 sound"))
	require.NoError(t, err)
	require.JSONEq(t, `{"FILE_ID":5510}`, answer.String())
	require.NotEmpty(t, <-lengths)
	require.Equal(t, map[string][2]string{"file": {`call "1".mp3`, "ID3 sound"}}, files(t, p.all()[0]))
	taken, _ := bucket.count()
	require.Equal(t, 1, taken)
	require.Equal(t, int64(1), c.Stats().Requests)
}

func TestFieldOfTheUploadIsThePortalsOwn(t *testing.T) {
	t.Parallel()
	p := replying(t, 200, uploaded)
	u := recording(p, "sound and more that was not announced")
	u.Field, u.Size = "record", 5
	_, err := p.client(t).Upload(t.Context(), u)
	require.NoError(t, err)
	require.Equal(t, map[string][2]string{"record": {`call "1".mp3`, "sound"}}, files(t, p.all()[0]))
}

// halves gives its second half only when the portal has the first.
type halves struct {
	left int64
	gate chan struct{}
}

func (g *halves) Read(p []byte) (int, error) {
	if g.left == 1<<20 {
		<-g.gate
	}
	n := int(min(int64(len(p)), g.left, 1<<16))
	g.left -= int64(n)
	return n, nil
}

func TestFileIsStreamedNotGathered(t *testing.T) {
	t.Parallel()
	body := &halves{left: 2 << 20, gate: make(chan struct{})}
	p := newStreaming(t, func(w http.ResponseWriter, r *http.Request) {
		first, _ := io.CopyN(io.Discard, r.Body, 1<<19)
		close(body.gate)
		rest, _ := io.Copy(io.Discard, r.Body)
		answerWith(w, 200, sprintf(`{"result":%v}`, first+rest > 2<<20))
	})
	answer, err := p.client(t).Upload(t.Context(), Upload{URL: p.URL + "/rest/upload.json", FileName: "a.wav", Body: body, Size: 2 << 20})
	require.NoError(t, err)
	require.Equal(t, "true", answer.String())
}

func TestUploadErrorsAreThoseOfAllRequests(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		kind   Kind
	}{
		"limited":       {503, `{"error":"QUERY_LIMIT_EXCEEDED","error_description":"Too many requests"}`, KindRateLimited},
		"operating":     {429, operatingLimit, KindOperatingLimit},
		"too late":      {401, `{"error":"expired_token","error_description":"secret-access has expired"}`, KindAuthExpired},
		"not a sound":   {400, `{"error":"ERROR_CORE","error_description":"Wrong file extension for telephony|secret-token"}`, KindInvalid},
		"broken":        {500, `{"error":"INTERNAL_SERVER_ERROR"}`, KindAmbiguous},
		"page":          {502, `<html>Bad Gateway</html>`, KindAmbiguous},
		"nothing":       {200, ``, KindAmbiguous},
		"no result":     {200, `{}`, KindAmbiguous},
		"licence page":  {302, ``, KindUnknown},
		"denied by all": {403, `{"error":"ACCESS_DENIED"}`, KindAccessDenied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := replying(t, c.status, c.body)
			_, err := p.client(t).Upload(t.Context(), recording(p, "sound"))
			e := errorOf(t, err, c.kind)
			require.Equal(t, "upload", e.Method)
			require.NotContains(t, e.Error(), "secret-")
		})
	}
}

func TestRefusalOfAnUploadClosesTheBucket(t *testing.T) {
	t.Parallel()
	p := replying(t, 503, `{"error":"QUERY_LIMIT_EXCEEDED"}`)
	bucket := &fakeBucket{}
	_, err := p.client(t, func(cfg *Config) { cfg.Bucket = bucket }).Upload(t.Context(), recording(p, "sound"))
	errorOf(t, err, KindRateLimited)
	_, penalties := bucket.count()
	require.Equal(t, 1, penalties)
}

func TestBlockedUploadIsNotSentAgainSoon(t *testing.T) {
	t.Parallel()
	p := replying(t, 429, operatingLimit)
	c := p.client(t)
	for range 2 {
		_, err := c.Upload(t.Context(), recording(p, "sound"))
		errorOf(t, err, KindOperatingLimit)
	}
	require.Len(t, p.all(), 1)
}

func TestLostAnswerOfAnUploadIsAmbiguousAndNamesNoSecret(t *testing.T) {
	t.Parallel()
	p := newPortal(t, func(http.ResponseWriter, *http.Request, seen) { panic(http.ErrAbortHandler) })
	_, err := p.client(t).Upload(t.Context(), recording(p, "sound"))
	e := errorOf(t, err, KindAmbiguous)
	require.NotContains(t, e.Error(), "secret-")
}

func TestNothingIsUploadedToAForeignHost(t *testing.T) {
	t.Parallel()
	p := replying(t, 200, uploaded)
	host := strings.TrimPrefix(p.URL, "http://")
	for _, address := range []string{
		"", "upload.json", "/rest/upload.json", "ftp://" + host + "/rest/upload.json", "http://evil.example/rest/upload.json",
		"http://user:pw@" + host + "/rest/upload.json", "http://" + host + ".evil.example/x", "http://" + host + "1/x",
		"http://127.0.0.1/rest/upload.json", "::", "http://%zz/",
	} {
		u := recording(p, "sound")
		u.URL = address
		_, err := p.client(t).Upload(t.Context(), u)
		errorOf(t, err, KindInvalid)
		require.ErrorContains(t, err, "own host", address)
	}
	require.Empty(t, p.all())
}

func TestUploadAddressesMustBeEncryptedWhereThePortalIs(t *testing.T) {
	t.Parallel()
	for address, same := range map[string]bool{
		"https://a.bitrix24.com/rest/upload.json":      true,
		"https://A.Bitrix24.com:443/rest/upload.json":  true,
		"https://a.bitrix24.com:8443/rest/upload.json": false,
		"http://a.bitrix24.com/rest/upload.json":       false,
		"https://b.bitrix24.com/rest/upload.json":      false,
	} {
		require.Equal(t, same, sameHost("https://a.bitrix24.com/rest/1/x/", address), address)
	}
	require.False(t, sameHost(":", "https://a.bitrix24.com/"))
}

func TestUselessFilesAreNotSent(t *testing.T) {
	t.Parallel()
	p := replying(t, 200, uploaded)
	for _, change := range []func(*Upload){
		func(u *Upload) { u.Body = nil }, func(u *Upload) { u.Size = 0 }, func(u *Upload) { u.FileName = "" },
	} {
		u := recording(p, "sound")
		change(&u)
		_, err := p.client(t).Upload(t.Context(), u)
		errorOf(t, err, KindInvalid)
	}
	require.Empty(t, p.all())
}

func TestFileThatCannotBeReadWasNotSent(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is gone")
	for name, c := range map[string]struct {
		body io.Reader
		want error
	}{
		"too short":  {strings.NewReader("sou"), io.ErrUnexpectedEOF},
		"unreadable": {io.MultiReader(strings.NewReader("so"), iotest.ErrReader(broken)), broken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := replying(t, 400, `{"error":"never seen"}`)
			u := recording(p, "sound")
			u.Body = c.body
			_, err := p.client(t).Upload(t.Context(), u)
			errorOf(t, err, KindRateLimited)
			require.ErrorIs(t, err, c.want)
		})
	}
}

func TestUploadAfterARenameAsksForANewAddress(t *testing.T) {
	t.Parallel()
	next := replying(t, 200, uploaded)
	old := newPortal(t, func(w http.ResponseWriter, r *http.Request, _ seen) {
		http.Redirect(w, r, next.URL+r.URL.Path, http.StatusFound)
	})
	c := old.client(t)
	_, err := c.Upload(t.Context(), recording(old, "sound"))
	errorOf(t, err, KindRateLimited)
	require.ErrorContains(t, err, "new upload address")
	require.Empty(t, next.all(), "a recording is not carried to where a redirect points")

	_, err = c.Call(t.Context(), "profile", nil) // proves the move
	require.NoError(t, err)
	_, err = c.Upload(t.Context(), recording(next, "sound"))
	require.NoError(t, err)
	_, err = c.Upload(t.Context(), recording(old, "sound"))
	errorOf(t, err, KindInvalid)
}

func TestUploadThatStallsIsGivenUpLongBeforeItsTime(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	p := newStreaming(t, func(http.ResponseWriter, *http.Request) { <-done }) // reads nothing
	t.Cleanup(func() { close(done) })
	body := &halves{left: 64 << 20, gate: make(chan struct{})}
	close(body.gate)
	c := p.client(t, func(cfg *Config) { cfg.Timeout = 100 * time.Millisecond })
	require.Greater(t, UploadTimeout(c.cfg.Timeout, 64<<20), 4*time.Minute)
	start := time.Now()
	_, err := c.Upload(t.Context(), Upload{URL: p.URL + "/rest/upload.json", FileName: "a.wav", Body: body, Size: 64 << 20})
	errorOf(t, err, KindAmbiguous)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(start), time.Minute)
}

func TestFileIsLeftAloneWhenTheAnswerCameEarly(t *testing.T) {
	t.Parallel()
	p := newStreaming(t, func(w http.ResponseWriter, _ *http.Request) { answerWith(w, 400, `{"error":"TOO_LARGE"}`) })
	body := &halves{left: 64 << 20, gate: make(chan struct{})}
	close(body.gate)
	_, err := p.client(t).Upload(t.Context(), Upload{URL: p.URL + "/rest/upload.json", FileName: "a.wav", Body: body, Size: 64 << 20})
	require.Error(t, err) // the answer, or a connection that was cut while we still sent
	left := body.left
	require.Never(t, func() bool { return body.left != left }, 20*time.Millisecond, 5*time.Millisecond)
}

func TestUploadNeedsAPermitAndAToken(t *testing.T) {
	t.Parallel()
	p := replying(t, 200, uploaded)
	_, err := p.client(t, func(cfg *Config) { cfg.Bucket = &fakeBucket{fail: errStoreDown} }).Upload(t.Context(), recording(p, "sound"))
	errorOf(t, err, KindRateLimited)
	c, err := NewClient(Config{OAuth: &OAuth{ClientID: "a", ClientSecret: "b", Tokens: &brokenTokens{}}})
	require.NoError(t, err)
	_, err = c.Upload(t.Context(), recording(p, "sound"))
	errorOf(t, err, KindRateLimited)
	require.Empty(t, p.all())
}

func TestUploadTimeoutGrowsWithTheFile(t *testing.T) {
	t.Parallel()
	require.Equal(t, time.Minute, UploadTimeout(time.Minute, 1000))
	require.Equal(t, time.Minute+2048*time.Second, UploadTimeout(time.Minute, 512<<20))
}
