package workflows_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/contactcenter"
	"puente/settings"
	"puente/workflows"
	"puente/workflows/workflowstest"
)

func seen(id int64, by ...string) contactcenter.Seen { return contactcenter.Seen{ID: id, By: by} }

func TestRequestOfANewClientMakesAllAndTellsPeople(t *testing.T) {
	t.Parallel()
	d := setupDesk(t)
	d.Opened.Call, d.Opened.Notify, d.Opened.CallID = true, true, "call-1"
	result := d.request(t)
	require.Equal(t, workflows.RequestResult{SyncID: syncID, Status: workflows.Done, Revision: 1, Decisions: result.Decisions}, result)
	require.Equal(t, []string{"created 42", "created 52", "created 62"}, outcomes(result.Decisions))
	did := d.did()
	require.ElementsMatch(t, []string{workflows.SaveContactStep, workflows.SaveCompanyStep}, did[2:4])
	require.ElementsMatch(t, []string{workflows.SaveDealStep, workflows.LinkCompanyStep}, did[4:6])
	require.ElementsMatch(t, []string{workflows.SaveCallStep, workflows.WriteTimelineStep}, did[6:8])
	require.Equal(t, []string{workflows.OpenRequestStep, workflows.FindRequestStep}, did[:2])
	require.Equal(t, []string{workflows.AnswerRequestStep, workflows.NotifyRequestStep}, did[8:])
	require.Equal(t, map[string]string{
		"PuenteStatus": "done", "PuenteContact": "42", "PuenteCompany": "52", "PuenteDeal": "62",
	}, d.attrs)
}

func outcomes(decisions []contactcenter.Decision) (all []string) {
	for _, d := range decisions {
		id, _ := json.Marshal(d.ID) //nolint:errchkjson // a number
		all = append(all, d.Outcome+" "+string(id))
	}
	return all
}

func TestStepsOfARequestRunSideBySideWhereTheyMay(t *testing.T) {
	t.Parallel()
	d := setupDesk(t)
	d.Opened.Call, d.Opened.Notify, d.Opened.Recording, d.Opened.CallID = true, true, true, "call-1"
	for name, takes := range map[string]time.Duration{
		workflows.SaveContactStep: time.Hour, workflows.SaveCompanyStep: 2 * time.Hour, workflows.SaveDealStep: 4 * time.Hour,
		workflows.LinkCompanyStep: 3 * time.Hour, workflows.WriteTimelineStep: 5 * time.Hour, workflows.SaveCallStep: 6 * time.Hour,
		workflows.NotifyRequestStep: time.Hour, workflows.AnswerRequestStep: time.Hour, workflows.FetchRecordingStep: time.Hour,
	} {
		d.Fails[name] = []error{workflowstest.Passing(takes)}
	}
	d.request(t)
	begin := map[string]time.Duration{}
	for _, s := range d.Steps() {
		if _, known := begin[s.Name]; !known {
			begin[s.Name] = s.At.Sub(d.began)
		}
	}
	require.Equal(t, map[string]time.Duration{
		workflows.OpenRequestStep: 0, workflows.FindRequestStep: 0, workflows.SaveContactStep: 0, workflows.SaveCompanyStep: 0,
		workflows.SaveDealStep: 2 * time.Hour, workflows.LinkCompanyStep: 2 * time.Hour,
		workflows.WriteTimelineStep: 6 * time.Hour, workflows.SaveCallStep: 6 * time.Hour,
		workflows.AnswerRequestStep: 12 * time.Hour, workflows.NotifyRequestStep: 13 * time.Hour,
		workflows.FetchRecordingStep: 14 * time.Hour, workflows.AttachRecordingStep: 15 * time.Hour, workflows.FinishRunStep: 15 * time.Hour,
	}, begin)
}

