package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"puente/store"
)

// PortalInput is the part that every operation on a portal shares. Embedded
// inputs are exported because huma looks into no others.
type PortalInput struct {
	Portal string `path:"portal" pattern:"^[a-z0-9][a-z0-9_-]{0,62}$" doc:"slug of the portal"`
}

// PageInput is the paging that every list shares: newest first.
type PageInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"rows of a page"`
	Cursor string `query:"cursor" maxLength:"200" doc:"next_cursor of the page before"`
}

func (p PageInput) page() store.Page { return store.Page{Limit: p.Limit, After: p.Cursor} }

// Bounds of the body of a request; huma knows them only for bodies it decodes itself.
const (
	maxBody     = 1 << 20
	bodyTimeout = 5 * time.Second
)

// body wraps what an operation answers.
type body[T any] struct {
	Body T
}

// list is one page of rows.
type list[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"next_cursor,omitempty" doc:"give it as cursor for the next page; absent on the last"`
}

// page answers one page of rows as they are shown.
func page[R, V any](rows []R, next string, show func(R) V) *body[list[V]] {
	items := make([]V, len(rows))
	for i, r := range rows {
		items[i] = show(r)
	}
	return &body[list[V]]{Body: list[V]{Items: items, NextCursor: next}}
}

// operation registers one route of a portal. Id and path must never change
// once published.
func operation[I, O any](s *server, method, path, id, summary string, h func(context.Context, *I) (*O, error), with ...func(*huma.Operation)) {
	op := huma.Operation{
		OperationID: id, Method: method, Path: "/v1/portals/{portal}" + path, Summary: summary,
		Security:     []map[string][]string{{securityScheme: {}}},
		MaxBodyBytes: maxBody, BodyReadTimeout: bodyTimeout,
		Errors: []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity},
	}
	for _, set := range with {
		set(&op)
	}
	huma.Register(s.huma, op, h)
}

// errorsToo names further statuses that an operation may answer.
func errorsToo(status ...int) func(*huma.Operation) {
	return func(op *huma.Operation) { op.Errors = append(op.Errors, status...) }
}

// tagged groups operations in the document.
func tagged(tag string) func(*huma.Operation) {
	return func(op *huma.Operation) { op.Tags = []string{tag} }
}
