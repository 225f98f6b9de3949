package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"puente/chat2desk"
	"puente/openlines"
	"puente/settings"
	"puente/store"
	"puente/workflows"
)

// LineChat carries one command of an open line out in Chat2Desk: it assigns and
// closes the dialog, and sends automatic texts. It may run again: an assignment
// is repeated without harm, a text goes out once per Key. What Chat2Desk cannot
// do is told as a note, not as an error: the session goes on.
func (a *Chat2Desk) LineChat(ctx context.Context, in workflows.LineCommandInput) (workflows.LineCommandDone, error) {
	c := &lineChat{store: a.Store, in: in, command: in.Command}
	done, err := c.run(ctx, a)
	return done, classify(ctx, "", err)
}

// lineChat is one command at work in the channel.
type lineChat struct {
	store   *store.Store
	api     *chat2desk.API
	in      workflows.LineCommandInput
	command openlines.Command
	conf    settings.Settings
	client  int64
	channel int64
}

func (c *lineChat) run(ctx context.Context, a *Chat2Desk) (done workflows.LineCommandDone, err error) {
	if c.client, c.channel, err = workflows.ParseLineChat(c.command.Chat); err != nil {
		return done, final("", errInvalid, err.Error())
	}
	if c.conf, _, err = c.store.Settings(ctx, c.in.Portal); err != nil {
		return done, err
	}
	if c.api, err = a.Portals.Chat2Desk(ctx, c.in.Portal); err != nil {
		return done, err
	}
	switch c.command.Kind {
	case openlines.DoOffer:
		return c.offer(ctx)
	case openlines.DoWithdraw:
		return c.withdraw(ctx)
	case openlines.DoAssign:
		return c.own(ctx)
	case openlines.DoSendText:
		return c.sendText(ctx)
	case openlines.DoCloseDialog:
		return c.close(ctx)
	}
	return done, final("", errInvalid, fmt.Sprintf("the channel has nothing to do with the command %s", c.command.Kind))
}

// offer assigns the dialog to the operator who should answer. An offer to
// everybody assigns it to nobody: whoever answers takes it.
func (c *lineChat) offer(ctx context.Context) (workflows.LineCommandDone, error) {
	if c.command.Offered == openlines.AllOffer {
		return workflows.LineCommandDone{}, nil
	}
	if c.command.Offered != openlines.TransferOffer { // nobody owns the session while it is offered
		if err := c.remember(ctx, 0); err != nil {
			return workflows.LineCommandDone{}, err
		}
	}
	return c.assign(ctx, c.command.User)
}

// own gives the dialog to the owner of the session. Chat2Desk cannot take it
// from somebody without giving it to somebody else.
func (c *lineChat) own(ctx context.Context) (workflows.LineCommandDone, error) {
	if err := c.remember(ctx, c.command.User); err != nil {
		return workflows.LineCommandDone{}, err
	}
	if c.command.User == 0 {
		return workflows.LineCommandDone{Note: "nobody owns the session; in Chat2Desk the dialog stays with its operator"}, nil
	}
	return c.assign(ctx, c.command.User)
}

// withdraw gives the dialog back to the owner when a colleague did not take it, or
// cannot any more.
// After any other offer the next one assigns it.
func (c *lineChat) withdraw(ctx context.Context) (workflows.LineCommandDone, error) {
	switch openlines.Left(c.command.Reason) {
	case openlines.EndExpired, openlines.EndDeclined:
	case openlines.LeftDismiss, openlines.LeftMember, openlines.LeftOnLeave, openlines.LeftOffDuty:
	default:
		return workflows.LineCommandDone{}, nil
	}
	w, found, err := c.store.LineWrite(ctx, c.in.Portal, c.ownerKey())
	if err != nil || !found || w.ExternalID == 0 || w.ExternalID == int64(c.command.User) {
		return workflows.LineCommandDone{}, err
	}
	return c.assign(ctx, openlines.UserID(w.ExternalID))
}

// ownerKey is where the owner of the session is remembered.
func (c *lineChat) ownerKey() string { return fmt.Sprintf("owner:%d", c.command.Session) }

