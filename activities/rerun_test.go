package activities_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	crm "puente/bitrix24"
	"puente/dialog"
	"puente/settings"
	"puente/store"
	"puente/workflows"
)

func mustCommit(t *testing.T, c *closed, plan dialog.Plan) workflows.Committed {
	t.Helper()
	done, err := c.commit(plan, nil)
	require.NoError(t, err)
	return done
}

func commitAs(c *closed, operator int64, plan dialog.Plan, fix *dialog.Correction) (workflows.Committed, error) {
	return run[workflows.Committed](c.bundle, workflows.CommitDialogStep, workflows.CommitInput{
		Portal: "demo", SyncID: c.syncID, Owner: c.owner, Version: c.version, ClientID: c.client, OperatorID: operator, Origin: c.origin,
		Plan: plan, Correction: fix,
	})
}

// left notes that a write left at a time and nothing more is known of it.
func (c *closed) left(t *testing.T, at time.Time) {
	t.Helper()
	require.NoError(t, c.store.SaveStep(t.Context(), store.Step{SyncID: c.syncID, Name: "sent", Status: store.StepDone, At: at}))
}

func (c *closed) step(t *testing.T, name string) store.Step {
	t.Helper()
	steps, err := c.store.Steps(t.Context(), c.syncID)
	require.NoError(t, err)
	for _, s := range steps {
		if s.Name == name {
			return s
		}
	}
	return store.Step{}
}

func city(s *dialog.Snapshot) { s.Client.CustomFields = map[string]string{"6": "Omsk"} }

func mapCity(to string) func(*settings.Settings) {
	return func(s *settings.Settings) { s.Fields = []settings.Field{{Custom: "6", Deal: to, Lead: to}} }
}

func TestMappingProblemParksUntilItIsMended(t *testing.T) {
	t.Parallel()
	b := setup(t, mapCity("UF_CRM_NEW"))
	c := b.open(t, 701, city)
	_, err := c.attempt(t, dialog.Correction{})
	f, app := failure(t, err)
	require.True(t, app.NonRetryable())
	require.Equal(t, "FIELD_MAPPING", f.Code)
	require.Equal(t, "fields", f.Step)
	require.Contains(t, f.Text, "UF_CRM_NEW")
	require.NotContains(t, f.Text, "Omsk", "the client's words stand in the ledger only")
	require.Contains(t, c.step(t, "fields").Error, "Omsk")
	require.Zero(t, b.count(t, dialog.Contact), "nothing was written")
	c.park(t, err)

	// Somebody adds the field; what was known of the fields is not yet old.
	b.rest(t, "crm.deal.userfield.add", crm.Params{"fields": crm.Params{"FIELD_NAME": "NEW", "USER_TYPE_ID": "string"}}, nil)
	done := c.sync(t)
	require.Equal(t, "Omsk", b.item(t, done.Entity)["UF_CRM_NEW"])
	require.Equal(t, store.StepSkipped, c.step(t, "fields").Status, "the deal was made with them")
}

func TestCorrectionThatIsTakenBackLeavesNoFailedStep(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	ana := b.person(t, "+79995550101", "")
	b.add(t, dialog.Deal, crm.Params{"title": "Open", "contactIds": []int64{ana}})
	c := b.open(t, 711, nil)
	_, err := c.attempt(t, dialog.Correction{Fields: map[string]string{"stageId": "NO_SUCH_STAGE"}})
	require.Error(t, err)
	require.Equal(t, store.StepFailed, c.step(t, "fields").Status)
	_, err = c.attempt(t, dialog.Correction{})
	require.NoError(t, err)
	step := c.step(t, "fields")
	require.Equal(t, store.StepSkipped, step.Status)
	require.Empty(t, step.Error)
}

