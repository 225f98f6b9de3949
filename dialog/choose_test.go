package dialog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/dialog"
	"puente/settings"
)

func day(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }

func deal(id, pipeline, contact int64, created int) dialog.OpenEntity {
	return dialog.OpenEntity{ID: id, Pipeline: pipeline, ContactID: contact, CreatedAt: day(created)}
}

func contact(id int64, by dialog.MatchedBy) dialog.Candidate {
	return dialog.Candidate{ID: id, MatchedBy: by}
}

func ref(kind dialog.Kind, id int64) dialog.Ref { return dialog.Ref{Kind: kind, ID: id} }

func TestEntityForEachModeAndChannel(t *testing.T) {
	t.Parallel()
	tests := []struct {
		entity settings.EntityKind
		mode   settings.CRMMode
		simple bool
		want   dialog.Kind
	}{
		{settings.EntityDefault, settings.ModeAuto, true, dialog.Deal},
		{settings.EntityDefault, settings.ModeAuto, false, dialog.Lead},
		{settings.EntityDefault, settings.ModeSimple, false, dialog.Deal},
		{settings.EntityDefault, settings.ModeClassic, true, dialog.Lead},
		{settings.EntityDeal, settings.ModeClassic, false, dialog.Deal},
		{settings.EntityLead, settings.ModeSimple, true, dialog.Lead},
		{settings.EntityNone, settings.ModeAuto, true, dialog.NoEntity},
	}
	for _, tt := range tests {
		require.Equal(t, tt.want, dialog.EntityFor(settings.Channel{Entity: tt.entity}, tt.mode, tt.simple), "%+v", tt)
	}
}

var (
	dealRule = settings.Channel{ID: 12, Entity: settings.EntityDeal, Pipeline: 1}
	leadRule = settings.Channel{ID: 14, Entity: settings.EntityLead}
	noneRule = settings.Channel{ID: 15, Entity: settings.EntityNone}
	anyDeal  = settings.CRM{Mode: settings.ModeAuto}
	ownOnly  = settings.CRM{Mode: settings.ModeAuto, OnlyOwnPipeline: true}
)

type choice struct {
	rule       settings.Channel
	crm        settings.CRM
	found      dialog.Found
	correction dialog.Correction
	want       dialog.Plan
}

