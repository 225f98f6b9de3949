package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"puente/dialog"
	"puente/settings"
)

// Names of the activities, stable for histories. The activities package
// implements them; the worker registers them under these names.
const (
	RecallDialogStep    = "RecallDialog"
	LearnRequestStep    = "LearnRequest"
	RecordCloseStep     = "RecordClose" // by runs of the first release
	CloseCycleStep      = "CloseCycle"
	NotifyStep          = "Notify"
	OpenSyncStep        = "OpenSync"
	LoadDialogStep      = "LoadDialog"
	FindClientStep      = "FindClient"
	CommitDialogStep    = "CommitDialog"
	AwaitConversionStep = "AwaitConversion"
	FinishSyncStep      = "FinishSync"
	ParkSyncStep        = "ParkSync"
)

// Types of application errors by which activities speak to workflows.
const (
	// ErrClaimLost: another run took over the client's keys: find again.
	ErrClaimLost = "ClaimLost"
	// ErrEntityGone: the chosen entity does not exist any more: find again.
	ErrEntityGone = "EntityGone"
)

// Failure is what an outside system said when a step failed; it travels in the
// details of the application error.
type Failure struct {
	Step string `json:"step,omitempty"` // step of the ledger: contact, entity, comment …
	Code string `json:"code,omitempty"`
	Text string `json:"text"`
	// Field is the member of the input that it is about, as far as the outside
	// system told: body.phones[0].value.
	Field string `json:"field,omitempty"`
}

// RecallInput asks for what earlier runs of a dialog learned.
type RecallInput struct {
	Portal    string `json:"portal"`
	ClientID  int64  `json:"client_id"`
	ChannelID int64  `json:"channel_id"`
}

// Recalled is what earlier runs of a dialog learned.
type Recalled struct {
	DialogID      int64           `json:"dialog_id,omitempty"`
	Transport     string          `json:"transport,omitempty"`
	OperatorID    int64           `json:"operator_id,omitempty"`
	Closed        []dialog.Closed `json:"closed,omitempty"` // oldest first
	SettleSeconds int             `json:"settle_seconds"`
}

// LearnRequestInput asks Chat2Desk which request of a dialog was closed.
type LearnRequestInput struct {
	Portal    string `json:"portal"`
	ClientID  int64  `json:"client_id"`
	ChannelID int64  `json:"channel_id,omitempty"`
	DialogID  int64  `json:"dialog_id,omitempty"`
}

// LearnedRequest is the answer; RequestID 0 means that Chat2Desk knows none.
type LearnedRequest struct {
	RequestID int64 `json:"request_id"`
	DialogID  int64 `json:"dialog_id,omitempty"`
	ChannelID int64 `json:"channel_id,omitempty"`
}

// RecordCloseInput notes that a cycle was handed over to its sync.
type RecordCloseInput struct {
	Portal    string        `json:"portal"`
	ClientID  int64         `json:"client_id"`
	ChannelID int64         `json:"channel_id"`
	DialogID  int64         `json:"dialog_id,omitempty"`
	Closed    dialog.Closed `json:"closed"`
}

// ClosedCycle answers a RecordCloseInput.
type ClosedCycle struct {
	// Wanted is false if there is nothing to hand over: the request is a quality poll.
	Wanted bool `json:"wanted"`
	// DialogID names the sync, so that a request is synced once, by whichever run
	// of the client its close comes: the one the store knows, but 0 if the sync
	// was begun before anybody knew it.
	DialogID int64 `json:"dialog_id,omitempty"`
}

// NoticeKind is the kind of a notification (A9).
type NoticeKind string

// The notifications of a dialog.
const (
	NoticeIncoming NoticeKind = "incoming" // a client wrote
	NoticeAppoint  NoticeKind = "appoint"  // a responsible person must be appointed
	NoticeAssigned NoticeKind = "assigned" // this dialog was assigned to you
)

// Notice is one notification to send. Its text is made from the inbox row.
type Notice struct {
	Kind       NoticeKind `json:"kind"`
	EventID    string     `json:"event_id"` // inbox row
	Key        string     `json:"key"`      // what makes it the same notification again
	OperatorID int64      `json:"operator_id,omitempty"`
}

// NotifyInput sends notifications of one dialog, in order.
type NotifyInput struct {
	Portal    string   `json:"portal"`
	ClientID  int64    `json:"client_id"`
	ChannelID int64    `json:"channel_id"`
	DialogID  int64    `json:"dialog_id,omitempty"`
	Notices   []Notice `json:"notices"`
}

// Notified counts what was sent; Problems are the portal's words for what it refused.
type Notified struct {
	Sent     int      `json:"sent"`
	Problems []string `json:"problems,omitempty"`
}

// OpenSyncInput opens the ledger row of a sync, or reads it again.
type OpenSyncInput struct {
	Sync       SyncInput          `json:"sync"`
	Rerun      int                `json:"rerun,omitempty"`
	Correction *dialog.Correction `json:"correction,omitempty"` // nil keeps the last one
}

