package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"puente/lines"
	"puente/openlines"
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

func (s *server) lineActRoutes() {
	operation(s, http.MethodPost, "/sessions/{session}/{action}", "act-on-line-session",
		"What a person does with a session; 409 tells why it did nothing", s.actOnSession, lineGroup,
		errorsToo(http.StatusNotFound, http.StatusConflict, http.StatusServiceUnavailable))
}

func (s *server) actOnSession(ctx context.Context, in *actInput) (*body[ActAnswer], error) {
	key, err := CallerInput{IdempotencyKey: in.IdempotencyKey}.key()
	if err != nil {
		return nil, err
	}
	answer, err := s.Lines.Act(ctx, in.Portal, lines.Act{
		Action: in.Action, Session: openlines.SessionID(in.Session), By: openlines.UserID(in.Body.By), Offer: openlines.OfferID(in.Body.Offer),
		To: openlines.UserID(in.Body.To), Line: openlines.LineID(in.Body.Line), Off: in.Body.On != nil && !*in.Body.On, Key: key,
	})
	if err != nil {
		return nil, s.fail(ctx, "session", err)
	}
	text := lines.AnswerText(answer.Code)
	switch {
	case lines.Done(answer.Code):
		return &body[ActAnswer]{Body: ActAnswer{Session: in.Session, Code: string(answer.Code), Text: text}}, nil
	case answer.Code == openlines.UnknownSession:
		return nil, huma.Error404NotFound(text)
	}
	return nil, huma.Error409Conflict(text, &huma.ErrorDetail{Location: "path.action", Message: text, Value: string(answer.Code)})
}
