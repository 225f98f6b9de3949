package dialog

import (
	"strings"
	"unicode/utf8"

	"puente/texts"
)

// The lengths Bitrix24 stores of names and titles, in characters; longer ones
// would be cut by its database.
const (
	maxName  = 50
	maxTitle = 250
)

// Origin is the mark by which an entity made by Puente is found again
// (originatorId and originId, bitrix24 reference §3.6).
type Origin struct {
	OriginatorID string // the same for all of Puente
	OriginID     string // of the object the entity was made for
}

// EntityInput is what an entity is made of beside the snapshot.
type EntityInput struct {
	Texts       texts.Bundle
	Phone       string // E.164; "" = none
	Extension   string // of the phone, kept apart from it
	Responsible int64  // Bitrix24 user
	Origin      Origin
	SourceID    string // crm.status SOURCE; "" = the portal's default
	// Contact is the contact a deal or lead is linked to: an id, or the
	// reference of an earlier command of the same batch; nil = none.
	Contact  any
	Pipeline int64  // of a deal
	Stage    string // of a deal or lead; "" = the first
}

// ContactFields are the crm.item.add fields of a new contact (entityTypeId 3).
// The name is never empty: a client without one is called by phone, e-mail,
// messenger identity or Chat2Desk id.
func ContactFields(s Snapshot, in EntityInput) map[string]any {
	fields := in.common(s)
	in.person(s, fields)
	return fields
}

// DealFields are the crm.item.add fields of a new deal (entityTypeId 2).
func DealFields(s Snapshot, in EntityInput) map[string]any {
	fields := in.common(s)
	fields["title"] = Title(s, in.Texts)
	fields["categoryId"] = in.Pipeline
	if in.Stage != "" {
		fields["stageId"] = in.Stage
	}
	if in.Contact != nil {
		fields["contactIds"] = []any{in.Contact}
	}
	return fields
}

// LeadFields are the crm.item.add fields of a new lead (entityTypeId 1). Its
// name is always filled: in simple CRM mode Bitrix24 converts only leads that
// have one (bitrix24 reference §3.13). With a contact it is a repeat lead.
func LeadFields(s Snapshot, in EntityInput) map[string]any {
	fields := in.common(s)
	in.person(s, fields)
	fields["title"] = Title(s, in.Texts)
	if in.Stage != "" {
		fields["stageId"] = in.Stage
	}
	if in.Contact != nil {
		fields["contactId"] = in.Contact
	}
	return fields
}

// Title is the title of a new deal or lead: the client and the channel.
func Title(s Snapshot, t texts.Bundle) string {
	channel := oneLine(s.ChannelName)
	if channel == "" {
		channel = oneLine(s.Transport)
	}
	if channel == "" {
		channel = id(s.ChannelID)
	}
	title := t.T("title.entity", map[string]any{"client": ClientName(s.Client, t), "channel": channel})
	return literal(shorten(strings.TrimSpace(strings.TrimSuffix(title, "()")), maxTitle))
}

// common is what every entity made for a cycle has.
func (in EntityInput) common(s Snapshot) map[string]any {
	fields := map[string]any{
		"opened":            "Y", // colleagues may see it
		"sourceDescription": in.source(s),
		"originatorId":      in.Origin.OriginatorID,
		"originId":          in.Origin.OriginID,
	}
	if in.Responsible > 0 {
		fields["assignedById"] = in.Responsible
	}
	if in.SourceID != "" {
		fields["sourceId"] = in.SourceID
	}
	return fields
}

func (in EntityInput) source(s Snapshot) string {
	return literal(in.Texts.T("field.source", map[string]any{
		"channel": named(oneLine(s.ChannelName), s.ChannelID),
		"dialog":  s.DialogID,
		"request": s.RequestID,
	}))
}

// person adds name, phone and e-mail, and as comments what has no field.
func (in EntityInput) person(s Snapshot, fields map[string]any) {
	full := ClientName(s.Client, in.Texts)
	name, last := SplitName(full)
	fields["name"] = literal(name)
	if last != "" {
		fields["lastName"] = literal(last)
	}
	if rows := in.multifields(s.Client); len(rows) > 0 {
		fields["fm"] = rows
	}
	if comments := in.comments(s.Client, full, name, last); comments != "" {
		fields["comments"] = comments
	}
}

// multifields are the rows of fm (bitrix24 reference §3.4).
func (in EntityInput) multifields(c Client) []any {
	var rows []any
	add := func(kind, valueType, value string) {
		if value != "" {
			rows = append(rows, map[string]any{"typeId": kind, "valueType": valueType, "value": value})
		}
	}
	add("PHONE", "MOBILE", in.Phone)
	add("EMAIL", "WORK", literal(oneLine(c.Email)))
	return rows
}

func (in EntityInput) comments(c Client, full, name, last string) string {
	var lines []string
	if strings.TrimSpace(name+" "+last) != full {
		lines = append(lines, in.Texts.T("field.full_name", map[string]any{"name": bbLine(full)}))
	}
	if in.Extension != "" {
		lines = append(lines, in.Texts.T("field.extension", map[string]any{"extension": bbLine(in.Extension)}))
	}
	if identity := oneLine(c.Identity); strings.HasPrefix(identity, "[") {
		lines = append(lines, in.Texts.T("field.identity", map[string]any{"identity": bbLine(identity)}))
	}
	return strings.Join(lines, "\n")
}

// SplitName gives the first word as the name and the rest as the last name,
// both at most as long as Bitrix24 stores. Messengers let people call
// themselves anything, so nothing more is guessed: a name of one word, of
// emoji, or a phone is a name without a last name.
func SplitName(full string) (name, last string) {
	name, last, _ = strings.Cut(oneLine(full), " ")
	if !hasLetter(name) || !hasLetter(last) {
		name, last = strings.TrimSpace(name+" "+last), ""
	}
	if utf8.RuneCountInString(name) > maxName {
		name = shorten(name, maxName)
	}
	return name, shorten(last, maxName)
}
