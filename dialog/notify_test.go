package dialog_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"puente/dialog"
	"puente/settings"
	"puente/texts"
)

func TestRecipients(t *testing.T) {
	t.Parallel()
	people := func(fallback int64, supervisors ...int64) settings.Settings {
		s := settings.Default()
		s.Operators = settings.Operators{
			Users: []settings.OperatorUser{{Operator: 301, User: 7}}, Fallback: fallback, Supervisors: supervisors, Administrator: 1,
		}
		return s
	}
	tests := map[string]struct {
		settings settings.Settings
		operator int64
		want     []int64
	}{
		"operator":                            {people(9, 8), 301, []int64{7}},
		"no operator: supervisors":            {people(9, 8, 8, 5), 0, []int64{8, 5}},
		"no operator nor supervisors":         {people(9), 0, []int64{1}},
		"unmapped operator: fallback":         {people(9, 8), 303, []int64{9}},
		"unmapped operator without fallback":  {people(0, 8), 303, []int64{8}},
		"unmapped operator without anybody":   {people(0), 303, []int64{1}},
		"settings that name nobody":           {settings.Default(), 303, nil},
		"supervisor zero is nobody":           {people(0, 0), 0, []int64{1}},
		"operator mapped to no user":          {withUser(people(0, 8), 304, 0), 304, []int64{8}},
		"operator mapped to a supervisor too": {withUser(people(0, 8), 302, 8), 302, []int64{8}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, dialog.Recipients(tt.settings, tt.operator))
		})
	}
	require.Equal(t, []int64{8, 5, 1}, dialog.Appointers(people(9, 8, 5)))
	require.Equal(t, []int64{1}, dialog.Appointers(people(9, 1)))
}

func withUser(s settings.Settings, operator, user int64) settings.Settings {
	s.Operators.Users = append(s.Operators.Users, settings.OperatorUser{Operator: operator, User: user})
	return s
}

func notification(lang string) dialog.NotificationInput {
	links := dialog.Links{Portal: "https://example.bitrix24.com", Web: "https://web.chat2desk.com"}
	deal, person := dialog.Ref{Kind: dialog.Deal, ID: 15}, dialog.Ref{Kind: dialog.Contact, ID: 42}
	return dialog.NotificationInput{
		Texts: texts.For(lang, nil), ClientName: "Ana [b]VIP[/b]", Channel: "WhatsApp sales",
		Text: "Hola\n[url=https://evil.example]click[/url] " + strings.Repeat("я", 300), Files: 2,
		DialogID: 4401, DialogURL: links.Dialog(4401, 7001, 9901),
		Entities: []dialog.EntityLink{
			{Ref: deal, URL: links.Card(deal)},
			{Ref: person, URL: links.Card(person)},
			{Ref: deal, URL: links.Card(deal)},
			{Ref: dialog.Ref{Kind: dialog.Lead}},
			{Ref: dialog.Ref{Kind: dialog.Company, ID: 3}},
		},
	}
}

func TestNotificationsInEveryLanguage(t *testing.T) {
	t.Parallel()
	for _, lang := range texts.Languages() {
		in := notification(lang)
		all := strings.Join([]string{dialog.NotificationText(in), dialog.AppointText(in), dialog.AssignedText(in)}, "\n\n") + "\n"
		requireGolden(t, "notifications."+lang+".txt", all)
	}
}

func TestNotificationWithoutAnythingKnown(t *testing.T) {
	t.Parallel()
	got := dialog.NotificationText(dialog.NotificationInput{DialogID: 5, ClientName: "Ana"})
	require.Equal(t, "[b]New message[/b]\nClient: Ana (—)\nMessage: (empty message)\nDialog 5:", got)
	files := dialog.NotificationText(dialog.NotificationInput{Files: 3})
	require.Contains(t, files, "Message: Files: 3\n")
}

func TestNotificationsAreShortAndSafe(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 10000)
	bundle := texts.For("en", map[string]string{"notify.incoming": strings.Repeat("y", 5000) + "{{.text}}"})
	got := dialog.NotificationText(dialog.NotificationInput{Texts: bundle, Text: long})
	require.LessOrEqual(t, utf8.RuneCountInString(got), dialog.MaxNotification)
	rapid.Check(t, func(t *rapid.T) {
		in := dialog.NotificationInput{
			ClientName: anyText().Draw(t, "name"), Channel: anyText().Draw(t, "channel"), Text: anyText().Draw(t, "text"),
			DialogURL: "https://x.example/" + anyText().Draw(t, "url"),
		}
		for _, text := range []string{dialog.NotificationText(in), dialog.AppointText(in), dialog.AssignedText(in)} {
			require.NotEmpty(t, text)
			require.LessOrEqual(t, utf8.RuneCountInString(text), dialog.MaxNotification)
			requireOnlyOurTags(t, text)
		}
	})
}

func TestLinks(t *testing.T) {
	t.Parallel()
	inPortal := settings.General{OpenLinksIn: settings.OpenInBitrix24}
	lead := dialog.Ref{Kind: dialog.Lead, ID: 3}
	tests := map[string]struct {
		links    dialog.Links
		entities []dialog.Ref
		want     string
	}{
		"chat2desk":               {dialog.Links{Portal: "https://p.test", Web: "https://web.test/"}, []dialog.Ref{lead}, "https://web.test/chat/dialogs/4401"},
		"bitrix24":                {dialog.Links{Portal: "https://p.test/rest/1/secret/", Web: "https://web.test", General: inPortal}, []dialog.Ref{{}, lead}, "https://p.test/crm/lead/details/3/"},
		"bitrix24, nothing known": {dialog.Links{Portal: "https://p.test", Web: "https://web.test", General: inPortal}, nil, "https://web.test/chat/dialogs/4401"},
		"bitrix24, no portal":     {dialog.Links{General: inPortal}, []dialog.Ref{lead}, ""},
		"pattern": {
			dialog.Links{Portal: "https://p.test/", General: settings.General{DialogLink: "{portal}/app/?d={dialog}&c={client}&r={request}"}},
			nil, "https://p.test/app/?d=4401&c=7001&r=9901",
		},
		"pattern without its site": {dialog.Links{General: settings.General{DialogLink: "{web}/{dialog}"}}, nil, ""},
		"nothing":                  {dialog.Links{}, nil, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, tt.links.Dialog(4401, 7001, 9901, tt.entities...))
		})
	}
	links := dialog.Links{Portal: "https://p.test", Web: "https://web.test"}
	require.Empty(t, links.Dialog(0, 7001, 9901), "no dead links")
	require.Empty(t, links.Card(dialog.Ref{Kind: dialog.Deal}))
	require.Empty(t, links.Card(dialog.Ref{ID: 5}))
	require.Equal(t, "https://p.test/sub/crm/deal/details/5/", dialog.Links{Portal: "https://p.test/sub/"}.Card(dialog.Ref{Kind: dialog.Deal, ID: 5}))
}
