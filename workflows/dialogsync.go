package workflows

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"puente/dialog"
)

// conversionHeadStart is how long Bitrix24 usually takes to turn a lead into a
// deal; asking earlier costs a request for nothing.
const conversionHeadStart = 2 * time.Second

// maxRefinds bounds how often a sync looks for the client again because what
// it had found vanished before it could write.
const maxRefinds = 10

// maxRefindPause bounds the wait between them.
const maxRefindPause = 30 * time.Second

// SyncResult is how a sync ended.
type SyncResult struct {
	SyncID    string     `json:"sync_id"`
	Status    Status     `json:"status"`
	Reason    string     `json:"reason,omitempty"` // of skipped and abandoned
	ContactID int64      `json:"contact_id,omitempty"`
	Entity    dialog.Ref `json:"entity"`
	DealID    int64      `json:"deal_id,omitempty"` // the deal that a lead became
	Rule      string     `json:"rule,omitempty"`
}

// SyncState answers the query sync-status.
type SyncState struct {
	Status  Status     `json:"status"`
	Failure *Failure   `json:"failure,omitempty"` // why it is parked
	Reruns  int        `json:"reruns"`
	Result  SyncResult `json:"result"`
}

type syncRun struct {
	in         SyncInput
	owner      string // of the client's claims
	attrs      attributes
	story      story
	opened     OpenedSync
	state      SyncState
	correction *dialog.Correction // of the last retry, until it is stored
	abandon    *AbandonSync
	retry      bool

	simplePortal bool // Bitrix24 converts leads by itself
}

// DialogSync brings one closed request cycle into the CRM: it loads the
// dialog, judges the tags, finds or plans the entity, commits the transcript
// and ends in the ledger. A step that cannot go on parks the run: it keeps
// what was done and waits for the update retry-sync or abandon-sync, at most
// 30 days; then it fails and can be started again under the same id.
func DialogSync(ctx workflow.Context, in SyncInput) (SyncResult, error) {
	s := &syncRun{
		in: in, owner: workflow.GetInfo(ctx).WorkflowExecution.ID, attrs: attributes{},
		story: story{title: SyncSummary(in)}, state: SyncState{Status: Open},
	}
	if err := s.handlers(ctx); err != nil {
		return SyncResult{}, err
	}
	for {
		err := s.attempt(ctx)
		if err == nil {
			break
		}
		if again, err := s.park(ctx, err); !again {
			return s.state.Result, err
		}
	}
	return s.state.Result, workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

// attempt runs all steps. Steps that succeeded before are no-ops: the ledger
// knows them. The returned error is what parks the run.
func (s *syncRun) attempt(ctx workflow.Context) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	if s.ended() {
		return nil
	}
	if reason := skipChannel(s.opened); reason != "" {
		return s.finish(ctx, SyncResult{Status: Skipped, Reason: reason})
	}
	loaded, err := s.load(ctx)
	if err != nil {
		return err
	}
	if reason := s.skipDialog(loaded); reason != "" {
		return s.finish(ctx, SyncResult{Status: Skipped, Reason: reason})
	}
	plan, done, err := s.commit(ctx, loaded)
	if err != nil {
		return err
	}
	result := SyncResult{Status: Done, ContactID: done.ContactID, Entity: done.Entity, Rule: plan.Rule}
	s.convert(ctx, done, &result)
	return s.finish(ctx, result)
}

func (s *syncRun) open(ctx workflow.Context) error {
	opened, err := run[OpenedSync](storeStep(ctx, "Open the ledger entry and read the settings"), OpenSyncStep,
		OpenSyncInput{Sync: s.in, Rerun: s.state.Reruns, Correction: s.correction})
	if err != nil {
		return err
	}
	s.opened, s.correction = opened, nil
	s.state.Result.SyncID = opened.SyncID
	if s.ended() {
		s.state.Status, s.state.Result.Status = opened.Status, opened.Status
		return s.show(ctx)
	}
	s.story.add("Settings", settingsWords(opened))
	return s.status(ctx, Syncing)
}

// ended reports whether an earlier run finished this very cycle.
func (s *syncRun) ended() bool {
	return s.opened.Status == Done || s.opened.Status == Abandoned || s.opened.Status == Skipped && s.state.Reruns == 0
}

