package dialog

import (
	"strings"
	"unicode"

	"puente/texts"
)

// names knows how the people of a cycle are called.
type names struct {
	client string
	texts  texts.Bundle
}

func newNames(s Snapshot, t texts.Bundle) names {
	return names{client: ClientName(s.Client, t), texts: t}
}

// ClientName is how a client is called for people: the name, else the phone,
// the e-mail or the messenger identity, else "Client 7001".
func ClientName(c Client, t texts.Bundle) string {
	for _, name := range []string{c.Name, c.Phone, c.Email, c.Identity} {
		if name = oneLine(name); name != "" {
			return name
		}
	}
	if c.ID == 0 {
		return t.T("author.client", nil)
	}
	return t.T("name.unknown", map[string]any{"id": c.ID})
}

// operator is the operator's name, else the id.
func (n names) operator(operatorID int64, name string) string {
	if name = strings.TrimSpace(name); name != "" {
		return name
	}
	if operatorID == 0 {
		return n.texts.T("author.operator_unknown", nil)
	}
	return n.texts.T("author.operator", map[string]any{"id": operatorID})
}

// hasLetter says whether a word can be a name in any script.
func hasLetter(word string) bool {
	return strings.IndexFunc(word, unicode.IsLetter) >= 0
}