func TestChooseDeal(t *testing.T) {
	t.Parallel()
	ana := []dialog.Candidate{contact(42, dialog.ByPhone)}
	checkChoices(t, map[string]choice{
		"nobody known": {rule: dealRule, want: dialog.Plan{
			CreateContact: true, Entity: ref(dialog.Deal, 0), Pipeline: 1,
			Rule: "new deal in pipeline 1: the client is not in the CRM yet",
		}},
		"contact without deals": {rule: dealRule, found: dialog.Found{Contacts: ana}, want: dialog.Plan{
			Contact: 42, Entity: ref(dialog.Deal, 0), Pipeline: 1,
			Rule: "new deal in pipeline 1: the contact has no open deal (contact recognised by phone)",
		}},
		"newest in the channel's pipeline": {
			rule: dealRule, found: dialog.Found{Contacts: ana, Deals: []dialog.OpenEntity{deal(5, 1, 42, 1), deal(6, 1, 42, 3), deal(7, 0, 42, 9)}},
			want: dialog.Plan{
				Contact: 42, Entity: ref(dialog.Deal, 6), Pipeline: 1, Others: []dialog.Ref{ref(dialog.Deal, 7), ref(dialog.Deal, 5)},
				Rule: "newest open deal of the contact in pipeline 1 (contact recognised by phone)",
			},
		},
		"same age: greater id": {
			rule: dealRule, found: dialog.Found{Contacts: ana, Deals: []dialog.OpenEntity{deal(6, 1, 42, 3), deal(5, 1, 42, 3)}},
			want: dialog.Plan{
				Contact: 42, Entity: ref(dialog.Deal, 6), Pipeline: 1, Others: []dialog.Ref{ref(dialog.Deal, 5)},
				Rule: "newest open deal of the contact in pipeline 1 (contact recognised by phone)",
			},
		},
		"else in any pipeline": {
			rule: dealRule, found: dialog.Found{Contacts: ana, Deals: []dialog.OpenEntity{deal(7, 0, 42, 2), deal(8, 3, 42, 4)}},
			want: dialog.Plan{
				Contact: 42, Entity: ref(dialog.Deal, 8), Pipeline: 3, Others: []dialog.Ref{ref(dialog.Deal, 7)},
				Rule: "newest open deal of the contact, in pipeline 3 because pipeline 1 has none (contact recognised by phone)",
			},
		},
		"unless switched off": {
			rule: dealRule, crm: ownOnly, found: dialog.Found{Contacts: ana, Deals: []dialog.OpenEntity{deal(7, 0, 42, 2)}},
			want: dialog.Plan{
				Contact: 42, Entity: ref(dialog.Deal, 0), Pipeline: 1, Others: []dialog.Ref{ref(dialog.Deal, 7)},
				Rule: "new deal in pipeline 1: the contact has no open deal in pipeline 1 (contact recognised by phone)",
			},
		},
		"deal that names another main contact": {
			rule: dealRule, found: dialog.Found{Contacts: ana, Deals: []dialog.OpenEntity{deal(7, 1, 99, 2)}},
			want: dialog.Plan{
				Contact: 42, Entity: ref(dialog.Deal, 7), Pipeline: 1,
				Rule: "newest open deal of the contact in pipeline 1 (contact recognised by phone)",
			},
		},
		"leads do not matter": {
			rule: dealRule, found: dialog.Found{Contacts: ana, Leads: []dialog.OpenEntity{deal(3, 0, 42, 2)}},
			want: dialog.Plan{
				Contact: 42, Entity: ref(dialog.Deal, 0), Pipeline: 1, Others: []dialog.Ref{ref(dialog.Lead, 3)},
				Rule: "new deal in pipeline 1: the contact has no open deal (contact recognised by phone)",
			},
		},
	})
}

func TestChooseContact(t *testing.T) {
	t.Parallel()
	newDeal := func(rule string, id int64, others ...int64) dialog.Plan {
		plan := dialog.Plan{Contact: id, Entity: ref(dialog.Deal, 0), Pipeline: 1, Rule: "new deal in pipeline 1: the contact has no open deal (contact recognised by " + rule + ")"}
		for _, other := range others {
			plan.Others = append(plan.Others, ref(dialog.Contact, other))
		}
		return plan
	}
	checkChoices(t, map[string]choice{
		"link before phone before e-mail": {
			rule: dealRule,
			found: dialog.Found{Contacts: []dialog.Candidate{
				contact(1, dialog.ByEmail), contact(2, dialog.ByPhone), contact(9, dialog.ByLink), contact(8, dialog.ByOrigin), contact(3, "smell"),
			}},
			want: newDeal("link", 9, 8, 2, 1, 3),
		},
		"of duplicates the oldest": {
			rule: dealRule, found: dialog.Found{Contacts: []dialog.Candidate{contact(5, dialog.ByPhone), contact(4, dialog.ByPhone)}},
			want: newDeal("phone", 4, 5),
		},
		"a contact found twice counts once, by the stronger way": {
			rule: dealRule, found: dialog.Found{Contacts: []dialog.Candidate{contact(5, dialog.ByEmail), contact(5, dialog.ByPhone), contact(0, dialog.ByLink)}},
			want: newDeal("phone", 5),
		},
		"of duplicates the one with a deal that fits": {
			rule: dealRule,
			found: dialog.Found{
				Contacts: []dialog.Candidate{contact(4, dialog.ByPhone), contact(5, dialog.ByPhone), contact(6, dialog.ByPhone)},
				Deals:    []dialog.OpenEntity{deal(10, 0, 6, 9), deal(11, 1, 5, 1)},
			},
			want: dialog.Plan{
				Contact: 5, Entity: ref(dialog.Deal, 11), Pipeline: 1,
				Rule:   "newest open deal of the contact in pipeline 1 (contact recognised by phone)",
				Others: []dialog.Ref{ref(dialog.Contact, 6), ref(dialog.Contact, 4), ref(dialog.Deal, 10)},
			},
		},
		"but a deal does not outweigh a stronger recognition": {
			rule: dealRule,
			found: dialog.Found{
				Contacts: []dialog.Candidate{contact(4, dialog.ByLink), contact(5, dialog.ByPhone)},
				Deals:    []dialog.OpenEntity{deal(11, 1, 5, 1)},
			},
			want: dialog.Plan{
				Contact: 4, Entity: ref(dialog.Deal, 0), Pipeline: 1,
				Rule:   "new deal in pipeline 1: the contact has no open deal (contact recognised by link)",
				Others: []dialog.Ref{ref(dialog.Contact, 5), ref(dialog.Deal, 11)},
			},
		},
	})
}

