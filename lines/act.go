package lines

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/client"

	"puente/openlines"
	"puente/store"
	"puente/submit"
	"puente/workflows"
)

// Act is what a person does with a session.
type Act struct {
	Action  string // one of Actions
	Session openlines.SessionID
	By      openlines.UserID
	Offer   openlines.OfferID // accept, decline; take: if he saw one
	To      openlines.UserID  // transfer
	Line    openlines.LineID  // transfer-line
	Off     bool              // pin, silent: take it back
	Key     string            // the same key acts once; "" = a new one
}

// events are the events of the actions.
var events = map[string]openlines.EventKind{
	"accept": openlines.Accept, "decline": openlines.Decline, "take": openlines.Take, "transfer": openlines.Transfer,
	"transfer-line": openlines.TransferLine, "return": openlines.Return, "finish": openlines.Finish, "spam": openlines.MarkSpam,
	"pin": openlines.Pin, "silent": openlines.GoSilent, "lead": openlines.LeadAsked,
}

// Actions lists what can be done with a session, sorted.
func Actions() []string { return slices.Sorted(maps.Keys(events)) }

// Act lets the desk decide about an action of a person. The error is an *Error;
// an answer that refuses the action is none, see Done.
func (s *Service) Act(ctx context.Context, portal string, act Act) (answer openlines.Answer, err error) {
	if problems := act.check(); len(problems) > 0 {
		return answer, &Error{Kind: Invalid, Text: "the action is not complete", Problems: problems}
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	event := act.event()
	handle, err := s.Temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: workflows.LineQueueID(portal), UpdateID: event.ID, UpdateName: workflows.UpdateLineAct,
		Args: []any{event}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, &answer)
	}
	if err != nil {
		return answer, deskFault(err)
	}
	return answer, nil
}

// check wants what the action cannot do without.
func (a Act) check() (problems []openlines.Problem) {
	want := func(field string, given bool) {
		if !given {
			problems = append(problems, openlines.Problem{Field: field, Message: "is missing: " + a.Action + " needs it"})
		}
	}
	if _, known := events[a.Action]; !known {
		return []openlines.Problem{{
			Field: "action", Message: fmt.Sprintf("there is no action %q; there are: %s", a.Action, strings.Join(Actions(), ", ")),
		}}
	}
	want("by", a.By > 0)
	switch a.Action {
	case "accept", "decline":
		want("offer", a.Offer > 0)
	case "transfer":
		want("to", a.To > 0)
	case "transfer-line":
		want("line", a.Line != "")
	}
	return problems
}

// event is the action as the desk hears of it. Its id names what is done, so
// that a key that is used for two actions does both.
func (a Act) event() openlines.Event {
	key := submit.SafeID(a.Key)
	if a.Key == "" {
		key = store.NewID() // nobody can repeat it
	}
	return openlines.Event{
		ID: fmt.Sprintf("act:%d:%s:%s", a.Session, a.Action, key), Kind: events[a.Action], At: time.Now().UTC(),
		Session: a.Session, Offer: a.Offer, By: a.By, To: a.To, Line: a.Line, On: !a.Off,
	}
}

// Done tells whether an answer says that things are as they should be now.
func Done(code openlines.AnswerCode) bool {
	return code == openlines.OK || code == openlines.Repeated || code == openlines.NoChange
}

// answerTexts are the answers of the desk in words.
var answerTexts = map[openlines.AnswerCode]string{
	openlines.OK:             "done",
	openlines.Repeated:       "this took effect before",
	openlines.NoChange:       "there was nothing to change",
	openlines.OfferExpired:   "the offer is not current any more",
	openlines.SessionClosed:  "the session is closed",
	openlines.UnknownSession: "there is no such session",
	openlines.NotAllowed:     "not in this state of the session, or not by this person",
	openlines.NotEligible:    "the one who should get it is dismissed, on leave or its owner, or the line is not active",
	openlines.NoContact:      "no lead: the client cannot be written back to",
}

// AnswerText is an answer of the desk in words.
func AnswerText(code openlines.AnswerCode) string {
	if text := answerTexts[code]; text != "" {
		return text
	}
	return string(code)
}
