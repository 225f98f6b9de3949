package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"puente/openlines"
)

type lineSession struct {
	in      LineSessionInput
	state   LineSessionState
	signals workflow.ReceiveChannel
	lanes   []*lane
	leaves  bool // the run is about to continue as new: nothing more is begun
	attrs   attributes
}

const (
	// sessionLingers is how long a closed session with nothing left to do stays:
	// a vote may follow. A later command starts the next run under the same id.
	sessionLingers = time.Minute
	// sessionLeaves is how long a run that continues as new waits for what is
	// under way. Then that is stopped, and begun again by the next run.
	sessionLeaves = time.Minute
	// maxSessionStory bounds the sentences that a session shows.
	maxSessionStory = 60
)

// LineSession carries out what the desk orders for one session, in order: what
// the channel gets in one lane, what people are told in another, the CRM in a
// third, so that a CRM that is down holds no text up. What comes of it goes back
// to the desk. It decides nothing; it is what people look at. It ends when the
// session is closed and nothing is left to do; a later command starts the next
// run under the same id.
func LineSession(ctx workflow.Context, in LineSessionInput) error {
	s := &lineSession{in: in, attrs: attributes{}}
	s.signals = workflow.GetSignalChannelWithOptions(ctx, SignalLineCommands, workflow.SignalChannelOptions{
		Description: "What the desk orders for this session, and what its log tells: ids only",
	})
	if in.State != nil {
		s.state = *in.State
	}
	err := workflow.SetQueryHandlerWithOptions(ctx, QueryLineSession, func() (LineSessionState, error) { return s.state, nil },
		workflow.QueryHandlerOptions{Description: "What is still to be done for the session"})
	if err != nil {
		return err
	}
	s.lanes = []*lane{{work: &s.state.Chat, do: s.chat}, {work: &s.state.People, do: s.people}, {work: &s.state.CRM, do: s.crm}}
	for _, l := range s.lanes {
		workflow.Go(ctx, func(ctx workflow.Context) { s.follow(ctx, l) })
	}
	return s.run(ctx)
}

func (s *lineSession) run(ctx workflow.Context) error {
	for {
		if err := s.drain(ctx); err != nil {
			return err
		}
		suggested := func() bool { return workflow.GetInfo(ctx).GetContinueAsNewSuggested() }
		come := func() bool { return s.signals.Len() > 0 || suggested() }
		switch {
		case suggested():
			return s.continueAsNew(ctx)
		case s.over():
			woken, err := workflow.AwaitWithTimeout(ctx, sessionLingers, come)
			if err != nil || !woken {
				return err
			}
		default:
			if err := workflow.Await(ctx, func() bool { return come() || s.over() }); err != nil {
				return err
			}
		}
	}
}

// over tells whether the session is closed and nothing is left to do.
func (s *lineSession) over() bool {
	return s.state.Ended && !slices.ContainsFunc(s.lanes, func(l *lane) bool { return len(*l.work) > 0 })
}

// busy tells whether anything is under way.
func (s *lineSession) busy() bool {
	return slices.ContainsFunc(s.lanes, func(l *lane) bool { return l.stop != nil })
}

// drain takes all commands that have come, each once, and puts them into their
// lanes.
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
		s.enqueue(c)
	}
	if fresh {
		s.tell(in.Story...)
		s.state.State = in.State
	}
	s.state.Ended = s.state.Ended || in.Ended
}

// enqueue puts a command into the lanes of those who have to do with it.
func (s *lineSession) enqueue(c LineCommand) {
	switch kind := c.Command.Kind; {
	case forCRM(kind):
		s.state.CRM = enqueueCRM(s.state.CRM, c)
	case kind == openlines.DoNotify:
		s.state.People = append(s.state.People, c)
	case kind == openlines.DoOffer:
		s.state.Chat, s.state.People = append(s.state.Chat, c), append(s.state.People, c)
	case kind == openlines.DoWithdraw:
		s.state.Chat, s.state.People = append(s.state.Chat, c), withoutOffer(s.state.People, c.Command)
	default:
		s.state.Chat = append(s.state.Chat, c)
	}
}

