package dialog

import (
	"fmt"
	"strconv"
	"strings"
)

// shownOptions is how many options an error names.
const shownOptions = 10

// option finds an option by its text in any case, then by its id: custom
// fields of Chat2Desk hold what people read. The id goes to the CRM, as a
// number where it is one (bitrix24 reference §3.9).
func option(value string, t FieldType) (any, error) {
	for _, item := range t.Items {
		if strings.EqualFold(oneLine(item.Value), oneLine(value)) {
			return optionID(item.ID), nil
		}
	}
	for _, item := range t.Items {
		if item.ID == value {
			return optionID(item.ID), nil
		}
	}
	return nil, fmt.Errorf("not one of the options of the list: %s", optionNames(t.Items))
}

func optionID(id string) any {
	if n, err := strconv.ParseInt(id, 10, 64); err == nil {
		return n
	}
	return id
}

func optionNames(items []Item) string {
	if len(items) == 0 {
		return "it has none"
	}
	var names []string
	for _, item := range items[:min(len(items), shownOptions)] {
		names = append(names, oneLine(item.Value))
	}
	if len(items) > shownOptions {
		names = append(names, "…")
	}
	return strings.Join(names, ", ")
}
