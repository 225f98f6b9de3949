package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

const (
	sourceContactCenter = "contact-center"

	signatureHeader = "X-Puente-Signature"
	timestampHeader = "X-Puente-Timestamp"
	signaturePrefix = "sha256="
	// clockSkew is how far the time of a signed request may be away from ours:
	// older ones may be copies of somebody who listened.
	clockSkew = 5 * time.Minute
)

// acceptedRequest answers a signed request.
type acceptedRequest struct {
	Accepted bool   `json:"accepted" doc:"false: it was accepted before"`
	Run      string `json:"run" doc:"id of the run: GET /v1/portals/{portal}/contact-center/runs/{run}"`
	Revision int    `json:"revision"`
}

// contactCenterHook takes a request that is proved by the contact center's key
// instead of an API key. It waits for nothing but the commit.
func (s *server) contactCenterHook(c *gin.Context) {
	p, ok := s.hookPortal(c, sourceContactCenter)
	if !ok {
		return
	}
	body, ok := s.hookBody(c, sourceContactCenter)
	if !ok {
		return
	}
	if !signedNow(p.ContactCenterSecret, c.GetHeader(timestampHeader), c.GetHeader(signatureHeader), body, time.Now()) {
		s.refuse(c, sourceContactCenter, refusedSignature, http.StatusUnauthorized,
			signatureHeader+" or "+timestampHeader+" is missing or wrong, or older than five minutes")
		return
	}
	ctx := c.Request.Context()
	conf, err := s.settingsOf(ctx, p.Slug)
	if err != nil {
		s.refused(c, err)
		return
	}
	in, err := s.requestIntake(ctx, p.Slug, "", body, conf)
	if err != nil {
		s.refused(c, err)
		return
	}
	stored, fresh, err := s.acceptOnce(ctx, in.submission, in.problems, in.accept)
	if err != nil {
		s.refused(c, err)
		return
	}
	s.counted(fresh)
	c.JSON(http.StatusOK, acceptedRequest{Accepted: fresh, Run: stored.SyncID, Revision: stored.Revision})
}

// counted counts a request that was stored, now or before.
func (s *server) counted(fresh bool) {
	if fresh {
		s.metrics.accepted.WithLabelValues(sourceContactCenter).Inc()
	} else {
		s.metrics.duplicates.WithLabelValues(sourceContactCenter).Inc()
	}
}

// refused sends a problem that was made for huma.
func (s *server) refused(c *gin.Context, err error) {
	status, reason := statusOf(err), refusedFormat
	if status >= http.StatusInternalServerError {
		reason = refusedStore
		c.Header("Retry-After", "10")
	}
	s.metrics.refused.WithLabelValues(sourceContactCenter, reason).Inc()
	c.Abort()
	c.Header("Content-Type", problemType)
	c.JSON(status, err)
}

// signedNow checks the proof of a request: sha256= and the HMAC of
// "{timestamp}.{body}" in hex, with a time that is not far away. A portal
// without a key takes none.
func signedNow(key, timestamp, signature string, body []byte, now time.Time) bool {
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || key == "" || now.Sub(time.Unix(seconds, 0)).Abs() > clockSkew {
		return false
	}
	given, err := hex.DecodeString(strings.TrimPrefix(signature, signaturePrefix))
	if err != nil || !strings.HasPrefix(signature, signaturePrefix) {
		return false
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return hmac.Equal(given, mac.Sum(nil))
}

// describeContactCenterHook adds the route to the document.
func (s *server) describeContactCenterHook() {
	s.describeHook("/webhooks/contact-center/{portal}", "webhook-contact-center",
		"Requests of the contact center; "+signatureHeader+": sha256=<hex of HMAC-SHA256 over \"{"+timestampHeader+"}.{body}\"> is checked",
		jsonType, "portal")
}
