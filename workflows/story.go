package workflows

import (
	"fmt"
	"strconv"
	"strings"

	"go.temporal.io/sdk/temporal"

	"puente/dialog"
)

// Originator is the originatorId of everything Puente creates in a CRM.
const Originator = "puente"

// Origin is the originId of the deal or lead made for a cycle: what a lost
// answer is looked up by (bitrix24 reference §3.6).
func Origin(in SyncInput) string {
	return fmt.Sprintf("dialog:%d:%d:%d", in.DialogID, in.RequestID, max(in.Cycle, 1)) + closeSuffix(in)
}

// SyncSummary is the line by which a sync is found in the Temporal UI.
func SyncSummary(in SyncInput) string {
	line := fmt.Sprintf("Dialog %d, request %d → CRM", in.DialogID, in.RequestID)
	if in.Cycle > 1 {
		line += fmt.Sprintf(" (closed for the %d. time)", in.Cycle)
	}
	return line
}

// SyncAttributes are the search attributes a sync starts with.
func SyncAttributes(in SyncInput) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(
		PortalKey.ValueSet(in.Portal), KindKey.ValueSet(KindSync), StatusKey.ValueSet(string(Open)),
		DialogKey.ValueSet(strconv.FormatInt(in.DialogID, 10)), RequestKey.ValueSet(strconv.FormatInt(in.RequestID, 10)),
		ChannelKey.ValueSet(strconv.FormatInt(in.ChannelID, 10)),
	)
}

// DialogAttributes are the search attributes a dialog starts with.
func DialogAttributes(in DialogInput) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(
		PortalKey.ValueSet(in.Portal), KindKey.ValueSet(KindDialog), StatusKey.ValueSet(string(Open)),
		ChannelKey.ValueSet(strconv.FormatInt(in.ChannelID, 10)),
	)
}

// story is what the details of a run tell in the Temporal UI: Markdown, one
// line a step, newest last, with links to the CRM. It holds ids and the
// systems' own words, no personal data.
type story struct {
	title string
	lines []string
}

func (s *story) add(step, text string) {
	s.lines = append(s.lines, fmt.Sprintf("- **%s**: %s", step, oneLine(text, 1000)))
	if len(s.lines) > 60 { // a run that was re-run again and again
		s.lines = append(s.lines[:1:1], s.lines[len(s.lines)-50:]...)
	}
}

func (s *story) found(f dialog.Found, p dialog.Plan) {
	var seen []string
	for _, c := range f.Contacts {
		seen = append(seen, fmt.Sprintf("contact %d (by %s)", c.ID, c.MatchedBy))
	}
	if len(seen) == 0 {
		seen = append(seen, "no contact")
	}
	s.add("Found", fmt.Sprintf("%s; %d open deals, %d open leads", strings.Join(seen, ", "), len(f.Deals), len(f.Leads)))
	for _, healed := range f.Healed {
		s.add("Healed", healed)
	}
	s.add("Rule", p.Rule)
	if len(p.Others) > 0 {
		s.add("Not chosen", refs(p.Others))
	}
}

func (s *story) committed(portal string, c Committed) {
	verb := "added to"
	if c.NewEntity {
		verb = "created"
	}
	s.add("Committed", fmt.Sprintf("%s %s, comment %d, responsible user %d", verb, card(portal, c.Entity), c.CommentID, c.Responsible))
	if c.ContactID != 0 {
		s.add("Contact", card(portal, dialog.Ref{Kind: dialog.Contact, ID: c.ContactID}))
	}
	if c.Unmapped {
		s.add("Operator", "not mapped to a Bitrix24 user (setting operators.users): the fallback user is responsible")
	}
	if c.AttachedFile {
		s.add("Transcript", "too long for a comment: the complete text is attached as a file")
	}
}

func (s *story) failed(f Failure) {
	text := f.Text
	if f.Code != "" && !strings.Contains(f.Text, f.Code) { // most systems name the code in their words
		text = fmt.Sprintf("`%s` %s", f.Code, text)
	}
	if f.Step != "" {
		text = fmt.Sprintf("at step %s: %s", f.Step, text)
	}
	s.add("⚠ Parked", text+" — mend the cause, then send the update `"+UpdateRetrySync+"`")
}

