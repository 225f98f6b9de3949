package lines

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"puente/openlines"
	"puente/store"
)

// Change says who changes a line and why.
type Change struct {
	Portal    string
	Line      openlines.LineID
	Settings  openlines.Settings
	Author    string
	Reason    string
	IfVersion int // the version it is based on; 0 = any
}

// Saved is a line that is in force.
type Saved struct {
	store.Line
	Created  bool
	Warnings []string // what could not be checked
}

// Save checks the settings of a line, saves them as its next version and puts
// them in force. Settings that are saved already make no new version, so that a
// repetition does no harm; the desk is told all the same. Errors are *Error, or
// those of the store.
func (s *Service) Save(ctx context.Context, c Change) (Saved, error) {
	problems, warnings, err := s.Check(ctx, c.Portal, c.Line, c.Settings)
	switch {
	case err != nil:
		return Saved{}, err
	case len(problems) > 0:
		return Saved{}, &Error{Kind: Invalid, Text: "the settings of the line are not valid", Problems: problems}
	}
	before, err := s.Store.Line(ctx, c.Portal, c.Line)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return Saved{}, err
	}
	if before.Version == 0 || !same(before.Settings, c.Settings) {
		if err := s.save(ctx, c); err != nil {
			return Saved{}, err
		}
	}
	line, err := s.Enforce(ctx, c.Portal, c.Line)
	return Saved{Line: line, Created: before.Version == 0, Warnings: warnings}, err
}

func same(a, b openlines.Settings) bool {
	one, errA := json.Marshal(a)
	two, errB := json.Marshal(b)
	return errA == nil && errB == nil && bytes.Equal(one, two)
}

func (s *Service) save(ctx context.Context, c Change) error {
	version, err := s.Store.SaveLine(ctx, c.Portal, c.Line, c.Settings, c.Author, c.Reason, c.IfVersion)
	var taken *store.ChannelTakenError
	switch {
	case errors.As(err, &taken): // by somebody else, since it was checked
		return &Error{Kind: Conflict, Text: taken.Error(), Err: err}
	case errors.Is(err, store.ErrTooMany):
		return &Error{Kind: Conflict, Text: fmt.Sprintf("a portal can have %d lines", store.MaxLines), Err: err}
	case errors.Is(err, store.ErrConflict):
		return &Error{Kind: Changed, Text: "the line was changed meanwhile; read it again", Err: err}
	case err != nil:
		return err
	}
	s.audit(ctx, store.AuditEntry{Portal: c.Portal, Actor: c.Author, Action: "line.save", Subject: "line:" + string(c.Line), Reason: c.Reason},
		map[string]any{"version": version})
	return nil
}

// audit puts a change beside what else people did. The change itself is kept
// already, so a failure is only logged.
func (s *Service) audit(ctx context.Context, e store.AuditEntry, after any) {
	raw, err := json.Marshal(after)
	if e.After = raw; err == nil {
		err = s.Store.Audit(ctx, e)
	}
	if err != nil {
		s.log().ErrorContext(ctx, "change of open lines not in the audit log", "portal", e.Portal, "subject", e.Subject, "error", err)
	}
}

// Enforce tells the desk the newest settings of a line, and gives them. If
// somebody saves others meanwhile, two tellings may pass each other on their
// way: so whoever told looks again, and the last one tells the newest. Errors
// are *Error, or those of the store.
func (s *Service) Enforce(ctx context.Context, portal string, id openlines.LineID) (store.Line, error) {
	line, err := s.Store.Line(ctx, portal, id)
	for told := 0; err == nil && told != line.Version; {
		event, fault := s.Loader.LineEvent(ctx, line)
		if fault == nil {
			fault = s.Tell(ctx, portal, event)
		}
		if fault != nil {
			return line, untold(fmt.Sprintf("version %d of the line", line.Version), fault)
		}
		told = line.Version
		line, err = s.Store.Line(ctx, portal, id)
	}
	return line, err
}

// untold is a change that was saved and does not rule yet.
func untold(what string, err error) error {
	return &Error{
		Kind: Unreachable, Err: err,
		Text: what + " is saved but not in force yet: the desk of the open lines could not be told; send it again",
	}
}

// SaveOperator merges news about an employee with what is known of him, and
// tells the desk. What changes his rights goes to the audit log; his coming and
// going does not. Errors are *Error, or those of the store.
func (s *Service) SaveOperator(
	ctx context.Context, portal string, user openlines.UserID, change store.OperatorChange, author string,
) (store.LineOperator, error) {
	if _, err := s.Store.SaveOperator(ctx, portal, user, change); err != nil {
		return store.LineOperator{}, err
	}
	comingAndGoing := store.OperatorChange{Presence: change.Presence, WorkDay: change.WorkDay}
	if change != comingAndGoing {
		s.audit(ctx, store.AuditEntry{Portal: portal, Actor: author, Action: "operator.save", Subject: fmt.Sprintf("operator:%d", user)}, change)
	}
	return s.enforceOperator(ctx, portal, user)
}

// enforceOperator tells the desk the newest state of an operator, see Enforce.
func (s *Service) enforceOperator(ctx context.Context, portal string, user openlines.UserID) (store.LineOperator, error) {
	operator, err := s.Store.Operator(ctx, portal, user)
	for told := (time.Time{}); err == nil && !told.Equal(operator.UpdatedAt); {
		known := operator.Operator
		if fault := s.Tell(ctx, portal, openlines.Event{Kind: openlines.OperatorChanged, Operator: &known}); fault != nil {
			return operator, untold("the operator", fault)
		}
		told = operator.UpdatedAt
		operator, err = s.Store.Operator(ctx, portal, user)
	}
	return operator, err
}
