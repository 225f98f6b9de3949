package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"puente/lines"
	"puente/openlines"
	"puente/service"
	"puente/store"
)

// lineName is what the API takes as well.
var lineName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// sessionHint says where numbers of sessions come from.
const sessionHint = "`puente lines sessions` shows the numbers"

func (a *app) linesSessions(with onPortal) *cobra.Command {
	f := store.LineSessionFilter{}
	var states []string
	var line string
	var operator int64
	var closed bool
	c := &cobra.Command{Use: "sessions", Short: "List sessions, those that need attention first", Args: cobra.NoArgs}
	c.RunE = with(func(ctx context.Context, s *service.Service, portal string) error {
		for _, state := range states {
			if !slices.Contains(sessionStates, openlines.State(state)) {
				return fmt.Errorf("there is no state %q; there are: %s", state, words(sessionStates))
			}
			f.States = append(f.States, openlines.State(state))
		}
		f.Line, f.Operator, f.Open = openlines.LineID(line), openlines.UserID(operator), !closed && len(states) == 0
		all, next, err := s.Store.LineSessions(ctx, portal, f)
		if err != nil {
			return err
		}
		return a.printSessions(all, next)
	})
	c.Flags().StringSliceVarP(&states, "state", "s", nil, words(sessionStates))
	c.Flags().StringVarP(&line, "line", "l", "", "of this line")
	c.Flags().Int64Var(&operator, "operator", 0, "that this Bitrix24 user owns or was offered")
	c.Flags().BoolVar(&closed, "closed", false, "closed ones as well")
	c.Flags().IntVarP(&f.Page.Limit, "limit", "n", store.DefaultPage, "rows")
	c.Flags().StringVar(&f.Page.After, "cursor", "", "the cursor a page ended with")
	return c
}

// sessionStates lists the states of sessions.
var sessionStates = []openlines.State{
	openlines.Held, openlines.Waiting, openlines.Offered, openlines.Active, openlines.Closing, openlines.Closed,
}

func (a *app) printSessions(all []store.LineSession, next string) error {
	if a.json {
		if all == nil {
			all = []store.LineSession{}
		}
		return printJSON(a.out, map[string]any{"items": all, "next_cursor": next})
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(a.out, "There is no such session.")
		return err
	}
	rows := make([][]string, len(all))
	for i, s := range all {
		rows[i] = []string{
			fmt.Sprint(s.ID), string(s.State), number(int64(s.Unread)), moment(s.WaitingSince), number(int64(s.Owner)), offered(s),
			string(s.Line), string(s.Chat), moment(s.StartedAt),
		}
	}
	err := table(a.out, []string{"SESSION", "STATE", "UNREAD", "WAITS SINCE (UTC)", "OWNER", "OFFERED TO", "LINE", "CHAT", "BEGAN (UTC)"}, rows)
	if err != nil || next == "" {
		return err
	}
	_, err = fmt.Fprintf(a.out, "more: --cursor %s\n", next)
	return err
}

func offered(s store.LineSession) string {
	var out []string
	for _, o := range s.Detail.Offers {
		out = append(out, fmt.Sprintf("%d (offer %d)", o.User, o.ID))
	}
	return strings.Join(out, ", ")
}

func (a *app) linesSession(with onPortal) *cobra.Command {
	c := &cobra.Command{Use: "session <number>", Short: "Show one session with its log", Args: named("session", sessionHint)}
	c.RunE = func(c *cobra.Command, args []string) error {
		id, err := strconv.ParseInt(args[0], 10, 64)
		if err != nil {
			return fmt.Errorf("%q is no number of a session: %s", args[0], sessionHint)
		}
		return with(func(ctx context.Context, s *service.Service, portal string) error {
			session, err := s.Store.LineSession(ctx, portal, openlines.SessionID(id))
			if errors.Is(err, store.ErrNotFound) {
				return fmt.Errorf("the portal has no session %d: %s", id, sessionHint)
			}
			if err != nil {
				return err
			}
			records, err := s.Store.SessionRecords(ctx, portal, session.ID)
			if err != nil {
				return err
			}
			return a.printSession(session, records)
		})(c, args)
	}
	return c
}

func (a *app) printSession(session store.LineSession, records []openlines.Record) error {
	if a.json {
		return printJSON(a.out, map[string]any{"session": session, "log": records})
	}
	if err := a.printSessions([]store.LineSession{session}, ""); err != nil {
		return err
	}
	rows := make([][]string, len(records))
	for i, r := range records {
		rows[i] = []string{fmt.Sprint(r.No), moment(r.At), r.Sentence(time.UTC)}
	}
	if _, err := fmt.Fprintln(a.out); err != nil {
		return err
	}
	return table(a.out, []string{"NO", "AT (UTC)", "WHAT HAPPENED"}, rows)
}

