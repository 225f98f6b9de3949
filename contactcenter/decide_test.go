package contactcenter_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"puente/contactcenter"
	"puente/settings"
)

func day(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }

func seen(id int64, created int, by ...string) contactcenter.Seen {
	return contactcenter.Seen{ID: id, By: by, Created: day(created)}
}

func seenDeal(id, contact, company, pipeline int64, created int) contactcenter.SeenDeal {
	return contactcenter.SeenDeal{ID: id, ContactID: contact, CompanyID: company, Pipeline: pipeline, Created: day(created)}
}

var all = contactcenter.Wants{Contact: true, Company: true, Deal: true, Pipeline: 3}

func TestTheBestMatchWins(t *testing.T) {
	t.Parallel()
	type c = contactcenter.Seen
	tests := map[string]struct {
		seen []c
		rule settings.AmbiguityRule
		want int64
		says string
	}{
		"nobody":             {nil, settings.FirstByRule, 0, "no contact of the CRM matches, so a new one is made"},
		"one":                {[]c{seen(5, 1, "phone")}, settings.Ask, 5, "contact 5 matches by phone"},
		"link":               {[]c{seen(5, 1, "phone", "email"), seen(9, 1, "link")}, settings.Ask, 9, "contact 9 matches by remembered link, better than 1 others"},
		"external id":        {[]c{seen(5, 1, "phone", "email"), seen(9, 1, "external_id")}, settings.Ask, 9, "external id"},
		"phone and e-mail":   {[]c{seen(5, 1, "phone"), seen(9, 1, "email", "phone")}, settings.Ask, 9, "matches by phone and e-mail"},
		"phone before mail":  {[]c{seen(5, 1, "email"), seen(9, 1, "phone")}, settings.Ask, 9, "by phone"},
		"twice the same":     {[]c{seen(9, 1, "phone"), seen(5, 1, "phone"), seen(9, 1, "email")}, settings.Ask, 9, "phone and e-mail"},
		"oldest":             {[]c{seen(9, 1, "phone"), seen(5, 2, "phone"), seen(1, 1, "email")}, settings.FirstByRule, 5, "it is the oldest of 2 that match equally well"},
		"newest":             {[]c{seen(9, 1, "phone"), seen(5, 2, "phone"), seen(11, 9, "email")}, settings.Newest, 5, "it was created last of 2"},
		"newest, same day":   {[]c{seen(9, 1, "phone"), seen(5, 1, "phone")}, settings.Newest, 9, "created last"},
		"unknown way":        {[]c{seen(9, 1, "smell"), seen(10, 1, "email")}, settings.FirstByRule, 10, "e-mail"},
		"an id that is none": {[]c{seen(0, 1, "link")}, settings.FirstByRule, 0, "a new one is made"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan := contactcenter.Decide(contactcenter.RequestFound{Contacts: tt.seen}, all, tt.rule, contactcenter.Choice{})
			require.Equal(t, tt.want, plan.Contact.ID)
			require.Contains(t, plan.Contact.Rule, tt.says)
			require.Empty(t, plan.Ambiguous)
			outcome := contactcenter.OutcomeFound
			if tt.want == 0 {
				outcome = contactcenter.OutcomeCreated
			}
			require.Equal(t, outcome, plan.Contact.Outcome)
		})
	}
}

func TestCompaniesAreKnownByTheirNumbersFirst(t *testing.T) {
	t.Parallel()
	order := []contactcenter.Seen{
		seen(9, 1, "link"), seen(8, 1, "external_id"), seen(7, 1, "kpp", "inn"), seen(6, 1, "inn"), seen(5, 1, "ogrn"),
		seen(4, 1, "email", "phone"), seen(3, 1, "phone", "title"), seen(2, 1, "email"), seen(1, 1, "title"), seen(10, 1, "kpp"),
	}
	shuffled := slices.Clone(order)
	slices.Reverse(shuffled)
	plan := contactcenter.Decide(contactcenter.RequestFound{Companies: shuffled}, all, settings.Ask, contactcenter.Choice{})
	require.Equal(t, []int64{9, 8, 7, 6, 5, 4, 3, 2, 1, 10}, plan.Company.Candidates)
	require.Equal(t, int64(9), plan.Company.ID)
}

