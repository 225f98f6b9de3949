package settings_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"puente/settings"
)

// usable is the smallest settings that pass.
func usable() settings.Settings {
	s := settings.Default()
	s.Operators.Administrator = 1
	return s
}

func TestDefaultOnlyLacksTheAdministrator(t *testing.T) {
	t.Parallel()
	problems := settings.Validate(settings.Default())
	require.Len(t, problems, 1)
	require.Equal(t, "operators.administrator", problems[0].Field)
	require.Empty(t, settings.Validate(usable()))
}

func TestValidateNamesTheFieldAndWhatIsAllowed(t *testing.T) {
	t.Parallel()
	type s = settings.Settings
	tests := map[string]struct {
		change      func(*s)
		field, says string
	}{
		"language": {func(s *s) { s.General.Language = "de" }, "general.language", "known: en, es, pt, ru"},
		"zone":     {func(s *s) { s.General.TimeZone = "Madrid" }, "general.time_zone", "Europe/Madrid"},
		"no zone":  {func(s *s) { s.General.TimeZone = "" }, "general.time_zone", "unknown"},
		"local":    {func(s *s) { s.General.TimeZone = "Local" }, "general.time_zone", "unknown"},
		"country":  {func(s *s) { s.General.Country = "es" }, "general.country", "two capital letters"},
		"own phone": {
			func(s *s) { s.General.OwnPhones = []string{"+34600111222", "600"} },
			"general.own_phones[1]", "not a phone number",
		},
		"links":        {func(s *s) { s.General.OpenLinksIn = "here" }, "general.open_links_in", "chat2desk or bitrix24"},
		"link scheme":  {func(s *s) { s.General.DialogLink = "javascript:{dialog}" }, "general.dialog_link", "must begin"},
		"link name":    {func(s *s) { s.General.DialogLink = "{web}/{id}" }, "general.dialog_link", "unknown placeholder {id}"},
		"settle":       {func(s *s) { s.General.SettleSeconds = -1 }, "general.settle_seconds", "from 0 to 3600"},
		"retention":    {func(s *s) { s.General.RetentionDays = 4000 }, "general.retention_days", "from 0 to 3650"},
		"text id":      {func(s *s) { s.General.Texts = map[string]string{"x": "y"} }, "general.texts.x", "no text with the id"},
		"text":         {func(s *s) { s.General.Texts = map[string]string{"notify.link": "{{"} }, "general.texts.notify.link", "cannot be read"},
		"tag mode":     {func(s *s) { s.Tags.Mode = "some" }, "tags.mode", "ignore, only_tagged or not_tagged"},
		"only no ids":  {func(s *s) { s.Tags.Mode = settings.TagsOnly }, "tags.ids", "at least one tag"},
		"not no ids":   {func(s *s) { s.Tags.Mode = settings.TagsNot }, "tags.ids", "at least one tag"},
		"tag zero":     {func(s *s) { s.Tags.IDs = []int64{0} }, "tags.ids[0]", "positive id"},
		"tag twice":    {func(s *s) { s.Tags.IDs = []int64{1, 2, 1} }, "tags.ids[2]", "twice"},
		"utm key":      {func(s *s) { s.Analytics.Fields = map[string]string{"utm": "utmSource"} }, "analytics.fields.utm", "known: utm_source"},
		"utm field":    {func(s *s) { s.Analytics.Fields = map[string]string{"utm_term": "UTM TERM"} }, "analytics.fields.utm_term", "not a field name"},
		"combined":     {func(s *s) { s.Analytics.Combined = "uf_crm_x!" }, "analytics.combined", "not a field name"},
		"no custom":    {func(s *s) { s.Fields = []settings.Field{{Deal: "UF_CRM_X"}} }, "fields[0].custom", "missing"},
		"no target":    {func(s *s) { s.Fields = []settings.Field{{Custom: "6"}} }, "fields[0]", "is needed"},
		"bad target":   {func(s *s) { s.Fields = []settings.Field{{Custom: "6", Lead: "Город"}} }, "fields[0].lead", "not a field name"},
		"target twice": {func(s *s) { s.Fields = []settings.Field{{Custom: "6", Deal: "UF_X"}, {Custom: "7", Deal: "UF_X"}} }, "fields[1].deal", "fields[0].deal"},
		"target of utm": {func(s *s) {
			s.Analytics.Combined = "UF_X"
			s.Fields = []settings.Field{{Custom: "6", Lead: "UF_X"}}
		}, "fields[0].lead", "analytics.combined"},
		"operator zero":  {func(s *s) { s.Operators.Users = []settings.OperatorUser{{User: 7}} }, "operators.users[0].operator", "positive"},
		"user zero":      {func(s *s) { s.Operators.Users = []settings.OperatorUser{{Operator: 7}} }, "operators.users[0].user", "positive"},
		"operator twice": {func(s *s) { s.Operators.Users = []settings.OperatorUser{{301, 7}, {301, 8}} }, "operators.users[1].operator", "users[0]"},
		"fallback":       {func(s *s) { s.Operators.Fallback = -1 }, "operators.fallback", "id or 0"},
		"supervisor":     {func(s *s) { s.Operators.Supervisors = []int64{-8} }, "operators.supervisors[0]", "positive"},
		"administrator":  {func(s *s) { s.Operators.Administrator = 0 }, "operators.administrator", "needed"},
		"mode":           {func(s *s) { s.CRM.Mode = "" }, "crm.mode", "auto, simple or classic"},
		"channel zero":   {func(s *s) { s.CRM.Channels = []settings.Channel{{}} }, "crm.channels[0].id", "positive"},
		"channel twice":  {func(s *s) { s.CRM.Channels = []settings.Channel{{ID: 12}, {ID: 12}} }, "crm.channels[1].id", "channels[0]"},
		"entity":         {func(s *s) { s.CRM.Channels = []settings.Channel{{ID: 12, Entity: "contact"}} }, "crm.channels[0].entity", "deal, lead, none"},
		"lead pipeline":  {func(s *s) { s.CRM.Channels = []settings.Channel{{ID: 12, Entity: "lead", Pipeline: 1}} }, "crm.channels[0].pipeline", "only a deal"},
		"negative":       {func(s *s) { s.CRM.Channels = []settings.Channel{{ID: 12, Entity: "deal", Pipeline: -1}} }, "crm.channels[0].pipeline", "id or 0"},
		"foreign stage": {func(s *s) {
			s.CRM.Channels = []settings.Channel{{ID: 12, Entity: "deal", Pipeline: 1, Stage: "C2:NEW"}}
		}, "crm.channels[0].stage", "pipeline 1"},
		"stage elsewhere": {func(s *s) { s.CRM.Channels = []settings.Channel{{ID: 12, Entity: "deal", Stage: "C1:NEW"}} }, "crm.channels[0].stage", "pipeline 0"},
		"stage of none":   {func(s *s) { s.CRM.Channels = []settings.Channel{{ID: 12, Entity: "none", Stage: "NEW"}} }, "crm.channels[0].stage", "no stage"},
		"stage code":      {func(s *s) { s.CRM.Channels = []settings.Channel{{ID: 12, Entity: "lead", Stage: "a b"}} }, "crm.channels[0].stage", "not a stage"},
		"source":          {func(s *s) { s.CRM.SourceID = "a b" }, "crm.source_id", "not the id"},
		"currency":        {func(s *s) { s.CRM.Currency = "€" }, "crm.currency", "three capital letters"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed := usable()
			tt.change(&changed)
			problems := settings.Validate(changed)
			require.Len(t, problems, 1, "%v", problems)
			require.Equal(t, tt.field, problems[0].Field)
			require.Contains(t, problems[0].Message, tt.says)
		})
	}
}

