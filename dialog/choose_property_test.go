package dialog_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"puente/dialog"
	"puente/settings"
)

// situation is everything Choose looks at.
type situation struct {
	rule       settings.Channel
	crm        settings.CRM
	found      dialog.Found
	correction dialog.Correction
}

func anySituation(t *rapid.T) situation {
	id := rapid.Int64Range(1, 6)
	entity := rapid.Custom(func(t *rapid.T) dialog.OpenEntity {
		return deal(id.Draw(t, "id"), rapid.Int64Range(0, 2).Draw(t, "pipeline"), rapid.Int64Range(0, 7).Draw(t, "contact"), rapid.IntRange(1, 4).Draw(t, "day"))
	})
	candidate := rapid.Custom(func(t *rapid.T) dialog.Candidate {
		by := rapid.SampledFrom([]dialog.MatchedBy{dialog.ByLink, dialog.ByOrigin, dialog.ByPhone, dialog.ByEmail}).Draw(t, "by")
		return contact(id.Draw(t, "contact"), by)
	})
	s := situation{
		rule: settings.Channel{
			ID:       1,
			Entity:   rapid.SampledFrom([]settings.EntityKind{"", settings.EntityDeal, settings.EntityLead}).Draw(t, "entity"),
			Pipeline: rapid.Int64Range(0, 2).Draw(t, "rule pipeline"),
		},
		crm: settings.CRM{Mode: settings.ModeAuto, OnlyOwnPipeline: rapid.Bool().Draw(t, "only own")},
		found: dialog.Found{
			Simple:   rapid.Bool().Draw(t, "simple"),
			Contacts: rapid.SliceOfN(candidate, 0, 4).Draw(t, "contacts"),
			Deals:    rapid.SliceOfNDistinct(entity, 0, 4, func(e dialog.OpenEntity) int64 { return e.ID }).Draw(t, "deals"),
			Leads:    rapid.SliceOfNDistinct(entity, 0, 3, func(e dialog.OpenEntity) int64 { return e.ID }).Draw(t, "leads"),
		},
	}
	if rapid.Bool().Draw(t, "made before") {
		s.found.Own = ref(rapid.SampledFrom([]dialog.Kind{dialog.Deal, dialog.Lead}).Draw(t, "kind"), id.Draw(t, "own"))
	}
	return s
}

func (s situation) choose() dialog.Plan { return dialog.Choose(s.rule, s.crm, s.found, s.correction) }

func (s situation) kind() dialog.Kind { return dialog.EntityFor(s.rule, s.crm.Mode, s.found.Simple) }

func TestChoiceDoesNotDependOnTheOrderOfCandidates(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := anySituation(t)
		want := s.choose()
		before := s.found
		s.found.Contacts = rapid.Permutation(s.found.Contacts).Draw(t, "contacts again")
		s.found.Deals = rapid.Permutation(s.found.Deals).Draw(t, "deals again")
		s.found.Leads = rapid.Permutation(s.found.Leads).Draw(t, "leads again")
		require.Equal(t, want, s.choose())
		require.Len(t, before.Contacts, len(s.found.Contacts), "the input is not changed")
	})
}

func TestNothingIsMadeBesideWhatFits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := anySituation(t)
		plan := s.choose()
		require.NotEmpty(t, plan.Rule)
		fits := func(d dialog.OpenEntity) bool {
			mine := d.ContactID == plan.Contact && plan.Contact != 0
			return mine && (s.kind() == dialog.Lead || !s.crm.OnlyOwnPipeline || d.Pipeline == s.rule.Pipeline)
		}
		switch {
		case s.found.Own.ID != 0:
			require.Equal(t, s.found.Own, plan.Entity)
		case s.kind() == dialog.Lead && len(s.found.Leads) > 0:
			require.Equal(t, dialog.Lead, plan.Entity.Kind)
			require.NotZero(t, plan.Entity.ID)
		case slices.ContainsFunc(s.found.Deals, fits):
			require.Equal(t, dialog.Deal, plan.Entity.Kind)
			require.NotZero(t, plan.Entity.ID)
		}
		if len(s.found.Contacts) > 0 {
			require.NotZero(t, plan.Contact)
			require.False(t, plan.CreateContact)
		}
	})
}

func TestContactIsMadeOnlyForANewDealOfNobody(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := anySituation(t)
		plan := s.choose()
		want := len(s.found.Contacts) == 0 && plan.Entity == ref(dialog.Deal, 0)
		require.Equal(t, want, plan.CreateContact)
	})
}

func TestEveryCandidateIsChosenOrNamed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := anySituation(t)
		plan := s.choose()
		named := append(slices.Clone(plan.Others), plan.Entity, ref(dialog.Contact, plan.Contact))
		for _, c := range s.found.Contacts {
			require.Contains(t, named, ref(dialog.Contact, c.ID))
		}
		for _, d := range s.found.Deals {
			require.Contains(t, named, ref(dialog.Deal, d.ID))
		}
		for _, l := range s.found.Leads {
			require.Contains(t, named, ref(dialog.Lead, l.ID))
		}
		require.NotContains(t, plan.Others, plan.Entity)
		for i, other := range plan.Others {
			require.NotContains(t, plan.Others[i+1:], other, "each once")
		}
	})
}
