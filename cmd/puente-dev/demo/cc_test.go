package demo

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/contactcenter"
)

func testOffice() office {
	return office{
		stamp: 1_767_323_045, began: time.Unix(1_767_323_045, 0).UTC(), files: "http://127.0.0.1:1/", sounds: makeSounds(),
		crm: Regulars{Nina: 1, NinaDeal: 2, Firm: 3, Twins: [2]int64{4, 5}, Others: [2]int64{6, 7}},
	}
}

func inquiries() (all []Inquiry) {
	o := testOffice()
	for _, w := range slices.Concat(o.waves(), []Wave{o.afterClose()}, o.doubt()) {
		all = append(all, w.Inquiries...)
	}
	return all
}

func TestTheContactCentersDayHasEverythingOnce(t *testing.T) {
	t.Parallel()
	count, keys := map[string]int{}, map[string]bool{}
	for _, in := range inquiries() {
		channel, _ := in.Body["channel"].(string)
		count[channel]++
		call := in.Wants.Call
		for what, is := range map[string]bool{
			"signed": in.Signed, "uploaded": in.Upload != nil, "recorded": call != nil && call.Sound != nil, "missed": call != nil && call.Code == codeMissed,
			"corrected": in.Wants.Revision > 1, "asked": in.Picks != 0, "repeated": in.Times > 1, "refused": len(in.Wants.Refused) > 0,
			"ambiguous": in.Wants.Candidates > 1, "all": true,
		} {
			if is {
				count[what]++
			}
		}
		require.Equal(t, in.Wants.Revision > 1, keys[in.Key], "only a correction has a key again: %s", in.Key)
		keys[in.Key] = true
	}
	require.GreaterOrEqual(t, count["all"], 20)
	require.GreaterOrEqual(t, count["recorded"], 4)
	for _, what := range []string{
		"site", "email", "phone", "signed", "uploaded", "missed", "corrected", "asked", "repeated", "refused", "ambiguous",
	} {
		require.NotZero(t, count[what], what)
	}
	require.Less(t, count["signed"], count["all"])
}

func TestEveryInquiryIsARequest(t *testing.T) {
	t.Parallel()
	for _, in := range inquiries() {
		body := maps.Clone(in.Body)
		body["external_id"] = in.Key
		raw, err := json.Marshal(body)
		require.NoError(t, err)
		request, problems := contactcenter.ParseRequest(raw)
		require.Empty(t, problems, in.Title)
		if request.Company != nil {
			require.NoError(t, contactcenter.CheckINN(request.Company.INN), in.Title)
		}
	}
}

func TestClientsOfADayShareNoNumber(t *testing.T) {
	t.Parallel()
	o, phones, companies := testOffice(), map[string]bool{}, map[string]bool{}
	for n := olga; n <= rosa; n++ {
		require.Len(t, o.phone(n), 12)
		require.False(t, phones[o.phone(n)], n)
		require.False(t, companies[o.inn(int64(n))], n)
		phones[o.phone(n)], companies[o.inn(int64(n))] = true, true
	}
	require.Equal(t, "8 (951) 123-45-67", eight("+79511234567"))
}

func TestSoundsAreWavFilesAndServedUntilTheShelfIsClosed(t *testing.T) {
	t.Parallel()
	s := makeSound("a.wav", 2, 440)
	require.Len(t, s.Body, 44+2*sampleRate)
	require.Equal(t, "RIFF", string(s.Body[:4]))
	require.Equal(t, "WAVEfmt ", string(s.Body[8:16]))
	require.NotEqual(t, s.SHA256(), makeSound("a.wav", 2, 441).SHA256())
	files, err := openShelf(t.Context(), []sound{s})
	require.NoError(t, err)
	for name, status := range map[string]int{"a.wav": http.StatusOK, "b.wav": http.StatusNotFound} {
		response, err := http.Get(files.base + name) //nolint:noctx // a server of this test
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, status, response.StatusCode)
	}
	require.NoError(t, files.close())
}

func TestSignatureIsTheDocumentedOne(t *testing.T) {
	t.Parallel()
	h := sign("demo-hmac", time.Unix(1_767_323_045, 0), []byte(`{"a":1}`))
	require.Equal(t, "1767323045", h.Get("X-Puente-Timestamp"))
	// printf '1767323045.{"a":1}' | openssl dgst -sha256 -hmac demo-hmac
	require.Equal(t, "sha256=29b87cc8211920c4687eaccd35a7e4b651d6d77e81af78335a260f67b41374e1", h.Get("X-Puente-Signature"))
}

// fine is a row that is exactly as expected.
func fine() CenterRow {
	call := phoneCall{
		User: 7, Finished: true, Code: codeAnswered, Duration: 4, Bound: []binding{{3, 1}, {2, 2}},
		Record: &record{SHA256: makeSounds().nina.SHA256(), Times: 1},
	}
	in := testOffice().ninaCalls()
	in.Wants.Offer, in.Wants.Candidates, in.Wants.Rule, in.Wants.Note = map[string]string{"CATEGORY_ID": "0"}, 1, "phone", "stands in"
	said := "Спрашивает о сроках. " + in.marker()
	return CenterRow{
		Inquiry: in, Status: statusDone,
		Answer: centerAnswer{
			Revision: 1, Notes: []string{"user 1 stands in"}, Timeline: []Entity{{Kind: "contact", ID: 1}, {Kind: "deal", ID: 2}},
			Decisions: []decision{
				{Kind: "contact", Outcome: found, ID: 1, Rule: "by phone", Candidates: []int64{1}},
				{Kind: "company", Outcome: none},
				{Kind: "deal", Outcome: found, ID: 2},
			},
		},
		Seen: seen{
			Fields: map[string]map[string]text{"deal": {"CATEGORY_ID": "0"}}, Notices: 1, Calls: []phoneCall{call},
			Comments: map[string][]string{"contact": {said}, "deal": {said}},
		},
	}
}

