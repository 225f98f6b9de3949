package contactcenter

import (
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Entity is a contact, company or deal as crm.item.get shows it, with
// useOriginalUfNames and its multifields in fm (bitrix24 reference §3.3, §3.4).
// Numbers may come as numbers or as text, lists of nothing as null.
type Entity map[string]any

// text is a value as text; lists and objects have none.
func (e Entity) text(name string) string { return textOf(e[name]) }

// ids are the ids in a list, without zeros.
func (e Entity) ids(name string) []int64 {
	var ids []int64
	for _, value := range listOf(e[name]) {
		if id, err := strconv.ParseInt(textOf(value), 10, 64); err == nil && id > 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

// id is one id, 0 for none.
func (e Entity) id(name string) int64 {
	id, err := strconv.ParseInt(e.text(name), 10, 64)
	if err != nil {
		return 0
	}
	return id
}

// multi are the values of fm of one type (PHONE, EMAIL).
func (e Entity) multi(typeID string) []string {
	var values []string
	for _, row := range listOf(e["fm"]) {
		if fields, ok := row.(map[string]any); ok && textOf(fields["typeId"]) == typeID {
			values = append(values, textOf(fields["value"]))
		}
	}
	return values
}

// textOf writes numbers as the portal does: 100, not 1e+02.
func textOf(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case int, int64, json.Number:
		return fmt.Sprint(v)
	case bool:
		if v {
			return "Y"
		}
		return "N"
	}
	return ""
}

// listOf is a value as a list; an object counts by its values (PHP writes lists
// with gaps so), a single value stands for itself.
func listOf(value any) []any {
	switch v := value.(type) {
	case nil:
		return nil
	case []any:
		return v
	case map[string]any:
		var all []any
		for _, key := range slices.Sorted(maps.Keys(v)) {
			all = append(all, v[key])
		}
		return all
	case []int64:
		all := make([]any, len(v))
		for i, id := range v {
			all[i] = id
		}
		return all
	}
	return []any{value}
}

// same says whether a field holds a value already, in whichever form the
// portal shows it: 100 and "100.00|EUR", dates with and without a time, Y and
// true and 1. Lists are compared without regard to order.
func same(current, wanted any) bool {
	if list, ok := wanted.([]any); ok {
		return sameList(listOf(current), list)
	}
	if ids, ok := wanted.([]int64); ok {
		return sameList(listOf(current), listOf(ids))
	}
	have, want := comparableText(textOf(current)), comparableText(textOf(wanted))
	if _, isText := wanted.(string); !isText || strings.Contains(want, "|") {
		return have == want || sameNumber(have, want)
	}
	return have == want || sameMoment(have, want) || sameTruth(have, want)
}

func sameList(current, wanted []any) bool {
	rest := slices.Clone(current)
	for _, want := range wanted {
		i := slices.IndexFunc(rest, func(have any) bool { return same(have, want) })
		if i < 0 {
			return false
		}
		rest = slices.Delete(rest, i, i+1)
	}
	return len(rest) == 0
}

// invisible are the marks that keep text from being a tag or a reference of a batch.
var invisible = strings.NewReplacer("\u200b", "", "\u2060", "")

func comparableText(text string) string {
	return strings.TrimSpace(strings.ReplaceAll(invisible.Replace(text), "\r\n", "\n"))
}

// sameNumber also compares money: amount and currency.
func sameNumber(a, b string) bool {
	amountA, currencyA, _ := strings.Cut(a, "|")
	amountB, currencyB, _ := strings.Cut(b, "|")
	x, errX := strconv.ParseFloat(amountA, 64)
	y, errY := strconv.ParseFloat(amountB, 64)
	return errX == nil && errY == nil && currencyA == currencyB && math.Abs(x-y) < 0.000001
}

// sameMoment compares times, and a day with the time that a portal makes of it.
func sameMoment(have, want string) bool {
	at, err := time.Parse(time.RFC3339, have)
	if err != nil {
		return false
	}
	if day, err := time.Parse(time.DateOnly, want); err == nil {
		return at.Format(time.DateOnly) == day.Format(time.DateOnly)
	}
	other, err := time.Parse(time.RFC3339, want)
	return err == nil && at.Equal(other)
}

// sameTruth knows the ways in which user fields of the type boolean are read
// (bitrix24 reference §3.3).
func sameTruth(have, want string) bool {
	return want == "Y" && have == "1" || want == "N" && have == "0"
}

var tags = regexp.MustCompile(`(?i)<br\s*/?>|\[br\]|</?(p|div)>|\[/?p\]`)

// plainWords brings a comment of the CRM to its words: the portal shows BB code
// and line breaks in ways of its own.
func plainWords(comment string) string {
	comment = html.UnescapeString(tags.ReplaceAllString(comment, " "))
	return oneLine(invisible.Replace(comment))
}
