package dispatch

import (
	"context"
	"errors"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"puente/chat2desk"
	"puente/openlines"
	"puente/settings"
	"puente/store"
	"puente/workflows"
)

// tellLines tells the desk of the open lines what rows of one client mean for
// them, in their order. The dialogs get every event as well: open lines take
// nothing away from them (product A12). A row that is delivered again brings the
// same event ids, which the desk knows.
func (d *Dispatcher) tellLines(ctx context.Context, rows []delivery) error {
	var events []openlines.Event
	for _, each := range rows {
		some, err := d.lineEvents(ctx, each)
		if err != nil {
			return err
		}
		events = append(events, some...)
	}
	if len(events) == 0 {
		return nil
	}
	return d.signalDesk(ctx, rows[0].row.Portal, events)
}

// signalDesk hands events to the LineQueue of a portal, starting it if it does
// not run.
func (d *Dispatcher) signalDesk(ctx context.Context, portal string, events []openlines.Event) error {
	ctx, cancel := context.WithTimeout(ctx, signalLimit)
	defer cancel()
	id := workflows.LineQueueID(portal)
	_, err := d.temporal.SignalWithStartWorkflow(ctx, id, workflows.SignalLineEvents, events, client.StartWorkflowOptions{
		TaskQueue:             workflows.DialogsQueue,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		StaticSummary:         "Open lines of " + portal,
		TypedSearchAttributes: workflows.LineQueueAttributes(portal),
	}, workflows.LineQueueWorkflow, workflows.LineQueueInput{Portal: portal})
	return err
}

// lineEvents is what one row means for open lines; nothing if its channel
// belongs to none.
func (d *Dispatcher) lineEvents(ctx context.Context, each delivery) ([]openlines.Event, error) {
	view, err := d.views.of(ctx, each)
	if err != nil || len(view.lines) == 0 {
		return nil, err
	}
	if each.row.Source == store.SourceBitrix24 {
		return d.crmEvents(ctx, each.row)
	}
	l := lineRow{dispatcher: d, delivery: each, view: view}
	switch each.hook.HookType {
	case chat2desk.HookInbox, chat2desk.HookOutbox, chat2desk.HookImported, chat2desk.HookComment:
		return l.message(ctx)
	case chat2desk.HookTransferred:
		return l.assigned(ctx)
	case chat2desk.HookCloseDialog, chat2desk.HookCloseRequest:
		return l.closed(ctx)
	case chat2desk.HookBlacklisted, chat2desk.HookClientUpdated:
		return l.client(ctx)
	case chat2desk.HookOutboxStatus:
		return l.undelivered(ctx)
	case chat2desk.HookOperator:
		return l.operator(ctx)
	}
	return nil, nil
}

// lineRow is one row that may concern an open line.
type lineRow struct {
	delivery
	dispatcher *Dispatcher
	view       lineView
}

// line is the one that the row's channel belongs to.
func (l lineRow) line(channel int64) (openlines.Settings, bool) {
	line, found := l.view.lines[channel]
	return line, found && channel != 0
}

func (l lineRow) chat() openlines.ChatID {
	return workflows.LineChatID(l.event.ClientID, l.event.ChannelID)
}

// event is an event of this row; part tells several of one row apart.
func (l lineRow) lineEvent(kind openlines.EventKind, part string) openlines.Event {
	id := l.row.Key
	if part != "" {
		id += "|" + part
	}
	return openlines.Event{ID: id, Kind: kind, At: l.row.ReceivedAt}
}

// at is when it happened, by the clock of Chat2Desk where it tells.
func (l lineRow) at() time.Time {
	if l.hook.Time.IsZero() {
		return l.row.ReceivedAt
	}
	return l.hook.Time
}

// user is the Bitrix24 user of an operator. One who is not mapped counts as the
// fallback user, and the log says so: his chats would be somebody else's.
func (l lineRow) user(ctx context.Context, operator int64) (user openlines.UserID, mapped bool) {
	id, mapped := l.view.conf.UserFor(operator)
	if !mapped && operator != 0 {
		l.dispatcher.log.WarnContext(ctx, "An operator of an open line is mapped to no Bitrix24 user (setting operators.users)",
			"portal", l.row.Portal, "operator", operator, "counts_as_user", id)
	}
	return openlines.UserID(id), mapped
}

// ours reports whether Puente itself has just done what a webhook tells of: the
// write was announced before it was made, the times agree, and no other webhook
// of this kind told of it: the next one tells of what a person did.
func (l lineRow) ours(ctx context.Context, key string) (bool, error) {
	for {
		w, found, err := l.dispatcher.store.LineWrite(ctx, l.row.Portal, key)
		if err != nil || !found {
			return false, err
		}
		if late := l.at().Sub(w.UpdatedAt); late <= -clockSlack || late >= chat2desk.DefaultTimeout+clockSlack {
			return false, nil
		}
		first, changed, err := l.dispatcher.store.ToldOfLineWrite(ctx, w, l.hook.HookType, l.row.Key)
		if err != nil || !changed {
			return first, err
		}
	}
}

// clockSlack is how much the clocks of Chat2Desk and of this machine may differ.
const clockSlack = 30 * time.Second

// lineView is what a portal's settings say of its open lines.
type lineView struct {
	conf  settings.Settings
	lines map[int64]openlines.Settings // by channel
	read  time.Time
}

// viewAge is how old a view of a channel's line may be: settings of lines change
// rarely, and each message of a chatty client must not read them all.
const viewAge = 2 * time.Second

// serves tells whether a view may still be used for a row. That a channel belongs
// to no line has to be known from after the row came: its line may just have been
// saved, and what is taken for nobody's is lost to the line.
func (v lineView) serves(each delivery) bool {
	_, found := v.lines[each.event.ChannelID]
	return v.read.After(each.row.ReceivedAt) || found && time.Since(v.read) < viewAge
}

// lineViews keeps the views of all portals.
type lineViews struct {
	store *store.Store
	mu    sync.Mutex
	known map[string]lineView
}

func newLineViews(s *store.Store) *lineViews {
	return &lineViews{store: s, known: map[string]lineView{}}
}

func (v *lineViews) of(ctx context.Context, each delivery) (lineView, error) {
	portal := each.row.Portal
	v.mu.Lock()
	view, known := v.known[portal]
	v.mu.Unlock()
	if known && view.serves(each) {
		return view, nil
	}
	view, err := v.load(ctx, portal)
	if err != nil {
		return view, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.known[portal] = view
	return view, nil
}

func (v *lineViews) load(ctx context.Context, portal string) (lineView, error) {
	view := lineView{lines: map[int64]openlines.Settings{}, read: time.Now()}
	lines, err := v.store.Lines(ctx, portal)
	if err != nil || len(lines) == 0 {
		return view, err
	}
	for _, line := range lines {
		for _, channel := range line.Settings.Channels {
			view.lines[channel] = line.Settings
		}
	}
	view.conf, _, err = v.store.Settings(ctx, portal)
	if errors.Is(err, store.ErrNotFound) { // it maps nobody yet, and must not hold its dialogs up
		return view, nil
	}
	return view, err
}
