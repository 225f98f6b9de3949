package api

import (
	"context"
	"net/http"
	"time"

	"puente/openlines"
	"puente/store"
)

// Operator is what the open lines know of an employee.
type Operator struct {
	User       int64      `json:"user" doc:"in Bitrix24"`
	Presence   string     `json:"presence,omitempty" enum:"offline,online,day_started,day_paused,day_ended" doc:"none = off duty"`
	OnLeave    bool       `json:"on_leave"`
	Dismissed  bool       `json:"dismissed"`
	Supervisor bool       `json:"supervisor" doc:"has access to every line"`
	Skills     []string   `json:"skills,omitempty"`
	UpdatedAt  *time.Time `json:"updated_at,omitempty"`
}

// OperatorChange is news about an employee; what is left out stays as it is.
type OperatorChange struct {
	Presence   *string   `json:"presence,omitempty" enum:"offline,online,day_started,day_paused,day_ended"`
	OnLeave    *bool     `json:"on_leave,omitempty"`
	Dismissed  *bool     `json:"dismissed,omitempty"`
	Supervisor *bool     `json:"supervisor,omitempty"`
	Skills     *[]string `json:"skills,omitempty" doc:"skills and languages; replaces all"`
}

type putOperatorInput struct {
	PortalInput
	User int64 `path:"user" minimum:"1" doc:"Bitrix24 user"`
	Body OperatorChange
}

func (s *server) lineOperatorRoutes() {
	operation(s, http.MethodGet, "/operators", "list-operators", "The operators of open lines with their presence", s.listOperators, lineGroup)
	operation(s, http.MethodPut, "/operators/{user}", "put-operator",
		"Presence, leave and rights of an operator; what is left out stays", s.putOperator, lineGroup, errorsToo(http.StatusServiceUnavailable))
}

func (s *server) listOperators(ctx context.Context, in *PortalInput) (*body[list[Operator]], error) {
	all, err := s.Store.Operators(ctx, in.Portal)
	if err != nil {
		return nil, s.fail(ctx, "operators", err)
	}
	return page(all, "", showOperator), nil
}

func showOperator(o store.LineOperator) Operator {
	return Operator{
		User: int64(o.ID), Presence: string(o.Presence), OnLeave: o.OnLeave, Dismissed: o.Dismissed, Supervisor: o.Supervisor,
		Skills: o.Skills, UpdatedAt: instant(o.UpdatedAt),
	}
}

func (s *server) putOperator(ctx context.Context, in *putOperatorInput) (*body[Operator], error) {
	change := store.OperatorChange{
		Presence: (*openlines.Presence)(in.Body.Presence), OnLeave: in.Body.OnLeave, Dismissed: in.Body.Dismissed,
		Supervisor: in.Body.Supervisor, Skills: in.Body.Skills,
	}
	operator, err := s.Lines.SaveOperator(ctx, in.Portal, openlines.UserID(in.User), change, callerOf(ctx).Actor)
	if err != nil {
		return nil, s.fail(ctx, "operator", err)
	}
	return &body[Operator]{Body: showOperator(operator)}, nil
}
