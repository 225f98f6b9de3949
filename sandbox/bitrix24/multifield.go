package bitrix24

import (
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// multiTypes are the multifields and their kinds of value (bitrix24 reference §3.4).
var multiTypes = map[string][]string{
	"PHONE": {"WORK", "MOBILE", "FAX", "HOME", "PAGER", "MAILING", "OTHER"},
	"EMAIL": {"WORK", "HOME", "MAILING", "OTHER"},
	"WEB":   {"WORK", "HOME", "FACEBOOK", "VK", "LIVEJOURNAL", "TWITTER", "OTHER"},
	"IM": {
		"FACEBOOK", "TELEGRAM", "VK", "SKYPE", "VIBER", "INSTAGRAM", "BITRIX24", "OPENLINE", "IMOL", "ICQ", "MSN", "JABBER", "OTHER",
	},
	"LINK": {"USER", "OTHER"},
}

// multiOrder is the order in which classic rows show the multifields.
var multiOrder = []string{"PHONE", "EMAIL", "WEB", "IM", "LINK"}

// flatParts maps flat field names to a multifield type and, for some, a kind of value.
var flatParts = map[string][2]string{
	"PHONE_MOBILE": {"PHONE", "MOBILE"}, "PHONE_WORK": {"PHONE", "WORK"}, "PHONE_MAILING": {"PHONE", "MAILING"},
	"EMAIL_HOME": {"EMAIL", "HOME"}, "EMAIL_WORK": {"EMAIL", "WORK"}, "EMAIL_MAILING": {"EMAIL", "MAILING"},
	"PHONE": {"PHONE", ""}, "EMAIL": {"EMAIL", ""}, "IMOL": {"IM", ""},
}

// flatValue is the first value that a flat field stands for, "" if there is none.
func flatValue(e *entity, name string) any {
	part, ok := flatParts[name]
	if !ok {
		return nil
	}
	for _, m := range e.FM {
		if m.Type != part[0] || part[1] != "" && m.ValueType != part[1] || name == "IMOL" && !isImol(m) {
			continue
		}
		return m.Value
	}
	return ""
}

func isImol(m multifield) bool { return m.Type == "IM" && strings.HasPrefix(m.Value, "imol|") }

func hasComm(e *entity, kind string) string {
	return yn(slices.ContainsFunc(e.FM, func(m multifield) bool { return m.Type == kind || kind == "IMOL" && isImol(m) }))
}

// extension is what follows a number: ";12", ",12", "ext. 12", "доб. 12", "#12", "x12".
var extension = regexp.MustCompile(`(?i)(\s*[;,#]|\s*(ext|доб)\.?\s*\d|x\d).*$`)

// commKey is the form in which communications are compared: the digits of a
// phone without its extension, an e-mail in lower case (bitrix24 reference
// §3.10, §9.1). 8 and +7 are not the same.
func commKey(kind, value string) string {
	value = strings.TrimSpace(value)
	if kind != "PHONE" {
		return strings.ToLower(value)
	}
	value = extension.ReplaceAllString(value, "")
	return strings.Map(func(r rune) rune { return pick(r >= '0' && r <= '9', r, -1) }, value)
}

func validEmail(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && strings.Contains(s[strings.IndexByte(s, '@'):], ".")
}

// itemRow is a multifield as crm.item shows it in fm.
func (m multifield) itemRow() *dict {
	return newDict("id", m.ID, "valueType", m.ValueType, "value", m.Value, "typeId", m.Type)
}

// classicRow is a multifield as classic methods show it.
func (m multifield) classicRow() *dict {
	return newDict("ID", strconv.Itoa(m.ID), "VALUE_TYPE", m.ValueType, "VALUE", m.Value, "TYPE_ID", m.Type)
}

// addFM reads fm of crm.item.add: a list of {typeId, valueType, value}.
func (s *state) addFM(e *entity, raw any) error {
	rows, ok := raw.(*dict)
	if !ok {
		return notIterable(raw)
	}
	for _, row := range rows.values() {
		m, ok := newMultifield(row)
		if !ok {
			continue
		}
		if !slices.Contains(multiTypes[m.Type], m.ValueType) || m.Type == "EMAIL" && !validEmail(m.Value) {
			return notValid("fm")
		}
		s.appendFM(e, m)
	}
	return nil
}

// newMultifield reads a row of fm; without a type or a value it is none.
func newMultifield(row any) (multifield, bool) {
	d, _ := row.(*dict)
	get := func(name string) string {
		v, _ := d.get(name)
		return toStr(v)
	}
	m := multifield{Type: get("typeId"), ValueType: get("valueType"), Value: strings.TrimSpace(get("value"))}
	if m.ValueType == "" {
		m.ValueType = "WORK"
	}
	return m, m.Type != "" && m.Value != ""
}

func (s *state) appendFM(e *entity, m multifield) {
	m.ID = s.nextFM()
	e.FM = append(e.FM, m)
}

// updateFM applies fm of crm.item.update with its traps (bitrix24 reference
// §3.4): a list always adds; a key that is a known id changes or, with an empty
// value, deletes that entry; an unknown id adds; a row without typeId, and a
// scalar instead of rows, do nothing; nothing is validated.
func (s *state) updateFM(e *entity, raw any) {
	rows, ok := raw.(*dict)
	if !ok {
		return
	}
	adds := rows.isList()
	rows.each(func(key string, row any) {
		d, _ := row.(*dict)
		typeID, _ := d.get("typeId")
		if toStr(typeID) == "" {
			return
		}
		i := -1
		if id := toID(key); !adds && id > 0 {
			i = slices.IndexFunc(e.FM, func(m multifield) bool { return m.ID == id })
		}
		if i >= 0 {
			changeFM(e, i, d)
		} else if m, ok := newMultifield(d); ok {
			s.appendFM(e, m)
		}
	})
}

func changeFM(e *entity, i int, d *dict) {
	value, given := d.get("value")
	if given && strings.TrimSpace(toStr(value)) == "" {
		e.FM = slices.Delete(e.FM, i, i+1)
		return
	}
	if given {
		e.FM[i].Value = strings.TrimSpace(toStr(value))
	}
	if v, ok := d.get("valueType"); ok && toStr(v) != "" {
		e.FM[i].ValueType = toStr(v)
	}
}

// classicFM applies the rows of PHONE, EMAIL … of a classic add or update: a row
// with an ID changes that entry, or deletes it if it says DELETE=Y or has no value.
func (s *state) classicFM(e *entity, typeID string, raw any) error {
	rows, ok := raw.(*dict)
	if !ok {
		return nil
	}
	for _, row := range rows.values() {
		d, _ := row.(*dict)
		if err := s.classicFMRow(e, typeID, d); err != nil {
			return err
		}
	}
	return nil
}

func (s *state) classicFMRow(e *entity, typeID string, d *dict) error {
	get := func(name string) string {
		v, _ := d.get(name)
		return strings.TrimSpace(toStr(v))
	}
	value, valueType, id := get("VALUE"), get("VALUE_TYPE"), toID(get("ID"))
	if typeID == "EMAIL" && value != "" && !validEmail(value) {
		return badRequest("ERROR_CORE", "The field Work e-mail contains an invalid address")
	}
	i := slices.IndexFunc(e.FM, func(m multifield) bool { return id > 0 && m.ID == id && m.Type == typeID })
	switch {
	case i >= 0 && (value == "" || get("DELETE") == "Y"):
		e.FM = slices.Delete(e.FM, i, i+1)
	case i >= 0:
		e.FM[i].Value = value
		e.FM[i].ValueType = pick(valueType == "", e.FM[i].ValueType, valueType)
	case value != "":
		s.appendFM(e, multifield{Type: typeID, ValueType: pick(valueType == "", "WORK", valueType), Value: value})
	}
	return nil
}
