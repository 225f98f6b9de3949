package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"puente/openlines"
	"puente/store"
	"puente/submit"
)

// Act is what a person does with a session.
type Act struct {
	By    int64  `json:"by" minimum:"1" doc:"Bitrix24 user who acts"`
	Offer int64  `json:"offer,omitempty" minimum:"1" doc:"accept, decline: the offer that he saw; take: if he saw one"`
	To    int64  `json:"to,omitempty" minimum:"1" doc:"transfer: the Bitrix24 user who gets it"`
	Line  string `json:"line,omitempty" pattern:"^[a-z0-9][a-z0-9_-]{0,62}$" doc:"transfer-line: the line that gets it"`
	On    *bool  `json:"on,omitempty" doc:"pin, silent: false takes it back; true without it"`
}

type actInput struct {
	LineSessionInput
	Action         string `path:"action" enum:"accept,decline,take,transfer,transfer-line,return,finish,spam,pin,silent,lead"`
	IdempotencyKey string `header:"Idempotency-Key" doc:"1 to 200 printable characters; the same key acts once"`
	Body           Act
}

// ActAnswer says what became of an action.
type ActAnswer struct {
	Session int64  `json:"session"`
	Code    string `json:"code" enum:"ok,repeated,no_change" doc:"repeated: it took effect before"`
	Text    string `json:"text"`
}

// acts are the events of the actions.
var acts = map[string]openlines.EventKind{
	"accept": openlines.Accept, "decline": openlines.Decline, "take": openlines.Take, "transfer": openlines.Transfer,
	"transfer-line": openlines.TransferLine, "return": openlines.Return, "finish": openlines.Finish, "spam": openlines.MarkSpam,
	"pin": openlines.Pin, "silent": openlines.GoSilent, "lead": openlines.LeadAsked,
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

func (s *server) lineActRoutes() {
	operation(s, http.MethodPost, "/sessions/{session}/{action}", "act-on-line-session",
		"What a person does with a session; 409 tells why it did nothing", s.actOnSession, lineGroup,
		errorsToo(http.StatusNotFound, http.StatusConflict, http.StatusServiceUnavailable))
}

func (s *server) actOnSession(ctx context.Context, in *actInput) (*body[ActAnswer], error) {
	event, err := in.event()
	if err != nil {
		return nil, err
	}
	answer, err := s.Lines.Act(ctx, in.Portal, event)
	if err != nil {
		return nil, s.fail(ctx, "session", err)
	}
	text := answerTexts[answer.Code]
	switch answer.Code {
	case openlines.OK, openlines.Repeated, openlines.NoChange:
		return &body[ActAnswer]{Body: ActAnswer{Session: in.Session, Code: string(answer.Code), Text: text}}, nil
	case openlines.UnknownSession:
		return nil, huma.Error404NotFound(text)
	}
	return nil, huma.Error409Conflict(text, &huma.ErrorDetail{Location: "path.action", Message: text, Value: string(answer.Code)})
}

// event is the action as the desk hears of it. Its id names what is done, so
// that a key that is used for two actions does both.
func (in *actInput) event() (openlines.Event, error) {
	key, err := CallerInput{IdempotencyKey: in.IdempotencyKey}.key()
	if err != nil {
		return openlines.Event{}, err
	}
	if key == "" {
		key = store.NewID() // nobody can repeat it
	}
	if err := in.complete(); err != nil {
		return openlines.Event{}, err
	}
	return openlines.Event{
		ID: fmt.Sprintf("act:%d:%s:%s", in.Session, in.Action, submit.SafeID(key)), Kind: acts[in.Action], At: time.Now().UTC(),
		Session: openlines.SessionID(in.Session), Offer: openlines.OfferID(in.Body.Offer), By: openlines.UserID(in.Body.By),
		To: openlines.UserID(in.Body.To), Line: openlines.LineID(in.Body.Line), On: in.Body.On == nil || *in.Body.On,
	}, nil
}

// complete wants what the action cannot do without.
func (in *actInput) complete() error {
	missing := ""
	switch {
	case (in.Action == "accept" || in.Action == "decline") && in.Body.Offer == 0:
		missing = "offer"
	case in.Action == "transfer" && in.Body.To == 0:
		missing = "to"
	case in.Action == "transfer-line" && in.Body.Line == "":
		missing = "line"
	default:
		return nil
	}
	return huma.Error422UnprocessableEntity("the action is not complete",
		&huma.ErrorDetail{Location: "body." + missing, Message: "is missing: " + in.Action + " needs it"})
}
