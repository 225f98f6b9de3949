package lines

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"puente/openlines"
	"puente/store"
)

// StaffStore is what a Staff reads and writes; *store.Store is one.
type StaffStore interface {
	Portals(ctx context.Context, p store.Page) ([]store.Portal, string, error)
	Operators(ctx context.Context, portal string) ([]store.LineOperator, error)
	LineWrite(ctx context.Context, portal, key string) (store.LineWrite, bool, error)
	SaveLineWrite(ctx context.Context, w store.LineWrite) (bool, error)
}

// Employees asks a portal about its people; *activities.Lines does.
type Employees interface {
	// LineEvents are lines as the desk hears of them, with the employees of their departments.
	LineEvents(ctx context.Context, portal string, all []store.Line) ([]openlines.Event, error)
	// KnownMembers are the members of lines as far as they are known without asking.
	KnownMembers(ctx context.Context, portal string, all []store.Line) ([]openlines.UserID, error)
	// Inactive tells who was dismissed; of whom nothing is known is left out.
	Inactive(ctx context.Context, portal string, users []openlines.UserID) (map[openlines.UserID]bool, error)
	// WorkDays tells how working days stand; told is false where the portal tells of nobody.
	WorkDays(ctx context.Context, portal string, users []openlines.UserID) (days map[openlines.UserID]openlines.Presence, told bool, err error)
	// Online tells how the operators are present in the channel, by their users.
	Online(ctx context.Context, portal string) (map[openlines.UserID]openlines.Presence, error)
}

// Staff keeps the desks in step with the people of their portals: who joins or
// leaves a department becomes or stops being a member, who is dismissed counts as
// such (E1), and who keeps his working day is on duty as it says (E3). Of new
// members it asks once how they are present: their coming has been told to nobody.
// Several processes share the work: each look is taken by one of them.
type Staff struct {
	Lines     *Service   // required
	Store     StaffStore // required
	Employees Employees  // required
	// Minute is how often working days are looked at; departments and dismissals
	// are every ten of them. 0 = a minute.
	Minute time.Duration
	Log    *slog.Logger // nil = slog.Default
}

const (
	// peopleEvery is how many minutes lie between two looks at departments and dismissals.
	peopleEvery = 10
	// askAgain is after how many minutes is asked again what was not told.
	askAgain = 60
	// author of what the portal says of people, in the audit log.
	author = "bitrix24"
)

