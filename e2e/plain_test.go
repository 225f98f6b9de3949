package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/settings"
)

// The seeds of puente-dev (design §7).
const (
	whatsapp = 12 // deal, pipeline 0
	telegram = 13 // deal, pipeline 1
	widget   = 14 // lead
	sms      = 15 // none
)

const (
	leadType    = 1
	dealType    = 2
	contactType = 3
)

func TestNewClientGivesOneContactOneDealAndTheWholeTranscript(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	d := talk("Ana Lopez", "+7 999 123-45-01", whatsapp)
	d.Client.Custom = map[string]any{"6": "Kazan"}
	d.UTM = map[string]any{"utm_source": "google", "utm_campaign": "spring"}
	d.Messages[2].Attachments = []chatFile{{Name: "photo.jpg", Link: "https://files.example/photo.jpg"}}
	first := s.play(d)
	row := s.syncOf(first.Request, 30*time.Second)
	require.Equal(t, "done", row.Status, row.Error.Text)

	contacts, deals := s.ours(contactType), s.ours(dealType)
	require.Len(t, contacts, 1)
	require.Len(t, deals, 1)
	deal := deals[0]
	require.EqualValues(t, 0, deal["categoryId"])
	require.EqualValues(t, 7, deal["assignedById"], "operator 301 is user 7")
	require.Equal(t, "google", deal["utmSource"])
	require.Equal(t, "spring", deal["utmCampaign"])
	require.Equal(t, "Kazan", deal["UF_CRM_CITY"])
	comments := s.comments("deal", row.entity("deal"))
	require.Len(t, comments, 1)
	for _, m := range d.Messages {
		require.Contains(t, comments[0].Comment, m.Text)
	}
	require.Contains(t, comments[0].Comment, "https://files.example/photo.jpg")

	for i, written := range []string{"8 999 123 45 01", "+79991234501", "7 (999) 123-45-01"} {
		again := s.play(talk("Ana Lopez", written, telegram-int64(i%2)))
		require.Equal(t, "done", s.syncOf(again.Request, 30*time.Second).Status)
	}
	require.Len(t, s.ours(contactType), 1, "the same person in other words")
	require.Len(t, s.ours(dealType), 1)
	require.Len(t, s.comments("deal", row.entity("deal")), 4)
}

func TestKnownContactOfTheCRMGetsTheDialogOnTheTimeline(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	var made struct {
		Item struct {
			ID int64 `json:"id"`
		} `json:"item"`
	}
	s.rest("crm.item.add", map[string]any{"entityTypeId": contactType, "fields": map[string]any{
		"name": "Petr", "fm": []any{map[string]any{"typeId": "PHONE", "valueType": "WORK", "value": "8 (999) 123-45-02"}},
	}}, &made)
	ids := s.play(talk("Petr", "+79991234502", whatsapp))
	row := s.syncOf(ids.Request, 30*time.Second)
	require.Equal(t, "done", row.Status, row.Error.Text)
	require.Equal(t, made.Item.ID, row.entity("contact"))
	require.Empty(t, s.ours(contactType))
	require.Len(t, s.ours(dealType), 1)
}

func TestClassicModeMakesALead(t *testing.T) {
	t.Parallel()
	s := start(t, options{settings: func(c *settings.Settings) {
		c.CRM.Mode = settings.ModeClassic
		c.CRM.Channels = nil
	}})
	s.put("http://"+s.bitrix+"/sandbox/mode", map[string]any{"mode": "classic"})
	ids := s.play(talk("Lena", "+79991234503", whatsapp))
	row := s.syncOf(ids.Request, 30*time.Second)
	require.Equal(t, "done", row.Status, row.Error.Text)
	require.NotZero(t, row.entity("lead"))
	require.Len(t, s.ours(leadType), 1)
	require.Empty(t, s.ours(dealType))
	again := s.play(talk("Lena", "89991234503", whatsapp))
	require.Equal(t, row.entity("lead"), s.syncOf(again.Request, 30*time.Second).entity("lead"))
	require.Len(t, s.ours(leadType), 1)
	require.Len(t, s.comments("lead", row.entity("lead")), 2)
}

