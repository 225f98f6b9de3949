package api_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/api"
	"puente/store"
)

const (
	signedHook = "/webhooks/contact-center/demo"
	hmacKey    = "demo-hmac"
)

// withHMAC gives the portal demo a key for signed requests.
func withHMAC(t *testing.T) *bundle {
	t.Helper()
	b := setup(t)
	p, err := b.store.Portal(t.Context(), "demo")
	require.NoError(t, err)
	p.ContactCenterSecret = hmacKey
	require.NoError(t, b.store.SavePortal(t.Context(), p))
	return b
}

func signature(key, timestamp, body string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(timestamp + "." + body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// signed sends a request as the contact center does.
func (b *bundle) signed(body string) *httptest.ResponseRecorder {
	at := strconv.FormatInt(time.Now().Unix(), 10)
	return b.call(http.MethodPost, signedHook, body, "X-Puente-Timestamp", at, "X-Puente-Signature", signature(hmacKey, at, body))
}

func TestSignedRequestIsAccepted(t *testing.T) {
	t.Parallel()
	b := withHMAC(t)
	type accepted struct {
		Accepted bool
		Run      string
		Revision int
	}
	first := decode[accepted](t, b.signed(form("one")), http.StatusOK)
	require.Equal(t, accepted{true, first.Run, 1}, first)
	sub := <-b.starter.begun
	require.Equal(t, []string{"request:demo:form-1", first.Run}, []string{sub.WorkflowID, sub.SyncID})
	require.Equal(t, accepted{false, first.Run, 1}, decode[accepted](t, b.signed(form("one")), http.StatusOK))
	require.Equal(t, accepted{true, first.Run, 2}, decode[accepted](t, b.signed(form("two")), http.StatusOK))
	run := decode[api.Run](t, b.get("/v1/portals/demo/contact-center/runs/"+first.Run), http.StatusOK)
	require.Equal(t, 2, run.Revision)
	require.InDelta(t, 2, b.metric(t, "puente_webhook_accepted_total", "source=contact-center"), 0)
	require.InDelta(t, 1, b.metric(t, "puente_webhook_duplicates_total", "source=contact-center"), 0)
}

func TestRequestWithoutGoodProofIsRefused(t *testing.T) {
	t.Parallel()
	b := withHMAC(t)
	body := form("one")
	now := strconv.FormatInt(time.Now().Unix(), 10)
	old := strconv.FormatInt(time.Now().Add(-6*time.Minute).Unix(), 10)
	coming := strconv.FormatInt(time.Now().Add(6*time.Minute).Unix(), 10)
	for name, tc := range map[string]struct{ path, timestamp, signature string }{
		"no proof":              {signedHook, "", ""},
		"another key":           {signedHook, now, signature("x", now, body)},
		"no key":                {signedHook, now, signature("", now, body)},
		"another body":          {signedHook, now, signature(hmacKey, now, body+" ")},
		"another time":          {signedHook, now, signature(hmacKey, old, body)},
		"old":                   {signedHook, old, signature(hmacKey, old, body)},
		"from the future":       {signedHook, coming, signature(hmacKey, coming, body)},
		"no time":               {signedHook, "now", signature(hmacKey, "now", body)},
		"far time":              {signedHook, "9223372036854775807", signature(hmacKey, "9223372036854775807", body)},
		"no scheme":             {signedHook, now, strings.TrimPrefix(signature(hmacKey, now, body), "sha256=")},
		"no hex":                {signedHook, now, "sha256=zz"},
		"a portal without key":  {"/webhooks/contact-center/other", now, signature("", now, body)},
		"API key of the portal": {signedHook, now, signature(demoKey, now, body)},
	} {
		w := b.call(http.MethodPost, tc.path, body, "X-Puente-Timestamp", tc.timestamp, "X-Puente-Signature", tc.signature)
		require.Equal(t, http.StatusUnauthorized, w.Code, name)
	}
	require.Equal(t, http.StatusNotFound, b.call(http.MethodPost, "/webhooks/contact-center/none", body).Code)
	list, _, err := b.store.SubmissionsList(t.Context(), "demo", store.SubmissionFilter{})
	require.NoError(t, err)
	require.Empty(t, list)
}

func TestWrongSignedRequestIsNamed(t *testing.T) {
	t.Parallel()
	b := withHMAC(t)
	p := requireProblem(t, b.signed(`{"external_id":"x","channel":"fax"}`), http.StatusUnprocessableEntity)
	require.Equal(t, "body.channel", p.Errors[0].Location)
	requireProblem(t, b.signed(`{`), http.StatusBadRequest)
	requireProblem(t, b.signed(fmt.Sprintf(`{"comment":%q}`, strings.Repeat("a", 1<<20))), http.StatusRequestEntityTooLarge)
	require.Zero(t, b.starter.starts.Load())
}