func TestChooseLead(t *testing.T) {
	t.Parallel()
	ana := []dialog.Candidate{contact(42, dialog.ByLink)}
	checkChoices(t, map[string]choice{
		"nobody known": {rule: leadRule, want: dialog.Plan{
			Entity: ref(dialog.Lead, 0), Rule: "new lead: the client is not in the CRM yet",
		}},
		"repeat lead of a contact": {rule: leadRule, found: dialog.Found{Contacts: ana}, want: dialog.Plan{
			Contact: 42, Entity: ref(dialog.Lead, 0),
			Rule: "repeat lead: the client is a contact without an open lead or deal (contact recognised by link)",
		}},
		"newest open lead": {
			rule: leadRule,
			found: dialog.Found{
				Contacts: ana,
				Leads:    []dialog.OpenEntity{deal(3, 0, 0, 4), deal(4, 0, 42, 2)},
				Deals:    []dialog.OpenEntity{deal(9, 1, 42, 9)},
			},
			want: dialog.Plan{
				Contact: 42, Entity: ref(dialog.Lead, 3), Rule: "newest open lead of the client (contact recognised by link)",
				Others: []dialog.Ref{ref(dialog.Deal, 9), ref(dialog.Lead, 4)},
			},
		},
		"open lead without a contact found": {
			rule: leadRule, found: dialog.Found{Leads: []dialog.OpenEntity{deal(3, 0, 77, 4)}},
			want: dialog.Plan{Contact: 77, Entity: ref(dialog.Lead, 3), Rule: "newest open lead of the client"},
		},
		"else the open deal, of any pipeline": {
			rule: leadRule, crm: ownOnly, found: dialog.Found{Contacts: ana, Deals: []dialog.OpenEntity{deal(9, 4, 42, 9)}},
			want: dialog.Plan{
				Contact: 42, Entity: ref(dialog.Deal, 9), Pipeline: 4,
				Rule: "newest open deal of the contact: the client has no open lead (contact recognised by link)",
			},
		},
		"of duplicates the one whose lead is open": {
			rule: leadRule,
			found: dialog.Found{
				Contacts: []dialog.Candidate{contact(1, dialog.ByPhone), contact(2, dialog.ByPhone)},
				Leads:    []dialog.OpenEntity{deal(3, 0, 2, 4)},
			},
			want: dialog.Plan{
				Contact: 2, Entity: ref(dialog.Lead, 3), Rule: "newest open lead of the client (contact recognised by phone)",
				Others: []dialog.Ref{ref(dialog.Contact, 1)},
			},
		},
	})
}