// OpenedSync is the ledger row and what of the settings decides the sync.
type OpenedSync struct {
	SyncID     string             `json:"sync_id"`
	Status     Status             `json:"status"`  // done, skipped or abandoned: nothing is left to do
	Version    int                `json:"version"` // of the settings
	Channel    settings.Channel   `json:"channel"`
	Mapped     bool               `json:"mapped"` // the channel stands in the settings
	Tags       settings.Tags      `json:"tags"`
	CRM        settings.CRM       `json:"crm"`
	Correction *dialog.Correction `json:"correction,omitempty"`
	PortalURL  string             `json:"portal_url,omitempty"` // https://host of the CRM
}

// LoadInput takes the snapshot of a closed cycle.
type LoadInput struct {
	SyncID  string    `json:"sync_id"`
	Version int       `json:"version"`
	Sync    SyncInput `json:"sync"`
}

// LoadedDialog says what the stored snapshot holds.
type LoadedDialog struct {
	DialogID   int64         `json:"dialog_id"`
	ChannelID  int64         `json:"channel_id"`
	OperatorID int64         `json:"operator_id,omitempty"`
	Tags       []int64       `json:"tags,omitempty"`
	ClientTags []int64       `json:"client_tags,omitempty"`
	Messages   int           `json:"messages"`
	Files      int           `json:"files,omitempty"`
	Talked     bool          `json:"talked"` // a client or an operator said something
	Source     dialog.Source `json:"source"`
}

// FindInput looks a client up in the CRM.
type FindInput struct {
	Portal   string           `json:"portal"`
	SyncID   string           `json:"sync_id"`
	Owner    string           `json:"owner"` // of the claims: the workflow id
	Version  int              `json:"version"`
	Channel  settings.Channel `json:"channel"`
	ClientID int64            `json:"client_id"`
	Origin   string           `json:"origin"` // origin id of the entity of this cycle
}

// CommitInput writes a cycle to the CRM as planned.
type CommitInput struct {
	Portal     string             `json:"portal"`
	SyncID     string             `json:"sync_id"`
	Owner      string             `json:"owner"`
	Version    int                `json:"version"`
	ClientID   int64              `json:"client_id"`
	OperatorID int64              `json:"operator_id,omitempty"`
	Origin     string             `json:"origin"`
	Plan       dialog.Plan        `json:"plan"`
	Stage      string             `json:"stage,omitempty"`
	Correction *dialog.Correction `json:"correction,omitempty"`
}

// Committed says what stands in the CRM now.
type Committed struct {
	ContactID    int64      `json:"contact_id,omitempty"`
	Entity       dialog.Ref `json:"entity"`
	CommentID    int64      `json:"comment_id"`
	Responsible  int64      `json:"responsible"`
	Unmapped     bool       `json:"unmapped,omitempty"` // the operator has no user; the fallback is responsible
	NewEntity    bool       `json:"new_entity,omitempty"`
	NewContact   bool       `json:"new_contact,omitempty"`
	AttachedFile bool       `json:"attached_file,omitempty"` // the transcript was too long for a comment
}

// ConversionInput waits for the deal that Bitrix24 makes of a lead.
type ConversionInput struct {
	Portal    string     `json:"portal"`
	SyncID    string     `json:"sync_id"`
	Version   int        `json:"version"`
	ClientID  int64      `json:"client_id"`
	Lead      dialog.Ref `json:"lead"`
	CommentID int64      `json:"comment_id"`
}

// Converted is the deal and contact that a lead became.
type Converted struct {
	DealID    int64 `json:"deal_id"`
	ContactID int64 `json:"contact_id,omitempty"`
}

// FinishInput ends a sync in the ledger and gives the client's keys free.
type FinishInput struct {
	Portal    string     `json:"portal"`
	SyncID    string     `json:"sync_id"`
	Owner     string     `json:"owner"`
	Sync      SyncInput  `json:"sync"`
	Status    Status     `json:"status"`
	Reason    string     `json:"reason,omitempty"`
	ContactID int64      `json:"contact_id,omitempty"`
	Entity    dialog.Ref `json:"entity"`
	DealID    int64      `json:"deal_id,omitempty"` // the deal a lead became
	Rule      string     `json:"rule,omitempty"`
	Actor     string     `json:"actor,omitempty"`
}

// ParkInput marks a sync as failed in the ledger and gives the client's keys free.
type ParkInput struct {
	Portal  string  `json:"portal"`
	SyncID  string  `json:"sync_id"`
	Owner   string  `json:"owner"`
	Failure Failure `json:"failure"`
}

// run executes the activity and decodes its answer.
func run[T any](ctx workflow.Context, name string, in any) (T, error) {
	var out T
	err := workflow.ExecuteActivity(ctx, name, in).Get(ctx, &out)
	return out, err
}

// settleTime is how long a close waits for late events.
func (r Recalled) settleTime() time.Duration {
	return time.Duration(r.SettleSeconds) * time.Second
}
