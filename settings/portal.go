package settings

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"puente/internal/strictdoc"
)

// FieldType describes a field of a CRM entity, from crm.item.fields
// (bitrix24 reference §3.3, §3.9).
type FieldType struct {
	Type     string `json:"type"` // string, integer, double, boolean, date, datetime, enumeration, money, …
	Multiple bool   `json:"multiple,omitempty"`
	ReadOnly bool   `json:"read_only,omitempty"`
	Items    []Item `json:"items,omitempty"`    // options of enumeration and crm_status
	Currency string `json:"currency,omitempty"` // money: the currency of a value that names none
}

// Item is one option of a list field.
type Item struct {
	ID    string `json:"id"`
	Value string `json:"value"`
}

// fillable is the types of fields that a text of Chat2Desk can be converted to.
var fillable = []string{
	"string", "text", "address", "url", "integer", "double", "boolean", "char", "date", "datetime", "money", "enumeration",
	"crm_status", "crm_currency", "crm_category", "crm_company", "crm_contact", "crm_lead", "employee", "user",
}

// Fillable says whether a text can be converted to this type at all; files,
// bindings and fields of other applications cannot be filled from text.
func (t FieldType) Fillable() bool { return slices.Contains(fillable, t.Type) }

// holdsText says whether any text fits.
func (t FieldType) holdsText() bool { return t.Type == "string" || t.Type == "text" }

// PortalFacts is what a portal and its Chat2Desk account answered about
// themselves. A nil member could not be asked and is not checked; an empty one
// means that there are none.
type PortalFacts struct {
	DealFields   map[string]FieldType
	LeadFields   map[string]FieldType
	Pipelines    []int64            // ids of deal categories
	DealStages   map[int64][]string // pipeline → stage codes
	LeadStages   []string
	Sources      []string // STATUS_ID of the directory SOURCE
	Users        []int64  // active Bitrix24 users
	Operators    []int64  // Chat2Desk
	Channels     []int64  // Chat2Desk
	Tags         []int64  // Chat2Desk
	CustomFields []string // Chat2Desk: ids as text, and symbolic names
	// RequisitePresets are the templates of requisites (crm.requisite.preset.list).
	RequisitePresets []int64
}

// ValidateAgainst returns what does not fit the real portal: fields, pipelines,
// stages, sources, users, and what Chat2Desk lacks. It does not repeat Validate.
func ValidateAgainst(s Settings, facts PortalFacts) []Problem {
	var c check
	c.listed("tags.ids", "tag in Chat2Desk", s.Tags.IDs, facts.Tags)
	c.portalAnalytics(s, facts)
	c.portalFields(s.Fields, facts)
	c.portalOperators(s.Operators, facts)
	c.portalChannels(s.CRM, facts)
	c.portalContactCenter(s.ContactCenter, facts)
	if s.CRM.SourceID != "" {
		has(&c, "crm.source_id", "source in the portal", s.CRM.SourceID, facts.Sources)
	}
	return c.Problems
}

func has[T comparable](c *check, path, what string, value T, known []T) {
	if known != nil && !slices.Contains(known, value) {
		c.Add(path, "there is no such %s: %v", what, value)
	}
}

func (c *check) listed(path, what string, ids, known []int64) {
	for i, id := range ids {
		has(c, fmt.Sprintf("%s[%d]", path, i), what, id, known)
	}
}

// portalAnalytics checks analytics against the kinds of entities that the
// channels make: both share one mapping.
func (c *check) portalAnalytics(s Settings, facts PortalFacts) {
	paths := map[string]string{}
	for key, name := range s.Analytics.Fields {
		paths["analytics.fields."+key] = name
	}
	if s.Analytics.Combined != "" {
		paths["analytics.combined"] = s.Analytics.Combined
	}
	for _, path := range strictdoc.SortedKeys(paths) {
		if makes(s.CRM, EntityDeal) {
			c.portalField(path, "deal", paths[path], facts.DealFields)
		}
		if makes(s.CRM, EntityLead) {
			c.portalField(path, "lead", paths[path], facts.LeadFields)
		}
	}
}

// makes says whether the settings surely make this kind of entity.
func makes(crm CRM, kind EntityKind) bool {
	ofMode := map[CRMMode]EntityKind{ModeSimple: EntityDeal, ModeClassic: EntityLead}
	if ofMode[crm.Mode] == kind {
		return true
	}
	return slices.ContainsFunc(crm.Channels, func(ch Channel) bool { return ch.Entity == kind })
}

func (c *check) portalFields(fields []Field, facts PortalFacts) {
	for i, f := range fields {
		path := fmt.Sprintf("fields[%d]", i)
		has(c, path+".custom", "custom field in Chat2Desk", f.Custom, facts.CustomFields)
		c.portalField(path+".deal", "deal", f.Deal, facts.DealFields)
		c.portalField(path+".lead", "lead", f.Lead, facts.LeadFields)
	}
}

func (c *check) portalField(path, kind, name string, known map[string]FieldType) {
	if known == nil || name == "" {
		return
	}
	field, ok := known[name]
	switch {
	case !ok:
		c.Add(path, "the %s has no field %s", kind, name)
	case field.ReadOnly:
		c.Add(path, "the field %s of the %s cannot be written", name, kind)
	case !field.Fillable():
		c.Add(path, "the field %s of the %s has the type %s, which cannot be filled from text", name, kind, field.Type)
	case path == "analytics.combined" && !field.holdsText():
		c.Add(path, "the field %s of the %s has the type %s; a string field is needed", name, kind, field.Type)
	}
}

func (c *check) portalOperators(o Operators, facts PortalFacts) {
	const user = "active user in the portal"
	for i, row := range o.Users {
		path := fmt.Sprintf("operators.users[%d]", i)
		has(c, path+".operator", "operator in Chat2Desk", row.Operator, facts.Operators)
		has(c, path+".user", user, row.User, facts.Users)
	}
	if o.Fallback != 0 {
		has(c, "operators.fallback", user, o.Fallback, facts.Users)
	}
	c.listed("operators.supervisors", user, o.Supervisors, facts.Users)
	has(c, "operators.administrator", user, o.Administrator, facts.Users)
}

func (c *check) portalChannels(crm CRM, facts PortalFacts) {
	for i, channel := range crm.Channels {
		path := fmt.Sprintf("crm.channels[%d]", i)
		has(c, path+".id", "channel in Chat2Desk", channel.ID, facts.Channels)
		if makesDeals(crm.Mode, channel.Entity) {
			has(c, path+".pipeline", "deal pipeline in the portal", channel.Pipeline, facts.Pipelines)
		}
		c.portalStage(path+".stage", channel, facts)
	}
}

func (c *check) portalStage(path string, channel Channel, facts PortalFacts) {
	if channel.Stage == "" {
		return
	}
	switch stages, known := facts.DealStages[channel.Pipeline]; {
	case channel.Entity == EntityLead:
		has(c, path, "lead stage in the portal", channel.Stage, facts.LeadStages)
	case channel.Entity == EntityDeal && known:
		has(c, path, "stage in pipeline "+strconv.FormatInt(channel.Pipeline, 10), channel.Stage, stages)
	}
}

// Describe lists problems one per line, for a terminal.
func Describe(problems []Problem) string {
	var out strings.Builder
	for _, p := range problems {
		out.WriteString("- " + p.String() + "\n")
	}
	return out.String()
}