func TestChannelNoneDoesNotTouchTheCRM(t *testing.T) {
	t.Parallel()
	s := start(t, options{settings: func(c *settings.Settings) { c.General.NotifyIncoming = false }})
	before := s.stats().Requests
	ids := s.play(talk("Nobody", "+79991234504", sms))
	row := s.syncOf(ids.Request, 30*time.Second)
	require.Equal(t, "skipped", row.Status)
	require.Contains(t, row.Reason, "channel 15")
	require.Equal(t, before, s.stats().Requests)
}

func TestTagsGateWhatGoesToTheCRM(t *testing.T) {
	t.Parallel()
	const vip, spam = 1, 2
	for name, c := range map[string]struct {
		tags settings.Tags
		want map[int64]string // tag of the request → status
	}{
		"ignore":      {settings.Tags{Mode: settings.TagsIgnore}, map[int64]string{0: "done", vip: "done", spam: "done"}},
		"only tagged": {settings.Tags{Mode: settings.TagsOnly, IDs: []int64{vip}}, map[int64]string{0: "skipped", vip: "done", spam: "skipped"}},
		"not tagged":  {settings.Tags{Mode: settings.TagsNot, IDs: []int64{spam}}, map[int64]string{0: "done", vip: "done", spam: "skipped"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, options{settings: func(conf *settings.Settings) { conf.Tags = c.tags }})
			got := map[int64]string{}
			for tag := range c.want {
				d := talk("Client", fmt.Sprintf("+7999123460%d", tag), whatsapp)
				if tag != 0 {
					d.Tags = []int64{tag}
				}
				got[tag] = s.syncOf(s.play(d).Request, 30*time.Second).Status
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestUnmappedOperatorFallsBackVisibly(t *testing.T) {
	t.Parallel()
	s := start(t, options{settings: func(c *settings.Settings) { c.Operators.Fallback = 8 }})
	d := talk("Fall Back", "+79991234505", whatsapp)
	d.OperatorID = 303
	row := s.syncOf(s.play(d).Request, 30*time.Second)
	require.Equal(t, "done", row.Status, row.Error.Text)
	require.EqualValues(t, 8, s.ours(dealType)[0]["assignedById"])
	require.Contains(t, s.details(row.WorkflowID), "not mapped")
}

func TestChannelWithoutMappingTakesTheDefaultOfTheMode(t *testing.T) {
	t.Parallel()
	s := start(t, options{settings: func(c *settings.Settings) { c.CRM.Channels = nil }})
	row := s.syncOf(s.play(talk("Default", "+79991234506", whatsapp)).Request, 30*time.Second)
	require.Equal(t, "done", row.Status, row.Error.Text)
	require.NotZero(t, row.entity("deal"))
	require.EqualValues(t, 0, s.ours(dealType)[0]["categoryId"])
	require.Contains(t, s.details(row.WorkflowID), "channel 12 is not mapped")
}

func TestLeadOfSimpleModeIsFollowedThroughALateConversion(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	s.put("http://"+s.bitrix+"/sandbox/mode", map[string]any{"mode": "simple", "conversion_lag_ms": 6000})
	ids := s.play(talk("Slow Lead", "+79991234507", widget))
	row := s.syncOf(ids.Request, 60*time.Second)
	require.Equal(t, "done", row.Status, row.Error.Text)
	require.NotZero(t, row.entity("lead"))
	require.NotZero(t, row.entity("deal"), "the deal that Bitrix24 made of the lead")
	require.NotZero(t, row.entity("contact"))
	onDeal := s.comments("deal", row.entity("deal"))
	require.Len(t, onDeal, 1, "the transcript is bound to the deal")
	require.Contains(t, onDeal[0].Comment, "Thank you")
	again := s.play(talk("Slow Lead", "+79991234507", widget))
	second := s.syncOf(again.Request, 30*time.Second)
	require.Equal(t, row.entity("deal"), second.entity("deal"))
	require.Len(t, s.ours(leadType), 1)
}