func TestRequestTakesOnlyTheStepsItsFieldsCallFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		wants contactcenter.Wants
		want  []string
	}{
		"an e-mail only":    {contactcenter.Wants{Contact: true}, []string{workflows.SaveContactStep}},
		"a company only":    {contactcenter.Wants{Company: true}, []string{workflows.SaveCompanyStep}},
		"contact and deal":  {contactcenter.Wants{Contact: true, Deal: true}, []string{workflows.SaveContactStep, workflows.SaveDealStep}},
		"a product only":    {contactcenter.Wants{Deal: true}, []string{workflows.SaveDealStep}},
		"nothing but words": {contactcenter.Wants{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := setupDesk(t)
			d.Opened.Wants = c.wants
			require.Equal(t, workflows.Done, d.request(t).Status)
			did := d.did()
			require.Equal(t, append([]string{workflows.OpenRequestStep, workflows.FindRequestStep}, c.want...), did[:2+len(c.want)])
			require.Equal(t, []string{workflows.WriteTimelineStep, workflows.AnswerRequestStep}, did[2+len(c.want):])
		})
	}
}

func TestEachStepKnowsWhatEarlierOnesDecidedAndMade(t *testing.T) {
	t.Parallel()
	d := setupDesk(t)
	d.Opened.Notes = []string{"INN 7707083893 is not a company's"}
	d.Found = contactcenter.RequestFound{
		Contacts: []contactcenter.Seen{{ID: 7, By: []string{contactcenter.ByPhone}, Responsible: 8}},
		Deals:    []contactcenter.SeenDeal{{ID: 9, ContactID: 7, Pipeline: 4, Responsible: 6}, {ID: 10, ContactID: 7, Pipeline: 5}},
	}
	result := d.request(t)
	require.Equal(t, []string{"found 7", "created 52", "found 9"}, outcomes(result.Decisions))
	base := workflows.RequestStepInput{
		Portal: portal, SyncID: syncID, Owner: "request:demo:form-77", Version: 3, Revision: 1, Notes: d.Opened.Notes,
	}
	first := func(name string) workflows.RequestStepInput {
		in := asked[workflows.RequestStepInput](t, d, name)[0]
		in.Decisions = nil
		return in
	}
	require.Equal(t, base, first(workflows.FindRequestStep))
	base.ContactID, base.DealID, base.ContactResponsible, base.DealResponsible = 7, 9, 8, 6
	require.Equal(t, base, first(workflows.SaveContactStep))
	require.Equal(t, base, first(workflows.SaveCompanyStep))
	base.CompanyID = 52
	require.Equal(t, base, first(workflows.SaveDealStep))
	require.Equal(t, base, first(workflows.LinkCompanyStep))
	require.Equal(t, base, first(workflows.WriteTimelineStep))
	answer := asked[workflows.AnswerRequestInput](t, d, workflows.AnswerRequestStep)[0]
	require.Equal(t, workflows.AnswerRequestInput{
		Portal: portal, SyncID: syncID, Owner: "request:demo:form-77", Final: true,
		Answer: contactcenter.RequestAnswer{
			Revision: 1, Decisions: result.Decisions, Notes: d.Opened.Notes,
			Timeline: []contactcenter.Ref{{Kind: "contact", ID: 7}, {Kind: "company", ID: 52}, {Kind: "deal", ID: 9}},
		},
	}, answer)
}

