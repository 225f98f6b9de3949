package activities_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	crm "puente/bitrix24"
	"puente/dialog"
	"puente/sandbox/bitrix24"
	"puente/settings"
	"puente/workflows"
)

func TestClientIsRecognised(t *testing.T) {
	t.Parallel()
	const email = "ana@example.org"
	for name, c := range map[string]struct {
		phone, email string // in the CRM
		by           dialog.MatchedBy
	}{
		"by a phone written in the national way": {"8 (999) 555-01-01", "", dialog.ByPhone},
		"by a bare phone":                        {"79995550101", "", dialog.ByPhone},
		"by e-mail in other letters":             {"", email, dialog.ByEmail},
		"by phone where both fit":                {"+79995550101", email, dialog.ByPhone},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			known := b.person(t, c.phone, c.email)
			deal := b.add(t, dialog.Deal, crm.Params{"title": "Open", "contactIds": []int64{known}})
			found := b.open(t, 501, func(s *dialog.Snapshot) { s.Client.Email = " Ana@Example.org " }).find(t)
			require.Equal(t, []dialog.Candidate{{ID: known, MatchedBy: c.by}}, found.Contacts)
			require.Len(t, found.Deals, 1)
			require.Equal(t, deal, found.Deals[0].ID)
			require.True(t, found.Simple)
		})
	}
}

func TestNobodyIsRecognised(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*dialog.Snapshot){
		"an unknown phone":      func(s *dialog.Snapshot) { s.Client.Phone = "+79995559999" },
		"the company's own":     func(s *dialog.Snapshot) { s.Client.Phone = "8 800 100 20 30" },
		"a messenger identity":  func(s *dialog.Snapshot) { s.Client.Phone, s.Client.Identity = "", "[tg] 79995550101" },
		"a local number abroad": func(s *dialog.Snapshot) { s.Client.Phone = "555" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(s *settings.Settings) { s.General.OwnPhones = []string{"+78001002030"} })
			b.person(t, "+78001002030", "")
			b.person(t, "+79995550101", "")
			// Deals without a contact are what an unresolved reference could match.
			b.add(t, dialog.Deal, crm.Params{"title": "Nobody's"})
			b.add(t, dialog.Lead, crm.Params{"title": "Nobody's"})
			found := b.open(t, 502, change).find(t)
			require.Empty(t, found.Contacts)
			require.Empty(t, found.Deals)
			require.Empty(t, found.Leads)
		})
	}
}

func TestPhoneAndEmailOfDifferentPeopleAreBothNamed(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	byPhone, byEmail := b.person(t, "+79995550101", ""), b.person(t, "", "ana@example.org")
	b.add(t, dialog.Deal, crm.Params{"title": "Of the e-mail", "contactIds": []int64{byEmail}})
	c := b.open(t, 503, func(s *dialog.Snapshot) { s.Client.Email = "ana@example.org" })
	plan := c.plan(t, dialog.Correction{})
	require.Equal(t, byPhone, plan.Contact, "the phone is stronger")
	require.Zero(t, plan.Entity.ID, "the deal of the other person is not taken")
	require.Contains(t, plan.Others, dialog.Ref{Kind: dialog.Contact, ID: byEmail})
}

func TestOfSeveralContactsTheOneWithAFittingDealIsTaken(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	var people []int64
	for range 5 {
		people = append(people, b.person(t, "+79995550101", ""))
	}
	deal := b.add(t, dialog.Deal, crm.Params{"title": "Open", "contactIds": []int64{people[2]}})
	plan := b.open(t, 504, nil).plan(t, dialog.Correction{})
	require.Equal(t, dialog.Ref{Kind: dialog.Deal, ID: deal}, plan.Entity)
	require.Equal(t, people[2], plan.Contact)
	require.Len(t, plan.Others, 4)
}

func TestDealInWhichTheClientIsNotTheFirstContactIsFound(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	boss, ana := b.person(t, "+79995550000", ""), b.person(t, "+79995550101", "")
	deal := b.add(t, dialog.Deal, crm.Params{"title": "Together", "contactIds": []int64{boss, ana}})
	require.Equal(t, dialog.Ref{Kind: dialog.Deal, ID: deal}, b.open(t, 505, nil).plan(t, dialog.Correction{}).Entity)
}

