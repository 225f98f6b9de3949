package workflows

import (
	"time"

	"puente/contactcenter"
	"puente/dialog"
)

// Names under which workflows and messages are registered. They are stable:
// a Go rename changes none of them.
const (
	DialogWorkflow     = "Dialog"
	DialogSyncWorkflow = "DialogSync"

	SignalDialogEvents = "dialog-events" // carries a list of dialog.Event, in order
	UpdateRetrySync    = "retry-sync"    // carries a RetrySync, answers a RetryAccepted
	UpdateAbandonSync  = "abandon-sync"  // carries an AbandonSync
	QueryDialogStatus  = "dialog-status"
	QuerySyncStatus    = "sync-status"
)

// DialogInput starts a Dialog workflow.
type DialogInput struct {
	Portal    string       `json:"portal"`
	ClientID  int64        `json:"client_id"`
	ChannelID int64        `json:"channel_id"`      // 0 = not known yet
	State     *DialogState `json:"state,omitempty"` // carried over by continue-as-new
}

// SyncInput starts a DialogSync workflow: one closed request cycle.
type SyncInput struct {
	Portal     string    `json:"portal"`
	ClientID   int64     `json:"client_id"`
	ChannelID  int64     `json:"channel_id"`
	DialogID   int64     `json:"dialog_id"`
	RequestID  int64     `json:"request_id"`
	Cycle      int       `json:"cycle"` // 1 for the first close of the request
	Transport  string    `json:"transport,omitempty"`
	OperatorID int64     `json:"operator_id,omitempty"`
	Tags       []int64   `json:"tags,omitempty"`        // of the request, at close
	ClientTags []int64   `json:"client_tags,omitempty"` // learned from webhooks; the API is asked as well
	Since      time.Time `json:"since"`                 // messages before belong to an earlier cycle; zero = all
	ClosedAt   time.Time `json:"closed_at"`
	// ByClose tells syncs of unknown requests apart by the time of the close, in
	// their ids and origins.
	ByClose bool `json:"by_close,omitempty"`
}

// RetrySync asks a parked sync to go on, with corrections if there are any.
type RetrySync struct {
	Actor      string             `json:"actor"`
	Reason     string             `json:"reason,omitempty"`
	Correction *dialog.Correction `json:"correction,omitempty"` // of a dialog
	// Choice picks among the candidates of a contact-center request.
	Choice *contactcenter.Choice `json:"choice,omitempty"`
}

// RetryAccepted answers a RetrySync.
type RetryAccepted struct {
	Attempt int `json:"attempt"` // number of the re-run, from 1
}

// AbandonSync ends a parked sync for good.
type AbandonSync struct {
	Actor  string `json:"actor"`
	Reason string `json:"reason"`
}
