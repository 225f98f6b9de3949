package workflows

import "puente/contactcenter"

// Names of the contact center's activities, stable for histories.
const (
	RunMethodStep       = "RunMethod"
	OpenRequestStep     = "OpenRequest"
	FindRequestStep     = "FindRequest"
	SaveContactStep     = "SaveContact"
	SaveCompanyStep     = "SaveCompany"
	LinkCompanyStep     = "LinkCompany"
	SaveDealStep        = "SaveDeal"
	SaveCallStep        = "SaveCall"
	WriteTimelineStep   = "WriteTimeline"
	NotifyRequestStep   = "NotifyRequest"
	AnswerRequestStep   = "AnswerRequest"
	FetchRecordingStep  = "FetchRecording"
	AttachRecordingStep = "AttachRecording"
	FinishRunStep       = "FinishRun"
	ParkRunStep         = "ParkRun"
)

// RecordingsQueue is where recordings are fetched and attached: few at a time,
// each for minutes, so that they starve nothing else.
const RecordingsQueue = "recordings"

// RunMethodInput runs one of the sixteen methods.
type RunMethodInput struct {
	Portal string               `json:"portal"`
	SyncID string               `json:"sync_id"`
	Method contactcenter.Method `json:"method"`
	Rerun  int                  `json:"rerun,omitempty"`
}

// MethodRan says how a method went; the answer itself is in the database.
type MethodRan struct {
	Status    Status              `json:"status"` // done, or skipped: answered without doing anything
	Reason    string              `json:"reason,omitempty"`
	HTTP      int                 `json:"http_status"`
	Story     []string            `json:"story,omitempty"` // one line each; ids only
	Entities  []contactcenter.Ref `json:"entities,omitempty"`
	PortalURL string              `json:"portal_url,omitempty"`
	// CallID is set while a recording is still to be attached to that call.
	CallID string `json:"call_id,omitempty"`
}

// OpenRequestInput reads what is to be done for a request.
type OpenRequestInput struct {
	Portal string                `json:"portal"`
	SyncID string                `json:"sync_id"`
	Rerun  int                   `json:"rerun,omitempty"`
	Choice *contactcenter.Choice `json:"choice,omitempty"` // of a person; kept in the ledger
}

// OpenedRequest is what decides how a request goes on; its content stays in the
// database.
type OpenedRequest struct {
	Channel  string `json:"channel"`
	Status   Status `json:"status"`
	Revision int    `json:"revision"` // the newest one
	Answered int    `json:"answered"` // the newest one that is done
	Version  int    `json:"version"`  // of the settings
	// Parts say what the request fills.
	Wants     contactcenter.Wants  `json:"wants"`
	Call      bool                 `json:"call,omitempty"`
	Recording bool                 `json:"recording,omitempty"`
	CallID    string               `json:"call_id,omitempty"`
	Ambiguous string               `json:"ambiguous"`
	Choice    contactcenter.Choice `json:"choice"`
	Notify    bool                 `json:"notify,omitempty"`
	PortalURL string               `json:"portal_url,omitempty"`
	Notes     []string             `json:"notes,omitempty"`
}

// RequestStepInput is what every step of a request is told.
type RequestStepInput struct {
	Portal   string `json:"portal"`
	SyncID   string `json:"sync_id"`
	Owner    string `json:"owner"` // of the claims: the workflow id
	Version  int    `json:"version"`
	Revision int    `json:"revision"`
	// What earlier steps decided or made; 0 = none, or to be created.
	ContactID int64 `json:"contact_id,omitempty"`
	CompanyID int64 `json:"company_id,omitempty"`
	DealID    int64 `json:"deal_id,omitempty"`
	// ContactResponsible is the user of the contact that was found.
	ContactResponsible int64 `json:"contact_responsible,omitempty"`
	// DealResponsible is the user of the deal that was found.
	DealResponsible int64 `json:"deal_responsible,omitempty"`
	// Decisions are written down with the timeline and the answer.
	Decisions []contactcenter.Decision `json:"decisions,omitempty"`
	Notes     []string                 `json:"notes,omitempty"`
}

// SavedEntity says what a step made or changed.
type SavedEntity struct {
	ID      int64    `json:"id"`
	Created bool     `json:"created,omitempty"`
	Changed []string `json:"changed,omitempty"` // names of fields
	Notes   []string `json:"notes,omitempty"`
}

// SavedCall says what became of a call.
type SavedCall struct {
	CallID       string              `json:"call_id"`
	BitrixCallID string              `json:"bitrix_call_id,omitempty"`
	ActivityID   int64               `json:"activity_id,omitempty"`
	State        string              `json:"state"`
	Bound        []contactcenter.Ref `json:"bound,omitempty"`
	UserID       int64               `json:"user_id,omitempty"`
	// Recording is attached if nothing is left to do for it.
	Recording string   `json:"recording,omitempty"`
	Notes     []string `json:"notes,omitempty"`
}

// WroteTimeline says where the request was written down.
type WroteTimeline struct {
	On []contactcenter.Ref `json:"on,omitempty"`
}

// RecordingInput fetches or attaches the recording of a call.
type RecordingInput struct {
	Portal string `json:"portal"`
	SyncID string `json:"sync_id"`
	CallID string `json:"call_id"`
}

// FetchedRecording is a complete file on our disk.
type FetchedRecording struct {
	RecordingID string `json:"recording_id"`
	Bytes       int64  `json:"bytes"`
}

// AttachedRecording is the file in the portal.
type AttachedRecording struct {
	FileID int64 `json:"file_id"`
	Bytes  int64 `json:"bytes"`
}

// AnswerRequestInput ends a revision with its result.
type AnswerRequestInput struct {
	Portal string                      `json:"portal"`
	SyncID string                      `json:"sync_id"`
	Owner  string                      `json:"owner"`
	Answer contactcenter.RequestAnswer `json:"answer"`
	Choice contactcenter.Choice        `json:"choice"` // to be remembered for the client
	Final  bool                        `json:"final,omitempty"`
}

// ErrChoiceNeeded is the type of the error with which a request parks because
// several entities match equally well and a person is to choose.
const ErrChoiceNeeded = "CHOICE_NEEDED"

// ErrCancelled is the kind of the failure with which the ledger shows a run that
// somebody cancelled in Temporal.
const ErrCancelled = "CANCELLED"

// FinishRunInput ends a run in the ledger and gives its claims free.
type FinishRunInput struct {
	Portal string `json:"portal"`
	SyncID string `json:"sync_id"`
	Owner  string `json:"owner"`
	Status Status `json:"status"`
	Reason string `json:"reason,omitempty"`
}

// ParkRunInput marks a run as failed in the ledger, answers whoever waits with
// the problem, and gives its claims free.
type ParkRunInput struct {
	Portal string `json:"portal"`
	SyncID string `json:"sync_id"`
	Owner  string `json:"owner"`
	// Revision of a request that failed; 0 = the newest. A newer one is not
	// answered with the failure.
	Revision int     `json:"revision,omitempty"`
	Kind     string  `json:"kind,omitempty"` // type of the application error
	Failure  Failure `json:"failure"`
}