func TestAnswerTellsOfTheCall(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		recording bool
		state     string // that SaveCall tells
		want      string
		final     bool
	}{
		"without recording":            {false, "", "", true},
		"recording to come":            {true, "", "pending", false},
		"recording to come, as told":   {true, "pending", "pending", false},
		"recording is there from once": {true, "attached", "attached", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := setupDesk(t)
			d.Opened.Call, d.Opened.Recording, d.Opened.CallID, d.Call.Recording = true, c.recording, "call-1", c.state
			d.Call.Bound, d.Call.Notes = []contactcenter.Ref{{Kind: "deal", ID: 62}}, []string{"operator 15 is unknown to the portal"}
			require.Equal(t, workflows.Done, d.request(t).Status)
			answer := asked[workflows.AnswerRequestInput](t, d, workflows.AnswerRequestStep)[0]
			require.Equal(t, &contactcenter.CallAnswer{
				CallID: "call-1", BitrixCallID: "externalCall.1", State: "finished", ActivityID: 900, UserID: 8, Recording: c.want, Bound: d.Call.Bound,
			}, answer.Answer.Call)
			require.Equal(t, d.Call.Notes, answer.Answer.Notes)
			require.Equal(t, c.final, answer.Final)
			require.Equal(t, !c.final, d.times(workflows.AttachRecordingStep) == 1)
		})
	}
}

func TestAmbiguousClientFollowsTheSetting(t *testing.T) {
	t.Parallel()
	for rule, want := range map[settings.AmbiguityRule]string{settings.FirstByRule: "found 7", settings.Newest: "found 8"} {
		t.Run(string(rule), func(t *testing.T) {
			t.Parallel()
			d := setupDesk(t)
			d.Opened.Ambiguous, d.Opened.Wants = string(rule), contactcenter.Wants{Contact: true}
			d.Found.Contacts = []contactcenter.Seen{
				{ID: 8, By: []string{contactcenter.ByPhone}, Created: d.began}, {ID: 7, By: []string{contactcenter.ByPhone}, Created: d.began.Add(-time.Hour)},
			}
			result := d.request(t)
			require.Equal(t, want, outcomes(result.Decisions)[0])
			require.Contains(t, d.details(t), "(candidates: 7 8)")
		})
	}
}

func TestAskParksWithTheCandidatesAndGoesOnWithAChoice(t *testing.T) {
	t.Parallel()
	d := setupDesk(t)
	d.Opened.Ambiguous = string(settings.Ask)
	d.Found.Contacts = []contactcenter.Seen{seen(8, contactcenter.ByPhone), seen(7, contactcenter.ByPhone), seen(6, contactcenter.ByEmail)}
	d.after(time.Hour, func() {
		require.Equal(t, []string{workflows.OpenRequestStep, workflows.FindRequestStep, workflows.ParkRunStep}, d.did(), "nothing is made yet")
		failure := d.state(t).Failure
		require.Equal(t, workflows.ErrChoiceNeeded, failure.Code)
		require.Contains(t, failure.Text, "contact 7 or 8.")
		require.Contains(t, failure.Text, `{"choice":{"contact_id":7}} or {"choice":{"new_contact":true}}`)
		require.Equal(t, workflows.ErrChoiceNeeded, asked[workflows.ParkRunInput](t, d, workflows.ParkRunStep)[0].Kind)
		require.Contains(t, d.details(t), "2 candidates match equally well by phone; a person must choose the contact (candidates: 7 8 6)")
		d.retry(t, workflows.RetrySync{Actor: "anna", Choice: &contactcenter.Choice{ContactID: 8}})
	})
	result := d.request(t)
	require.Equal(t, "found 8", outcomes(result.Decisions)[0])
	require.Equal(t, "a person chose contact 8", result.Decisions[0].Rule)
	opens := asked[workflows.OpenRequestInput](t, d, workflows.OpenRequestStep)
	require.Equal(t, &contactcenter.Choice{ContactID: 8}, opens[1].Choice)
	require.Equal(t, contactcenter.Choice{ContactID: 8}, asked[workflows.AnswerRequestInput](t, d, workflows.AnswerRequestStep)[0].Choice,
		"remembered for the client")
}

