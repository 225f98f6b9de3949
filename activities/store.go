package activities

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"go.temporal.io/sdk/activity"

	"puente/dialog"
	"puente/portals"
	"puente/store"
	"puente/workflows"
)

// recalled is how many closed cycles a dialog remembers.
const recalled = 64

// Store holds the steps that work in our own database: what dialogs learned,
// and the ledger of syncs.
type Store struct {
	Store   *store.Store
	Portals *portals.Registry
}

// RecallDialog reads what earlier runs of a dialog learned.
func (a *Store) RecallDialog(ctx context.Context, in workflows.RecallInput) (workflows.Recalled, error) {
	conf, _, err := a.Store.Settings(ctx, in.Portal)
	if err != nil {
		return workflows.Recalled{}, classify("", err)
	}
	out := workflows.Recalled{SettleSeconds: conf.General.SettleSeconds}
	row, err := a.Store.Dialog(ctx, in.Portal, in.ClientID, in.ChannelID)
	if errors.Is(err, store.ErrNotFound) {
		return out, nil
	}
	if err != nil {
		return out, classify("", err)
	}
	out.DialogID, out.Transport, out.OperatorID = row.DialogID, row.Transport, row.OperatorID
	requests, err := a.Store.RequestsOfDialog(ctx, in.Portal, in.ClientID, in.ChannelID, recalled)
	for i := len(requests) - 1; i >= 0; i-- { // newest first in the store
		if r := requests[i]; !r.ClosedAt.IsZero() {
			out.Closed = append(out.Closed, dialog.Closed{RequestID: r.RequestID, Number: r.Cycle, ClosedAt: r.ClosedAt})
		}
	}
	return out, classify("", err)
}

// RecordClose notes that a cycle is handed over, so that the next run of the
// dialog knows late news of it. It is false if there is nothing to hand over:
// the request is a quality poll, as some other webhook told.
func (a *Store) RecordClose(ctx context.Context, in workflows.RecordCloseInput) (bool, error) {
	if in.Closed.RequestID == 0 {
		return true, nil // nobody could tell which request it was; the sync will say so
	}
	err := a.Store.LearnRequest(ctx, store.RequestRow{
		Portal: in.Portal, RequestID: in.Closed.RequestID, DialogID: in.DialogID, ClientID: in.ClientID, ChannelID: in.ChannelID,
		ClosedAt: in.Closed.ClosedAt, Cycle: in.Closed.Number,
	})
	if err != nil {
		return false, classify("", err)
	}
	row, err := a.Store.Request(ctx, in.Portal, in.Closed.RequestID)
	return row.Type != dialog.TypeRating, classify("", err)
}

// OpenSync opens the ledger row of a sync or finds the one that is there, and
// reads the settings that decide it. Settings are read anew on each re-run: a
// corrected mapping is what re-runs are for.
func (a *Store) OpenSync(ctx context.Context, in workflows.OpenSyncInput) (workflows.OpenedSync, error) {
	portal, err := a.Portals.Portal(ctx, in.Sync.Portal)
	if err != nil {
		return workflows.OpenedSync{}, classify("", err)
	}
	conf, version, err := a.Store.Settings(ctx, in.Sync.Portal)
	if err != nil {
		return workflows.OpenedSync{}, classify("", err)
	}
	row, err := a.openRow(ctx, in, version)
	if err != nil {
		return workflows.OpenedSync{}, classify("", err)
	}
	rule, mapped := conf.ChannelRule(in.Sync.ChannelID)
	out := workflows.OpenedSync{
		SyncID: row.ID, Status: workflows.Status(row.Status), Version: version, Channel: rule, Mapped: mapped,
		Tags: conf.Tags, CRM: conf.CRM, PortalURL: portals.WebURL(portal),
	}
	if len(row.Correction) > 0 {
		err = json.Unmarshal(row.Correction, &out.Correction)
	}
	return out, classify("", err)
}

