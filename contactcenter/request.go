package contactcenter

import "time"

// Channels of a request.
const (
	Site  = "site"
	Email = "email"
	Phone = "phone"
)

// Request is what the contact center learned from one contact with a client
// (product D2). Which fields are filled decides which methods run.
type Request struct {
	ExternalID string       `json:"external_id" minLength:"1" maxLength:"200" doc:"the contact center's own id; a request with the same id corrects the earlier one"` //nolint:lll // one tag
	Channel    string       `json:"channel" enum:"site,email,phone"`
	Product    string       `json:"product,omitempty" maxLength:"100" doc:"chooses the pipeline (setting contact_center.products)"`
	OccurredAt time.Time    `json:"occurred_at,omitzero" doc:"RFC 3339; empty = when it arrived"`
	Contact    *ContactData `json:"contact,omitempty"`
	Company    *CompanyData `json:"company,omitempty"`
	Deal       *DealData    `json:"deal,omitempty"`
	Call       *Call        `json:"call,omitempty"`
	Comment    string       `json:"comment,omitempty" maxLength:"100000" doc:"what the client wrote or said; plain text"`
	UTM        *UTM         `json:"utm,omitempty"`
	// Fields are the fields of the form by their own names. Those that the setting
	// contact_center.fields maps go to the deal; all stand on the timeline.
	Fields map[string]string `json:"fields,omitempty" doc:"fields of the form by their own names"`
}