func TestLinkIsVerifiedAndHealed(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	first := b.open(t, 506, nil)
	done := first.sync(t)
	again := b.open(t, 506, nil)
	found := again.find(t)
	require.Equal(t, []dialog.Candidate{{ID: done.ContactID, MatchedBy: dialog.ByLink}}, found.Contacts)

	b.remove(t, dialog.Ref{Kind: dialog.Contact, ID: done.ContactID})
	merged := b.person(t, "+79995550101", "")
	found = again.find(t)
	require.Equal(t, []dialog.Candidate{{ID: merged, MatchedBy: dialog.ByPhone}}, found.Contacts)
	require.Len(t, found.Healed, 1)
	_, linked, err := b.store.Link(t.Context(), "demo", "client:506")
	require.NoError(t, err)
	require.False(t, linked)
}

func TestOldDealInTheChannelsPipelineIsFoundBehindFiftyOthers(t *testing.T) {
	t.Parallel()
	b := setup(t, func(s *settings.Settings) { s.CRM.OnlyOwnPipeline = true })
	ana := b.person(t, "+79995550101", "")
	right := b.add(t, dialog.Deal, crm.Params{"title": "The old one", "categoryId": 0, "contactIds": []int64{ana}})
	for i := range 55 {
		b.add(t, dialog.Deal, crm.Params{"title": fmt.Sprint(i), "categoryId": 1, "contactIds": []int64{ana}})
	}
	require.Equal(t, dialog.Ref{Kind: dialog.Deal, ID: right}, b.open(t, 507, nil).plan(t, dialog.Correction{}).Entity)
}

func TestMessengerClientOfALeadIsRecognisedByIt(t *testing.T) {
	t.Parallel()
	b := setup(t, func(s *settings.Settings) { s.CRM = settings.CRM{Mode: settings.ModeClassic} })
	b.crm.SetMode(false, 0)
	stranger := func(s *dialog.Snapshot) { s.Client.Phone, s.Client.Identity = "", "[tg] 5551" }
	done := b.open(t, 508, stranger).sync(t)
	require.Equal(t, dialog.Lead, done.Entity.Kind)
	require.Zero(t, done.ContactID)

	again := b.open(t, 508, stranger)
	require.Equal(t, done.Entity, again.plan(t, dialog.Correction{}).Entity, "the open lead of the client")

	// Somebody makes a contact and a deal of it.
	ana := b.person(t, "", "")
	deal := b.add(t, dialog.Deal, crm.Params{"title": "Converted", "contactIds": []int64{ana}})
	b.update(t, done.Entity, crm.Params{"stageId": "CONVERTED", "contactId": ana})
	plan := again.plan(t, dialog.Correction{})
	require.Equal(t, ana, plan.Contact)
	require.Equal(t, dialog.Ref{Kind: dialog.Deal, ID: deal}, plan.Entity)
}

func TestOpenLeadWithThePhoneIsFound(t *testing.T) {
	t.Parallel()
	b := setup(t, func(s *settings.Settings) { s.CRM = settings.CRM{Mode: settings.ModeClassic} })
	b.crm.SetMode(false, 0)
	lead := b.add(t, dialog.Lead, crm.Params{"title": "Called", "name": "Ana", "fm": comms("89995550101", "")})
	b.add(t, dialog.Lead, crm.Params{"title": "Junk", "name": "Ana", "stageId": "JUNK", "fm": comms("89995550101", "")})
	found := b.open(t, 509, nil).find(t)
	require.False(t, found.Simple)
	require.Len(t, found.Leads, 1)
	require.Equal(t, lead, found.Leads[0].ID)
}

