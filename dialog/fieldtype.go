package dialog

import "puente/settings"

// FieldType describes a field of a deal or lead, and Item an option of it.
// They are shared with the validation of settings.
type (
	FieldType = settings.FieldType
	Item      = settings.Item
)

// Problem says why a value could not be put into a CRM field.
type Problem struct {
	Source string `json:"source"` // analytics key, "custom field 6", "correction", "combined UTM"
	Field  string `json:"field"`  // CRM field
	Value  string `json:"value"`  // shortened
	Why    string `json:"why"`    // one sentence in English, without a full stop
}

// maxProblemValue is how many characters of a value a problem shows.
const maxProblemValue = 80

// String is the problem as one sentence.
func (p Problem) String() string {
	return p.Source + " cannot go to " + p.Field + " (value \"" + p.Value + "\"): " + p.Why
}