func (a *app) linesAct(with onPortal) *cobra.Command {
	var act lines.Act
	var by, to, offer, session int64
	var line string
	var off bool
	c := &cobra.Command{
		Use: "act <session> <action>", Short: "Act on a session for an operator: " + strings.Join(lines.Actions(), ", "), Args: cobra.ExactArgs(2),
		Example: `  puente lines act 17 take --by 301
  puente lines act 17 transfer --by 301 --to 302`,
	}
	c.RunE = func(c *cobra.Command, args []string) (err error) {
		if session, err = strconv.ParseInt(args[0], 10, 64); err != nil {
			return fmt.Errorf("%q is no number of a session: %s", args[0], sessionHint)
		}
		act.Action, act.Session, act.By, act.To = args[1], openlines.SessionID(session), openlines.UserID(by), openlines.UserID(to)
		act.Offer, act.Line, act.Off = openlines.OfferID(offer), openlines.LineID(line), off
		return with(func(ctx context.Context, s *service.Service, portal string) error {
			answer, err := s.Lines.Act(ctx, portal, act)
			if err != nil {
				return a.lineFault(err)
			}
			return a.printAnswer(answer)
		})(c, args)
	}
	c.Flags().Int64Var(&by, "by", 0, "Bitrix24 user who acts")
	c.Flags().Int64Var(&offer, "offer", 0, "the offer that is accepted or declined")
	c.Flags().Int64Var(&to, "to", 0, "Bitrix24 user who gets the session")
	c.Flags().StringVar(&line, "to-line", "", "line that gets the session")
	c.Flags().BoolVar(&off, "off", false, "take pin or silent back")
	c.Flags().StringVar(&act.Key, "idempotency-key", "", "repeating the command with the same key does nothing new")
	return c
}

func (a *app) printAnswer(answer openlines.Answer) error {
	if a.json {
		return printJSON(a.out, answer)
	}
	if !lines.Done(answer.Code) {
		return errors.New(lines.AnswerText(answer.Code))
	}
	_, err := fmt.Fprintf(a.out, "session %d: %s\n", answer.Session, lines.AnswerText(answer.Code))
	return err
}

func (a *app) linesOperators(with onPortal) *cobra.Command {
	c := &cobra.Command{Use: "operators", Short: "List what is known of operators", Args: cobra.NoArgs}
	c.RunE = with(func(ctx context.Context, s *service.Service, portal string) error {
		all, err := s.Store.Operators(ctx, portal)
		if err != nil {
			return err
		}
		return a.printOperators(all)
	})
	return c
}

func (a *app) printOperators(all []store.LineOperator) error {
	if a.json {
		return printJSON(a.out, all)
	}
	rows := make([][]string, len(all))
	for i, o := range all {
		rows[i] = []string{
			fmt.Sprint(o.ID), string(o.Presence), onOff(o.OnLeave), onOff(o.Dismissed), onOff(o.Supervisor),
			strings.Join(o.Skills, ","), moment(o.UpdatedAt),
		}
	}
	return table(a.out, []string{"USER", "PRESENCE", "LEAVE", "DISMISSED", "SUPERVISOR", "SKILLS", "CHANGED (UTC)"}, rows)
}

func (a *app) linesOperator(with onPortal) *cobra.Command {
	var presence string
	var leave, dismissed, supervisor bool
	var skills []string
	c := &cobra.Command{
		Use: "operator <user>", Short: "Say that an operator came, went or has other rights", Args: named("Bitrix24 user", "its id"),
		Example: "  puente lines operator 301 --presence online\n  puente lines operator 302 --leave",
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		user, err := strconv.ParseInt(args[0], 10, 64)
		if err != nil || user <= 0 {
			return fmt.Errorf("%q is no id of a user", args[0])
		}
		if presence != "" && !slices.Contains(presences, presence) {
			return fmt.Errorf("there is no presence %q; there are: %s", presence, strings.Join(presences, ", "))
		}
		change := store.OperatorChange{
			Presence: given(c, "presence", openlines.Presence(presence)), OnLeave: given(c, "leave", leave),
			Dismissed: given(c, "dismissed", dismissed), Supervisor: given(c, "supervisor", supervisor), Skills: given(c, "skills", skills),
		}
		return with(func(ctx context.Context, s *service.Service, portal string) error {
			operator, err := s.Lines.SaveOperator(ctx, portal, openlines.UserID(user), change, currentUser())
			if err != nil {
				return a.lineFault(err)
			}
			return a.printOperators([]store.LineOperator{operator})
		})(c, args)
	}
	c.Flags().StringVar(&presence, "presence", "", strings.Join(presences, ", "))
	c.Flags().BoolVar(&leave, "leave", false, "on leave; --leave=false ends it")
	c.Flags().BoolVar(&dismissed, "dismissed", false, "does not work here any more")
	c.Flags().BoolVar(&supervisor, "supervisor", false, "has access to every line")
	c.Flags().StringSliceVar(&skills, "skills", nil, "skills and languages; replaces all")
	return c
}

// presences are what can be said of somebody's presence.
var presences = []string{
	string(openlines.Offline), string(openlines.Online), string(openlines.DayStarted), string(openlines.DayPaused), string(openlines.DayEnded),
}

// given is the value of a flag that was given.
func given[T any](c *cobra.Command, flag string, value T) *T {
	if !c.Flags().Changed(flag) {
		return nil
	}
	return &value
}
