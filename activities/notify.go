package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"puente/bitrix24"
	"puente/store"
	"puente/workflows"
)

// notifyClient is the CLIENT_ID that makes TAG work with a webhook (bitrix24
// reference §6.2).
const notifyClient = "puente"

// notifyMethod sends a notification without an author.
const notifyMethod = "im.notify.system.add"

// Notify sends the notifications of a dialog (A9), each at most once per
// message and recipient: the store remembers what was sent, and the TAG makes
// a repetition after a lost answer replace the first. What the portal refuses
// for good is reported, not retried: a dialog must not wait for it.
func (a *Bitrix24) Notify(ctx context.Context, in workflows.NotifyInput) (workflows.Notified, error) {
	out, err := a.notify(ctx, in)
	return out, classify(ctx, "", err)
}

func (a *Bitrix24) notify(ctx context.Context, in workflows.NotifyInput) (workflows.Notified, error) {
	n := &notifier{visit: a.visit(in.Portal, ""), in: in}
	messages, err := n.messages(ctx, a.Portals)
	if err != nil || len(messages) == 0 { // also for a portal that wants none and has no CRM
		return workflows.Notified{}, err
	}
	if n.gateway, err = a.Portals.Gateway(ctx, in.Portal); err != nil {
		return workflows.Notified{}, err
	}
	for part := range slices.Chunk(messages, bitrix24.MaxBatch) {
		if err := n.send(ctx, part); err != nil {
			return n.out, err
		}
	}
	return n.out, nil
}

// send sends one batch. Of what failed, the first error that is worth a retry
// is returned: then only that is sent again.
func (n *notifier) send(ctx context.Context, part []message) error {
	var commands []bitrix24.Command
	for i, m := range part {
		commands = append(commands, bitrix24.Command{Key: "n" + strconv.Itoa(i), Method: notifyMethod, Params: bitrix24.Params{
			"USER_ID": m.user, "MESSAGE": bitrix24.Literal(m.text), "TAG": "puente|" + m.key, "CLIENT_ID": notifyClient,
		}})
	}
	res, err := n.batch(ctx, false, commands...)
	if err != nil {
		return err
	}
	ctx, cancel := kept(ctx)
	defer cancel()
	var retry error
	for i, m := range part {
		retry = errors.Join(retry, n.sent(ctx, m, res[commands[i].Key]))
	}
	return retry
}

// sent notes what became of one notification.
func (n *notifier) sent(ctx context.Context, m message, r bitrix24.Result) error {
	switch {
	case r.Err != nil && !named(crmVerdicts[bitrix24.KindOf(r.Err)]).final:
		return r.Err
	case r.Err != nil:
		n.out.Problems = append(n.out.Problems, fmt.Sprintf("user %d: %s", m.user, mask(r.Err.Error(), []string{m.client})))
		return nil
	}
	var id bitrix24.ID
	if r.Decode(&id) != nil || id == 0 { // false instead of an id
		n.out.Problems = append(n.out.Problems, fmt.Sprintf("user %d: the portal has no such user, or takes no notifications for them", m.user))
		return nil
	}
	n.out.Sent++
	return n.store.MarkSent(ctx, n.portal, m.key, id.String())
}

// unsent leaves out what was sent before.
func (n *notifier) unsent(ctx context.Context, all []message) ([]message, error) {
	keys := make([]string, 0, len(all))
	for _, m := range all {
		keys = append(keys, m.key)
	}
	sent, err := n.store.WasSent(ctx, n.portal, keys)
	return slices.DeleteFunc(all, func(m message) bool { return sent[m.key] }), err
}

// dialogRow is what is known of the dialog; nothing is known of a new one.
func (n *notifier) dialogRow(ctx context.Context) (store.DialogRow, error) {
	row, err := n.store.Dialog(ctx, n.portal, n.in.ClientID, n.in.ChannelID)
	if errors.Is(err, store.ErrNotFound) {
		return store.DialogRow{}, nil
	}
	return row, err
}
