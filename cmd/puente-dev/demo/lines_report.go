package demo

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// LineReport is how the chapter of open lines went. OK means that every outcome is the expected one.
type LineReport struct {
	OK        bool
	Rows      []LineRow
	Kept      LineFigures   // statistics of this play
	FromLog   LineFigures   // the same, computed anew
	Attention []LineSession // what needs attention first
	Problems  []string      // mismatches, those of rows included
}

// judge compares every row with its expectation, rows with each other, and the figures with the rows.
func (r *LineReport) judge() {
	r.Problems = nil
	for i := range r.Rows {
		row := &r.Rows[i]
		row.Mismatches = r.mismatches(row)
		for _, text := range row.Mismatches {
			r.Problems = append(r.Problems, fmt.Sprintf("%s (session %d): %s", row.Chat.Name, row.Session.ID, text))
		}
	}
	r.Problems = append(r.Problems, r.figures()...)
	r.Problems = append(r.Problems, r.order()...)
	r.OK = len(r.Problems) == 0
}

func (r *LineReport) mismatches(row *LineRow) []string {
	var f faults
	if row.Stuck != "" {
		f.add(true, "%s", row.Stuck)
		return f
	}
	row.session(&f)
	row.offering(&f)
	row.inCRM(&f)
	if other := row.Chat.Wants.Another; other != nil {
		mine, his := row.Session.firstOffer(), r.Rows[*other].Session.firstOffer()
		f.add(mine.User == his.User, "its first offer went to user %d again", mine.User)
	}
	return f
}

// session judges where the session stands and what the client got.
func (r *LineRow) session(f *faults) {
	want, got := r.Chat.Wants, r.Session
	f.add(got.State != want.State, "is %q instead of %q", got.State, want.State)
	f.add(got.Reason != want.Reason, "was closed by %q instead of %q", got.Reason, want.Reason)
	f.add(got.Unread != want.Unread, "%d messages wait instead of %d", got.Unread, want.Unread)
	f.add(!slices.Equal(r.Texts, want.Texts), "the client got the texts %v instead of %v", r.Texts, want.Texts)
	f.add(got.told(voteGiven) != want.Vote, "the vote is %q instead of %q", got.told(voteGiven), want.Vote)
	f.add((got.told(firstReply) == "") != (want.Owner == 0), "first reply after %q", got.told(firstReply))
}

// offering judges who was offered it, why, and who owns it.
func (r *LineRow) offering(f *faults) {
	want, offers := r.Chat.Wants, r.Session.offers()
	if len(offers) != len(want.Ends) {
		f.add(true, "%d offers were made instead of %d", len(offers), len(want.Ends))
		return
	}
	for i, o := range offers {
		f.add(o.End != want.Ends[i], "offer %d ended as %q instead of %q", o.ID, o.End, want.Ends[i])
		f.add(!strings.Contains(o.Why, want.Whys[i]), "offer %d was made because %q, without %q", o.ID, o.Why, want.Whys[i])
		f.add(i > 0 && o.User == offers[i-1].User, "offer %d went to user %d again", o.ID, o.User)
		f.add(i == 0 && want.First != 0 && o.User != want.First, "was offered to user %d instead of %d", o.User, want.First)
	}
	owner := int64(0)
	if want.Owner > 0 {
		owner = offers[want.Owner-1].User
	}
	f.add(r.Session.Owner != owner, "user %d owns it instead of %d", r.Session.Owner, owner)
}

// inCRM judges the deal, its one chat activity, and that the client is one contact.
func (r *LineRow) inCRM(f *faults) {
	want := r.Chat.Wants
	if r.Session.Item == nil {
		f.add(true, "the CRM does not show it")
		return
	}
	f.add(r.Session.Item.Kind != "deal", "it is shown on a %s", r.Session.Item.Kind)
	f.add(want.Item != 0 && r.Session.Item.ID != want.Item, "it is shown on deal %d instead of %d", r.Session.Item.ID, want.Item)
	f.add(r.Contacts != 1, "the CRM has %d contacts of the client instead of one", r.Contacts)
	f.add(want.Transcript && !r.Transcript, "the transcript does not stand on %s %d", r.Session.Item.Kind, r.Session.Item.ID)
	if len(r.Activities) != 1 {
		f.add(true, "%d chat activities instead of one", len(r.Activities))
		return
	}
	completed := r.Activities[0].Completed == "Y"
	f.add(completed != want.Completed, "its activity is completed: %t", completed)
	responsible, holder := r.DealFields["ASSIGNED_BY_ID"].id(), r.Activities[0].Responsible.id()
	f.add(holder != cmp.Or(r.Session.Owner, responsible), "its activity is that of user %d", holder)
	if want.Item == 0 && want.Owner > 0 { // a deal that the line made follows who answered first
		f.add(responsible != r.answeredBy(), "user %d is responsible instead of %d", responsible, r.answeredBy())
	}
}

// answeredBy is whose offer was the first to end with an answer.
func (r *LineRow) answeredBy() int64 {
	for _, o := range r.Session.offers() {
		if o.End == "answered" {
			return o.User
		}
	}
	return 0
}

// figures wants the statistics to count what was played, and the log to say the same.
func (r *LineReport) figures() []string {
	var f faults
	closed, good := 0, 0
	for i := range r.Rows {
		if r.Rows[i].Chat.Wants.State == "closed" {
			closed++
		}
		if r.Rows[i].Chat.Wants.Vote == "good" {
			good++
		}
	}
	f.add(r.Kept.Started != len(r.Rows), "the statistics count %d sessions instead of %d", r.Kept.Started, len(r.Rows))
	f.add(r.Kept.Closed != closed, "the statistics count %d closed sessions instead of %d", r.Kept.Closed, closed)
	f.add(r.Kept.Votes.Good != good, "the statistics count %d good votes instead of %d", r.Kept.Votes.Good, good)
	f.add(r.Kept != r.FromLog, "the statistics %+v are not those of the log, %+v", r.Kept, r.FromLog)
	return f
}

// order wants unread sessions before answered ones before finished ones.
func (r *LineReport) order() []string {
	var f faults
	ranks := []string{"unread", "answered", "finished"}
	for i := 1; i < len(r.Attention); i++ {
		before, after := r.Attention[i-1], r.Attention[i]
		f.add(slices.Index(ranks, before.Attention) > slices.Index(ranks, after.Attention),
			"the attention list has session %d (%s) before %d (%s)", before.ID, before.Attention, after.ID, after.Attention)
	}
	return f
}