func TestValidateAcceptsWhatPortalsUse(t *testing.T) {
	t.Parallel()
	s := usable()
	s.General.OwnPhones = []string{"+34 910 000 000"}
	s.General.DialogLink = "https://example.test/{dialog}?c={client}"
	s.Tags = settings.Tags{Mode: settings.TagsOnly, IDs: []int64{1}}
	s.Analytics.Fields = map[string]string{"utm_source": "utmSource", "utm_term": "ufCrm_1747309879"}
	s.Fields = []settings.Field{{Custom: "6", Deal: "UF_CRM_1721812814433", Lead: "UF_CRM_1721812814433"}}
	s.CRM.Channels = []settings.Channel{
		{ID: 1, Entity: settings.EntityDeal, Pipeline: 5, Stage: "C5:NEW"},
		{ID: 2, Entity: settings.EntityDeal, Stage: "NEW"},
		{ID: 3, Entity: settings.EntityLead, Stage: "IN_PROCESS"},
		{ID: 4, Pipeline: 2},
		{ID: 5, Entity: settings.EntityNone},
	}
	s.CRM.SourceID = "1|WHATSAPP"
	require.Empty(t, settings.Validate(s))
}

func TestProblemsReadAsText(t *testing.T) {
	t.Parallel()
	problems := []settings.Problem{{Field: "a.b", Message: "is wrong"}, {Message: "nothing works"}}
	require.Equal(t, "a.b: is wrong; nothing works", settings.Problems(problems).Error())
	require.Equal(t, "- a.b: is wrong\n- nothing works\n", settings.Describe(problems))
}

func TestRulesForChannelsAndOperators(t *testing.T) {
	t.Parallel()
	s := usable()
	s.CRM.Channels = []settings.Channel{{ID: 12, Entity: settings.EntityDeal, Pipeline: 3}}
	s.Operators.Users = []settings.OperatorUser{{Operator: 301, User: 7}, {Operator: 0, User: 99}}
	rule, mapped := s.ChannelRule(12)
	require.True(t, mapped)
	require.Equal(t, int64(3), rule.Pipeline)
	rule, mapped = s.ChannelRule(99)
	require.False(t, mapped)
	require.Equal(t, settings.Channel{ID: 99}, rule)

	requireUser(t, s, 301, 7, true)
	requireUser(t, s, 302, 1, false)
	requireUser(t, s, 0, 1, false)
	s.Operators.Fallback = 9
	requireUser(t, s, 302, 9, false)
}

func requireUser(t *testing.T, s settings.Settings, operator, want int64, wantMapped bool) {
	t.Helper()
	user, mapped := s.UserFor(operator)
	require.Equal(t, want, user)
	require.Equal(t, wantMapped, mapped)
}

func TestZoneFallsBackToUTC(t *testing.T) {
	t.Parallel()
	s := usable()
	s.General.TimeZone = "Europe/Madrid"
	require.Equal(t, "Europe/Madrid", s.Zone().String())
	s.General.TimeZone = "Nowhere"
	require.Equal(t, "UTC", s.Zone().String())
}