func TestAskParksWhenSeveralMatchEquallyWell(t *testing.T) {
	t.Parallel()
	found := contactcenter.RequestFound{
		Contacts: []contactcenter.Seen{seen(9, 1, "phone"), seen(5, 2, "phone"), seen(7, 1, "email")},
		Deals:    []contactcenter.SeenDeal{seenDeal(1, 9, 0, 3, 1)},
	}
	plan := contactcenter.Decide(found, all, settings.Ask, contactcenter.Choice{})
	require.Equal(t, []contactcenter.AmbiguousPart{{Kind: "contact", Candidates: []contactcenter.Seen{seen(5, 2, "phone"), seen(9, 1, "phone")}}}, plan.Ambiguous)
	require.Equal(t, contactcenter.Decision{
		Kind: "contact", Outcome: contactcenter.OutcomeNone, Candidates: []int64{5, 9, 7},
		Rule: "2 candidates match equally well by phone; a person must choose the contact",
	}, plan.Contact)
	require.Equal(t, "a person must choose the client first", plan.Deal.Rule)
	require.Zero(t, plan.Deal.ID)

	chosen := contactcenter.Decide(found, all, settings.Ask, contactcenter.Choice{ContactID: 9})
	require.Empty(t, chosen.Ambiguous)
	require.Equal(t, "a person chose contact 9", chosen.Contact.Rule)
	require.Equal(t, int64(1), chosen.Deal.ID)
	fresh := contactcenter.Decide(found, all, settings.Ask, contactcenter.Choice{NewContact: true})
	require.Equal(t, contactcenter.OutcomeCreated, fresh.Contact.Outcome)
	require.Equal(t, "a person chose a new contact", fresh.Contact.Rule)
	require.Equal(t, contactcenter.OutcomeCreated, fresh.Deal.Outcome, "deals of others do not count")
}

func TestDealsOfTheClientInThePipelineOfTheProduct(t *testing.T) {
	t.Parallel()
	type d = contactcenter.SeenDeal
	member := seenDeal(4, 99, 0, 3, 1)
	member.Contacts = []int64{5}
	tests := map[string]struct {
		deals  []d
		choice contactcenter.Choice
		own    int64
		want   int64
		says   string
	}{
		"none":                 {nil, contactcenter.Choice{}, 0, 0, "no open deal in pipeline 3, so a new one is made"},
		"of the contact":       {[]d{seenDeal(1, 5, 0, 3, 1)}, contactcenter.Choice{}, 0, 1, "deal 1 is the newest open one of the client in pipeline 3"},
		"of the company":       {[]d{seenDeal(1, 0, 6, 3, 1)}, contactcenter.Choice{}, 0, 1, "newest open one"},
		"of another contact":   {[]d{member}, contactcenter.Choice{}, 0, 4, "newest open one"},
		"in another pipeline":  {[]d{seenDeal(1, 5, 0, 0, 1)}, contactcenter.Choice{}, 0, 0, "new one"},
		"of a stranger":        {[]d{seenDeal(1, 8, 9, 3, 1)}, contactcenter.Choice{}, 0, 0, "new one"},
		"of nobody":            {[]d{seenDeal(1, 0, 0, 3, 1)}, contactcenter.Choice{}, 0, 0, "new one"},
		"newest":               {[]d{seenDeal(1, 5, 0, 3, 1), seenDeal(2, 0, 6, 3, 3), seenDeal(3, 5, 0, 3, 2)}, contactcenter.Choice{}, 0, 2, "newest"},
		"same day":             {[]d{seenDeal(2, 5, 0, 3, 1), seenDeal(3, 5, 0, 3, 1), seenDeal(3, 5, 0, 3, 1)}, contactcenter.Choice{}, 0, 3, "newest"},
		"own":                  {[]d{seenDeal(2, 5, 0, 3, 1)}, contactcenter.Choice{}, 7, 7, "this request itself made deal 7 before"},
		"chosen":               {[]d{seenDeal(2, 5, 0, 3, 1)}, contactcenter.Choice{DealID: 8}, 7, 8, "a person chose deal 8"},
		"a new one":            {[]d{seenDeal(2, 5, 0, 3, 1)}, contactcenter.Choice{NewDeal: true}, 0, 0, "a person chose a new deal"},
		"a new one, made then": {[]d{seenDeal(2, 5, 0, 3, 1)}, contactcenter.Choice{NewDeal: true}, 7, 7, "made deal 7 before"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := contactcenter.RequestFound{
				Contacts: []contactcenter.Seen{seen(5, 1, "phone")}, Companies: []contactcenter.Seen{seen(6, 1, "inn")}, Deals: tt.deals, OwnDeal: tt.own,
			}
			plan := contactcenter.Decide(found, all, settings.FirstByRule, tt.choice)
			require.Equal(t, tt.want, plan.Deal.ID)
			require.Contains(t, plan.Deal.Rule, tt.says)
		})
	}
}

