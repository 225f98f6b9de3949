package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"go.temporal.io/sdk/activity"

	"puente/dialog"
	"puente/portals"
	"puente/settings"
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

// RecallDialog reads what earlier runs of a dialog learned. A portal that has
// no settings yet must not keep a dialog from being followed: it gets the
// defaults, and its syncs say what is missing.
func (a *Store) RecallDialog(ctx context.Context, in workflows.RecallInput) (workflows.Recalled, error) {
	conf, _, err := a.Store.Settings(ctx, in.Portal)
	if errors.Is(err, store.ErrNotFound) {
		conf, err = settings.Default(), nil
	}
	if err != nil {
		return workflows.Recalled{}, classify(ctx, "", err)
	}
	out := workflows.Recalled{SettleSeconds: conf.General.SettleSeconds}
	row, err := a.Store.Dialog(ctx, in.Portal, in.ClientID, in.ChannelID)
	if errors.Is(err, store.ErrNotFound) {
		return out, nil
	}
	if err != nil {
		return out, classify(ctx, "", err)
	}
	out.DialogID, out.Transport, out.OperatorID = row.DialogID, row.Transport, row.OperatorID
	requests, err := a.Store.RequestsOfDialog(ctx, in.Portal, in.ClientID, in.ChannelID, recalled)
	for i := len(requests) - 1; i >= 0; i-- { // newest first in the store
		if r := requests[i]; !r.ClosedAt.IsZero() {
			out.Closed = append(out.Closed, dialog.Closed{RequestID: r.RequestID, Number: r.Cycle, ClosedAt: r.ClosedAt})
		}
	}
	return out, classify(ctx, "", err)
}

// RecordClose is CloseCycle for runs that began under the first release.
func (a *Store) RecordClose(ctx context.Context, in workflows.RecordCloseInput) (bool, error) {
	closed, err := a.CloseCycle(ctx, in)
	return closed.Wanted, err
}

// CloseCycle notes that a cycle is handed over, so that the next run of the
// dialog knows late news of it. Nothing is to be handed over if the request is
// a quality poll, as some other webhook told.
func (a *Store) CloseCycle(ctx context.Context, in workflows.RecordCloseInput) (workflows.ClosedCycle, error) {
	if in.Closed.RequestID == 0 { // nobody could tell which request it was; the sync will say so
		return workflows.ClosedCycle{Wanted: true, DialogID: in.DialogID}, nil
	}
	err := a.Store.LearnRequest(ctx, store.RequestRow{
		Portal: in.Portal, RequestID: in.Closed.RequestID, DialogID: in.DialogID, ClientID: in.ClientID, ChannelID: in.ChannelID,
		ClosedAt: in.Closed.ClosedAt, Cycle: in.Closed.Number,
	})
	if err != nil {
		return workflows.ClosedCycle{}, classify(ctx, "", err)
	}
	row, err := a.Store.Request(ctx, in.Portal, in.Closed.RequestID)
	if err != nil {
		return workflows.ClosedCycle{}, classify(ctx, "", err)
	}
	out := workflows.ClosedCycle{Wanted: row.Type != dialog.TypeRating, DialogID: row.DialogID}
	begun, err := a.begunWithoutDialog(ctx, in)
	if begun {
		out.DialogID = 0
	}
	return out, classify(ctx, "", err)
}

