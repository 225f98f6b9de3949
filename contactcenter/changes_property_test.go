package contactcenter_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"puente/contactcenter"
	"puente/phone"
)

// applied is the entity as crm.item.get shows it after an add or update: new
// rows of fm stand beside the old ones, everything else is replaced.
func applied(t require.TestingT, current entity, fields map[string]any) entity {
	after := entity{}
	rows := []any{}
	for _, one := range []map[string]any{current, fields} {
		for name, value := range one {
			after[name] = value
		}
		switch added := one["fm"].(type) {
		case []any:
			rows = append(rows, added...)
		case map[string]any:
			for _, row := range added {
				rows = append(rows, row)
			}
		}
	}
	after["fm"] = rows
	data, err := json.Marshal(after)
	require.NoError(t, err)
	var shown entity
	require.NoError(t, json.Unmarshal(data, &shown))
	return shown
}

var (
	someText = rapid.OneOf(
		rapid.SampledFrom([]string{"", "", "Ana", "Ana López", "López Ana", "[b]x[/b]", "<b>&amp;</b>", "a\nb", "$result[1]", "$result\u200b[", "אבג", "[", "old", "1"}),
		rapid.StringN(0, 400, -1))
	somePhone = rapid.SampledFrom([]string{
		"89991234567", "+7 (999) 123-45-67", "9991234567", "+79991234567 доб. 5", "8 999 123-45-67,,5", "+34600111222", "600 111 222", "nobody knows", "8", "",
	})
	someEmail = rapid.SampledFrom([]string{"a@b.es", " A@B.es", "c@d.es", ""})
)

func someMulti(values *rapid.Generator[string]) *rapid.Generator[[]multi] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) multi {
		return multi{Value: values.Draw(t, "value"), Type: rapid.SampledFrom([]string{"", "HOME"}).Draw(t, "type")}
	}), 0, 4)
}

func someCommon(t *rapid.T) contactcenter.Common {
	return contactcenter.Common{
		ResponsibleID: rapid.Int64Range(0, 2).Draw(t, "responsible"), Source: rapid.SampledFrom([]string{"", "WEB"}).Draw(t, "source"),
		UTM: rapid.SampledFrom([]*contactcenter.UTM{nil, {}, {Source: "a", Term: " b  c "}}).Draw(t, "utm"),
	}
}

func someContact(t *rapid.T) contactcenter.ContactData {
	return contactcenter.ContactData{
		Name: someText.Draw(t, "name"), LastName: someText.Draw(t, "last name"), SecondName: someText.Draw(t, "second name"), Post: someText.Draw(t, "post"),
		Phones: someMulti(somePhone).Draw(t, "phones"), Emails: someMulti(someEmail).Draw(t, "emails"), Comments: someText.Draw(t, "comments"),
		CompanyID: rapid.Int64Range(0, 3).Draw(t, "company"), Common: someCommon(t),
	}
}

func someDeal(t *rapid.T) contactcenter.DealData {
	ids := rapid.SliceOfN(rapid.Int64Range(0, 4), 0, 3)
	return contactcenter.DealData{
		Title: someText.Draw(t, "title"), Stage: rapid.SampledFrom([]string{"", "NEW"}).Draw(t, "stage"), ContactIDs: ids.Draw(t, "contacts"),
		CompanyID: rapid.Int64Range(0, 2).Draw(t, "company"), Observers: ids.Draw(t, "observers"), Comments: someText.Draw(t, "comments"), Common: someCommon(t),
		Pipeline: rapid.SampledFrom([]*int64{nil, pointer(int64(0)), pointer(int64(3))}).Draw(t, "pipeline"),
		Amount:   rapid.SampledFrom([]*float64{nil, pointer(0.0), pointer(10.25)}).Draw(t, "amount"),
		Currency: rapid.SampledFrom([]string{"", "EUR"}).Draw(t, "currency"),
	}
}

func TestWhatWasWrittenIsNotWrittenAgain(t *testing.T) {
	t.Parallel()
	country := rapid.SampledFrom([]string{"RU", "ES", ""})
	rapid.Check(t, func(t *rapid.T) {
		where := country.Draw(t, "country")
		first, second := someContact(t), someContact(t)
		fields, _ := contactcenter.NewContact(first, contactcenter.Defaults{Country: where, ResponsibleID: 1})
		made := applied(t, nil, fields)
		require.Empty(t, contactcenter.ContactChanges(made, first, where).Fields, "made of it")
		updated := applied(t, made, contactcenter.ContactChanges(made, second, where).Fields)
		require.Empty(t, contactcenter.ContactChanges(updated, second, where).Fields, "updated by it")

		company := contactcenter.CompanyData{Title: first.Name, Phones: first.Phones, Emails: first.Emails, Comments: first.Comments, Common: first.Common}
		fields, _ = contactcenter.NewCompany(company, contactcenter.Defaults{Country: where})
		require.Empty(t, contactcenter.CompanyChanges(applied(t, nil, fields), company, where).Fields)
	})
}

func TestDealsAreNotWrittenAgainEither(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		first, second := someDeal(t), someDeal(t)
		fields, _ := contactcenter.NewDeal(first, contactcenter.Defaults{})
		made := applied(t, nil, fields)
		require.Empty(t, contactcenter.DealChanges(made, first).Fields)
		changes := contactcenter.DealChanges(made, second)
		require.Len(t, changes.Changed, len(changes.Fields))
		require.Len(t, changes.Differences, len(changes.Fields))
		updated := applied(t, made, changes.Fields)
		require.Empty(t, contactcenter.DealChanges(updated, second).Fields)
		for _, name := range []string{"contactIds", "observers"} {
			before, after := made[name], updated[name]
			if before != nil {
				require.Subset(t, after, before, "lists only grow")
			}
		}
	})
}

func TestMergingLosesAndDoublesNoPhone(t *testing.T) {
	t.Parallel()
	// Forms that only another country reads are compared in TestPhonesAreTheSameInEveryWrittenForm.
	somePhone := somePhone.Filter(func(raw string) bool { return raw != "600 111 222" })
	rapid.Check(t, func(t *rapid.T) {
		stored := rapid.SliceOfN(somePhone, 0, 4).Draw(t, "stored")
		var rows []string
		for _, value := range stored {
			rows = append(rows, "PHONE:"+value)
		}
		current := entity{"fm": fm(rows...)}
		given := someMulti(somePhone).Draw(t, "given")
		after := applied(t, current, contactcenter.ContactChanges(current, contactcenter.ContactData{Phones: given}, "RU").Fields)
		var values []string
		numbers := map[phone.Number]int{}
		for _, row := range after["fm"].([]any) {
			value := row.(map[string]any)["value"].(string)
			values = append(values, value)
			if n, ok := phone.Normalize(value, "RU"); ok {
				numbers[n]++
			}
		}
		require.True(t, slices.Equal(stored, values[:len(stored)]), "what was there stays as it was")
		for _, m := range given {
			n, ok := phone.Normalize(m.Value, "RU")
			require.True(t, !ok || numbers[n] > 0, "%s is there", m.Value)
		}
		for n, count := range numbers {
			before := 0
			for _, value := range stored {
				if old, ok := phone.Normalize(value, "RU"); ok && old == n {
					before++
				}
			}
			require.Equal(t, max(before, 1), count, "%v is not doubled", n)
		}
	})
}