// markdown leaves the oldest lines but the first out if all do not fit: the
// newest are what people look for.
func (s *story) markdown(status Status) string {
	for {
		text := fmt.Sprintf("### %s\n\nStatus: **%s**\n\n%s\n", s.title, status, strings.Join(s.lines, "\n"))
		if len(text) <= maxDetails || len(s.lines) < 3 {
			return clip(text, maxDetails)
		}
		s.lines = append(s.lines[:1:1], s.lines[2:]...)
	}
}

// dialog tells where a Dialog run stands.
func (s *story) dialog(state DialogState) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n\nDialog %d", s.title, state.Dialog.DialogID)
	if state.Dialog.Operator.ID != 0 {
		fmt.Fprintf(&b, ", operator %d", state.Dialog.Operator.ID)
	}
	b.WriteString("\n\n")
	for _, c := range state.Dialog.Cycles {
		what := "open"
		if !c.ClosedAt.IsZero() {
			what = "closed " + c.ClosedAt.UTC().Format("2006-01-02 15:04:05") + " UTC"
		}
		if c.Held {
			what += ", Chat2Desk is asked which request it was"
		}
		fmt.Fprintf(&b, "- request %d: %s, tags %v\n", c.RequestID, what, dialog.On(c.Tags))
	}
	fmt.Fprintf(&b, "- handed over to a sync: %d\n", state.Handed)
	if state.Dropped > 0 {
		fmt.Fprintf(&b, "- ⚠ notifications dropped because too many waited: %d\n", state.Dropped)
	}
	for _, p := range state.Problems {
		fmt.Fprintf(&b, "- ⚠ %s\n", oneLine(p, 500))
	}
	return clip(b.String(), maxDetails)
}

func card(portal string, ref dialog.Ref) string {
	label := fmt.Sprintf("%s %d", ref.Kind, ref.ID)
	if portal == "" {
		return label
	}
	return fmt.Sprintf("[%s](%s/crm/%s/details/%d/)", label, portal, ref.Kind, ref.ID)
}

func refs(list []dialog.Ref) string {
	var names []string
	for _, r := range list {
		names = append(names, fmt.Sprintf("%s %d", r.Kind, r.ID))
	}
	return strings.Join(names, ", ")
}

func commitSummary(p dialog.Plan) string {
	target := fmt.Sprintf("%s %d", p.Entity.Kind, p.Entity.ID)
	switch {
	case p.Entity.ID == 0 && p.CreateContact:
		target = fmt.Sprintf("a new contact and a new %s", p.Entity.Kind)
	case p.Entity.ID == 0:
		target = fmt.Sprintf("a new %s", p.Entity.Kind)
	}
	return "Commit the transcript to " + target
}

func settingsWords(o OpenedSync) string {
	words := fmt.Sprintf("version %d", o.Version)
	if !o.Mapped {
		words += fmt.Sprintf("; channel %d is not mapped (crm.channels): the default of the CRM mode is taken", o.Channel.ID)
	}
	return words
}

func noticeSummary(notices []Notice) string {
	if len(notices) == 1 {
		return "Notify: " + string(notices[0].Kind)
	}
	return fmt.Sprintf("Notify: %d notifications", len(notices))
}

func sourceWords(s dialog.Source) string {
	switch s {
	case dialog.SourceWebhooks:
		return "webhooks alone, because Chat2Desk could not give it"
	case dialog.SourceBoth:
		return "Chat2Desk, completed by webhooks"
	default:
		return "Chat2Desk"
	}
}

// oneLine makes foreign words fit one line of at most n bytes.
func oneLine(s string, n int) string {
	return clip(strings.Join(strings.Fields(s), " "), n)
}

// clip cuts at a letter's edge, at n bytes at most.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n-len("…")], "") + "…"
}

func last[T any](list []T, n int) []T {
	return list[max(0, len(list)-n):]
}
