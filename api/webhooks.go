package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"time"

	"github.com/gin-gonic/gin"

	"puente/store"
)

const (
	// MaxWebhookBody bounds one webhook call, in bytes; more is refused with 413.
	MaxWebhookBody = 1 << 20

	// acceptTimeout is how long the store may take. The sender gives up after
	// a while anyway and repeats.
	acceptTimeout = 5 * time.Second

	sourceChat2Desk = "chat2desk"
	sourceBitrix24  = "bitrix24"
)

// accepted answers a webhook: how many events are new, how many were known.
type accepted struct {
	Accepted   int `json:"accepted" doc:"events stored"`
	Duplicates int `json:"duplicates" doc:"events that were stored before"`
}

func (s *server) webhookRoutes(r *gin.Engine) {
	r.POST("/webhooks/chat2desk/:portal/:secret", s.chat2deskHook)
	r.POST("/webhooks/bitrix24/:portal", s.bitrix24Hook)
	r.POST("/webhooks/contact-center/:portal", s.contactCenterHook)
	if s.Installer != nil {
		r.POST("/webhooks/bitrix24/:portal/install/:secret", s.installHook)
	}
}

// refuse ends a webhook call with a problem and counts why. The sender learns
// from a 401 that its proof is wrong, not which part of it.
func (s *server) refuse(c *gin.Context, source, reason string, status int, detail string) {
	s.metrics.refused.WithLabelValues(source, reason).Inc()
	problem(c, status, detail)
}

var slugPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// hookPortal finds the portal of the address; it has answered if ok is false.
func (s *server) hookPortal(c *gin.Context, source string) (p hookPortal, ok bool) {
	slug := c.Param("portal")
	err := store.ErrNotFound
	if slugPattern.MatchString(slug) {
		p, err = s.portals.get(c.Request.Context(), slug)
	}
	switch {
	case err == nil && !p.Disabled:
		return p, true
	case err == nil, errors.Is(err, store.ErrNotFound):
		s.refuse(c, source, refusedPortal, http.StatusNotFound, "there is no such portal")
	default:
		s.storeRefused(c, source, err)
	}
	return p, false
}

// storeRefused asks the sender to repeat: nothing was accepted.
func (s *server) storeRefused(c *gin.Context, source string, err error) {
	s.log.ErrorContext(c.Request.Context(), "webhook not stored", "source", source, "error", err,
		"request_id", requestID(c.Request.Context()))
	c.Header("Retry-After", "10")
	s.refuse(c, source, refusedStore, http.StatusServiceUnavailable, "the event could not be stored; send it again")
}

// hookBody reads the whole body; it has answered if ok is false.
func (s *server) hookBody(c *gin.Context, source string) (body []byte, ok bool) {
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, MaxWebhookBody))
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil:
		return body, true
	case errors.As(err, &tooLarge):
		s.refuse(c, source, refusedTooLarge, http.StatusRequestEntityTooLarge, "the body is larger than 1 MiB")
	default:
		s.refuse(c, source, refusedBody, http.StatusBadRequest, "the body could not be read")
	}
	return nil, false
}

// accept commits the events and only then answers 200. A sender that hangs up
// does not stop the commit: it will repeat, and the key makes that harmless.
func (s *server) accept(c *gin.Context, source string, events []store.InboxEvent) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), acceptTimeout)
	defer cancel()
	stored := 0
	if len(events) > 0 {
		var err error
		if stored, err = s.Store.Accept(ctx, events); err != nil {
			s.storeRefused(c, source, err)
			return
		}
	}
	s.metrics.accepted.WithLabelValues(source).Add(float64(stored))
	s.metrics.duplicates.WithLabelValues(source).Add(float64(len(events) - stored))
	if stored > 0 {
		s.Notify()
	}
	c.JSON(http.StatusOK, accepted{Accepted: stored, Duplicates: len(events) - stored})
}
