package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"puente/store"
)

// FilterInput chooses rows of the ledger; filters add up.
type FilterInput struct {
	Status []string  `query:"status" enum:"open,syncing,failed,done,skipped,abandoned" doc:"states, separated by commas; none = all"`
	Kind   string    `query:"kind" maxLength:"40" pattern:"^[a-z_-]*$" doc:"kind of run, for example dialog"`
	Since  time.Time `query:"since" doc:"created at or after, RFC 3339"`
	Until  time.Time `query:"until" doc:"created before, RFC 3339"`
	Q      string    `query:"q" maxLength:"200" doc:"id of a dialog, request, client or CRM entity, workflow id, or words of the error"`
}

func (f FilterInput) filter(p store.Page) store.SyncFilter {
	return store.SyncFilter{
		Status: f.Status, Kind: f.Kind, Since: f.Since, Until: f.Until, Query: storable(f.Q, maxKey), Page: p,
	}
}

type syncsInput struct {
	PortalInput
	PageInput
	FilterInput
}

type summaryInput struct {
	PortalInput
	FilterInput
}

// SyncInput names one row of the ledger.
type SyncInput struct {
	PortalInput
	ID string `path:"id" maxLength:"64" pattern:"^[A-Za-z0-9-]+$" doc:"id of the sync"`
}

func (s *server) syncRoutes() {
	ledger := tagged("ledger")
	operation(s, http.MethodGet, "/syncs", "list-syncs", "The ledger of runs, newest first", s.listSyncs, ledger)
	operation(s, http.MethodGet, "/syncs/summary", "count-syncs", "Number of runs by status", s.countSyncs, ledger)
	operation(s, http.MethodGet, "/syncs/{id}", "get-sync", "One run with its steps, its error and links", s.getSync,
		ledger, errorsToo(http.StatusNotFound))
}

func (s *server) listSyncs(ctx context.Context, in *syncsInput) (*body[list[Sync]], error) {
	rows, next, err := s.Store.Syncs(ctx, in.Portal, in.filter(in.page()))
	if err != nil {
		return nil, s.fail(ctx, "page of the ledger", err)
	}
	crm, err := s.linker(ctx, in.Portal)
	if err != nil {
		return nil, err
	}
	return page(rows, next, crm.sync), nil
}

// summary counts runs; a status without runs stands there with 0.
type summary struct {
	Open      int `json:"open"`
	Syncing   int `json:"syncing"`
	Failed    int `json:"failed"`
	Done      int `json:"done"`
	Skipped   int `json:"skipped"`
	Abandoned int `json:"abandoned"`
}

func (s *server) countSyncs(ctx context.Context, in *summaryInput) (*body[summary], error) {
	n, err := s.Store.CountSyncs(ctx, in.Portal, in.filter(store.Page{}))
	if err != nil {
		return nil, s.fail(ctx, "summary", err)
	}
	return &body[summary]{Body: summary{
		Open: n[store.SyncOpen], Syncing: n[store.SyncSyncing], Failed: n[store.SyncFailed],
		Done: n[store.SyncDone], Skipped: n[store.SyncSkipped], Abandoned: n[store.SyncAbandoned],
	}}, nil
}

func (s *server) getSync(ctx context.Context, in *SyncInput) (*body[SyncDetail], error) {
	row, err := s.Store.Sync(ctx, in.Portal, in.ID)
	if err != nil {
		return nil, s.fail(ctx, "sync", err)
	}
	steps, err := s.Store.Steps(ctx, row.ID)
	if err != nil {
		return nil, s.fail(ctx, "sync", err)
	}
	links, err := s.linker(ctx, in.Portal)
	if err != nil {
		return nil, err
	}
	detail := links.detail(row, steps)
	if detail.Transcript, err = s.transcript(ctx, row); err != nil {
		return nil, s.fail(ctx, "transcript", err)
	}
	return &body[SyncDetail]{Body: detail}, nil
}

// transcript summarises the snapshot; nil if none was taken yet or it was
// purged.
func (s *server) transcript(ctx context.Context, row store.Sync) (*Transcript, error) {
	snap, err := s.Store.Snapshot(ctx, row.Portal, row.ID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return summarise(snap), nil
}