func TestEveryMismatchOfTheContactCenterIsNamed(t *testing.T) {
	t.Parallel()
	for want, spoil := range map[string]func(*CenterRow){
		"":                               func(*CenterRow) {},
		`ended as "failed" instead`:      func(r *CenterRow) { r.Status = statusFailed },
		"was refused with 500":           func(r *CenterRow) { r.Inquiry.Wants.Refused, r.Status, r.HTTP = []string{"body.x"}, statusRefused, 500 },
		"revision 2 was answered":        func(r *CenterRow) { r.Answer.Revision = 2 },
		"asked a person: true":           func(r *CenterRow) { r.Waited = true },
		`without "stands in"`:            func(r *CenterRow) { r.Answer.Notes = nil },
		"0 notifications":                func(r *CenterRow) { r.Seen.Notices = 0 },
		"contact: created instead":       func(r *CenterRow) { r.Answer.Decisions[0].Outcome = created },
		"went to contact 1 instead of 9": func(r *CenterRow) { r.Inquiry.Wants.ContactID = 9 },
		`without "phone"`:                func(r *CenterRow) { r.Answer.Decisions[0].Rule = "" },
		"2 contacts came into question":  func(r *CenterRow) { r.Answer.Decisions[0].Candidates = []int64{1, 2} },
		`CATEGORY_ID of deal 2 is "1"`:   func(r *CenterRow) { r.Seen.Fields["deal"]["CATEGORY_ID"] = "1" },
		"0 comments instead of one":      func(r *CenterRow) { r.Seen.Comments["deal"] = nil },
		`comment on deal 2 lacks`:        func(r *CenterRow) { r.Seen.Comments["deal"] = []string{"x"} },
		"0 calls instead of one":         func(r *CenterRow) { r.Seen.Calls = nil },
		"that of user 8 instead of 7":    func(r *CenterRow) { r.Seen.Calls[0].User = 8 },
		"does not ring":                  func(r *CenterRow) { r.Inquiry.Wants.Call = &WantedCall{Open: true, User: 7} },
		"the call ended with 304":        func(r *CenterRow) { r.Seen.Calls[0].Code = codeMissed },
		"does not stand on deal 2":       func(r *CenterRow) { r.Seen.Calls[0].Bound = r.Seen.Calls[0].Bound[:1] },
		"that nobody sent":               func(r *CenterRow) { r.Inquiry.Wants.Call.Sound = nil },
		"has no recording":               func(r *CenterRow) { r.Seen.Calls[0].Record = nil },
		"was attached 2 times":           func(r *CenterRow) { r.Seen.Calls[0].Record.Times = 2 },
		"is another file":                func(r *CenterRow) { r.Seen.Calls[0].Record.SHA256 = "x" },
	} {
		row := fine()
		spoil(&row)
		got := row.mismatches()
		if want == "" {
			require.Empty(t, got)
			continue
		}
		require.Len(t, got, 1, want)
		require.Contains(t, got[0], want)
	}
}

func TestClientsAndDealsAreComparedBetweenInquiries(t *testing.T) {
	t.Parallel()
	row := func(client, deal string, contact, dealID int64, outcome string) CenterRow {
		return CenterRow{Inquiry: Inquiry{Client: client, Wants: Wanted{SameDeal: deal}}, Answer: centerAnswer{Decisions: []decision{
			{Kind: "contact", ID: contact, Outcome: outcome}, {Kind: "deal", ID: dealID},
		}}}
	}
	require.Empty(t, clients([]CenterRow{row("A", "", 1, 0, created), row("A", "", 1, 0, found), row("B", "", 2, 0, created)}))
	require.Contains(t, clients([]CenterRow{row("A", "", 1, 0, created), row("A", "", 2, 0, found)})[0], "A became two contacts")
	require.Contains(t, clients([]CenterRow{row("A", "", 1, 0, created), row("B", "", 1, 0, found)})[0], "A and B share contact 1")
	require.Contains(t, clients([]CenterRow{row("A", "", 1, 0, created), row("A", "", 1, 0, created)})[0], "A was created 2 times")
	require.Empty(t, sameDeals([]CenterRow{row("A", "x", 1, 5, ""), row("A", "x", 1, 5, ""), row("A", "y", 1, 6, "")}))
	require.Contains(t, sameDeals([]CenterRow{row("A", "x", 1, 5, ""), row("A", "x", 1, 6, "")})[0], "where one was expected")
	require.Contains(t, sameDeals([]CenterRow{row("A", "x", 1, 5, ""), row("A", "y", 1, 5, "")})[0], "share deal 5")
}

func TestTheTablesShowWhatWentWrong(t *testing.T) {
	t.Parallel()
	good, bad := fine(), fine()
	bad.Status, bad.Inquiry.Title = statusFailed, "Broken"
	r := CenterReport{Rows: []CenterRow{good, bad}, Methods: []MethodRow{{Method: "deal.find", HTTP: 500, Mismatches: []string{"HTTP 500"}}}}
	r.judge()
	var out strings.Builder
	r.print(&out)
	require.False(t, r.OK)
	for _, part := range []string{"✓  phone", "with recording", "✗  phone", "✗  deal.find", "2 outcomes are not the expected ones", "✗ Broken", "✗ deal.find: HTTP 500"} {
		require.Contains(t, out.String(), part)
	}
}
