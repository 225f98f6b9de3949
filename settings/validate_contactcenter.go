package settings

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"puente/internal/strictdoc"
)

// Limits of the contact center, in their units.
const (
	MaxRecordingMiB = 512
	MaxQuotaMiB     = 1 << 20 // one TiB
)

// requiredPath is a path of a request: contact.phones, fields.Region of work.
var requiredPath = regexp.MustCompile(`^(contact|company|deal|call|utm)\.[a-z_.]{1,60}$|^fields\..{1,200}$|^(comment|utm|occurred_at)$`)

// Channels of a request, as Sources knows them.
var requestChannels = []string{"site", "email", "phone"}

func (c *check) contactCenter(s Settings) {
	cc := s.ContactCenter
	if !slices.Contains([]AmbiguityRule{FirstByRule, Newest, Ask}, cc.Ambiguous) {
		c.Add("contact_center.ambiguous", "must be %s, %s or %s, not %q", FirstByRule, Newest, Ask, cc.Ambiguous)
	}
	c.products(cc)
	c.contactCenterOperators(cc.Operators)
	c.formFields(cc.Fields)
	for _, channel := range strictdoc.SortedKeys(cc.Sources) {
		path := "contact_center.sources." + channel
		if !slices.Contains(requestChannels, channel) {
			c.Add(path, "unknown channel; known: %s", strings.Join(requestChannels, ", "))
		}
		if !statusID.MatchString(cc.Sources[channel]) {
			c.Add(path, "%q is not the id of a source", cc.Sources[channel])
		}
	}
	c.notNegative("contact_center.requisite_preset", cc.RequisitePreset)
	c.recordings(cc.Recordings)
}

func (c *check) products(cc ContactCenter) {
	for i, p := range cc.Products {
		path := fmt.Sprintf("contact_center.products[%d]", i)
		switch first := slices.IndexFunc(cc.Products, func(o Product) bool { return SameName(o.Name, p.Name) }); {
		case strings.TrimSpace(p.Name) == "":
			c.Add(path+".name", "the name of the product is missing")
		case first < i:
			c.Add(path+".name", "product %s is set by contact_center.products[%d] already", p.Name, first)
		}
		c.product(path, p)
	}
	if _, ok := cc.Product(cc.UnknownProduct); cc.UnknownProduct != "" && !ok {
		c.Add("contact_center.unknown_product", "%q is none of contact_center.products", cc.UnknownProduct)
	}
}

func (c *check) product(path string, p Product) {
	c.notNegative(path+".pipeline", p.Pipeline)
	switch {
	case p.Stage == "":
	case !statusID.MatchString(p.Stage):
		c.Add(path+".stage", "%q is not a stage code", p.Stage)
	case !stageOf(p.Stage, p.Pipeline):
		c.Add(path+".stage", "stage %s does not belong to pipeline %d", p.Stage, p.Pipeline)
	}
	switch p.Responsible {
	case ResponsibleUser:
		c.positive(path+".user", p.User)
	case ResponsibleOperator, ResponsibleContact:
		if p.User != 0 {
			c.Add(path+".user", "goes with responsible: %s only", ResponsibleUser)
		}
	default:
		c.Add(path+".responsible", "must be %s, %s or %s, not %q", ResponsibleOperator, ResponsibleContact, ResponsibleUser, p.Responsible)
	}
	for i, required := range p.Required {
		if !requiredPath.MatchString(required) {
			c.Add(fmt.Sprintf("%s.required[%d]", path, i), "%q is not a path of a request, like contact.phones or fields.region", required)
		}
	}
}

func (c *check) contactCenterOperators(rows []ContactCenterOperator) {
	for i, row := range rows {
		path := fmt.Sprintf("contact_center.operators[%d]", i)
		c.positive(path+".user", row.User)
		switch first := slices.IndexFunc(rows, func(o ContactCenterOperator) bool { return o.Operator == row.Operator }); {
		case strings.TrimSpace(row.Operator) == "":
			c.Add(path+".operator", "the operator of the contact center is missing")
		case first < i:
			c.Add(path+".operator", "operator %s is mapped by contact_center.operators[%d] already", row.Operator, first)
		}
	}
}

// formFields wants each form field and each field of the deal once.
func (c *check) formFields(rows []FormField) {
	taken := map[string]string{}
	for i, row := range rows {
		path := fmt.Sprintf("contact_center.fields[%d]", i)
		switch first := slices.IndexFunc(rows, func(o FormField) bool { return SameName(o.Name, row.Name) }); {
		case strings.TrimSpace(row.Name) == "":
			c.Add(path+".name", "the name of the form field is missing")
		case first < i:
			c.Add(path+".name", "field %s is mapped by contact_center.fields[%d] already", row.Name, first)
		}
		if row.Deal == "" {
			c.Add(path+".deal", "the field of the deal is missing")
		}
		c.target(path+".deal", row.Deal, taken)
	}
}

func (c *check) recordings(r Recordings) {
	if r.MaxMiB < 1 || r.MaxMiB > MaxRecordingMiB {
		c.Add("contact_center.recordings.max_mib", "must be from 1 to %d, not %d", MaxRecordingMiB, r.MaxMiB)
	}
	if r.QuotaMiB < r.MaxMiB || r.QuotaMiB > MaxQuotaMiB {
		c.Add("contact_center.recordings.quota_mib", "must be from max_mib to %d, not %d", MaxQuotaMiB, r.QuotaMiB)
	}
	c.between("contact_center.recordings.retention_days", r.RetentionDays, MaxRetentionDays)
}

// portalContactCenter checks the section against the portal.
func (c *check) portalContactCenter(cc ContactCenter, facts PortalFacts) {
	const user = "active user in the portal"
	for i, p := range cc.Products {
		path := fmt.Sprintf("contact_center.products[%d]", i)
		has(c, path+".pipeline", "deal pipeline in the portal", p.Pipeline, facts.Pipelines)
		if stages, known := facts.DealStages[p.Pipeline]; known && p.Stage != "" {
			has(c, path+".stage", "stage in pipeline "+strconv.FormatInt(p.Pipeline, 10), p.Stage, stages)
		}
		if p.User != 0 {
			has(c, path+".user", user, p.User, facts.Users)
		}
	}
	for i, row := range cc.Operators {
		has(c, fmt.Sprintf("contact_center.operators[%d].user", i), user, row.User, facts.Users)
	}
	for i, row := range cc.Fields {
		c.portalField(fmt.Sprintf("contact_center.fields[%d].deal", i), "deal", row.Deal, facts.DealFields)
	}
	for _, channel := range strictdoc.SortedKeys(cc.Sources) {
		has(c, "contact_center.sources."+channel, "source in the portal", cc.Sources[channel], facts.Sources)
	}
	if cc.RequisitePreset != 0 {
		has(c, "contact_center.requisite_preset", "template of requisites in the portal", cc.RequisitePreset, facts.RequisitePresets)
	}
}
