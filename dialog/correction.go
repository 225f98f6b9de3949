package dialog

// Correction is what a person changes about a sync before it is run again. A
// zero value changes nothing; what is given wins over settings and rules.
type Correction struct {
	// IgnoreTags sends a cycle that the tag gate would hold back.
	IgnoreTags bool `json:"ignore_tags,omitempty"`
	// ContactID and Entity pick existing CRM entities.
	ContactID int64 `json:"contact_id,omitempty"`
	Entity    *Ref  `json:"entity,omitempty"`
	// Responsible is a Bitrix24 user.
	Responsible int64 `json:"responsible,omitempty"`
	// Pipeline and Stage are for a deal that is still to be created.
	Pipeline *int64 `json:"pipeline,omitempty"`
	Stage    string `json:"stage,omitempty"`
	// Fields are crm.item fields of the deal or lead, as text: they are converted to the field's type.
	Fields map[string]string `json:"fields,omitempty"`
}
