package dialog_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"puente/dialog"
	"puente/texts"
)

func input() dialog.EntityInput {
	return dialog.EntityInput{
		Phone: "+34600111222", Responsible: 7, SourceID: "WEB",
		Origin: dialog.Origin{OriginatorID: "puente", OriginID: "demo:4401:9901:1"},
	}
}

func person() dialog.Snapshot {
	return dialog.Snapshot{
		DialogID: 4401, RequestID: 9901, ChannelID: 12, ChannelName: "Sales", Transport: "whatsapp",
		Client: dialog.Client{ID: 7001, Name: "Ana  de la Cruz", Phone: "8 (600) 111-222", Email: " ana@example.test ", Identity: "34600111222"},
	}
}

func TestContactFields(t *testing.T) {
	t.Parallel()
	require.Equal(t, map[string]any{
		"name": "Ana", "lastName": "de la Cruz", "opened": "Y", "assignedById": int64(7),
		"sourceId": "WEB", "sourceDescription": "Chat2Desk, channel Sales (12), dialog 4401, request 9901",
		"originatorId": "puente", "originId": "demo:4401:9901:1",
		"fm": []any{
			map[string]any{"typeId": "PHONE", "valueType": "MOBILE", "value": "+34600111222"},
			map[string]any{"typeId": "EMAIL", "valueType": "WORK", "value": "ana@example.test"},
		},
	}, dialog.ContactFields(person(), input()))
}

func TestContactWithoutAnythingHasAName(t *testing.T) {
	t.Parallel()
	got := dialog.ContactFields(dialog.Snapshot{Client: dialog.Client{ID: 7002, Identity: "[tg] 5552"}}, dialog.EntityInput{Extension: "12"})
	require.Equal(t, "[tg] 5552", got["name"])
	require.Equal(t, "Phone extension: 12\nMessenger identity: [\u200btg] 5552", got["comments"])
	for _, absent := range []string{"fm", "lastName", "assignedById", "sourceId"} {
		require.NotContains(t, got, absent)
	}
	require.Equal(t, "Cliente 7002", dialog.LeadFields(dialog.Snapshot{Client: dialog.Client{ID: 7002}}, dialog.EntityInput{Texts: texts.For("es", nil)})["name"])
	require.Equal(t, "Client", dialog.LeadFields(dialog.Snapshot{}, dialog.EntityInput{})["name"])
}

func TestDealFields(t *testing.T) {
	t.Parallel()
	in := input()
	in.Contact, in.Pipeline, in.Stage = "$result[contact][item][id]", 1, "C1:NEW"
	got := dialog.DealFields(person(), in)
	require.Equal(t, "Ana de la Cruz (Sales)", got["title"])
	require.Equal(t, int64(1), got["categoryId"])
	require.Equal(t, "C1:NEW", got["stageId"])
	require.Equal(t, []any{"$result[contact][item][id]"}, got["contactIds"])
	require.NotContains(t, got, "name")
	in.Contact, in.Stage = nil, ""
	got = dialog.DealFields(person(), in)
	require.NotContains(t, got, "contactIds")
	require.NotContains(t, got, "stageId")
}

func TestLeadFields(t *testing.T) {
	t.Parallel()
	in := input()
	in.Contact, in.Stage = int64(42), "NEW"
	got := dialog.LeadFields(person(), in)
	require.Equal(t, int64(42), got["contactId"])
	require.Equal(t, "NEW", got["stageId"])
	require.Equal(t, "Ana", got["name"])
	require.Equal(t, "Ana de la Cruz (Sales)", got["title"])
	require.Len(t, got["fm"], 2)
	in.Contact, in.Stage = nil, ""
	got = dialog.LeadFields(person(), in)
	require.NotContains(t, got, "contactId")
	require.NotContains(t, got, "stageId")
}

func TestTitleFallsBack(t *testing.T) {
	t.Parallel()
	s := person()
	s.ChannelName = ""
	require.Equal(t, "Ana de la Cruz (whatsapp)", dialog.Title(s, texts.Bundle{}))
	s.Transport = ""
	require.Equal(t, "Ana de la Cruz (12)", dialog.Title(s, texts.Bundle{}))
	s.ChannelID = 0
	require.Equal(t, "Ana de la Cruz", dialog.Title(s, texts.Bundle{}))
	s.Client.Name = strings.Repeat("ы", 400)
	require.Equal(t, 250, utf8.RuneCountInString(dialog.Title(s, texts.Bundle{})))
	s.Client.Name = "$result[x]"
	require.NotContains(t, dialog.Title(s, texts.Bundle{}), "$result[")
}

func TestSplitName(t *testing.T) {
	t.Parallel()
	tests := map[string][2]string{
		"Ana":      {"Ana", ""},
		"Ana Cruz": {"Ana", "Cruz"},
		" Иван  Петрович Петров": {"Иван", "Петрович Петров"},
		"李小龙":               {"李小龙", ""},
		"Anna 💐":            {"Anna 💐", ""},
		"💐 Anna":            {"💐 Anna", ""},
		"+7 999 123-45-67":  {"+7 999 123-45-67", ""},
		"O'Neil-Smith\nJr.": {"O'Neil-Smith", "Jr."},
		"":                  {"", ""},
		"שלום כהן":          {"שלום", "כהן"},
	}
	for full, want := range tests {
		name, last := dialog.SplitName(full)
		require.Equal(t, want, [2]string{name, last}, full)
	}
}

func TestLongNamesAreKeptInTheComment(t *testing.T) {
	t.Parallel()
	s := person()
	s.Client.Name = "Ana " + strings.Repeat("García ", 20)
	got := dialog.ContactFields(s, input())
	require.LessOrEqual(t, utf8.RuneCountInString(got["lastName"].(string)), 50)
	require.Contains(t, got["comments"], strings.TrimSpace(s.Client.Name))
}

func TestEntitiesAlwaysHaveANameAndNoBatchReference(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := dialog.Snapshot{
			ChannelName: anyText().Draw(t, "channel"),
			Client:      dialog.Client{ID: 1, Name: anyText().Draw(t, "name"), Identity: anyText().Draw(t, "identity"), Email: anyText().Draw(t, "email")},
		}
		for _, fields := range []map[string]any{dialog.ContactFields(s, input()), dialog.LeadFields(s, input()), dialog.DealFields(s, input())} {
			for name, value := range fields {
				text, isText := value.(string)
				if !isText {
					continue
				}
				require.NotEmpty(t, strings.TrimSpace(text), name)
				require.NotContains(t, text, "$result[", name)
				require.True(t, utf8.ValidString(text), name)
			}
		}
	})
}
