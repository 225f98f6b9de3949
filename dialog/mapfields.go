package dialog

import (
	"fmt"
	"slices"
	"strings"

	"puente/settings"
)

// MapFields gives the crm.item fields of a deal or lead that analytics (A5)
// and custom client fields (A6) fill, each converted to the type of its field
// by Convert. types is the fields of that kind, from crm.item.fields with
// useOriginalUfNames.
//
// An empty value fills nothing, so that nothing in the CRM is blanked out. A
// value that cannot be converted, and a mapped field that does not exist or
// cannot be written, is a problem; the other fields are still given. Kinds
// other than Deal and Lead have no mapping.
func MapFields(s settings.Settings, snap Snapshot, kind Kind, types map[string]FieldType) (map[string]any, []Problem) {
	m := newMapper(s, types)
	if kind != Deal && kind != Lead {
		return m.fields, nil
	}
	for _, key := range settings.AnalyticsKeys() {
		if field := s.Analytics.Fields[key]; field != "" {
			m.put(key, field, snap.Analytics[key])
		}
	}
	if s.Analytics.Combined != "" {
		m.put("combined UTM", s.Analytics.Combined, CombinedUTM(snap.Analytics))
	}
	for _, f := range s.Fields {
		target := f.Deal
		if kind == Lead {
			target = f.Lead
		}
		if target != "" {
			m.put("custom field "+f.Custom, target, snap.Client.CustomFields[f.Custom])
		}
	}
	return m.fields, m.problems
}

// CorrectionFields converts the fields that a person corrected, as MapFields
// does; here an empty value clears the field.
func CorrectionFields(s settings.Settings, c Correction, types map[string]FieldType) (map[string]any, []Problem) {
	m := newMapper(s, types)
	for _, field := range sortedKeys(c.Fields) {
		value := c.Fields[field]
		m.put("correction", field, value)
		if t, ok := types[field]; ok && !t.ReadOnly && strings.TrimSpace(value) == "" {
			m.fields[field] = cleared(t)
		}
	}
	return m.fields, m.problems
}

// cleared is what empties a field (bitrix24 reference §9.8).
func cleared(t FieldType) any {
	if t.Multiple {
		return []any{}
	}
	return ""
}

// CombinedUTM is all UTM tags in one string, in their usual order:
// "utm_source=google; utm_medium=cpc". Empty if there are none.
func CombinedUTM(analytics map[string]string) string {
	var pairs []string
	for _, key := range settings.AnalyticsKeys() {
		value := strings.TrimSpace(analytics[key])
		if strings.HasPrefix(key, "utm_") && value != "" {
			pairs = append(pairs, key+"="+value)
		}
	}
	return strings.Join(pairs, "; ")
}

type mapper struct {
	locale   Locale
	currency string
	types    map[string]FieldType
	fields   map[string]any
	problems []Problem
}

func newMapper(s settings.Settings, types map[string]FieldType) mapper {
	return mapper{locale: LocaleOf(s), currency: s.CRM.Currency, types: types, fields: map[string]any{}}
}

// put converts one value into one field or notes the problem. A mapping to a
// field that does not exist is noticed also while there is no value.
func (m *mapper) put(source, field, value string) {
	t, ok := m.types[field]
	switch {
	case !ok:
		m.problem(source, field, value, fmt.Errorf("the CRM has no such field"))
		return
	case t.ReadOnly:
		m.problem(source, field, value, fmt.Errorf("the CRM does not let anybody write this field"))
		return
	case strings.TrimSpace(value) == "":
		return
	}
	if t.Currency == "" {
		t.Currency = m.currency
	}
	converted, err := Convert(value, t, m.locale)
	if err != nil {
		m.problem(source, field, value, err)
		return
	}
	m.fields[field] = converted
}

func (m *mapper) problem(source, field, value string, why error) {
	m.problems = append(m.problems, Problem{
		Source: source,
		Field:  field,
		Value:  shorten(oneLine(value), maxProblemValue),
		Why:    why.Error(),
	})
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
