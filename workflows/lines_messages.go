package workflows

import (
	"fmt"

	"go.temporal.io/sdk/temporal"

	"puente/openlines"
)

// Names of the workflows and messages of open lines; stable for histories.
const (
	LineQueueWorkflow   = "LineQueue"
	LineSessionWorkflow = "LineSession"

	SignalLineEvents   = "line-events"   // to a LineQueue: a list of openlines.Event, in any order
	SignalLineCommands = "line-commands" // to a LineSession: LineCommands
	UpdateLineAct      = "line-act"      // to a LineQueue: an openlines.Event of a person, answers an openlines.Answer
	QueryLineDesk      = "line-desk"     // LineDeskState
	QueryLineSession   = "line-session"  // LineSessionState
	QueryLinePreview   = "line-preview"  // openlines.LineID, an instant → openlines.Decision: who would get a chat then, and why
)

// Kinds of runs of open lines, the values of PuenteKind.
const (
	KindLineQueue   = "line-queue"
	KindLineSession = "line-session"
)

// LineQueueInput starts the one LineQueue of a portal. State is the desk as it
// stood when the earlier run continued as new: JSON, compressed with gzip.
type LineQueueInput struct {
	Portal string `json:"portal"`
	State  []byte `json:"state,omitempty"`
}

// LineSessionInput starts a LineSession: what one session orders is carried out
// there. Session 0 carries out what belongs to no session.
type LineSessionInput struct {
	Portal  string              `json:"portal"`
	Session openlines.SessionID `json:"session"`
	State   *LineSessionState   `json:"state,omitempty"` // carried over by continue-as-new
}

// LineCommand is one command of the desk with its number in the portal: equal
// numbers are the same command again.
type LineCommand struct {
	Seq     int64             `json:"seq"`
	Command openlines.Command `json:"command"`
}

// LineCommands are the commands of one session, in order, and what its log tells
// of them.
type LineCommands struct {
	Commands []LineCommand `json:"commands,omitempty"`
	Story    []string      `json:"story,omitempty"` // sentences for people, ids only
	State    string        `json:"state,omitempty"` // of the session now
	Ended    bool          `json:"ended,omitempty"` // the session is closed
}

// LineDeskState answers the query line-desk.
type LineDeskState struct {
	Lines     int `json:"lines"`
	Operators int `json:"operators"`
	Sessions  int `json:"sessions"` // open ones
	Waiting   int `json:"waiting"`
	Unsent    int `json:"unsent"` // steps whose records and commands are still to be delivered
}

// LineSessionState answers the query line-session.
type LineSessionState struct {
	LastSeq int64         `json:"last_seq"`
	Chat    []LineCommand `json:"chat,omitempty"`   // still to be done, in order: what the client and the channel get
	People  []LineCommand `json:"people,omitempty"` // what people are told
	CRM     []LineCommand `json:"crm,omitempty"`    // what the CRM gets
	State   string        `json:"state,omitempty"`
	Ended   bool          `json:"ended,omitempty"`
	Lines   []string      `json:"story,omitempty"`
}

// LineQueueID is the id of the LineQueue of a portal: one decision point for all
// its lines, because operators and their limits are shared between them.
func LineQueueID(portal string) string { return fmt.Sprintf("line:%s:queue", portal) }

// LineSessionID is the id of the LineSession of one session.
func LineSessionID(portal string, session openlines.SessionID) string {
	return fmt.Sprintf("line:%s:session:%d", portal, session)
}

// LineQueueAttributes are the search attributes a LineQueue starts with.
func LineQueueAttributes(portal string) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(PortalKey.ValueSet(portal), KindKey.ValueSet(KindLineQueue), StatusKey.ValueSet(string(Open)))
}

// LineSessionAttributes are the search attributes a LineSession starts with.
func LineSessionAttributes(in LineSessionInput, chat openlines.ChatID, line openlines.LineID) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(
		PortalKey.ValueSet(in.Portal), KindKey.ValueSet(KindLineSession), StatusKey.ValueSet(string(Open)),
		RequestKey.ValueSet(fmt.Sprint(in.Session)), DialogKey.ValueSet(string(chat)), ChannelKey.ValueSet(string(line)),
	)
}

// Names of the activities of open lines, stable for histories.
const (
	LoadLinesStep   = "LoadLines"
	DeliverLineStep = "DeliverLine"
	LineChatStep    = "LineChat"
	LineNotifyStep  = "LineNotify"
	LineCRMStep     = "LineCRM"
)

// LoadLinesInput asks for the lines and operators of a portal.
type LoadLinesInput struct {
	Portal string `json:"portal"`
}

// LoadedLines are the lines and operators as events that tell the desk of them,
// and the numbers that an earlier desk of the portal came to; 0 if there was none.
type LoadedLines struct {
	Events      []openlines.Event   `json:"events,omitempty"`
	LastRecord  int64               `json:"last_record,omitempty"`
	LastSession openlines.SessionID `json:"last_session,omitempty"`
}

// LineDelivery is what steps of the desk brought: its records go to the log, its
// commands to their sessions. Delivering it twice does no harm.
type LineDelivery struct {
	Portal   string             `json:"portal"`
	Records  []openlines.Record `json:"records,omitempty"`
	Commands []LineCommand      `json:"commands,omitempty"`
}

// LineCommandInput carries one command out.
type LineCommandInput struct {
	Portal  string            `json:"portal"`
	Seq     int64             `json:"seq"`
	Command openlines.Command `json:"command"`
}

// LineCommandDone says what came of it: events for the desk, and a sentence for
// people, ids only.
type LineCommandDone struct {
	Events []openlines.Event `json:"events,omitempty"`
	Note   string            `json:"note,omitempty"`
}
