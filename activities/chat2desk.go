package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"puente/chat2desk"
	"puente/dialog"
	"puente/portals"
	"puente/store"
	"puente/workflows"
)

// Chat2Desk holds the steps that ask Chat2Desk.
type Chat2Desk struct {
	Store   *store.Store
	Portals *portals.Registry
}

// LearnRequest finds out which request of a dialog a close without a request
// id was about: the last one in which people talked. The dialog's own
// last_request_id may be the quality poll that follows each close (chat2desk
// reference §1.1, §3.3).
func (a *Chat2Desk) LearnRequest(ctx context.Context, in workflows.LearnRequestInput) (workflows.LearnedRequest, error) {
	out := workflows.LearnedRequest{DialogID: in.DialogID, ChannelID: in.ChannelID}
	api, err := a.Portals.Chat2Desk(ctx, in.Portal)
	if err != nil {
		return out, classify(ctx, "", err)
	}
	if out.DialogID == 0 {
		out.DialogID, err = newestDialog(ctx, api, in.ClientID)
		if err != nil || out.DialogID == 0 {
			return out, ignoreNotFound(ctx, err)
		}
	}
	d, err := api.Dialog(ctx, out.DialogID)
	if err != nil {
		return out, ignoreNotFound(ctx, err)
	}
	out.ChannelID = cmp.Or(d.ChannelID, out.ChannelID)
	out.RequestID, err = lastTalk(ctx, api, d)
	return out, ignoreNotFound(ctx, err)
}

// lastTalk is the newest request of a dialog in which a person wrote, 0 if
// there is none.
func lastTalk(ctx context.Context, api *chat2desk.API, d chat2desk.Dialog) (int64, error) {
	if d.LastRequestID != 0 {
		messages, err := api.RequestMessages(ctx, d.LastRequestID)
		if err == nil && newestTalk(messages) != 0 {
			return d.LastRequestID, nil
		}
	}
	messages, err := api.DialogMessages(ctx, d.ID, 0)
	if errors.Is(err, chat2desk.ErrIncomplete) {
		err = nil // the newest come first
	}
	return newestTalk(messages), err
}

// newestTalk is the request of the last message that a person wrote.
func newestTalk(messages []chat2desk.Message) int64 {
	for _, m := range slices.Backward(messages) {
		if talk(m) && m.RequestID != 0 {
			return m.RequestID
		}
	}
	return 0
}

// talk reports whether a person wrote a message: the client or an operator.
func talk(m chat2desk.Message) bool {
	return m.Type == chat2desk.TypeFromClient || m.Type == chat2desk.TypeToClient
}

func newestDialog(ctx context.Context, api *chat2desk.API, client int64) (int64, error) {
	dialogs, err := api.ClientDialogs(ctx, client)
	newest := int64(0)
	for _, d := range dialogs {
		newest = max(newest, d.ID)
	}
	return newest, err
}

// ignoreNotFound makes "unknown there" an empty answer.
func ignoreNotFound(ctx context.Context, err error) error {
	if chat2desk.KindOf(err) == chat2desk.KindNotFound {
		return nil
	}
	return classify(ctx, "", err)
}

// LoadDialog takes the snapshot of a closed cycle and stores it: the messages
// from Chat2Desk, completed by what the webhooks brought, or from the webhooks
// alone if Chat2Desk cannot give them; the client with tags and custom fields;
// web analytics. Texts and names stay in the store, only counts and ids are
// returned. It may run again: the snapshot is replaced.
func (a *Chat2Desk) LoadDialog(ctx context.Context, in workflows.LoadInput) (workflows.LoadedDialog, error) {
	l := &loader{store: a.Store, in: in.Sync, attempt: attempt(ctx)}
	out, err := a.load(ctx, l, in)
	return out, classify(ctx, "load", err, l.secrets()...)
}

func (a *Chat2Desk) load(ctx context.Context, l *loader, in workflows.LoadInput) (workflows.LoadedDialog, error) {
	var err error
	if l.settings, err = a.Store.SettingsVersion(ctx, in.Sync.Portal, in.Version); err != nil {
		return workflows.LoadedDialog{}, err
	}
	if l.api, err = a.Portals.Chat2Desk(ctx, in.Sync.Portal); err != nil {
		return workflows.LoadedDialog{}, err
	}
	snapshot, err := l.load(ctx)
	if err != nil {
		return workflows.LoadedDialog{}, err
	}
	if err := a.Store.SaveSnapshot(ctx, in.Sync.Portal, in.SyncID, snapshot); err != nil {
		return workflows.LoadedDialog{}, err
	}
	out := l.loaded(snapshot)
	votes, err := onlyVotes(ctx, a.Store, in.Sync.Portal, snapshot)
	if err != nil {
		return out, err
	}
	out.Talked = out.Talked && !votes
	return out, a.Store.SaveStep(ctx, store.Step{
		SyncID: in.SyncID, Name: "load", Status: store.StepDone,
		Detail: fmt.Sprintf("%d messages from %s", len(snapshot.Messages), snapshot.Source),
	})
}

// loaded reduces a snapshot to what the workflow decides by.
func (l *loader) loaded(s dialog.Snapshot) workflows.LoadedDialog {
	out := workflows.LoadedDialog{
		DialogID: s.DialogID, ChannelID: s.ChannelID, OperatorID: s.OperatorID,
		Tags: s.RequestTags, ClientTags: union(s.Client.TagIDs, l.in.ClientTags), Messages: len(s.Messages), Source: s.Source,
	}
	for _, m := range s.Messages {
		out.Files += len(m.Files)
		out.Talked = out.Talked || m.Author == dialog.AuthorClient || m.Author == dialog.AuthorOperator
	}
	return out
}

func union(a, b []int64) []int64 {
	both := slices.Concat(a, b)
	slices.Sort(both)
	return slices.Compact(both)
}
