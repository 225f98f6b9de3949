package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
)

const requestIDHeader = "X-Request-Id"

type requestIDKey struct{}

// requestID of the request that ctx belongs to, "" outside of one.
func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

var givenID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// observe gives each request an id, measures it and writes the access log. The
// caller's id is kept if it is harmless, so that one id goes through a chain.
func (s *server) observe(c *gin.Context) {
	id := c.GetHeader(requestIDHeader)
	if !givenID.MatchString(id) {
		id = uuid.Must(uuid.NewV7()).String()
	}
	c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), requestIDKey{}, id))
	c.Header(requestIDHeader, id)
	start := time.Now()
	c.Next()
	took := time.Since(start)
	s.metrics.requests.WithLabelValues(c.Request.Method, route(c), strconv.Itoa(c.Writer.Status())).Observe(took.Seconds())
	s.access(c, id, took)
}

// route is the pattern that matched: a path would make a metric of each id.
func route(c *gin.Context) string {
	if p := c.FullPath(); p != "" {
		return p
	}
	return "unmatched"
}

func (s *server) access(c *gin.Context, id string, took time.Duration) {
	s.log.LogAttrs(c.Request.Context(), accessLevel(c), "request",
		slog.String("method", c.Request.Method), slog.String("path", loggedPath(c)), slog.Int("status", c.Writer.Status()),
		slog.Duration("took", took), slog.Int("bytes", c.Writer.Size()), slog.String("request_id", id))
}

// accessLevel keeps probes and what went well quiet enough to read the rest.
func accessLevel(c *gin.Context) slog.Level {
	switch {
	case c.Writer.Status() >= http.StatusInternalServerError && c.FullPath() != "/readyz":
		return slog.LevelWarn
	case strings.HasSuffix(c.FullPath(), "z") || c.FullPath() == "/metrics":
		return slog.LevelDebug
	default:
		return slog.LevelInfo
	}
}

// loggedPath fills the pattern of the route with its values, except the secret
// of a webhook address. A path that matched nothing may hold a mistyped secret
// and is not logged at all; nor is any query.
func loggedPath(c *gin.Context) string {
	path := route(c)
	for _, p := range c.Params {
		value := p.Value
		if p.Key == "secret" {
			value = "***"
		}
		path = strings.Replace(path, ":"+p.Key, value, 1)
	}
	return path
}

// recoverPanic answers 500 and logs the panic with its stack; the words of a
// panic are never sent.
func (s *server) recoverPanic(c *gin.Context) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(v)
		}
		id := requestID(c.Request.Context())
		s.log.ErrorContext(c.Request.Context(), "panic", "panic", v, "path", loggedPath(c), "request_id", id, "stack", string(debug.Stack()))
		if !c.Writer.Written() {
			problem(c, http.StatusInternalServerError, "something went wrong here; the log has it under request "+id)
		}
	}()
	c.Next()
}

// secureHeaders: the API is for programs; the one page it serves needs neither
// scripts nor frames.
func secureHeaders(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	c.Next()
}