func TestWhatARequestDoesNotTellIsNotTouched(t *testing.T) {
	t.Parallel()
	found := contactcenter.RequestFound{
		Contacts: []contactcenter.Seen{seen(5, 1, "phone"), seen(6, 1, "phone")}, OwnCompany: 3, Deals: []contactcenter.SeenDeal{seenDeal(1, 5, 0, 0, 1)},
	}
	plan := contactcenter.Decide(found, contactcenter.Wants{}, settings.Ask, contactcenter.Choice{})
	for _, d := range []contactcenter.Decision{plan.Contact, plan.Company, plan.Deal} {
		require.Equal(t, contactcenter.OutcomeNone, d.Outcome)
		require.Zero(t, d.ID)
		require.Contains(t, d.Rule, "the request tells n")
	}
	require.Empty(t, plan.Ambiguous)
	own := contactcenter.Decide(contactcenter.RequestFound{OwnCompany: 3}, all, settings.Ask, contactcenter.Choice{NewCompany: true})
	require.Equal(t, "this request itself made company 3 before", own.Company.Rule)
}

func anyFound(t *rapid.T) contactcenter.RequestFound {
	id := rapid.Int64Range(1, 6)
	client := rapid.Custom(func(t *rapid.T) contactcenter.Seen {
		by := rapid.SliceOfN(rapid.SampledFrom([]string{"link", "external_id", "inn", "kpp", "ogrn", "phone", "email", "title"}), 1, 3).Draw(t, "by")
		i := id.Draw(t, "id")
		return seen(i, int(i%3)+1, by...) // one entity was created once
	})
	deal := rapid.Custom(func(t *rapid.T) contactcenter.SeenDeal {
		i := rapid.Int64Range(1, 9).Draw(t, "deal")
		return seenDeal(i, i%5, i%4, i%2, int(i%3)+1)
	})
	own := rapid.SampledFrom([]int64{0, 0, 0, 8})
	return contactcenter.RequestFound{
		Contacts: rapid.SliceOfN(client, 0, 5).Draw(t, "contacts"), Companies: rapid.SliceOfN(client, 0, 4).Draw(t, "companies"),
		Deals: rapid.SliceOfN(deal, 0, 5).Draw(t, "deals"), OwnContact: own.Draw(t, "own"), OwnDeal: own.Draw(t, "own deal"),
	}
}

func TestPlansDoNotDependOnTheOrderOfCandidates(t *testing.T) {
	t.Parallel()
	rules := rapid.SampledFrom([]settings.AmbiguityRule{settings.FirstByRule, settings.Newest, settings.Ask})
	rapid.Check(t, func(t *rapid.T) {
		found, rule := anyFound(t), rules.Draw(t, "rule")
		wants := contactcenter.Wants{
			Contact: rapid.Bool().Draw(t, "c"), Company: rapid.Bool().Draw(t, "co"), Deal: rapid.Bool().Draw(t, "d"), Pipeline: rapid.Int64Range(0, 1).Draw(t, "p"),
		}
		before, err := json.Marshal(found)
		require.NoError(t, err)
		want := contactcenter.Decide(found, wants, rule, contactcenter.Choice{})
		after, err := json.Marshal(found)
		require.NoError(t, err)
		require.JSONEq(t, string(before), string(after), "the input is not changed")
		found.Contacts = rapid.Permutation(found.Contacts).Draw(t, "contacts again")
		found.Companies = rapid.Permutation(found.Companies).Draw(t, "companies again")
		found.Deals = rapid.Permutation(found.Deals).Draw(t, "deals again")
		require.Equal(t, want, contactcenter.Decide(found, wants, rule, contactcenter.Choice{}))
		requireSound(t, want, wants, rule)
	})
}