// withoutOffer forgets to tell somebody of an offer that is not his any more,
// unless that has begun: after an outage nobody gets a pile of old news.
func withoutOffer(work []LineCommand, withdrawn openlines.Command) []LineCommand {
	if len(work) == 0 {
		return work
	}
	return append(work[:1], slices.DeleteFunc(work[1:], func(c LineCommand) bool {
		return c.Command.Kind == openlines.DoOffer && c.Command.Offer == withdrawn.Offer && c.Command.User == withdrawn.User
	})...)
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

// lane is work that is done one after another. The first of it may be under way.
type lane struct {
	work *[]LineCommand
	do   func(workflow.Context, LineCommand) error
	stop workflow.CancelFunc // of what is under way
}

// follow does the work of a lane.
func (s *lineSession) follow(ctx workflow.Context, l *lane) {
	for {
		if err := workflow.Await(ctx, func() bool { return len(*l.work) > 0 && !s.leaves }); err != nil {
			return
		}
		one, stop := workflow.WithCancel(ctx)
		l.stop = stop
		err := l.do(one, (*l.work)[0])
		stop()
		l.stop = nil
		if stopped := temporal.IsCanceledError(err) && s.leaves; !stopped {
			*l.work = (*l.work)[1:]
			if s.show(ctx) != nil { // it is done now
				return
			}
		}
	}
}

// chat does what the client and the channel get.
func (s *lineSession) chat(ctx workflow.Context, c LineCommand) error {
	summary := strings.ReplaceAll(string(c.Command.Kind), "_", " ")
	if c.Command.Kind == openlines.DoOffer {
		summary = fmt.Sprintf("Offer %d to user %d in the channel", c.Command.Offer, c.Command.User)
	}
	return s.do(ctx, lineChatStep(ctx, summary), LineChatStep, c)
}

// people does what people are told.
func (s *lineSession) people(ctx workflow.Context, c LineCommand) error {
	summary := "Notify: " + c.Command.Reason
	if c.Command.Kind == openlines.DoOffer {
		summary = fmt.Sprintf("Tell user %d of offer %d", c.Command.User, c.Command.Offer)
	}
	return s.do(ctx, noticeStep(ctx, summary), LineNotifyStep, c)
}

// crm does what the CRM gets.
func (s *lineSession) crm(ctx workflow.Context, c LineCommand) error {
	return s.do(ctx, lineCRMStep(ctx, "CRM: "+strings.ReplaceAll(string(c.Command.Kind), "_", " ")), LineCRMStep, c)
}

// do carries one command out and tells the desk what came of it. What fails for
// good is told to people and to the desk; nothing else waits for it. The error
// says that it was stopped.
func (s *lineSession) do(ctx, options workflow.Context, name string, c LineCommand) error {
	done, err := run[LineCommandDone](untilItStops(options), name, LineCommandInput{Portal: s.in.Portal, Seq: c.Seq, Command: c.Command})
	if temporal.IsCanceledError(err) {
		return err
	}
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
	return s.show(ctx)
}

// untilItStops makes a cancelled step last until it has really stopped, so that
// the next run does not do the same at the same time.
func untilItStops(ctx workflow.Context) workflow.Context {
	return workflow.WithWaitForCancellation(ctx, true)
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

// report tells the desk, also of what was done just before it should stop. A desk
// that does not run has forgotten the session: it is tried a few times only.
func (s *lineSession) report(ctx workflow.Context, events []openlines.Event) {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
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
	b.WriteString(s.left())
	workflow.SetCurrentDetails(ctx, clip(b.String(), maxDetails))
	status := Open
	if s.state.Ended {
		status = Done
	}
	return s.attrs.set(ctx, keyword{StatusKey, string(status)})
}

// left tells what is still to be done, the oldest of it first. What is tried again
// and again, while an account does not answer, says so as a pending activity.
func (s *lineSession) left() string {
	var b strings.Builder
	for _, part := range []struct {
		where string
		work  []LineCommand
	}{{"in the channel", s.state.Chat}, {"for people", s.state.People}, {"in the CRM", s.state.CRM}} {
		if len(part.work) > 0 {
			fmt.Fprintf(&b, "\nStill to be done %s: %d, first %s\n", part.where, len(part.work), part.work[0].Command.Kind)
		}
	}
	return b.String()
}

// continueAsNew lets what is under way come to its end, or stops it; what is left
// comes along.
func (s *lineSession) continueAsNew(ctx workflow.Context) error {
	s.leaves = true
	if s.busy() {
		if err := s.stop(ctx); err != nil {
			return err
		}
	}
	if err := s.drain(ctx); err != nil {
		return err
	}
	next := s.in
	next.State = &s.state
	return workflow.NewContinueAsNewError(ctx, LineSessionWorkflow, next)
}

// stop waits for what is under way, but not for ever.
func (s *lineSession) stop(ctx workflow.Context) error {
	idle := func() bool { return !s.busy() }
	done, err := workflow.AwaitWithTimeout(ctx, sessionLeaves, idle)
	if err != nil || done {
		return err
	}
	for _, l := range s.lanes {
		if l.stop != nil {
			l.stop()
		}
	}
	return workflow.Await(ctx, idle)
}