// Run looks at all portals until the context ends. Errors are logged: the next
// look tries again.
func (s *Staff) Run(ctx context.Context) {
	ticker := time.NewTicker(s.minute())
	defer ticker.Stop()
	for {
		if err := s.round(ctx, time.Now()); err != nil && ctx.Err() == nil {
			s.log().WarnContext(ctx, "The people of open lines could not be looked at; trying again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (s *Staff) minute() time.Duration {
	if s.Minute == 0 {
		return time.Minute
	}
	return s.Minute
}

func (s *Staff) log() *slog.Logger {
	if s.Log == nil {
		return slog.Default()
	}
	return s.Log
}

// round looks at each portal that is not switched off. One that fails does not
// keep the others waiting.
func (s *Staff) round(ctx context.Context, now time.Time) error {
	var failed error
	for after := ""; ; {
		portals, next, err := s.Store.Portals(ctx, store.Page{After: after})
		if err != nil {
			return errors.Join(failed, err)
		}
		for _, p := range portals {
			if p.Disabled {
				continue
			}
			if err := s.Look(ctx, p.Slug, now); err != nil {
				failed = errors.Join(failed, fmt.Errorf("portal %s: %w", p.Slug, err))
			}
		}
		if after = next; next == "" {
			return failed
		}
	}
}

// Look brings one portal up to date, as far as it is due at now. An error leaves
// undone what the next look does.
func (s *Staff) Look(ctx context.Context, portal string, now time.Time) error {
	all, err := s.Lines.Store.Lines(ctx, portal)
	if err != nil || len(all) == 0 {
		return err
	}
	if err := s.retell(ctx, portal); err != nil {
		return err
	}
	people, err := s.due(ctx, portal, "people", max(peopleEvery*s.minute(), 10*time.Second), now)
	if err == nil && people {
		err = s.people(ctx, portal, all)
	}
	duty, fault := s.due(ctx, portal, "duty", max(s.minute(), 5*time.Second), now)
	if fault == nil && duty {
		fault = s.duty(ctx, portal, all, now)
	}
	return errors.Join(err, fault)
}

// due takes a look that is to be had every so often, if no other process has
// taken it. Two that take it at the same instant do no harm.
func (s *Staff) due(ctx context.Context, portal, what string, every time.Duration, now time.Time) (bool, error) {
	slot := now.Truncate(every)
	w, known, err := s.Store.LineWrite(ctx, portal, lookKey(what))
	if err != nil || known && w.Version >= slot.UnixMilli() {
		return false, err
	}
	return s.took(ctx, portal, what, slot)
}

func (s *Staff) took(ctx context.Context, portal, what string, slot time.Time) (bool, error) {
	return s.Store.SaveLineWrite(ctx, store.LineWrite{Portal: portal, WriteKey: lookKey(what), State: store.WriteDone, Version: slot.UnixMilli()})
}

func lookKey(what string) string { return "staff:" + what }

// people tells the desk of lines whose members have changed, and of dismissals.
func (s *Staff) people(ctx context.Context, portal string, all []store.Line) error {
	events, err := s.Employees.LineEvents(ctx, portal, all)
	if err != nil {
		return err
	}
	var failed error
	for i, e := range events {
		if hasDepartment(all[i].Settings) {
			failed = errors.Join(failed, s.tellMembers(ctx, portal, all[i], e.Members))
		}
	}
	return errors.Join(failed, s.dismissals(ctx, portal, events))
}

func hasDepartment(doc openlines.Settings) bool {
	return slices.ContainsFunc(doc.Members, func(m openlines.Member) bool { return m.Department != 0 })
}

// tellMembers tells the desk a line if its members are not those that it was
// told last.
func (s *Staff) tellMembers(ctx context.Context, portal string, line store.Line, members []openlines.UserID) error {
	key, now := "members:"+string(line.ID), fingerprint(line.Version, members)
	w, known, err := s.Store.LineWrite(ctx, portal, key)
	if err != nil || known && w.Detail == now {
		return err
	}
	if _, err := s.Lines.Enforce(ctx, portal, line.ID); err != nil {
		return err
	}
	_, err = s.Store.SaveLineWrite(ctx, store.LineWrite{Portal: portal, WriteKey: key, State: store.WriteDone, Detail: now})
	return err
}

func fingerprint(version int, members []openlines.UserID) string {
	sum := sha256.Sum256([]byte(fmt.Sprintln(version, members)))
	return hex.EncodeToString(sum[:8])
}

// dismissals tells the desk who has left, or come back.
func (s *Staff) dismissals(ctx context.Context, portal string, events []openlines.Event) error {
	known, err := s.operators(ctx, portal)
	if err != nil {
		return err
	}
	var users []openlines.UserID
	for _, e := range events {
		users = append(users, e.Members...)
	}
	for id := range known {
		users = append(users, id)
	}
	inactive, err := s.Employees.Inactive(ctx, portal, distinct(users))
	if err != nil {
		return err
	}
	return s.tell(ctx, portal, author, slices.Collect(maps.Keys(inactive)), func(user openlines.UserID) (store.OperatorChange, bool) {
		gone := inactive[user]
		return store.OperatorChange{Inactive: &gone}, gone != known[user].Inactive
	})
}

// tell keeps what is new of users, and tells the desk. That it is under way is
// noted before: what is kept counts as known, and nobody would look at it again
// if the desk could not be told.
func (s *Staff) tell(
	ctx context.Context, portal, by string, users []openlines.UserID, news func(openlines.UserID) (store.OperatorChange, bool),
) (err error) {
	begun := false
	for _, user := range users {
		change, is := news(user)
		if !is {
			continue
		}
		if !begun {
			if err := s.telling(ctx, portal, store.WriteSending); err != nil {
				return err
			}
			begun = true
		}
		_, fault := s.Lines.SaveOperator(ctx, portal, user, change, by)
		err = errors.Join(err, fault)
	}
	if err != nil || !begun {
		return err
	}
	return s.telling(ctx, portal, store.WriteDone)
}

func (s *Staff) telling(ctx context.Context, portal, state string) error {
	_, err := s.Store.SaveLineWrite(ctx, store.LineWrite{Portal: portal, WriteKey: lookKey("telling"), State: state})
	return err
}

// retell tells the desk all operators if some earlier telling did not come to its
// end: which of them are missing is not known, and what it knows changes nothing.
func (s *Staff) retell(ctx context.Context, portal string) error {
	w, known, err := s.Store.LineWrite(ctx, portal, lookKey("telling"))
	if err != nil || !known || w.State == store.WriteDone {
		return err
	}
	all, err := s.Store.Operators(ctx, portal)
	if err != nil {
		return err
	}
	for _, o := range all {
		if _, err := s.Lines.enforceOperator(ctx, portal, o.ID); err != nil {
			return err
		}
	}
	return s.telling(ctx, portal, store.WriteDone)
}

func (s *Staff) operators(ctx context.Context, portal string) (map[openlines.UserID]store.LineOperator, error) {
	all, err := s.Store.Operators(ctx, portal)
	out := make(map[openlines.UserID]store.LineOperator, len(all))
	for _, o := range all {
		out[o.ID] = o
	}
	return out, err
}

func distinct(users []openlines.UserID) []openlines.UserID {
	slices.Sort(users)
	return slices.Compact(users)
}

// duty tells the desk who of those is on duty who may get offers on lines that
// ask for it.
func (s *Staff) duty(ctx context.Context, portal string, all []store.Line, now time.Time) error {
	users, err := s.watched(ctx, portal, all)
	if err != nil || len(users) == 0 {
		return err
	}
	known, err := s.operators(ctx, portal)
	if err != nil {
		return err
	}
	return errors.Join(s.days(ctx, portal, users, known, now), s.newcomers(ctx, portal, users, known, now))
}

// days tells the desk how working days stand. A portal that tells nothing is left
// alone for a while.
func (s *Staff) days(
	ctx context.Context, portal string, users []openlines.UserID, known map[openlines.UserID]store.LineOperator, now time.Time,
) error {
	if quiet, err := s.quiet(ctx, portal, "days", now); err != nil || quiet {
		return err
	}
	days, told, err := s.Employees.WorkDays(ctx, portal, users)
	if err == nil && !told {
		_, err = s.took(ctx, portal, "days", now.Add(askAgain*s.minute()))
	}
	fault := s.tell(ctx, portal, author, slices.Collect(maps.Keys(days)), func(user openlines.UserID) (store.OperatorChange, bool) {
		day := days[user]
		return store.OperatorChange{WorkDay: &day}, day != known[user].WorkDay
	})
	return errors.Join(err, fault)
}

// quiet tells whether something need not be asked for yet.
func (s *Staff) quiet(ctx context.Context, portal, what string, now time.Time) (bool, error) {
	w, known, err := s.Store.LineWrite(ctx, portal, lookKey(what))
	return known && w.Version > now.UnixMilli(), err
}

// newcomers learns how those are present of whom nothing is known. Who is no
// operator of the channel is asked for again now and then only.
func (s *Staff) newcomers(
	ctx context.Context, portal string, users []openlines.UserID, known map[openlines.UserID]store.LineOperator, now time.Time,
) error {
	unknown := slices.DeleteFunc(slices.Clone(users), func(u openlines.UserID) bool { return known[u].Presence != "" })
	asked := store.LineWrite{Portal: portal, WriteKey: lookKey("newcomers"), State: store.WriteDone, UpdatedAt: now}
	asked.Detail = fingerprint(0, unknown)
	w, found, err := s.Store.LineWrite(ctx, portal, asked.WriteKey)
	if err != nil || len(unknown) == 0 || found && w.Detail == asked.Detail && now.Before(w.UpdatedAt.Add(askAgain*s.minute())) {
		return err
	}
	online, err := s.Employees.Online(ctx, portal)
	if err != nil {
		return err
	}
	if _, err := s.Store.SaveLineWrite(ctx, asked); err != nil {
		return err
	}
	return s.tell(ctx, portal, store.SourceChat2Desk, unknown, func(user openlines.UserID) (store.OperatorChange, bool) {
		presence, told := online[user]
		news, fault := s.Lines.Store.Operator(ctx, portal, user)
		meanwhile := fault == nil && news.Presence != "" // he came or went
		return store.OperatorChange{Presence: &presence}, told && !meanwhile
	})
}

// watched are the members of active lines that give offers to those on duty only.
func (s *Staff) watched(ctx context.Context, portal string, all []store.Line) ([]openlines.UserID, error) {
	asks := slices.DeleteFunc(slices.Clone(all), func(l store.Line) bool { return !l.Settings.Active || !l.Settings.CheckOnline })
	users, err := s.Employees.KnownMembers(ctx, portal, asks)
	return distinct(users), err
}
