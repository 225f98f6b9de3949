package activities_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/dialog"
	"puente/sandbox/bitrix24"
	"puente/settings"
)

func TestNewClientIsMadeInOneChainAndNothingIsRepeated(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	c := b.open(t, 601, func(s *dialog.Snapshot) {
		s.Client.Name, s.Messages[0].Text = "Ana $result[contact] [b]Lopez[/b]", "Hi $result[entity][item][id]"
	})
	plan := c.plan(t, dialog.Correction{})
	require.True(t, plan.CreateContact)
	spent := b.requests(func() {
		done, err := c.commit(plan, nil)
		require.NoError(t, err)
		require.NotZero(t, done.ContactID)
		require.NotZero(t, done.Entity.ID)
		require.NotZero(t, done.CommentID)
		require.Equal(t, int64(7), done.Responsible)
		require.True(t, done.NewEntity)
		require.True(t, done.NewContact)
		again, err := c.commit(plan, nil)
		require.NoError(t, err)
		require.Equal(t, done, again, "a second attempt repeats nothing and tells the same")
		deal := b.item(t, done.Entity)
		require.EqualValues(t, 7, deal["assignedById"])
		require.Contains(t, b.comments(t, done.Entity)[0], "Hi $result", "a client's words are no reference")
	})
	require.Equal(t, 1, spent-2, "beside the two looks of this test")

	second := b.open(t, 602, func(s *dialog.Snapshot) { s.Client.Phone = "8 (999) 555-01-01" })
	c.finish(t, mustCommit(t, c, plan))
	done := second.sync(t)
	require.False(t, done.NewEntity)
	require.Equal(t, 1, b.count(t, dialog.Contact))
	require.Equal(t, 1, b.count(t, dialog.Deal))
	require.Len(t, b.comments(t, done.Entity), 2)
}

func TestLostAnswersAreLookedUpNotRepeated(t *testing.T) {
	t.Parallel()
	for _, write := range []string{"crm.item.add", "crm.timeline.comment.add"} {
		for _, kind := range []string{"lost_answer", "reset", "html"} {
			for _, when := range []string{"before", "after"} {
				t.Run(write+" "+kind+" "+when, func(t *testing.T) {
					t.Parallel()
					b := setup(t, func(s *settings.Settings) { s.CRM.CommentOnContact = true })
					c := b.open(t, 603, nil)
					plan := c.plan(t, dialog.Correction{})
					b.fault(t, bitrix24.Fault{Method: write, Kind: kind, When: when, Times: 1, Status: 502})
					_, err := c.commit(plan, nil)
					_, app := failure(t, err)
					require.False(t, app.NonRetryable())
					done, err := c.commit(plan, nil)
					require.NoError(t, err)
					require.Equal(t, 1, b.count(t, dialog.Contact))
					require.Equal(t, 1, b.count(t, dialog.Deal))
					require.Len(t, b.comments(t, done.Entity), 1)
					require.Len(t, b.comments(t, dialog.Ref{Kind: dialog.Contact, ID: done.ContactID}), 1)
				})
			}
		}
	}
}

func TestRefusedRequestIsRepeatedWithoutLooking(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]bitrix24.Fault{
		"rate":  {Kind: "status", Status: 503},
		"token": {Kind: "status", Status: 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			c := b.open(t, 604, nil)
			plan := c.plan(t, dialog.Correction{})
			f.Method, f.Times = "crm.item.add", 1
			b.fault(t, f)
			_, err := c.commit(plan, nil)
			require.Error(t, err)
			require.Equal(t, 1, b.requests(func() {
				_, err := c.commit(plan, nil)
				require.NoError(t, err)
			}))
		})
	}
}

func TestAttemptWaitsWhileARequestOfALostWorkerMayBeUnderWay(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	c := b.open(t, 605, nil)
	plan := c.plan(t, dialog.Correction{})
	c.left(t, time.Now())
	_, err := c.commit(plan, nil)
	f, app := failure(t, err)
	require.Equal(t, "InFlight", f.Code)
	require.Greater(t, app.NextRetryDelay(), requestTimeout/2)
	require.Zero(t, b.count(t, dialog.Deal))

	c.left(t, time.Now().Add(-time.Minute))
	_, err = c.commit(plan, nil)
	require.NoError(t, err)
	require.Equal(t, 1, b.count(t, dialog.Deal))
}

func TestLongTranscriptIsAttachedOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, func(s *settings.Settings) { s.CRM.CommentOnContact = true })
	c := b.open(t, 606, func(s *dialog.Snapshot) {
		for i := range 400 {
			s.Messages = append(s.Messages, dialog.Message{ID: int64(i + 2), Author: dialog.AuthorOperator, Text: strings.Repeat("long ", 30)})
		}
	})
	plan := c.plan(t, dialog.Correction{})
	b.fault(t, bitrix24.Fault{Method: "crm.timeline.comment.add", Kind: "lost_answer", Times: 1})
	_, err := c.commit(plan, nil)
	require.Error(t, err)
	done, err := c.commit(plan, nil)
	require.NoError(t, err)
	require.True(t, done.AttachedFile)
	require.Len(t, b.comments(t, done.Entity), 1)
	require.Len(t, b.comments(t, dialog.Ref{Kind: dialog.Contact, ID: done.ContactID}), 1)
}

func TestClientsKeysMustStillBeHeld(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	c := b.open(t, 607, nil)
	plan := c.plan(t, dialog.Correction{})
	require.NoError(t, b.store.Release(t.Context(), "demo", c.owner))
	_, err := c.commit(plan, nil)
	f, app := failure(t, err)
	require.Equal(t, "ClaimLost", f.Code)
	require.True(t, app.NonRetryable(), "the workflow finds again")
	require.Zero(t, b.count(t, dialog.Deal))
}

func TestOperatorsAndFallbacks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		operator    int64
		responsible int64
		want        int64
		unmapped    bool
	}{
		"mapped":             {301, 0, 7, false},
		"unmapped":           {303, 0, 8, true},
		"nobody led":         {0, 0, 8, false},
		"chosen by a person": {303, 10, 10, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(s *settings.Settings) { s.Operators.Fallback = 8 })
			d := b.open(t, 608, nil)
			fix := dialog.Correction{Responsible: c.responsible}
			done, err := commitAs(d, c.operator, d.plan(t, fix), &fix)
			require.NoError(t, err)
			require.Equal(t, c.want, done.Responsible)
			require.Equal(t, c.unmapped, done.Unmapped)
			require.EqualValues(t, c.want, b.item(t, done.Entity)["assignedById"])
		})
	}
}

func TestRepeatLeadOfAKnownContact(t *testing.T) {
	t.Parallel()
	b := setup(t, func(s *settings.Settings) {
		s.CRM = settings.CRM{Mode: settings.ModeClassic, Channels: []settings.Channel{{ID: 12, Entity: settings.EntityLead, Stage: "IN_PROCESS"}}}
	})
	b.crm.SetMode(false, 0)
	ana := b.person(t, "+79995550101", "")
	done := b.open(t, 609, nil).sync(t)
	require.Equal(t, dialog.Lead, done.Entity.Kind)
	require.Equal(t, ana, done.ContactID)
	lead := b.item(t, done.Entity)
	require.EqualValues(t, ana, lead["contactId"])
	require.Equal(t, "IN_PROCESS", lead["stageId"])
}

func TestLedgerCountsTheRequests(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	c := b.open(t, 610, nil)
	spent := b.requests(func() { c.sync(t) })
	row, err := b.store.Sync(t.Context(), "demo", c.syncID)
	require.NoError(t, err)
	require.Equal(t, spent, row.Requests)
	require.Equal(t, 2, spent)
}

func TestErrorsRepeatNothingOfTheClient(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	c := b.open(t, 611, nil)
	b.fault(t, bitrix24.Fault{
		Method: "*", Kind: "status", Status: 400, Code: "ERROR_CORE", Description: "Ana Lopez with +79995550101 is not valid", Times: 1,
	})
	_, err := c.tryFind()
	f, app := failure(t, err)
	for _, text := range []string{f.Text, app.Error(), fmt.Sprint(err)} {
		require.NotContains(t, text, "Lopez")
		require.NotContains(t, text, "9995550101")
		require.NotContains(t, text, "sandboxsecret")
	}
}