func TestChoiceIsKeptUntilTheDatabaseHasIt(t *testing.T) {
	t.Parallel()
	d := setupDesk(t)
	d.Opened.Ambiguous = string(settings.Ask)
	d.Found.Companies = []contactcenter.Seen{seen(8, contactcenter.ByINN), seen(7, contactcenter.ByINN)}
	d.after(time.Hour, func() {
		require.Contains(t, d.state(t).Failure.Text, `{"choice":{"company_id":7}}`)
		d.Fails[workflows.OpenRequestStep] = []error{refused("NO_SETTINGS", "the portal has no settings yet")}
		d.retry(t, workflows.RetrySync{Actor: "anna", Choice: &contactcenter.Choice{NewCompany: true}})
	})
	d.after(2*time.Hour, func() { d.retry(t, workflows.RetrySync{Actor: "anna"}) })
	result := d.request(t)
	require.Equal(t, "created 52", outcomes(result.Decisions)[1])
}

func TestRequestFindsAgainWhenTheGroundMoved(t *testing.T) {
	t.Parallel()
	for _, code := range []string{workflows.ErrClaimLost, workflows.ErrEntityGone} {
		for _, moved := range []string{
			workflows.SaveContactStep, workflows.SaveCompanyStep, workflows.SaveDealStep, workflows.LinkCompanyStep,
			workflows.SaveCallStep, workflows.WriteTimelineStep,
		} {
			t.Run(code+" at "+moved, func(t *testing.T) {
				t.Parallel()
				d := setupDesk(t)
				d.Opened.Call, d.Opened.CallID = true, "call-1"
				d.Opened.Notes, d.Call.Notes = []string{"a note"}, []string{"a note of the call"}
				d.Fails[moved] = []error{refused(code, "look again"), refused(code, "look again")}
				require.Equal(t, workflows.Done, d.request(t).Status)
				found := d.at(workflows.FindRequestStep)
				require.Equal(t, []time.Duration{0, time.Second, 3 * time.Second}, found, "whoever moved the ground gets time to finish")
				for _, find := range asked[workflows.RequestStepInput](t, d, workflows.FindRequestStep) {
					require.Zero(t, find.ContactID, "what was found before is forgotten")
					require.Empty(t, find.Decisions)
				}
				answer := asked[workflows.AnswerRequestInput](t, d, workflows.AnswerRequestStep)[0].Answer
				require.Equal(t, []string{"a note", "a note of the call"}, answer.Notes, "each note once")
				require.Contains(t, d.details(t), "- **Find again**: look again\n")
			})
		}
	}
}

func TestRequestThatNeverFindsFirmGroundParks(t *testing.T) {
	t.Parallel()
	d := setupDesk(t)
	for range 10 {
		d.Fails[workflows.SaveContactStep] = append(d.Fails[workflows.SaveContactStep], refused(workflows.ErrClaimLost, "look again"))
	}
	d.after(time.Hour, func() {
		require.Equal(t, 10, d.times(workflows.FindRequestStep))
		require.Equal(t, workflows.ErrClaimLost, asked[workflows.ParkRunInput](t, d, workflows.ParkRunStep)[0].Kind)
		d.retry(t, workflows.RetrySync{Actor: "anna"})
	})
	require.Equal(t, workflows.Done, d.request(t).Status)
}

func TestBothPartsAreWaitedForWhenOneFails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ fails, beside, after string }{
		{workflows.SaveContactStep, workflows.SaveCompanyStep, workflows.SaveDealStep},
		{workflows.SaveCompanyStep, workflows.SaveContactStep, workflows.SaveDealStep},
		{workflows.LinkCompanyStep, workflows.SaveDealStep, workflows.WriteTimelineStep},
		{workflows.SaveDealStep, workflows.LinkCompanyStep, workflows.WriteTimelineStep},
		{workflows.SaveCallStep, workflows.WriteTimelineStep, workflows.AnswerRequestStep},
		{workflows.WriteTimelineStep, workflows.SaveCallStep, workflows.AnswerRequestStep},
	} {
		t.Run(c.fails, func(t *testing.T) {
			t.Parallel()
			d := setupDesk(t)
			d.Opened.Call, d.Opened.CallID = true, "call-1"
			d.Fails[c.fails] = []error{refused("ACCESS_DENIED", "Access denied.")}
			d.Fails[c.beside] = []error{workflowstest.Passing(time.Hour)}
			d.after(2*time.Hour, func() {
				require.Equal(t, []time.Duration{time.Hour}, d.at(workflows.ParkRunStep), "nothing is under way when a person looks")
				require.Zero(t, d.times(c.after))
				d.retry(t, workflows.RetrySync{Actor: "anna"})
			})
			require.Equal(t, workflows.Done, d.request(t).Status)
		})
	}
}