func (c *lineChat) remember(ctx context.Context, owner openlines.UserID) error {
	_, err := c.store.SaveLineWrite(ctx, store.LineWrite{
		Portal: c.in.Portal, WriteKey: c.ownerKey(), State: store.WriteDone, ExternalID: int64(owner),
	})
	return err
}

// assign gives the dialog to the operator of a user. A user without one is told
// by notification only.
func (c *lineChat) assign(ctx context.Context, user openlines.UserID) (done workflows.LineCommandDone, err error) {
	operator := operatorOf(c.conf, user)
	if operator == 0 {
		done.Note = fmt.Sprintf("user %d is no Chat2Desk operator (setting operators.users): the dialog is not assigned", user)
		return done, nil
	}
	dialogID, err := c.dialogID(ctx)
	if err != nil {
		return done, err
	}
	if dialogID == 0 {
		return workflows.LineCommandDone{Note: "Chat2Desk has no dialog that could be assigned"}, nil
	}
	if err := c.announce(ctx, store.AssignKey(c.command.Chat, operator)); err != nil {
		return done, err
	}
	return c.told(c.api.SetDialog(ctx, dialogID, operator, chat2desk.StateOpen), "the dialog is not assigned")
}

// close closes the dialog, unless a session of the chat is open again by now:
// the order may be old. Whoever closed it before has done the same.
func (c *lineChat) close(ctx context.Context) (done workflows.LineCommandDone, err error) {
	session, found, err := c.store.OpenLineSession(ctx, c.in.Portal, c.command.Chat)
	if err != nil || found && session.State != openlines.Closing {
		done.Note = fmt.Sprintf("the dialog stays open: session %d is open", session.ID)
		return done, err
	}
	dialogID, err := c.dialogID(ctx)
	if err != nil || dialogID == 0 {
		return done, err
	}
	d, err := c.api.Dialog(ctx, dialogID)
	if err != nil || d.State == chat2desk.StateClosed {
		return c.told(err, "the dialog is not closed")
	}
	if err := c.announce(ctx, store.CloseKey(c.command.Chat)); err != nil {
		return done, err
	}
	if d.OperatorID == 0 { // a dialog is closed together with its operator, which it has not
		return c.told(c.api.CloseRequest(ctx, d.LastRequestID), "the dialog is not closed")
	}
	return c.told(c.api.SetDialog(ctx, dialogID, d.OperatorID, chat2desk.StateClosed), "the dialog is not closed")
}

// told makes a note of what Chat2Desk refuses for good: the session must not
// wait for it. Everything else is tried again.
func (c *lineChat) told(err error, words string) (workflows.LineCommandDone, error) {
	var refusal *chat2desk.Error
	if !errors.As(err, &refusal) || !named(chatVerdicts[refusal.Kind]).final {
		return workflows.LineCommandDone{}, err
	}
	return workflows.LineCommandDone{Note: "⚠ " + words + ": " + refusal.Error()}, nil
}

// dialogID is the dialog of the chat: as learned from webhooks, else as
// Chat2Desk knows it; 0 if it has none.
func (c *lineChat) dialogID(ctx context.Context) (int64, error) {
	row, err := c.store.Dialog(ctx, c.in.Portal, c.client, c.channel)
	if err == nil && row.DialogID != 0 || err != nil && !errors.Is(err, store.ErrNotFound) {
		return row.DialogID, err
	}
	dialogs, err := c.api.ClientDialogs(ctx, c.client)
	for _, d := range dialogs {
		if d.ChannelID == c.channel {
			return d.ID, nil
		}
	}
	if chat2desk.KindOf(err) == chat2desk.KindNotFound {
		return 0, nil
	}
	return 0, err
}

// announce writes down that something is about to be done, so that its webhook,
// which may come before the answer, is not taken for the act of a person.
func (c *lineChat) announce(ctx context.Context, key string) error {
	_, err := c.store.SaveLineWrite(ctx, store.LineWrite{Portal: c.in.Portal, WriteKey: key, State: store.WriteSending, UpdatedAt: time.Now()})
	return err
}