func TestPeopleWaitForEachOther(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	b.open(t, 510, nil).find(t) // holds the phone
	_, err := b.open(t, 511, func(s *dialog.Snapshot) { s.Client.Phone = "8 999 555-01-01" }).tryFind()
	f, app := failure(t, err)
	require.Equal(t, "ClientBusy", f.Code)
	require.False(t, app.NonRetryable())
	require.Positive(t, app.NextRetryDelay())
	b.open(t, 512, func(s *dialog.Snapshot) { s.Client.Phone = "+79995550202" }).find(t)
}

func TestTwoPhonesOfOneContactAreOneLineOfWork(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	b.add(t, dialog.Contact, crm.Params{"name": "Two phones", "fm": append(comms("+79995550101", ""), comms("+79995550102", "")...)})
	first := b.open(t, 513, nil)
	first.find(t)
	second := b.open(t, 514, func(s *dialog.Snapshot) { s.Client.Phone = "+79995550102" })
	_, err := second.tryFind()
	f, _ := failure(t, err)
	require.Equal(t, "ClientBusy", f.Code)
	first.sync(t)
	require.Equal(t, dialog.Deal, second.plan(t, dialog.Correction{}).Entity.Kind)
	require.NotZero(t, second.plan(t, dialog.Correction{}).Entity.ID, "the deal of the first dialog")
}

func TestFindFailsRatherThanTakingARefusalForNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault bitrix24.Fault
		code  string
		final bool
	}{
		"rights":       {bitrix24.Fault{Kind: "status", Status: 403, Code: "ACCESS_DENIED", Description: "Access denied."}, "ACCESS_DENIED", true},
		"not found":    {bitrix24.Fault{Kind: "status", Status: 404, Code: "NOT_FOUND", Description: "Not found"}, "NOT_FOUND", true},
		"rate":         {bitrix24.Fault{Kind: "status", Status: 503}, "QUERY_LIMIT_EXCEEDED", false},
		"page":         {bitrix24.Fault{Kind: "html", Status: 502}, "Ambiguous", false},
		"broken":       {bitrix24.Fault{Kind: "reset"}, "Ambiguous", false},
		"subscription": {bitrix24.Fault{Kind: "status", Status: 401, Code: "PAYMENT_REQUIRED", Description: "ended"}, "PAYMENT_REQUIRED", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			c.fault.Method, c.fault.Times = "*", 1
			b.fault(t, c.fault)
			_, err := b.open(t, 515, nil).tryFind()
			f, app := failure(t, err)
			require.Equal(t, c.code, f.Code)
			require.Equal(t, c.final, app.NonRetryable())
			require.Equal(t, "find", f.Step)
			if c.final {
				require.Contains(t, f.Text, "What to do:")
			}
		})
	}
}

func TestModeIsAskedOnlyIfThePortalDecides(t *testing.T) {
	t.Parallel()
	b := setup(t, func(s *settings.Settings) { s.CRM.Mode = settings.ModeSimple })
	b.crm.SetMode(false, 0)
	require.True(t, b.open(t, 516, nil).find(t).Simple)
	require.Zero(t, b.crm.Stats().ByMethod["crm.settings.mode.get"])
}

func TestFoundEntityOfThisCycleIsNotedAsItsOwn(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	c := b.open(t, 517, nil)
	lost := b.add(t, dialog.Deal, crm.Params{"title": "Answer lost", "originatorId": workflows.Originator, "originId": c.origin})
	plan := c.plan(t, dialog.Correction{})
	require.Equal(t, dialog.Ref{Kind: dialog.Deal, ID: lost}, plan.Entity)
	done, err := c.commit(plan, nil)
	require.NoError(t, err)
	require.True(t, done.NewEntity, "a lead made so is still followed to its deal")
}

func TestFindWithoutItsStoredPartsSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	for name, in := range map[string]workflows.FindInput{
		"transcript deleted": {Portal: "demo", SyncID: "none", Version: 1},
		"settings":           {Portal: "demo", SyncID: "none", Version: 99},
		"portal":             {Portal: "gone", SyncID: "none", Version: 1},
	} {
		_, err := run[dialog.Found](b, workflows.FindClientStep, in)
		f, app := failure(t, err)
		require.True(t, app.NonRetryable(), name)
		require.NotEmpty(t, f.Text, name)
	}
}