func TestWhatWasMadeForThisCycleWins(t *testing.T) {
	t.Parallel()
	ana := []dialog.Candidate{contact(42, dialog.ByPhone)}
	checkChoices(t, map[string]choice{
		"over newer deals": {
			rule:  dealRule,
			found: dialog.Found{Contacts: ana, Own: ref(dialog.Deal, 6), Deals: []dialog.OpenEntity{deal(6, 1, 42, 1), deal(7, 1, 42, 9)}},
			want: dialog.Plan{
				Contact: 42, Entity: ref(dialog.Deal, 6), Pipeline: 1, Others: []dialog.Ref{ref(dialog.Deal, 7)},
				Rule: "made earlier for this very dialog cycle (contact recognised by phone)",
			},
		},
		"a lead, no contact is made": {
			rule: dealRule, found: dialog.Found{Own: ref(dialog.Lead, 3)},
			want: dialog.Plan{Entity: ref(dialog.Lead, 3), Rule: "made earlier for this very dialog cycle"},
		},
	})
}

func TestCorrectionWinsOverAll(t *testing.T) {
	t.Parallel()
	pipeline := int64(5)
	entity := func(kind dialog.Kind, id int64) *dialog.Ref { return &dialog.Ref{Kind: kind, ID: id} }
	found := dialog.Found{
		Contacts: []dialog.Candidate{contact(42, dialog.ByLink)}, Own: ref(dialog.Deal, 6),
		Deals: []dialog.OpenEntity{deal(6, 1, 42, 1), deal(8, 3, 42, 2)},
	}
	checkChoices(t, map[string]choice{
		"entity": {
			rule: dealRule, found: found, correction: dialog.Correction{Entity: entity(dialog.Deal, 8)},
			want: dialog.Plan{
				Contact: 42, Entity: ref(dialog.Deal, 8), Pipeline: 3, Others: []dialog.Ref{ref(dialog.Deal, 6)},
				Rule: "chosen by a person (contact recognised by link)",
			},
		},
		"entity for a channel that makes nothing": {
			rule: noneRule, correction: dialog.Correction{Entity: entity(dialog.Lead, 3)},
			want: dialog.Plan{Entity: ref(dialog.Lead, 3), Rule: "chosen by a person"},
		},
		"a contact as the entity": {
			rule: dealRule, correction: dialog.Correction{Entity: entity(dialog.Contact, 50)},
			want: dialog.Plan{Contact: 50, Entity: ref(dialog.Contact, 50), Rule: "chosen by a person"},
		},
		"contact": {
			rule: dealRule, correction: dialog.Correction{ContactID: 50},
			found: dialog.Found{
				Contacts: []dialog.Candidate{contact(42, dialog.ByLink)},
				Deals:    []dialog.OpenEntity{deal(6, 1, 42, 1), deal(8, 3, 50, 2)},
			},
			want: dialog.Plan{
				Contact: 50, Entity: ref(dialog.Deal, 8), Pipeline: 3,
				Rule:   "newest open deal of the contact, in pipeline 3 because pipeline 1 has none (contact chosen by a person)",
				Others: []dialog.Ref{ref(dialog.Contact, 42), ref(dialog.Deal, 6)},
			},
		},
		"pipeline of a deal still to be made": {
			rule: dealRule, correction: dialog.Correction{Pipeline: &pipeline},
			want: dialog.Plan{
				CreateContact: true, Entity: ref(dialog.Deal, 0), Pipeline: 5,
				Rule: "new deal in pipeline 5: the client is not in the CRM yet",
			},
		},
		"kind alone": {
			rule: dealRule, correction: dialog.Correction{Entity: entity(dialog.Lead, 0)},
			want: dialog.Plan{Entity: ref(dialog.Lead, 0), Rule: "new lead: the client is not in the CRM yet"},
		},
		"kind that cannot be made": {
			rule: leadRule, correction: dialog.Correction{Entity: entity(dialog.Company, 0)},
			want: dialog.Plan{Entity: ref(dialog.Lead, 0), Rule: "new lead: the client is not in the CRM yet"},
		},
		"nothing": {rule: noneRule, found: found, want: dialog.Plan{Rule: "channel 15 makes nothing in the CRM"}},
	})
}

func checkChoices(t *testing.T, choices map[string]choice) {
	t.Helper()
	for name, c := range choices {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.crm.Mode == "" {
				c.crm = anyDeal
			}
			require.Equal(t, c.want, dialog.Choose(c.rule, c.crm, c.found, c.correction))
		})
	}
}
