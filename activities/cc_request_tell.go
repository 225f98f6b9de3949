package activities

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"puente/bitrix24"
	"puente/contactcenter"
	"puente/dialog"
	"puente/texts"
	"puente/workflows"
)

// WriteTimeline writes the request down on the timeline of every entity it
// touched (product D4), all in one request, each once: a comment is found again
// by its marker.
func (a *Bitrix24) WriteTimeline(ctx context.Context, in workflows.RequestStepInput) (workflows.WroteTimeline, error) {
	r, err := a.request(ctx, in)
	if err != nil {
		return workflows.WroteTimeline{}, r.end(ctx, "timeline", err)
	}
	out, err := r.timeline(ctx)
	return out, r.end(ctx, "timeline", err)
}

// touched are the entities of a request.
func (r *request) touched() []contactcenter.Ref {
	return contactcenter.Refs(r.in.ContactID, r.in.CompanyID, r.in.DealID)
}

func (r *request) timeline(ctx context.Context) (workflows.WroteTimeline, error) {
	out := workflows.WroteTimeline{On: r.touched()}
	if err := r.hold(ctx); err != nil {
		return out, err
	}
	var open []write
	for _, ref := range out.On {
		w := r.comment(ref)
		if w.send != nil {
			if _, err := r.once(ctx, w); err != nil {
				return out, err
			}
			continue
		}
		if missing, err := r.stillOpen(ctx, w); err != nil {
			return out, err
		} else if missing {
			open = append(open, w)
		}
	}
	return out, r.sendAll(ctx, open)
}

// stillOpen looks whether an earlier attempt has done a write.
func (r *request) stillOpen(ctx context.Context, w write) (bool, error) {
	if r.steps.has(w.step) {
		return false, nil
	}
	id, err := r.lookAgain(ctx, w)
	if err != nil || id == 0 {
		return err == nil, err
	}
	return false, r.done(ctx, w.step, contactcenter.Ref{Kind: w.kind, ID: id}, foundAgain)
}

// comment is the note on one timeline. A text that is too long for a comment
// goes along as a file, in a request of its own: files are not sent in a batch.
func (r *request) comment(on contactcenter.Ref) write {
	note := contactcenter.TimelineText(r.req, r.timelineOptions())
	step := r.commentStep(on)
	fields := bitrix24.Params{"ENTITY_ID": on.ID, "ENTITY_TYPE": on.Kind, "COMMENT": bitrix24.Literal(note.Comment)}
	w := write{
		step: step, kind: "comment", detail: "written on " + on.Kind,
		look: func(ctx context.Context) (int64, error) {
			return r.findComment(ctx, dialog.Ref{Kind: dialog.Kind(on.Kind), ID: on.ID}, r.marker())
		},
		command: bitrix24.Command{Key: step, Method: commentMethod, Params: bitrix24.Params{"fields": fields}},
	}
	if len(note.File) > 0 {
		fields["FILES"] = [][]string{{note.FileName, base64.StdEncoding.EncodeToString(note.File)}}
		w.send = func(ctx context.Context) (int64, error) {
			answer, err := r.visit.call(ctx, commentMethod, w.command.Params)
			return madeID(answer), err
		}
	}
	return w
}

// commentStep is a step of its own for each entity, since a person may choose
// another one after the request was written down. A run that began before there
// was one for each goes on with that for the kind.
func (r *request) commentStep(on contactcenter.Ref) string {
	first := r.step("timeline-" + on.Kind)
	if r.steps.has(first) || r.steps[first+sentSuffix].Name != "" {
		return first
	}
	return r.step(fmt.Sprintf("timeline-%s-%d", on.Kind, on.ID))
}

func (r *request) timelineOptions() contactcenter.TimelineOptions {
	return contactcenter.TimelineOptions{
		Texts: r.texts(), Zone: r.settings.Zone(), Marker: r.marker(), Revision: r.in.Revision, Received: r.submission.CreatedAt,
		Decisions: r.in.Decisions, Stays: slices.Contains(r.in.Notes, r.staysNote()),
		Links: dialog.Links{Portal: r.url, General: r.settings.General},
	}
}

func (r *request) texts() texts.Bundle {
	return texts.For(r.settings.General.Language, r.settings.General.Texts)
}

// marker is how the comments of this revision are found again.
func (r *request) marker() string {
	return r.step(workflows.Originator + ":" + originRequest + r.req.ExternalID)
}

// NotifyRequest tells the responsible user of the deal, else of the contact,
// about a request: once per revision; a repetition after a lost answer replaces
// the first by its TAG. What the portal refuses for good is reported, not
// retried: a request must not wait for it.
func (a *Bitrix24) NotifyRequest(ctx context.Context, in workflows.RequestStepInput) (workflows.Notified, error) {
	r, err := a.request(ctx, in)
	if err != nil {
		return workflows.Notified{}, r.end(ctx, "notify", err)
	}
	out, err := r.notify(ctx)
	return out, r.end(ctx, "notify", err)
}

func (r *request) notify(ctx context.Context) (out workflows.Notified, err error) {
	step := r.step("notify")
	if r.steps.has(step) {
		return out, nil
	}
	who, err := r.toNotify(ctx)
	if err != nil {
		return out, err
	}
	res, err := r.batch(ctx, false, bitrix24.Command{Key: "notify", Method: notifyMethod, Params: bitrix24.Params{
		"USER_ID": who, "MESSAGE": bitrix24.Literal(r.notice()), "TAG": "puente|" + r.marker(), "CLIENT_ID": notifyClient,
	}})
	if err != nil {
		return out, err
	}
	if cause := res.trouble("notify"); cause != nil {
		if !named(crmVerdicts[bitrix24.KindOf(cause)]).final {
			return out, cause
		}
		out.Problems = append(out.Problems, mask(cause.Error(), r.words))
		return out, nil
	}
	out.Sent = 1
	return out, r.done(ctx, step, contactcenter.Ref{Kind: "user", ID: who}, "notified")
}

// toNotify is the responsible user of the deal, else of the contact or company.
// That of a deal is known since it was found, unless the request changes it.
func (r *request) toNotify(ctx context.Context) (int64, error) {
	if r.in.DealResponsible != 0 && (r.req.Deal == nil || r.req.Deal.ResponsibleID == 0) {
		return r.in.DealResponsible, nil
	}
	refs := r.touched()
	if len(refs) == 0 {
		return user(r.settings), nil
	}
	last := refs[len(refs)-1]
	rows, err := r.cards(ctx, dialog.Kind(last.Kind), []int64{last.ID})
	if err != nil || len(rows) == 0 || rows[0].Responsible == 0 {
		return user(r.settings), err
	}
	return int64(rows[0].Responsible), nil
}

// notice is the text of the notification: what came, and links to the cards.
func (r *request) notice() string {
	t := r.texts()
	lines := []string{"[b]" + t.T("cc.title", map[string]any{"channel": t.T("cc.channel_"+r.req.Channel, nil)}) + "[/b]"}
	if product := r.req.ProductName(); product != "" {
		lines = append(lines, t.T("cc.product", nil)+": "+dialog.BBLine(product))
	}
	for _, ref := range r.touched() {
		name := fmt.Sprintf("%s %d", t.T("cc."+ref.Kind, nil), ref.ID)
		if url := r.card(ref.Kind, ref.ID); url != "" {
			name = dialog.BBLink(url, name)
		}
		lines = append(lines, name)
	}
	return strings.Join(lines, "\n")
}
