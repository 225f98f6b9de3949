package activities_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	crm "puente/bitrix24"
	"puente/dialog"
	"puente/sandbox/bitrix24"
	"puente/settings"
	"puente/store"
	"puente/workflows"
)

// leadChannel is a portal in simple mode whose channel makes leads.
func leadChannel(s *settings.Settings) {
	s.CRM.Channels = []settings.Channel{{ID: 12, Entity: settings.EntityLead}}
	mapCity("UF_CRM_CITY")(s)
}

func (c *closed) convert(done workflows.Committed) (workflows.Converted, error) {
	return run[workflows.Converted](c.bundle, workflows.AwaitConversionStep, workflows.ConversionInput{
		Portal: "demo", SyncID: c.syncID, Version: c.version, ClientID: c.client, Lead: done.Entity, CommentID: done.CommentID,
	})
}

func TestLeadIsFollowedToItsDeal(t *testing.T) {
	t.Parallel()
	b := setup(t, leadChannel)
	b.crm.SetMode(true, 0)
	c := b.open(t, 801, city)
	done, err := c.attempt(t, dialog.Correction{})
	require.NoError(t, err)
	require.Equal(t, dialog.Lead, done.Entity.Kind)
	b.fault(t, bitrix24.Fault{Method: "crm.timeline.bindings.bind", Kind: "lost_answer", Times: 1})
	_, err = c.convert(done)
	require.Error(t, err)
	made, err := c.convert(done)
	require.NoError(t, err)
	require.NotZero(t, made.ContactID)
	deal := dialog.Ref{Kind: dialog.Deal, ID: made.DealID}
	require.Len(t, b.comments(t, deal), 1)
	require.Equal(t, "Omsk", b.item(t, deal)["UF_CRM_CITY"])
	require.Equal(t, made.DealID, c.step(t, "conversion").EntityID)
}

func TestLeadThatStaysNewIsWaitedFor(t *testing.T) {
	t.Parallel()
	b := setup(t, leadChannel)
	b.crm.SetMode(false, 0)
	// A deal without a lead, and one of another lead, are not taken for it.
	b.add(t, dialog.Deal, crm.Params{"title": "Without a lead"})
	c := b.open(t, 802, city)
	done, err := c.attempt(t, dialog.Correction{})
	require.NoError(t, err)
	_, err = c.convert(done)
	f, app := failure(t, err)
	require.Equal(t, "NotConverted", f.Code)
	require.False(t, app.NonRetryable())
}

func TestWhatThePortalRefusesOnTheDealIsNoted(t *testing.T) {
	t.Parallel()
	b := setup(t, leadChannel)
	b.crm.SetMode(true, 0)
	c := b.open(t, 803, city)
	done, err := c.attempt(t, dialog.Correction{})
	require.NoError(t, err)
	b.rest(t, "crm.timeline.comment.delete", crm.Params{"id": done.CommentID}, nil)
	made, err := c.convert(done)
	require.NoError(t, err, "the deal is there nevertheless")
	require.NotZero(t, made.DealID)
	step := c.step(t, "conversion")
	require.Equal(t, store.StepFailed, step.Status)
	require.NotEmpty(t, step.Error)
}

func TestConversionWithoutAccountParks(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	_, err := run[workflows.Converted](b, workflows.AwaitConversionStep, workflows.ConversionInput{Portal: "gone"})
	_, app := failure(t, err)
	require.True(t, app.NonRetryable())
}
