package settings

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

// check collects problems while a document is walked.
type check struct{ problems []Problem }

func (c *check) add(field, format string, args ...any) {
	c.problems = append(c.problems, Problem{Field: field, Message: fmt.Sprintf(format, args...)})
}
