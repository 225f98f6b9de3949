// Package strictdoc reads settings documents, in JSON or YAML, so strictly that
// a typing error is found and named: unknown keys, wrong types, duplicate keys
// and second documents are refused. It knows nothing of what the settings mean.
package strictdoc

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong with settings. Field is the JSON path of
// the value (crm.channels[1].pipeline), "" for the document as a whole;
// Message says in English what is wrong and what is allowed.
type Problem struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// String joins the path and the message.
func (p Problem) String() string {
	if p.Field == "" {
		return p.Message
	}
	return p.Field + ": " + p.Message
}

// Problems is a list of problems that can be returned as an error.
type Problems []Problem

// Error lists the problems in one line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "; ")
}

// Check collects problems while a document is walked. Its zero value is ready.
type Check struct{ Problems []Problem }

// Add notes one problem; format and args make its message.
func (c *Check) Add(field, format string, args ...any) {
	c.Problems = append(c.Problems, Problem{Field: field, Message: fmt.Sprintf(format, args...)})
}
