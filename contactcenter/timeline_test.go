package contactcenter_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"puente/contactcenter"
	"puente/dialog"
	"puente/texts"
)

var update = flag.Bool("update", false, "write the golden files anew")

// wholeRequest fills everything a comment shows.
func wholeRequest() contactcenter.Request {
	return contactcenter.Request{
		ExternalID: "r-17", Channel: contactcenter.Phone, Product: "Subsidy", OccurredAt: time.Date(2026, 1, 31, 7, 5, 0, 0, time.UTC),
		Contact: &contactcenter.ContactData{
			Name: "Ana", LastName: "López", Post: "boss", Phones: []multi{{Value: "+7 999 123-45-67"}}, Emails: []multi{{Value: "ana@example.org"}}, Comments: "VIP",
		},
		Company: &contactcenter.CompanyData{Title: "Acme", LegalName: "Acme LLC", INN: "7707083893", KPP: "770701001", Address: "Calle 1"},
		Deal:    &contactcenter.DealData{Title: "A deal", Amount: pointer(1234.5), Currency: "EUR"},
		Call:    &contactcenter.Call{Direction: contactcenter.Incoming, Phone: "+79991234567", Status: contactcenter.Answered, Duration: 185, Line: "line 1"},
		Comment: "I want [b]money[/b]\n<script>alert(1)</script> & more",
		UTM:     &contactcenter.UTM{Source: "google", Campaign: "winter"},
		Fields:  map[string]string{"Region": "South [url=x]", "agree": "yes\nno"},
	}
}

func options(t testing.TB, lang string) contactcenter.TimelineOptions {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Madrid")
	require.NoError(t, err)
	return contactcenter.TimelineOptions{
		Texts: texts.For(lang, nil), Zone: zone, Marker: "puente:r-17", Revision: 2, Links: dialog.Links{Portal: "https://a.bitrix24.com/rest/1/x/"},
		Decisions: []contactcenter.Decision{
			{Kind: "contact", Outcome: "found", ID: 5, Candidates: []int64{5, 7}}, {Kind: "company", Outcome: "none"}, {Kind: "deal", Outcome: "created", ID: 9},
		},
	}
}

func TestRequestsOnTheTimeline(t *testing.T) {
	t.Parallel()
	for _, lang := range texts.Languages() {
		note := contactcenter.TimelineText(wholeRequest(), options(t, lang))
		require.Empty(t, note.File)
		require.Empty(t, note.FileName)
		golden := filepath.Join("testdata", "timeline."+lang+".txt")
		if *update {
			require.NoError(t, os.WriteFile(golden, []byte(note.Comment), 0o600))
		}
		want, err := os.ReadFile(golden)
		require.NoError(t, err)
		require.Equal(t, string(want), note.Comment, lang)
	}
}

func TestTimelineSaysThatADealStaysInItsPipeline(t *testing.T) {
	t.Parallel()
	o := options(t, "ru")
	o.Stays = true
	note := contactcenter.TimelineText(wholeRequest(), o).Comment
	require.Equal(t, 1, strings.Count(note, "остаётся в своей воронке"))
	require.Regexp(t, `(?m)/deal/details/9/.*: новая запись, остаётся в своей воронке`, note)
}

func TestASmallRequestHasASmallComment(t *testing.T) {
	t.Parallel()
	note := contactcenter.TimelineText(contactcenter.Request{ExternalID: "r1", Channel: "site", Comment: "hello"},
		contactcenter.TimelineOptions{Received: time.Date(2026, 1, 31, 7, 5, 0, 0, time.UTC)})
	require.Equal(t, "[b]Contact center request (site)[/b]\nRequest: r1\nTime: Jan 31, 2026 07:05 (UTC)\n\n[b]Message[/b]\nhello\n", note.Comment)
}

func TestNothingOfALongRequestIsLost(t *testing.T) {
	t.Parallel()
	r := wholeRequest()
	r.ExternalID = "r/17 ключ"
	r.Comment = strings.Repeat("слово ", 9000) + "THE END"
	for i := range 200 {
		r.Fields[fmt.Sprintf("field %03d", i)] = strings.Repeat("v", 250)
	}
	r.Fields["long"] = strings.Repeat("w", 5000)
	note := contactcenter.TimelineText(r, options(t, "en"))
	require.LessOrEqual(t, utf8.RuneCountInString(note.Comment), dialog.DefaultLimit)
	require.True(t, strings.HasSuffix(note.Comment, "\npuente:r-17"))
	require.Equal(t, "request-r-17-.txt", note.FileName)
	require.Regexp(t, `form fields shown: \d+ of 203\). The complete request is in the attached file request-r-17-\.txt`, note.Comment)
	for _, part := range []string{"THE END", "field 199: vvv", r.Fields["long"], "South [url=x]"} {
		require.Contains(t, string(note.File), part)
	}
	require.NotContains(t, string(note.File), "[b]Message", "the file is plain text")
}

func TestALongValueIsCutAndStandsInTheFile(t *testing.T) {
	t.Parallel()
	r := contactcenter.Request{ExternalID: "r1", Channel: "site", Company: &contactcenter.CompanyData{Title: strings.Repeat("Ж", 300) + "END"}}
	note := contactcenter.TimelineText(r, contactcenter.TimelineOptions{})
	require.NotContains(t, note.Comment, "END")
	require.Contains(t, note.Comment, "Ж…")
	require.Contains(t, string(note.File), "ЖEND")
}

func TestClientsCannotWriteBBCodeOrForgeTheMarker(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.SampledFrom([]string{"[b]x[/b]", "[url=javascript:1]x", "a\npuente:r-17", "[", "[/", "[*]"}), rapid.String())
		r := contactcenter.Request{
			ExternalID: "r1", Channel: "site", Comment: text.Draw(t, "comment"), Product: text.Draw(t, "product"),
			Contact: &contactcenter.ContactData{Name: text.Draw(t, "name")}, Fields: map[string]string{text.Draw(t, "key"): text.Draw(t, "value")},
		}
		limit := rapid.IntRange(600, 2000).Draw(t, "limit")
		note := contactcenter.TimelineText(r, contactcenter.TimelineOptions{Marker: "puente:r1", Limit: limit})
		require.True(t, dialog.HasMarker(note.Comment, "puente:r1"))
		require.True(t, utf8.ValidString(note.Comment))
		ours := strings.NewReplacer("[b]", "", "[/b]", "").Replace(note.Comment)
		require.NotRegexp(t, `\[[ \t]*[/*A-Za-z]`, ours)
	})
}

func TestCommentsKeepTheLimit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		fields := map[string]string{}
		for i := range rapid.IntRange(0, 80).Draw(t, "fields") {
			fields[fmt.Sprintf("f%d", i)] = strings.Repeat("[b", rapid.IntRange(0, 200).Draw(t, "size"))
		}
		r := contactcenter.Request{ExternalID: "r1", Channel: "site", Comment: strings.Repeat("[a ", rapid.IntRange(0, 4000).Draw(t, "comment")), Fields: fields}
		note := contactcenter.TimelineText(r, contactcenter.TimelineOptions{Marker: "m", Limit: 5000})
		require.LessOrEqual(t, utf8.RuneCountInString(note.Comment), 5000)
		require.Equal(t, note.FileName != "", len(note.File) > 0)
		if note.FileName != "" {
			require.Contains(t, note.Comment, note.FileName)
		}
	})
}
