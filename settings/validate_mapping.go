package settings

import (
	"fmt"
	"slices"
	"strings"

	"puente/internal/strictdoc"
)

func (c *check) analytics(a Analytics) {
	keys := AnalyticsKeys()
	for _, key := range strictdoc.SortedKeys(a.Fields) {
		if !slices.Contains(keys, key) {
			c.Add("analytics.fields."+key, "unknown analytics key; known: %s", strings.Join(keys, ", "))
		}
		c.fieldName("analytics.fields."+key, a.Fields[key])
	}
	if a.Combined != "" {
		c.fieldName("analytics.combined", a.Combined)
	}
}

func (c *check) fieldName(path, name string) {
	if !fieldName.MatchString(name) {
		c.Add(path, "%q is not a field name; crm.item names like utmSource or UF_CRM_CITY are needed", name)
	}
}

// fields checks the additional fields, and that no two mappings of the whole
// document write to one field.
func (c *check) fields(s Settings) {
	deal, lead := targets(s.Analytics), targets(s.Analytics)
	for i, f := range s.Fields {
		path := fmt.Sprintf("fields[%d]", i)
		if strings.TrimSpace(f.Custom) == "" {
			c.Add(path+".custom", "the custom field of Chat2Desk is missing")
		}
		if f.Deal == "" && f.Lead == "" {
			c.Add(path, "a field of the deal or of the lead is needed")
		}
		c.target(path+".deal", f.Deal, deal)
		c.target(path+".lead", f.Lead, lead)
	}
}

// targets is the fields that analytics fill.
func targets(a Analytics) map[string]string {
	taken := map[string]string{}
	for _, key := range strictdoc.SortedKeys(a.Fields) {
		taken[a.Fields[key]] = "analytics.fields." + key
	}
	if a.Combined != "" {
		taken[a.Combined] = "analytics.combined"
	}
	return taken
}

func (c *check) target(path, name string, taken map[string]string) {
	if name == "" {
		return
	}
	c.fieldName(path, name)
	if other, ok := taken[name]; ok {
		c.Add(path, "%s is filled by %s already", name, other)
	}
	taken[name] = path
}

func (c *check) operators(o Operators) {
	seen := map[int64]int{}
	for i, row := range o.Users {
		path := fmt.Sprintf("operators.users[%d]", i)
		c.positive(path+".operator", row.Operator)
		c.positive(path+".user", row.User)
		if first, ok := seen[row.Operator]; ok {
			c.Add(path+".operator", "operator %d is mapped by operators.users[%d] already", row.Operator, first)
			continue
		}
		seen[row.Operator] = i
	}
	c.notNegative("operators.fallback", o.Fallback)
	c.ids("operators.supervisors", o.Supervisors)
	if o.Administrator <= 0 {
		c.Add("operators.administrator", "a Bitrix24 user is needed: who is told when nobody else can be")
	}
}

func (c *check) crm(crm CRM) {
	if !slices.Contains([]CRMMode{ModeAuto, ModeSimple, ModeClassic}, crm.Mode) {
		c.Add("crm.mode", "must be %s, %s or %s, not %q", ModeAuto, ModeSimple, ModeClassic, crm.Mode)
	}
	seen := map[int64]int{}
	for i, channel := range crm.Channels {
		path := fmt.Sprintf("crm.channels[%d]", i)
		c.channel(path, crm.Mode, channel)
		if first, ok := seen[channel.ID]; ok {
			c.Add(path+".id", "channel %d is set by crm.channels[%d] already", channel.ID, first)
			continue
		}
		seen[channel.ID] = i
	}
	if crm.SourceID != "" && !statusID.MatchString(crm.SourceID) {
		c.Add("crm.source_id", "%q is not the id of a source", crm.SourceID)
	}
	if crm.Currency != "" && !currencyCode.MatchString(crm.Currency) {
		c.Add("crm.currency", "%q is not a currency; a code of three capital letters like EUR is needed", crm.Currency)
	}
}

func (c *check) channel(path string, mode CRMMode, channel Channel) {
	c.positive(path+".id", channel.ID)
	switch channel.Entity {
	case EntityDefault, EntityDeal, EntityLead, EntityNone:
	default:
		c.Add(path+".entity", "must be deal, lead, none or empty, not %q", channel.Entity)
	}
	c.notNegative(path+".pipeline", channel.Pipeline)
	if channel.Pipeline != 0 && !makesDeals(mode, channel.Entity) {
		c.Add(path+".pipeline", "only a deal has a pipeline")
	}
	c.stage(path+".stage", channel)
}

// makesDeals says whether a channel can make deals; the default entity can
// unless the mode is known to be classic.
func makesDeals(mode CRMMode, entity EntityKind) bool {
	return entity == EntityDeal || entity == EntityDefault && mode != ModeClassic
}

// stage wants a stage of the channel's own pipeline: Bitrix24 writes the
// pipeline into the code, C5:NEW (bitrix24 reference §9.16).
func (c *check) stage(path string, channel Channel) {
	switch {
	case channel.Stage == "":
	case channel.Entity == EntityNone:
		c.Add(path, "channel makes nothing, so it has no stage")
	case !statusID.MatchString(channel.Stage):
		c.Add(path, "%q is not a stage code", channel.Stage)
	case channel.Entity == EntityDeal && !stageOf(channel.Stage, channel.Pipeline):
		c.Add(path, "stage %s does not belong to pipeline %d", channel.Stage, channel.Pipeline)
	}
}

func stageOf(stage string, pipeline int64) bool {
	prefix, _, has := strings.Cut(stage, ":")
	if pipeline == 0 {
		return !has
	}
	return has && prefix == fmt.Sprintf("C%d", pipeline)
}
