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
	"puente/texts"
	"puente/workflows"
)

// sendText sends an automatic text, once per Key: what was sent is remembered,
// and what left without an answer is looked for by its external id before it is
// sent again (chat2desk reference §3.1.1, §4.8). A text that is too late, or that
// Chat2Desk refuses for good, is told to the desk.
func (c *lineChat) sendText(ctx context.Context) (workflows.LineCommandDone, error) {
	key := "text:" + c.command.Key
	w, begun, err := c.store.LineWrite(ctx, c.in.Portal, key)
	switch {
	case err != nil:
		return workflows.LineCommandDone{}, err
	case w.State == store.WriteDone:
		return workflows.LineCommandDone{}, nil
	case begun:
		if found, err := c.foundSent(ctx, w); err != nil || found {
			return workflows.LineCommandDone{}, err
		}
	}
	if !c.command.Until.IsZero() && time.Now().After(c.command.Until) {
		return c.refused(workflows.RefusedLate), nil
	}
	text, err := c.text(ctx)
	if err != nil || text == "" {
		return workflows.LineCommandDone{}, err
	}
	if err := c.announce(ctx, key); err != nil {
		return workflows.LineCommandDone{}, err
	}
	return c.post(ctx, key, text)
}

// foundSent looks for a text whose answer was lost. Its request may still be
// under way if the process that sent it died: then it is waited for.
func (c *lineChat) foundSent(ctx context.Context, w store.LineWrite) (bool, error) {
	m, found, err := c.api.FindSent(ctx, c.client, workflows.LineExternalID(c.in.Portal, c.command.Key))
	if err != nil {
		return false, err
	}
	if found {
		return true, c.sent(ctx, w.WriteKey, m.ID)
	}
	if rest := time.Until(w.UpdatedAt.Add(chat2desk.DefaultTimeout + inFlightMargin)); rest > 0 && w.State == store.WriteSending {
		return false, again(errInFlight, "an earlier attempt may still be at work: wait until it cannot be", rest)
	}
	return false, nil
}

func (c *lineChat) post(ctx context.Context, key, text string) (workflows.LineCommandDone, error) {
	m, err := c.api.SendMessage(ctx, chat2desk.OutMessage{
		ClientID: c.client, ChannelID: c.channel, Text: text, Type: chat2desk.TypeAutoreply,
		ExternalID: workflows.LineExternalID(c.in.Portal, c.command.Key),
	})
	var refusal *chat2desk.Error
	switch {
	case err == nil, chat2desk.KindOf(err) == chat2desk.KindAlreadyDone: // it knows the external id
		return workflows.LineCommandDone{}, c.sent(ctx, key, m.MessageID)
	case errors.As(err, &refusal) && refusal.Kind != chat2desk.KindAuth && named(chatVerdicts[refusal.Kind]).final:
		return c.refused(workflows.RefusalReason(refusal.Message + " " + fmt.Sprint(refusal.Fields))), nil
	}
	return workflows.LineCommandDone{}, errors.Join(err, c.over(ctx, key))
}

// over notes that the request is over without a usable answer.
func (c *lineChat) over(ctx context.Context, key string) error {
	ctx, cancel := kept(ctx)
	defer cancel()
	_, err := c.store.SaveLineWrite(ctx, store.LineWrite{Portal: c.in.Portal, WriteKey: key, State: store.WriteUnanswered})
	return err
}

// sent remembers the text, and by the id of its message whose text it was: a
// messenger that refuses it tells so by that id.
func (c *lineChat) sent(ctx context.Context, key string, message int64) error {
	ctx, cancel := kept(ctx)
	defer cancel()
	_, err := c.store.SaveLineWrite(ctx, store.LineWrite{Portal: c.in.Portal, WriteKey: key, State: store.WriteDone, ExternalID: message})
	if err != nil || message == 0 {
		return err
	}
	_, err = c.store.SaveLineWrite(ctx, store.LineWrite{
		Portal: c.in.Portal, WriteKey: store.MessageKey(message), State: store.WriteDone, Detail: c.command.Key,
	})
	return err
}

// refused tells the desk that the text did not go out. Chat2Desk's own words may
// hold what the client wrote: only the reason is told.
func (c *lineChat) refused(reason string) workflows.LineCommandDone {
	return workflows.LineCommandDone{
		Note: fmt.Sprintf("⚠ automatic text %s was not sent: %s", c.command.Text, reason),
		Events: []openlines.Event{{
			ID: fmt.Sprintf("refused-%s", c.command.Key), Kind: openlines.TextRefused, Session: c.command.Session,
			Text: c.command.Text, Reason: reason, At: time.Now().UTC(),
		}},
	}
}

// text is what the client reads: the line's own text, else the one of the line's
// language, which the portal may have overridden.
func (c *lineChat) text(ctx context.Context) (string, error) {
	line, _, err := lineOf(ctx, c.store, c.in.Portal, c.command.Line)
	if err != nil {
		return "", err
	}
	if own, set := line.Texts[c.command.Text]; set {
		return own, nil
	}
	votes := map[string]any{"good": first(line.VoteGood), "bad": first(line.VoteBad)}
	return lineTexts(line, c.conf).T("line.text."+string(c.command.Text), votes), nil
}

// lineTexts are the texts in the language of a line. What the portal overrides
// is written in the portal's own language, and serves lines of that one only.
func lineTexts(line openlines.Settings, conf settings.Settings) texts.Bundle {
	bundle := texts.For(line.Language, nil)
	if own := texts.For(conf.General.Language, conf.General.Texts); own.Lang() == bundle.Lang() {
		return own
	}
	return bundle
}

func first(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return words[0]
}