func TestRequestDoesNotFailBecauseNobodyCouldBeTold(t *testing.T) {
	t.Parallel()
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		d := setupDesk(t)
		d.Opened.Notify = true
		d.Fails[workflows.NotifyRequestStep] = []error{refused("ACCESS_DENIED", "Access denied.")}
		require.Equal(t, workflows.Done, d.request(t).Status)
		require.Contains(t, d.details(t), "- **Notification**: not sent: Access denied.\n")
	})
	t.Run("away", func(t *testing.T) {
		t.Parallel()
		d := setupDesk(t)
		d.Opened.Notify = true
		for range 9 {
			d.Fails[workflows.NotifyRequestStep] = append(d.Fails[workflows.NotifyRequestStep], workflowstest.Passing(9*time.Hour))
		}
		require.Equal(t, workflows.Done, d.request(t).Status)
		require.Less(t, d.at(workflows.AnswerRequestStep)[0], 25*time.Hour)
	})
}

func TestStoryOfARequestReadsWell(t *testing.T) {
	t.Parallel()
	d := setupDesk(t)
	d.Opened.Call, d.Opened.Recording, d.Opened.CallID = true, true, "call-1"
	d.Found.Contacts = []contactcenter.Seen{seen(7, contactcenter.ByPhone, contactcenter.ByEmail), seen(8, contactcenter.ByPhone)}
	d.request(t)
	require.Equal(t, strings.Join([]string{
		"### Contact center request form-77 from site", "", "Status: **done**", "",
		"- **Settings**: version 3; revision 1 of the request",
		"- **Decision**: contact: contact 7 matches by phone and e-mail, better than 1 others (candidates: 7 8)",
		"- **Decision**: company: no company of the CRM matches, so a new one is made",
		"- **Decision**: deal: the client has no open deal in pipeline 4, so a new one is made",
		"- **Saved**: [contact 7](https://p.example/crm/contact/details/7/) changed: EMAIL",
		"- **Saved**: created [company 52](https://p.example/crm/company/details/52/)",
		"- **Saved**: created [deal 62](https://p.example/crm/deal/details/62/)",
		"- **Call**: finished, activity 900",
		"- **Timeline**: written on [contact 7](https://p.example/crm/contact/details/7/), " +
			"[company 52](https://p.example/crm/company/details/52/), [deal 62](https://p.example/crm/deal/details/62/)",
		"- **Answered**: revision 1", "- **Recording**: is being attached to the call",
		"- **Recording**: attached as file 77, 4096 bytes", "",
	}, "\n"), d.details(t))
}

func TestDetailsOfARunThatIsTriedForEverShowTheNewestWithinTheLimit(t *testing.T) {
	t.Parallel()
	d := setupDesk(t)
	const tries = 40
	for n := range tries {
		d.Fails[workflows.FindRequestStep] = append(d.Fails[workflows.FindRequestStep], refused("HTML", fmt.Sprintf("try %d ", n)+strings.Repeat("<b>ошибка</b> ", 200)))
	}
	for n := range tries {
		d.after(time.Duration(n+1)*time.Hour, func() {
			require.Less(t, len(d.details(t)), 20_000)
			require.Contains(t, d.details(t), fmt.Sprintf("try %d <b>", n), "the newest is what people look for")
			d.retry(t, workflows.RetrySync{Actor: "anna"})
		})
	}
	require.Equal(t, workflows.Done, d.request(t).Status)
}
