package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"puente/lines"
	"puente/rerun"
	"puente/settings"
	"puente/store"
)

// problem ends the request with a problem document (RFC 9457).
func problem(c *gin.Context, status int, detail string) {
	if status == http.StatusUnauthorized {
		c.Header("WWW-Authenticate", challenge)
	}
	body, err := json.Marshal(&huma.ErrorModel{Title: http.StatusText(status), Status: status, Detail: detail})
	if err != nil { // a struct of strings and numbers
		body = []byte("{}")
	}
	c.Abort()
	c.Data(status, "application/problem+json", body)
}

// fail turns an error of the store or the re-run service into the answer. What
// it does not know is logged and not told: the words may hold addresses.
func (s *server) fail(ctx context.Context, what string, err error) error {
	var refused *rerun.Error
	var line *lines.Error
	switch {
	case errors.As(err, &line):
		return s.lineFault(ctx, line)
	case errors.As(err, &refused):
		return huma.NewError(rerunStatus(refused.Kind), refused.Error())
	case errors.Is(err, store.ErrNotFound):
		return huma.Error404NotFound("there is no such " + what)
	case errors.Is(err, store.ErrBadCursor):
		return huma.Error422UnprocessableEntity("the cursor is not one of this list",
			&huma.ErrorDetail{Location: "query.cursor", Message: "use next_cursor of the page before"})
	case errors.Is(err, store.ErrConflict):
		return huma.Error409Conflict("the " + what + " was changed meanwhile; read it again")
	}
	s.log.ErrorContext(ctx, "request failed", "what", what, "error", err, "request_id", requestID(ctx))
	if s.storeDown(ctx) {
		return huma.Error503ServiceUnavailable("the store cannot be reached; try again")
	}
	return huma.Error500InternalServerError("something went wrong here; the log has it under request " + requestID(ctx))
}

// storeDown tells an outage from a mistake of ours.
func (s *server) storeDown(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return s.Store.Ping(ctx) != nil
}

func rerunStatus(k rerun.Kind) int {
	switch k {
	case rerun.NotFound:
		return http.StatusNotFound
	case rerun.Refused:
		return http.StatusConflict
	case rerun.Invalid:
		return http.StatusUnprocessableEntity
	default:
		return http.StatusServiceUnavailable
	}
}

// invalid names each wrong field of settings.
func invalid(problems []settings.Problem, prefix string) error {
	return named("the settings are not valid", problems, prefix)
}

// named names each wrong field of a body.
func named(what string, problems []settings.Problem, prefix string) error {
	details := make([]error, len(problems))
	for i, p := range problems {
		details[i] = &huma.ErrorDetail{Message: p.Message, Location: join(prefix, p.Field)}
	}
	return huma.Error422UnprocessableEntity(what, details...)
}

func join(prefix, field string) string {
	if field == "" {
		return prefix
	}
	return prefix + "." + field
}