// requireSound fails if a plan contradicts itself.
func requireSound(t *rapid.T, plan contactcenter.Plan, wants contactcenter.Wants, rule settings.AmbiguityRule) {
	require.True(t, rule == settings.Ask || len(plan.Ambiguous) == 0)
	wanted := map[string]bool{"contact": wants.Contact, "company": wants.Company, "deal": wants.Deal}
	for _, d := range []contactcenter.Decision{plan.Contact, plan.Company, plan.Deal} {
		require.NotEmpty(t, d.Rule)
		require.Equal(t, d.Outcome == contactcenter.OutcomeFound, d.ID != 0)
		open := d.Outcome == contactcenter.OutcomeNone
		require.True(t, !open || !wanted[d.Kind] || len(plan.Ambiguous) > 0, "%+v", plan)
		require.Equal(t, slices.Compact(slices.Clone(d.Candidates)), d.Candidates)
	}
}

func TestFoundCandidatesAreSorted(t *testing.T) {
	t.Parallel()
	candidate := func(id int64, by ...string) contactcenter.Candidate {
		c := contactcenter.Candidate{Ref: contactcenter.Ref{Kind: "contact", ID: id}}
		for _, way := range by {
			c.MatchedBy = append(c.MatchedBy, contactcenter.Match{By: way})
		}
		return c
	}
	list := []contactcenter.Candidate{
		candidate(1, "name"), candidate(2, "email"), candidate(3, "phone"), candidate(4, "name", "phone"), candidate(5, "email", "phone"), candidate(6, "id"),
		candidate(7, "filter"), candidate(8, "phone"), candidate(9, "phone", "phone"),
	}
	contactcenter.SortCandidates(list)
	var order []int64
	for _, c := range list {
		order = append(order, c.ID)
	}
	require.Equal(t, []int64{6, 5, 4, 3, 8, 9, 2, 1, 7}, order)
	require.Equal(t, []contactcenter.Match{{By: "phone"}, {By: "email"}}, list[1].MatchedBy)
	require.Equal(t, []contactcenter.Match{{By: "phone"}}, list[5].MatchedBy, "each way once")
}

func TestDealsAreSorted(t *testing.T) {
	t.Parallel()
	deals := []contactcenter.DealBrief{
		{ID: 1, CreatedAt: day(9)}, {ID: 2, Open: true, CreatedAt: day(1)}, {ID: 3, Open: true, CreatedAt: day(2)}, {ID: 4, Open: true, CreatedAt: day(2)}, {ID: 5},
	}
	contactcenter.SortDeals(deals)
	var order []int64
	for _, d := range deals {
		order = append(order, d.ID)
	}
	require.Equal(t, []int64{4, 3, 2, 1, 5}, order)
}

func TestPlansHoldIDsOnly(t *testing.T) {
	t.Parallel()
	found := contactcenter.RequestFound{Contacts: []contactcenter.Seen{seen(5, 1, "phone"), seen(6, 1, "phone")}, Deals: []contactcenter.SeenDeal{seenDeal(1, 5, 0, 3, 1)}}
	data, err := json.Marshal(contactcenter.Decide(found, all, settings.Ask, contactcenter.Choice{}))
	require.NoError(t, err)
	for _, key := range []string{`"contact":`, `"ambiguous":`, `"candidates":`, `"outcome":`, `"rule":`, `"by":`} {
		require.Contains(t, string(data), key)
	}
	require.NotContains(t, strings.ToUpper(string(data)), `"ID":0`)
}
