package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"puente/openlines"
)

type lineSession struct {
	in      LineSessionInput
	state   LineSessionState
	signals workflow.ReceiveChannel
	busy    int // lanes at work
	attrs   attributes
}

const (
	// sessionLingers is how long a closed session with nothing left to do stays:
	// a vote may follow. A later command starts the next run under the same id.
	sessionLingers = time.Minute
	// maxSessionStory bounds the sentences that a session shows.
	maxSessionStory = 60
)

// LineSession carries out what the desk orders for one session, in order: offers
// and texts into the channel and to people in one lane, the CRM in another, so
// that a CRM that is down holds nobody up. What comes of it goes back to the
// desk. It decides nothing; it is what people look at.
func LineSession(ctx workflow.Context, in LineSessionInput) error {
	s := &lineSession{in: in, signals: workflow.GetSignalChannel(ctx, SignalLineCommands), attrs: attributes{}}
	if in.State != nil {
		s.state = *in.State
	}
	err := workflow.SetQueryHandlerWithOptions(ctx, QueryLineSession, func() (LineSessionState, error) { return s.state, nil },
		workflow.QueryHandlerOptions{Description: "What is still to be done for the session"})
	if err != nil {
		return err
	}
	workflow.Go(ctx, func(ctx workflow.Context) { s.lane(ctx, &s.state.Chat, s.chat) })
	workflow.Go(ctx, func(ctx workflow.Context) { s.lane(ctx, &s.state.CRM, s.crm) })
	return s.run(ctx)
}

func (s *lineSession) run(ctx workflow.Context) error {
	for {
		if err := s.drain(ctx); err != nil {
			return err
		}
		if s.idle() && workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return s.continueAsNew(ctx)
		}
		come := func() bool { return s.signals.Len() > 0 }
		if !s.state.Ended || !s.idle() {
			// While work is left, its end has to be looked at as well.
			if err := workflow.Await(ctx, func() bool { return come() || s.idle() && s.leaving(ctx) }); err != nil {
				return err
			}
			continue
		}
		woken, err := workflow.AwaitWithTimeout(ctx, sessionLingers, come)
		if err != nil || !woken {
			return err
		}
	}
}

// leaving tells that an idle session has a reason to look up: it has ended, or
// should continue as new.
func (s *lineSession) leaving(ctx workflow.Context) bool {
	return s.state.Ended || workflow.GetInfo(ctx).GetContinueAsNewSuggested()
}

func (s *lineSession) idle() bool {
	return s.busy == 0 && len(s.state.Chat) == 0 && len(s.state.CRM) == 0
}

// drain takes new commands, each once, and puts them into their lanes.
func (s *lineSession) drain(ctx workflow.Context) error {
	var in LineCommands
	for s.signals.ReceiveAsync(&in) {
		s.take(in)
		in = LineCommands{}
	}
	return s.show(ctx)
}

func (s *lineSession) take(in LineCommands) {
	fresh := len(in.Commands) == 0
	for _, c := range in.Commands {
		if c.Seq <= s.state.LastSeq {
			continue
		}
		s.state.LastSeq, fresh = c.Seq, true
		if forCRM(c.Command.Kind) {
			s.state.CRM = enqueueCRM(s.state.CRM, c)
		} else {
			s.state.Chat = append(s.state.Chat, c)
		}
	}
	if fresh {
		s.tell(in.Story...)
		s.state.State = in.State
	}
	s.state.Ended = s.state.Ended || in.Ended
}

func forCRM(kind openlines.CommandKind) bool {
	switch kind {
	case openlines.DoLookup, openlines.DoCreateLead, openlines.DoResponsible, openlines.DoWriteMark:
		return true
	}
	return false
}

// enqueueCRM lets a newer mark take the place of one that nobody has begun to
// write: intermediate states may be skipped (openlines reference §8).
func enqueueCRM(lane []LineCommand, c LineCommand) []LineCommand {
	if n := len(lane); n > 1 && c.Command.Kind == openlines.DoWriteMark && lane[n-1].Command.Kind == openlines.DoWriteMark {
		lane[n-1] = c
		return lane
	}
	return append(lane, c)
}

// lane does the commands of one lane, one after another.
func (s *lineSession) lane(ctx workflow.Context, queue *[]LineCommand, do func(workflow.Context, LineCommand)) {
	for {
		if err := workflow.Await(ctx, func() bool { return len(*queue) > 0 }); err != nil {
			return
		}
		s.busy++
		do(ctx, (*queue)[0])
		*queue = (*queue)[1:]
		s.busy--
	}
}