func (a *Store) openRow(ctx context.Context, in workflows.OpenSyncInput, version int) (store.Sync, error) {
	info := activity.GetInfo(ctx).WorkflowExecution
	input, err := json.Marshal(in.Sync)
	if err != nil {
		return store.Sync{}, err
	}
	row, created, err := a.Store.OpenSync(ctx, store.Sync{
		Portal: in.Sync.Portal, Kind: "dialog", WorkflowID: info.ID, RunID: info.RunID, Status: string(workflows.Syncing),
		ClientID: in.Sync.ClientID, ChannelID: in.Sync.ChannelID, DialogID: in.Sync.DialogID, RequestID: in.Sync.RequestID,
		Cycle: in.Sync.Cycle, Operator: in.Sync.OperatorID, SettingsVersion: version, Input: input, Attempts: 1,
	})
	if err != nil || created || ended(row.Status, in.Rerun) {
		return row, err
	}
	err = a.Store.UpdateSync(ctx, in.Sync.Portal, row.ID, func(s *store.Sync) {
		s.Status, s.RunID, s.SettingsVersion, s.Reruns = string(workflows.Syncing), info.RunID, version, max(s.Reruns, in.Rerun)
		s.ChannelID = in.Sync.ChannelID
		s.Attempts++
		if in.Correction != nil {
			s.Correction, _ = json.Marshal(in.Correction) //nolint:errchkjson // plain fields
		}
		row = *s
	})
	return row, err
}

// ended reports whether a ledger row ended and is not asked to run again.
func ended(status string, rerun int) bool {
	switch workflows.Status(status) {
	case workflows.Done, workflows.Abandoned:
		return true
	case workflows.Skipped:
		return rerun == 0
	default:
		return false
	}
}

// FinishSync ends a sync in the ledger, remembers what was learned and gives
// the client's keys free.
func (a *Store) FinishSync(ctx context.Context, in workflows.FinishInput) (bool, error) {
	if err := a.remember(ctx, in); err != nil {
		return false, classify("", err)
	}
	err := a.Store.UpdateSync(ctx, in.Portal, in.SyncID, func(s *store.Sync) {
		s.Status, s.Reason, s.Rule, s.FinishedAt = string(in.Status), in.Reason, in.Rule, time.Now().UTC()
		s.ErrorStep, s.ErrorCode, s.ErrorText = "", "", ""
		s.ContactID, s.DealID = in.ContactID, in.DealID
		switch in.Entity.Kind {
		case dialog.Deal:
			s.DealID = in.Entity.ID
		case dialog.Lead:
			s.LeadID = in.Entity.ID
		}
	})
	if err != nil {
		return false, classify("", err)
	}
	return true, classify("", a.Store.Release(ctx, in.Portal, in.Owner))
}

// remember keeps the link client → contact and the entities of the dialog, for
// the next sync and for the links in notifications.
func (a *Store) remember(ctx context.Context, in workflows.FinishInput) error {
	if in.Status != workflows.Done {
		return nil
	}
	if in.ContactID != 0 {
		if err := a.Store.SaveLink(ctx, in.Portal, clientKey(in.Sync.ClientID), in.ContactID); err != nil {
			return err
		}
	}
	row := store.DialogRow{
		Portal: in.Portal, ClientID: in.Sync.ClientID, ChannelID: in.Sync.ChannelID, DialogID: in.Sync.DialogID,
		ContactID: in.ContactID, DealID: in.DealID,
	}
	switch in.Entity.Kind {
	case dialog.Deal:
		row.DealID = in.Entity.ID
	case dialog.Lead:
		row.LeadID = in.Entity.ID
	}
	return a.Store.LearnDialog(ctx, row)
}

// ParkSync marks a sync as failed with the outside system's words and gives
// the client's keys free: other dialogs of that client go on.
func (a *Store) ParkSync(ctx context.Context, in workflows.ParkInput) (bool, error) {
	if in.SyncID == "" { // the ledger itself could not be reached: there is no row to mark
		return false, nil
	}
	err := a.Store.UpdateSync(ctx, in.Portal, in.SyncID, func(s *store.Sync) {
		s.Status = string(workflows.Failed)
		s.ErrorStep, s.ErrorCode, s.ErrorText = in.Failure.Step, in.Failure.Code, in.Failure.Text
	})
	if err != nil {
		return false, classify("", err)
	}
	return true, classify("", a.Store.Release(ctx, in.Portal, in.Owner))
}

// clientKey is the key under which a Chat2Desk client is remembered and claimed.
func clientKey(id int64) string {
	return "client:" + strconv.FormatInt(id, 10)
}