func (s *syncRun) load(ctx workflow.Context) (LoadedDialog, error) {
	loaded, err := run[LoadedDialog](chatStep(ctx, fmt.Sprintf("Load the transcript of request %d", s.in.RequestID)), LoadDialogStep,
		LoadInput{SyncID: s.opened.SyncID, Version: s.opened.Version, Sync: s.in})
	if err != nil {
		return loaded, err
	}
	s.in.DialogID = cmp.Or(s.in.DialogID, loaded.DialogID)
	if s.in.ChannelID == 0 && loaded.ChannelID != 0 { // a close alone did not tell the channel
		s.in.ChannelID = loaded.ChannelID
		if err := s.open(ctx); err != nil {
			return loaded, err
		}
	}
	s.story.add("Transcript", fmt.Sprintf("%d messages, %d files, from %s", loaded.Messages, loaded.Files, sourceWords(loaded.Source)))
	return loaded, s.show(ctx)
}

// commit finds the client, chooses the entity and writes. It starts over when
// the ground moved in between: another run took the client's keys, or the
// chosen entity was deleted.
func (s *syncRun) commit(ctx workflow.Context, loaded LoadedDialog) (dialog.Plan, Committed, error) {
	for tries := 1; ; tries++ {
		plan, err := s.find(ctx)
		if err != nil {
			return plan, Committed{}, err
		}
		done, err := run[Committed](crmStep(ctx, commitSummary(plan)), CommitDialogStep, CommitInput{
			Portal: s.in.Portal, SyncID: s.opened.SyncID, Owner: s.owner, Version: s.opened.Version, ClientID: s.in.ClientID,
			OperatorID: loaded.OperatorID, Origin: Origin(s.in), Plan: plan, Stage: s.opened.Channel.Stage, Correction: s.opened.Correction,
		})
		if tries < maxRefinds && (errorType(err) == ErrClaimLost || errorType(err) == ErrEntityGone) {
			s.story.add("Find again", failureOf(err).Text)
			if err := pauseBeforeRefind(ctx, tries); err != nil {
				return plan, done, err
			}
			continue
		}
		if err != nil {
			return plan, done, err
		}
		s.story.committed(s.opened.PortalURL, done)
		return plan, done, s.attributes(ctx, done.ContactID, done.Entity)
	}
}

// pauseBeforeRefind gives whoever moved the ground time to finish: a second
// the first time, twice as long each further time. Runs of the first release
// did not pause.
func pauseBeforeRefind(ctx workflow.Context, tries int) error {
	if workflow.GetVersion(ctx, "pause-before-refind", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return nil
	}
	return refindPause(ctx, tries)
}

// refindPause waits before the next try: the first time a second.
func refindPause(ctx workflow.Context, tries int) error {
	pause := min(time.Second<<(tries-1), maxRefindPause)
	return workflow.NewTimerWithOptions(ctx, pause, workflow.TimerOptions{Summary: "Before looking for the client again"}).Get(ctx, nil)
}

func (s *syncRun) find(ctx workflow.Context) (dialog.Plan, error) {
	found, err := run[dialog.Found](crmStep(ctx, "Find the client in the CRM"), FindClientStep, FindInput{
		Portal: s.in.Portal, SyncID: s.opened.SyncID, Owner: s.owner, Version: s.opened.Version,
		Channel: s.opened.Channel, ClientID: s.in.ClientID, Origin: Origin(s.in),
	})
	if err != nil {
		return dialog.Plan{}, err
	}
	s.simplePortal = found.Simple
	plan := dialog.Choose(s.opened.Channel, s.opened.CRM, found, s.correctionOrNone())
	s.story.found(found, plan)
	return plan, s.show(ctx)
}

// convert waits for Bitrix24 to turn a new lead into a deal. If it does not,
// the lead with its transcript stands: that is a result, not a failure.
func (s *syncRun) convert(ctx workflow.Context, done Committed, result *SyncResult) {
	if !done.NewEntity || done.Entity.Kind != dialog.Lead || !s.simplePortal {
		return
	}
	if err := workflow.Sleep(ctx, conversionHeadStart); err != nil {
		return
	}
	step := conversionStep(ctx, fmt.Sprintf("Wait for Bitrix24 to convert lead %d", done.Entity.ID))
	converted, err := run[Converted](step, AwaitConversionStep, ConversionInput{
		Portal: s.in.Portal, SyncID: s.opened.SyncID, Version: s.opened.Version, ClientID: s.in.ClientID,
		Lead: done.Entity, CommentID: done.CommentID,
	})
	if err != nil {
		s.story.add("Conversion", "Bitrix24 has not converted the lead yet: "+failureOf(err).Text)
		return
	}
	result.DealID = converted.DealID
	if converted.ContactID != 0 {
		result.ContactID = converted.ContactID
	}
	s.story.add("Conversion", "Bitrix24 made of it "+card(s.opened.PortalURL, dialog.Ref{Kind: dialog.Deal, ID: converted.DealID}))
	_ = s.attributes(ctx, result.ContactID, dialog.Ref{Kind: dialog.Deal, ID: converted.DealID})
}

