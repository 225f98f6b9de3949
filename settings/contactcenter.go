package settings

import "strings"

// AmbiguityRule says what happens when several CRM entities may be the client.
type AmbiguityRule string

// The rules for several candidates.
const (
	FirstByRule AmbiguityRule = "first_by_rule" // the best match; equal ones: the oldest
	Newest      AmbiguityRule = "newest"        // of the best matches the one created last
	Ask         AmbiguityRule = "ask"           // the run parks and a person picks one
)

// ContactCenter is the section of the contact center (product D).
type ContactCenter struct {
	Ambiguous AmbiguityRule `json:"ambiguous" yaml:"ambiguous"`
	// Products map what a request is about to a pipeline.
	Products []Product `json:"products,omitempty" yaml:"products,omitempty"`
	// UnknownProduct is the product that stands for those that are not listed; ""
	// = a request with an unknown product parks, and a person decides.
	UnknownProduct string `json:"unknown_product,omitempty" yaml:"unknown_product,omitempty"`
	// Operators map the contact center's operators to Bitrix24 users; others are
	// replaced by operators.fallback.
	Operators []ContactCenterOperator `json:"operators,omitempty" yaml:"operators,omitempty"`
	// Fields map fields of the form to fields of the deal.
	Fields []FormField `json:"fields,omitempty" yaml:"fields,omitempty"`
	// Sources are the SOURCE of new entities by channel (site, email, phone).
	Sources map[string]string `json:"sources,omitempty" yaml:"sources,omitempty"`
	// RequisitePreset is the template of new requisites (crm.requisite.preset.list); 0 = the first one.
	RequisitePreset int64 `json:"requisite_preset,omitempty" yaml:"requisite_preset,omitempty"`
	// Notify tells the responsible user of the deal about each request.
	Notify     bool       `json:"notify" yaml:"notify"`
	Recordings Recordings `json:"recordings" yaml:"recordings"`
}

// Product says what a request about it makes.
type Product struct {
	Name     string `json:"name" yaml:"name"` // as the contact center calls it; case does not count
	Pipeline int64  `json:"pipeline" yaml:"pipeline"`
	Stage    string `json:"stage,omitempty" yaml:"stage,omitempty"` // of a new deal; "" = the pipeline's first
	// Responsible is who gets a new deal: operator (who took the request, else
	// fallback), contact (the contact's responsible user, else operator), user.
	Responsible string `json:"responsible" yaml:"responsible"`
	User        int64  `json:"user,omitempty" yaml:"user,omitempty"` // for the rule user
	// Required are paths of a request without which it is refused: contact.phones,
	// company.inn, fields.region …
	Required []string `json:"required,omitempty" yaml:"required,omitempty"`
}

// Rules of Product.Responsible.
const (
	ResponsibleOperator = "operator"
	ResponsibleContact  = "contact"
	ResponsibleUser     = "user"
)

// ContactCenterOperator says that an operator of the contact center is that Bitrix24 user.
type ContactCenterOperator struct {
	Operator string `json:"operator" yaml:"operator"`
	User     int64  `json:"user" yaml:"user"`
}

// FormField maps a field of the form to a field of the deal.
type FormField struct {
	Name string `json:"name" yaml:"name"`
	Deal string `json:"deal" yaml:"deal"`
}

// Recordings bound what is kept of call recordings on the way to the portal.
type Recordings struct {
	MaxMiB        int `json:"max_mib" yaml:"max_mib"`               // of one file; at most 512
	QuotaMiB      int `json:"quota_mib" yaml:"quota_mib"`           // of all files of the portal that wait
	RetentionDays int `json:"retention_days" yaml:"retention_days"` // how long a file stays after it was attached
}

// IsFieldName says whether name can be a field of crm.item: camelCase, or
// UF_CRM_… (bitrix24 reference §3.2).
func IsFieldName(name string) bool { return fieldName.MatchString(name) }

// IsCurrency says whether code looks like an ISO 4217 code.
func IsCurrency(code string) bool { return currencyCode.MatchString(code) }

// StageFits says whether a deal stage belongs to a pipeline: Bitrix24 writes
// the pipeline into the code, C5:NEW (bitrix24 reference §9.16).
func StageFits(stage string, pipeline int64) bool { return stageOf(stage, pipeline) }

// SameName compares names of products, operators and form fields: case and
// spaces do not count.
func SameName(a, b string) bool {
	return strings.EqualFold(strings.Join(strings.Fields(a), " "), strings.Join(strings.Fields(b), " "))
}

// Product finds a listed product by its name (see SameName).
func (c ContactCenter) Product(name string) (Product, bool) {
	for _, p := range c.Products {
		if SameName(p.Name, name) {
			return p, true
		}
	}
	return Product{}, false
}

// ContactCenterUser gives the Bitrix24 user of an operator of the contact
// center, and whether the settings map that operator. One who is not mapped,
// and "" (nobody), give the fallback user, else the administrator.
func (s Settings) ContactCenterUser(operator string) (int64, bool) {
	for _, row := range s.ContactCenter.Operators {
		if operator != "" && row.Operator == operator {
			return row.User, true
		}
	}
	return s.UserFor(0)
}
