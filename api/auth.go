package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"
	"unicode"

	"github.com/danielgtaylor/huma/v2"

	"puente/store"
)

const (
	securityScheme = "apiKey"
	challenge      = `Bearer realm="puente"`
	actorHeader    = "X-Puente-Actor"
	maxActor       = 100
)

// caller is who is asking: the portal of the key and the person who says to
// act. The name is a statement of the key's holder, kept for the audit.
type caller struct {
	Portal string
	Actor  string
}

type callerKey struct{}

func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

// authorize lets a request to a portal pass only with a key of that portal. A
// key of another portal learns nothing, not even whether the portal exists.
func (s *server) authorize(ctx huma.Context, next func(huma.Context)) {
	slug := ctx.Param("portal")
	if slug == "" {
		next(ctx)
		return
	}
	key, found := strings.CutPrefix(ctx.Header("Authorization"), "Bearer ")
	if key = strings.TrimSpace(key); !found || key == "" {
		s.unauthorized(ctx, "send the portal's API key as Authorization: Bearer")
		return
	}
	portal, err := s.Store.PortalByAPIKey(ctx.Context(), key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		s.unauthorized(ctx, "the API key is not known")
	case err != nil:
		s.writeError(ctx, s.fail(ctx.Context(), "API key", err))
	case portal.Slug != slug:
		s.writeError(ctx, huma.Error403Forbidden("the API key belongs to another portal"))
	default:
		next(huma.WithValue(ctx, callerKey{}, caller{Portal: slug, Actor: actor(ctx.Header(actorHeader))}))
	}
}

func (s *server) unauthorized(ctx huma.Context, detail string) {
	ctx.SetHeader("WWW-Authenticate", challenge)
	s.writeError(ctx, huma.Error401Unauthorized(detail))
}

// writeError sends an error from a middleware.
func (s *server) writeError(ctx huma.Context, err error) {
	status := http.StatusInternalServerError
	var se huma.StatusError
	if errors.As(err, &se) {
		status = se.GetStatus()
	}
	_ = huma.WriteErr(s.huma, ctx, status, err.Error()) // huma reports a failed write itself
}

// actor cleans the name a caller gives: one short printable line.
func actor(given string) string {
	name := strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(given, "")))
	if runes := []rune(name); len(runes) > maxActor {
		name = string(runes[:maxActor])
	}
	if name == "" {
		return "api-key"
	}
	return name
}

// sameSecret compares in constant time, lengths included. An unset secret
// matches nothing.
func sameSecret(want, got string) bool {
	w, g := sha256.Sum256([]byte(want)), sha256.Sum256([]byte(got))
	return subtle.ConstantTimeCompare(w[:], g[:]) == 1 && want != ""
}