func TestThePortalsOwnWordsParkAndWhatWasMadeIsKept(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	b.rest(t, "crm.deal.userfield.add", crm.Params{"fields": crm.Params{
		"FIELD_NAME": "BUDGET", "USER_TYPE_ID": "string", "MANDATORY": "Y", "EDIT_FORM_LABEL": "Budget",
	}}, nil)
	c := b.open(t, 702, city)
	_, err := c.attempt(t, dialog.Correction{})
	f, app := failure(t, err)
	require.True(t, app.NonRetryable())
	require.Equal(t, "entity", f.Step)
	require.Contains(t, f.Text, `"Budget" field is required`)
	c.park(t, err)
	row, err := b.store.Sync(t.Context(), "demo", c.syncID)
	require.NoError(t, err)
	require.Equal(t, store.SyncFailed, row.Status)
	require.Contains(t, row.ErrorText, "Budget")
	require.NotZero(t, row.ContactID, "the ledger tells what was made before")

	b.configure(t, mapCity("UF_CRM_BUDGET"))
	done := c.sync(t)
	require.Equal(t, 1, b.count(t, dialog.Contact))
	require.Equal(t, row.ContactID, done.ContactID)
	require.Equal(t, "Omsk", b.item(t, done.Entity)["UF_CRM_BUDGET"])
	require.Len(t, b.comments(t, done.Entity), 1)
}

func TestFieldsThatFailedBesideTheTranscriptAreFilledByTheRerun(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	ana := b.person(t, "+79995550101", "")
	deal := dialog.Ref{Kind: dialog.Deal, ID: b.add(t, dialog.Deal, crm.Params{"title": "Open", "contactIds": []int64{ana}})}
	c := b.open(t, 703, nil)
	_, err := c.attempt(t, dialog.Correction{Fields: map[string]string{"stageId": "NO_SUCH_STAGE"}})
	f, _ := failure(t, err)
	require.Equal(t, "fields", f.Step)
	require.Len(t, b.comments(t, deal), 1)
	c.park(t, err)

	// A newer deal would be chosen now, but the transcript stands already.
	b.add(t, dialog.Deal, crm.Params{"title": "Newer", "contactIds": []int64{ana}})
	done, err := c.attempt(t, dialog.Correction{Fields: map[string]string{"stageId": "PREPARATION"}})
	require.NoError(t, err)
	require.Equal(t, deal, done.Entity)
	require.Equal(t, "PREPARATION", b.item(t, deal)["stageId"])
	require.Len(t, b.comments(t, deal), 1)
}

// commentRefused brings a sync to the point where contact and entity are made
// and the comment is refused.
func (c *closed) commentRefused(t *testing.T) workflows.Committed {
	t.Helper()
	plan := c.plan(t, dialog.Correction{})
	done, err := c.commit(plan, nil)
	require.NoError(t, err)
	for _, name := range []string{"comment", "contact-comment"} {
		require.NoError(t, c.store.SaveStep(t.Context(), store.Step{SyncID: c.syncID, Name: name, Status: store.StepFailed, Error: "refused"}))
	}
	require.NoError(t, c.store.SaveStep(t.Context(), store.Step{SyncID: c.syncID, Name: "sent", Status: store.StepSkipped}))
	var rows []struct {
		ID crm.ID `json:"ID"`
	}
	c.rest(t, "crm.timeline.comment.list", crm.Params{"filter": crm.Params{"ENTITY_ID": done.Entity.ID, "ENTITY_TYPE": string(done.Entity.Kind)}}, &rows)
	for _, r := range rows {
		c.rest(t, "crm.timeline.comment.delete", crm.Params{"id": r.ID}, nil)
	}
	return done
}

func TestCorrectedEntityOfAnotherKindGetsTheTranscript(t *testing.T) {
	t.Parallel()
	b := setup(t, func(s *settings.Settings) {
		s.CRM = settings.CRM{Mode: settings.ModeClassic, Channels: []settings.Channel{{ID: 12, Entity: settings.EntityLead}}}
	})
	b.crm.SetMode(false, 0)
	c := b.open(t, 704, nil)
	lead := c.commentRefused(t).Entity
	var deal dialog.Ref
	for deal.ID < lead.ID { // a deal with the number of the lead is somebody else's
		deal = dialog.Ref{Kind: dialog.Deal, ID: b.add(t, dialog.Deal, crm.Params{"title": "Others"})}
	}
	chosen := dialog.Ref{Kind: dialog.Deal, ID: b.add(t, dialog.Deal, crm.Params{"title": "Chosen"})}
	done, err := c.attempt(t, dialog.Correction{Entity: &chosen})
	require.NoError(t, err)
	require.Equal(t, chosen, done.Entity)
	require.Len(t, b.comments(t, chosen), 1)
	require.Empty(t, b.comments(t, dialog.Ref{Kind: dialog.Deal, ID: lead.ID}))
}