// begunWithoutDialog reports whether a provisional run handed the cycle over
// before anybody knew its dialog.
func (a *Store) begunWithoutDialog(ctx context.Context, in workflows.RecordCloseInput) (bool, error) {
	_, err := a.Store.SyncByWorkflow(ctx, in.Portal, workflows.DialogSyncID(in.Portal, 0, in.Closed.RequestID, in.Closed.Number))
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// OpenSync opens the ledger row of a sync or finds the one that is there, and
// reads the settings that decide it. Settings are read anew on each re-run: a
// corrected mapping is what re-runs are for. The row comes first: a sync that
// fails because its portal has no settings is to be seen in the ledger.
func (a *Store) OpenSync(ctx context.Context, in workflows.OpenSyncInput) (workflows.OpenedSync, error) {
	out, err := a.openSync(ctx, in)
	return out, classify(ctx, "", err)
}

func (a *Store) openSync(ctx context.Context, in workflows.OpenSyncInput) (workflows.OpenedSync, error) {
	conf, version, errConf := a.Store.Settings(ctx, in.Sync.Portal)
	if errConf != nil && !errors.Is(errConf, store.ErrNotFound) {
		return workflows.OpenedSync{}, errConf
	}
	row, err := a.openRow(ctx, in, version)
	if err != nil {
		return workflows.OpenedSync{}, err
	}
	if errConf != nil {
		return workflows.OpenedSync{}, final("", "NO_SETTINGS",
			"the portal has no settings yet: save them (`puente portal add` or PUT …/settings), and run it again")
	}
	portal, err := a.Portals.Portal(ctx, in.Sync.Portal)
	if err != nil {
		return workflows.OpenedSync{}, err
	}
	rule, mapped := conf.ChannelRule(in.Sync.ChannelID)
	out := workflows.OpenedSync{
		SyncID: row.ID, Status: workflows.Status(row.Status), Version: version, Channel: rule, Mapped: mapped,
		Tags: conf.Tags, CRM: conf.CRM, PortalURL: portals.WebURL(portal),
	}
	if len(row.Correction) > 0 {
		err = json.Unmarshal(row.Correction, &out.Correction)
	}
	return out, err
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
// the client's keys free. Of a sync that is given up, what it made before stays
// in the ledger.
func (a *Store) FinishSync(ctx context.Context, in workflows.FinishInput) (bool, error) {
	row, err := a.rowOf(ctx, in.Portal, in.SyncID, in.Owner)
	if err != nil || row.ID == "" {
		return false, classify(ctx, "", err)
	}
	if err := a.remember(ctx, in); err != nil {
		return false, classify(ctx, "", err)
	}
	made, err := a.made(ctx, row.ID)
	if err != nil {
		return false, classify(ctx, "", err)
	}
	err = a.Store.UpdateSync(ctx, in.Portal, row.ID, func(s *store.Sync) {
		s.Status, s.Reason, s.Rule, s.FinishedAt = string(in.Status), in.Reason, cmp.Or(in.Rule, s.Rule), time.Now().UTC()
		s.ErrorStep, s.ErrorCode, s.ErrorText = "", "", ""
		setEntities(s, made)
		setEntities(s, entitiesOf(in))
	})
	if err != nil {
		return false, classify(ctx, "", err)
	}
	return true, classify(ctx, "", a.Store.Release(ctx, in.Portal, in.Owner))
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
	found := entitiesOf(in)
	return a.Store.LearnDialog(ctx, store.DialogRow{
		Portal: in.Portal, ClientID: in.Sync.ClientID, ChannelID: in.Sync.ChannelID, DialogID: in.Sync.DialogID,
		ContactID: found[dialog.Contact], DealID: found[dialog.Deal], LeadID: found[dialog.Lead],
	})
}

// ParkSync marks a sync as failed with the outside system's words and gives
// the client's keys free: other dialogs of that client go on. It is false if
// the ledger could never be reached: there is no row to mark.
func (a *Store) ParkSync(ctx context.Context, in workflows.ParkInput) (bool, error) {
	row, err := a.rowOf(ctx, in.Portal, in.SyncID, in.Owner)
	if err != nil || row.ID == "" {
		return false, classify(ctx, "", err)
	}
	made, err := a.made(ctx, row.ID)
	if err != nil {
		return false, classify(ctx, "", err)
	}
	err = a.Store.UpdateSync(ctx, in.Portal, row.ID, func(s *store.Sync) {
		s.Status = string(workflows.Failed)
		s.ErrorStep, s.ErrorCode, s.ErrorText = in.Failure.Step, in.Failure.Code, in.Failure.Text
		setEntities(s, made)
	})
	if err != nil {
		return false, classify(ctx, "", err)
	}
	return true, classify(ctx, "", a.Store.Release(ctx, in.Portal, in.Owner))
}

// rowOf finds the ledger row of a sync: by its id, or, if opening it failed
// halfway, by the workflow, which also owns the claims. The zero row: there is none.
func (a *Store) rowOf(ctx context.Context, portal, id, workflow string) (store.Sync, error) {
	if id != "" {
		return store.Sync{ID: id}, nil
	}
	row, err := a.Store.SyncByWorkflow(ctx, portal, workflow)
	if errors.Is(err, store.ErrNotFound) {
		return store.Sync{}, nil
	}
	return row, err
}

// made is what the steps of a sync have made or used so far.
func (a *Store) made(ctx context.Context, syncID string) (map[dialog.Kind]int64, error) {
	steps, err := a.Store.Steps(ctx, syncID)
	out := map[dialog.Kind]int64{}
	for _, s := range steps {
		if s.Status == store.StepDone {
			out[dialog.Kind(s.EntityKind)] = s.EntityID
		}
	}
	return out, err
}

func entitiesOf(in workflows.FinishInput) map[dialog.Kind]int64 {
	out := map[dialog.Kind]int64{dialog.Contact: in.ContactID, dialog.Deal: in.DealID}
	if in.Entity.ID != 0 {
		out[in.Entity.Kind] = in.Entity.ID
	}
	return out
}

// setEntities fills in what is known; what is not stays.
func setEntities(s *store.Sync, known map[dialog.Kind]int64) {
	s.ContactID = cmp.Or(known[dialog.Contact], s.ContactID)
	s.DealID = cmp.Or(known[dialog.Deal], s.DealID)
	s.LeadID = cmp.Or(known[dialog.Lead], s.LeadID)
}

// clientKey is the key under which a Chat2Desk client is remembered and claimed.
func clientKey(id int64) string {
	return "client:" + strconv.FormatInt(id, 10)
}
