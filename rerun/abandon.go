package rerun

import (
	"context"
	"errors"
	"time"

	"puente/store"
	"puente/workflows"
)

// Abandon gives a sync up for good, with a reason. A parked run ends as
// abandoned by itself; of a closed one only the ledger changes. What the sync
// has written to the CRM stays.
func (s *Service) Abandon(ctx context.Context, portal, syncID string, r Request) (Outcome, error) {
	if r.Correction != nil {
		return Outcome{}, &Error{Kind: Invalid, Text: "an abandoned sync takes no correction"}
	}
	row, r, err := s.prepare(ctx, portal, syncID, r)
	if err != nil {
		return Outcome{}, err
	}
	if err := abandonable(row, r); err != nil {
		return Outcome{}, err
	}
	running, err := s.running(ctx, row.WorkflowID)
	if err != nil {
		return Outcome{}, err
	}
	if running {
		err = s.update(ctx, row, workflows.UpdateAbandonSync, r.RequestID,
			workflows.AbandonSync{Actor: r.Actor, Reason: r.Reason})
	} else {
		err = s.closeRow(ctx, row, r)
	}
	if err != nil {
		return Outcome{}, err
	}
	out := Outcome{Sync: row, WorkflowID: row.WorkflowID, RequestID: r.RequestID}
	return out, s.audit(ctx, row, actionAbandon, r, "")
}

func abandonable(row store.Sync, r Request) error {
	switch status := workflows.Status(row.Status); {
	case r.Reason == "":
		return &Error{Kind: Invalid, Text: "say why the sync is abandoned"}
	case status == workflows.Done, status == workflows.Skipped, status == workflows.Abandoned:
		return &Error{Kind: Refused, Text: "the sync is already " + row.Status}
	default:
		return nil
	}
}

// closeRow ends a run that Temporal does not know any more, and lets the other
// runs of the same client go on.
func (s *Service) closeRow(ctx context.Context, row store.Sync, r Request) error {
	err := s.Store.UpdateSync(ctx, row.Portal, row.ID, func(x *store.Sync) {
		x.Status, x.Reason, x.FinishedAt = string(workflows.Abandoned), r.Reason, time.Now().UTC()
	})
	if err != nil {
		return ledgerError(err)
	}
	return ledgerError(errors.Join(s.Store.Release(ctx, row.Portal, row.WorkflowID), s.Store.DropTickets(ctx, row.Portal, row.ID)))
}