func (s *syncRun) finish(ctx workflow.Context, result SyncResult) error {
	result.SyncID = s.opened.SyncID
	_, err := run[bool](storeStep(ctx, "Finish: "+string(result.Status)), FinishSyncStep, FinishInput{
		Portal: s.in.Portal, SyncID: s.opened.SyncID, Owner: s.owner, Sync: s.in, Status: result.Status, Reason: result.Reason,
		ContactID: result.ContactID, Entity: result.Entity, DealID: result.DealID, Rule: result.Rule,
	})
	if err != nil {
		return err
	}
	s.state.Result = result
	if result.Reason != "" {
		s.story.add("Reason", result.Reason)
	}
	return s.status(ctx, result.Status)
}

// park keeps the run with its failure until a person retries or abandons it.
// again is true if the steps are to be run once more.
func (s *syncRun) park(ctx workflow.Context, cause error) (again bool, err error) {
	if temporal.IsCanceledError(cause) {
		return false, cause
	}
	failure := failureOf(cause)
	s.state.Failure = &failure
	s.story.failed(failure)
	_, err = run[bool](storeStep(ctx, "Park: "+oneLine(failure.Text, 200)), ParkSyncStep,
		ParkInput{Portal: s.in.Portal, SyncID: s.opened.SyncID, Owner: s.owner, Failure: failure})
	if err != nil {
		return false, err
	}
	if err := s.status(ctx, Failed); err != nil {
		return false, err
	}
	woken, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout:      parkedFor,
		TimerOptions: workflow.TimerOptions{Summary: "Parked: waits for retry-sync or abandon-sync"},
	}, func() bool { return s.retry || s.abandon != nil })
	switch {
	case err != nil:
		return false, err
	case s.abandon != nil:
		return false, s.giveUp(ctx)
	case !woken:
		return false, temporal.NewNonRetryableApplicationError("parked for 30 days: "+failure.Text, "Parked", cause, failure)
	}
	// Not parked any more from here on: a second retry would run everything twice.
	s.retry, s.state.Failure, s.state.Status = false, nil, Syncing
	return true, nil
}

func (s *syncRun) giveUp(ctx workflow.Context) error {
	s.state.Result.SyncID = s.opened.SyncID
	result := SyncResult{Status: Abandoned, Reason: s.abandon.Reason}
	s.story.add("Abandoned", "by "+s.abandon.Actor)
	if err := s.finish(ctx, result); err != nil {
		return err
	}
	return workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

func (s *syncRun) correctionOrNone() dialog.Correction {
	if s.opened.Correction == nil {
		return dialog.Correction{}
	}
	return *s.opened.Correction
}

// skipDialog judges what was loaded: tags, and whether there is anything to tell.
func (s *syncRun) skipDialog(loaded LoadedDialog) string {
	if reason := skipChannel(s.opened); reason != "" {
		return reason // the channel was learned only now
	}
	if !loaded.Talked {
		return fmt.Sprintf("nothing to transfer: nobody wrote in request %d", s.in.RequestID)
	}
	if s.correctionOrNone().IgnoreTags {
		return ""
	}
	verdict := dialog.Gate(s.opened.Tags, loaded.Tags, loaded.ClientTags)
	if verdict.Pass {
		s.story.add("Tags", verdict.Reason)
		return ""
	}
	return verdict.Reason
}

func skipChannel(opened OpenedSync) string {
	if opened.Channel.Entity == "none" {
		return fmt.Sprintf("channel %d makes no CRM entity (setting crm.channels)", opened.Channel.ID)
	}
	return ""
}

func errorType(err error) string {
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		return app.Type()
	}
	return ""
}

// failureOf is what a failed step is shown with: the outside system's own
// words where it spoke, else those of the error.
func failureOf(err error) Failure {
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		var f Failure
		if app.HasDetails() && app.Details(&f) == nil && f.Text != "" {
			return f
		}
		return Failure{Code: app.Type(), Text: app.Message()}
	}
	return Failure{Text: err.Error()}
}

func (s *syncRun) status(ctx workflow.Context, status Status) error {
	s.state.Status = status
	return s.show(ctx)
}

func (s *syncRun) show(ctx workflow.Context) error {
	workflow.SetCurrentDetails(ctx, s.story.markdown(s.state.Status))
	return s.attrs.set(ctx, keyword{StatusKey, string(s.state.Status)}, idKeyword(ChannelKey, s.in.ChannelID))
}

func (s *syncRun) attributes(ctx workflow.Context, contact int64, entity dialog.Ref) error {
	workflow.SetCurrentDetails(ctx, s.story.markdown(s.state.Status))
	return s.attrs.set(ctx, idKeyword(ContactKey, contact), entityKeyword(entity))
}