func TestEntityDeletedBeforeTheRerunIsMadeAgain(t *testing.T) {
	t.Parallel()
	b := setup(t, func(s *settings.Settings) { s.CRM.CommentOnContact = true })
	c := b.open(t, 705, nil)
	old := c.commentRefused(t)
	b.remove(t, old.Entity)
	done := c.untilFound(t)
	require.NotEqual(t, old.Entity, done.Entity)
	require.Equal(t, old.ContactID, done.ContactID)
	require.Len(t, b.comments(t, done.Entity), 1)
	require.Equal(t, 1, b.count(t, dialog.Deal))
}

func TestContactDeletedBeforeTheRerunIsMadeAgain(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	b.rest(t, "crm.deal.userfield.add", crm.Params{"fields": crm.Params{"FIELD_NAME": "BUDGET", "USER_TYPE_ID": "string", "MANDATORY": "Y"}}, nil)
	c := b.open(t, 706, city)
	_, err := c.attempt(t, dialog.Correction{})
	require.Error(t, err)
	old := c.step(t, "contact").EntityID
	require.NotZero(t, old)
	b.remove(t, dialog.Ref{Kind: dialog.Contact, ID: old})
	b.configure(t, mapCity("UF_CRM_BUDGET"))
	done := c.untilFound(t)
	require.NotEqual(t, old, done.ContactID)
	require.Equal(t, []any{float64(done.ContactID)}, b.item(t, done.Entity)["contactIds"])
}

// untilFound finds and commits as the workflow does when the ground moved.
func (c *closed) untilFound(t *testing.T) workflows.Committed {
	t.Helper()
	for range 3 {
		done, err := c.attempt(t, dialog.Correction{})
		if err == nil {
			return done
		}
		f, _ := failure(t, err)
		require.Equal(t, workflows.ErrEntityGone, f.Code, f.Text)
	}
	require.Fail(t, "the sync turns in circles")
	return workflows.Committed{}
}

func TestEntityDeletedBetweenFindAndCommitIsFoundAgain(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	ana := b.person(t, "+79995550101", "")
	deal := dialog.Ref{Kind: dialog.Deal, ID: b.add(t, dialog.Deal, crm.Params{"title": "Open", "contactIds": []int64{ana}})}
	c := b.open(t, 707, nil)
	plan := c.plan(t, dialog.Correction{})
	require.Equal(t, deal, plan.Entity)
	b.remove(t, deal)
	_, err := c.commit(plan, nil)
	f, _ := failure(t, err)
	require.Equal(t, workflows.ErrEntityGone, f.Code)
	done, err := c.attempt(t, dialog.Correction{})
	require.NoError(t, err)
	require.True(t, done.NewEntity)
	require.Equal(t, ana, done.ContactID)
}

func TestWrongAccountParksWithWordsThatHelp(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	c := b.open(t, 708, nil)
	portal, err := b.store.Portal(t.Context(), "demo")
	require.NoError(t, err)
	portal.Bitrix24 = store.Bitrix24Account{}
	require.NoError(t, b.store.SavePortal(t.Context(), portal))
	_, err = c.tryFind()
	f, app := failure(t, err)
	require.True(t, app.NonRetryable())
	require.Equal(t, "Account", f.Code)
	require.Contains(t, f.Text, "puente portal add")
}

func TestMarksOfPuenteCannotBeMapped(t *testing.T) {
	t.Parallel()
	b := setup(t, mapCity("originId"))
	_, err := b.open(t, 709, city).attempt(t, dialog.Correction{})
	f, _ := failure(t, err)
	require.Contains(t, f.Text, "originId")
}

func TestPlanWithoutAnEntityParks(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	c := b.open(t, 710, nil)
	c.find(t)
	_, err := c.commit(dialog.Plan{Rule: "channel 15 makes nothing"}, nil)
	f, app := failure(t, err)
	require.True(t, app.NonRetryable())
	require.Contains(t, f.Text, "crm.channels")
	require.Zero(t, b.count(t, dialog.Contact))
}
