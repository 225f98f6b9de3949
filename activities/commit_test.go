package activities_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"puente/dialog"
	"puente/sandbox/bitrix24"
	"puente/settings"
)

func TestNewClientIsFoundNowhereAndMadeInOneChain(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	b.person(t, 501, "+79995550101")
	found := b.find(t, 501)
	require.Empty(t, found.Contacts)
	require.Empty(t, found.Deals)
	plan := dialog.Choose(settings.Channel{ID: 12, Entity: settings.EntityDeal}, settings.CRM{Mode: settings.ModeAuto}, found, dialog.Correction{})
	require.True(t, plan.CreateContact)
	before := b.crm.Stats().Requests
	done, err := b.commit(501, plan)
	require.NoError(t, err)
	require.NotZero(t, done.ContactID)
	require.NotZero(t, done.Entity.ID)
	require.NotZero(t, done.CommentID)
	require.Equal(t, int64(1), b.crm.Stats().Requests-before)

	again, err := b.commit(501, plan)
	require.NoError(t, err)
	require.Equal(t, done.Entity, again.Entity, "a second attempt repeats nothing")
	require.Equal(t, int64(1), b.crm.Stats().Requests-before)

	b.person(t, 502, "8 (999) 555-01-01")
	second := b.find(t, 502)
	require.Len(t, second.Contacts, 1)
	require.Equal(t, done.ContactID, second.Contacts[0].ID)
	require.Equal(t, dialog.ByPhone, second.Contacts[0].MatchedBy)
	require.Len(t, second.Deals, 1)
	require.Equal(t, done.Entity.ID, second.Deals[0].ID)
}

func TestLostAnswersAreLookedUpNotRepeated(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"lost_answer", "reset", "html"} {
		for _, when := range []string{"before", "after"} {
			t.Run(kind+" "+when, func(t *testing.T) {
				t.Parallel()
				b := setup(t, nil)
				b.person(t, 601, "+79995550102")
				plan := dialog.Choose(settings.Channel{ID: 12, Entity: settings.EntityDeal}, settings.CRM{Mode: settings.ModeAuto}, b.find(t, 601), dialog.Correction{})
				_, err := b.crm.InjectFault(bitrix24.Fault{Method: "crm.item.add", Kind: kind, When: when, Times: 1, Status: 502})
				require.NoError(t, err)
				_, err = b.commit(601, plan)
				require.Error(t, err)
				done, err := b.commit(601, plan)
				require.NoError(t, err)
				require.Equal(t, 1, b.count(t, "contact"))
				require.Equal(t, 1, b.count(t, "deal"))
				require.NotZero(t, done.CommentID)
			})
		}
	}
}