// chat does what the client, the channel and people get.
func (s *lineSession) chat(ctx workflow.Context, c LineCommand) {
	switch c.Command.Kind {
	case openlines.DoNotify:
		s.do(ctx, noticeStep(ctx, "Notify: "+c.Command.Reason), LineNotifyStep, c)
	case openlines.DoOffer:
		s.do(ctx, lineChatStep(ctx, fmt.Sprintf("Offer %d to user %d in the channel", c.Command.Offer, c.Command.User)), LineChatStep, c)
		s.do(ctx, noticeStep(ctx, fmt.Sprintf("Tell user %d of offer %d", c.Command.User, c.Command.Offer)), LineNotifyStep, c)
	default:
		s.do(ctx, lineChatStep(ctx, strings.ReplaceAll(string(c.Command.Kind), "_", " ")), LineChatStep, c)
	}
}

// crm does what the CRM gets.
func (s *lineSession) crm(ctx workflow.Context, c LineCommand) {
	s.do(ctx, crmStep(ctx, "CRM: "+strings.ReplaceAll(string(c.Command.Kind), "_", " ")), LineCRMStep, c)
}

// do carries one command out and tells the desk what came of it. What fails for
// good is told to people and to the desk; nothing else waits for it.
func (s *lineSession) do(ctx, options workflow.Context, name string, c LineCommand) {
	done, err := run[LineCommandDone](options, name, LineCommandInput{Portal: s.in.Portal, Seq: c.Seq, Command: c.Command})
	if err != nil {
		s.tell(fmt.Sprintf("⚠ %s failed: %s", c.Command.Kind, failureOf(err).Text))
		done.Events = append(done.Events, failed(ctx, c)...)
	}
	if done.Note != "" {
		s.tell(done.Note)
	}
	if len(done.Events) > 0 {
		s.report(ctx, done.Events)
	}
	_ = s.show(ctx)
}

// failed are the events by which the desk learns that a command failed for good.
func failed(ctx workflow.Context, c LineCommand) []openlines.Event {
	event := openlines.Event{ID: fmt.Sprintf("failed-%d", c.Seq), At: workflow.Now(ctx), Session: c.Command.Session}
	switch c.Command.Kind {
	case openlines.DoSendText:
		event.Kind, event.Text, event.Reason = openlines.TextRefused, c.Command.Text, "error"
	case openlines.DoLookup:
		event.Kind, event.CRM = openlines.LookupDone, &openlines.CRMFacts{Result: openlines.LookupUnknown}
	default:
		return nil
	}
	return []openlines.Event{event}
}

// report tells the desk. If its run has ended, the next event starts it again:
// then the report is sent once more by a retry of this signal.
func (s *lineSession) report(ctx workflow.Context, events []openlines.Event) {
	err := workflow.SignalExternalWorkflow(ctx, LineQueueID(s.in.Portal), "", SignalLineEvents, events).Get(ctx, nil)
	for tries := 1; err != nil && tries <= 5; tries++ {
		if workflow.Sleep(ctx, time.Duration(tries)*time.Second) != nil {
			return
		}
		err = workflow.SignalExternalWorkflow(ctx, LineQueueID(s.in.Portal), "", SignalLineEvents, events).Get(ctx, nil)
	}
	if err != nil {
		s.tell("⚠ the desk could not be told: " + err.Error())
	}
}

func (s *lineSession) tell(lines ...string) {
	for _, line := range lines {
		s.state.Lines = append(s.state.Lines, oneLine(line, 500))
	}
	s.state.Lines = last(s.state.Lines, maxSessionStory)
}

func (s *lineSession) show(ctx workflow.Context) error {
	var b strings.Builder
	fmt.Fprintf(&b, "### Session %d\n\nState: **%s**\n\n", s.in.Session, s.state.State)
	for _, line := range s.state.Lines {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	workflow.SetCurrentDetails(ctx, clip(b.String(), maxDetails))
	status := Open
	if s.state.Ended {
		status = Done
	}
	return s.attrs.set(ctx, keyword{StatusKey, string(status)})
}

// continueAsNew is taken while nothing is under way.
func (s *lineSession) continueAsNew(ctx workflow.Context) error {
	if err := s.drain(ctx); err != nil {
		return err
	}
	next := s.in
	next.State = &s.state
	return workflow.NewContinueAsNewError(ctx, LineSessionWorkflow, next)
}
