package contactcenter

import (
	"regexp"
	"strings"
)

// fieldWord is what could be the name of a field in the words of the portal.
var fieldWord = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)

// FieldIn finds the key of the input that an error of the portal speaks of, by
// the name of a CRM field in it ("Field 'STAGE_ID' has invalid value" →
// stage); "" if it names none.
func FieldIn(description string) string {
	for _, word := range fieldWord.FindAllString(description, -1) {
		if strings.HasPrefix(word, "UF_") {
			return "fields." + word
		}
		if key := keysByName[squeezed(word)]; key != "" && isName(word) {
			return key
		}
	}
	return ""
}

// isName tells names of fields from ordinary words ("title", "name"): they have
// capitals inside or are written in capitals.
func isName(word string) bool { return word[1:] != strings.ToLower(word[1:]) }

// keysByName is CRM name → key of the input, for both ways to write names:
// stageId and STAGE_ID.
var keysByName = func() map[string]string {
	all := map[string]string{"phone": "phones", "email": "emails"}
	for _, names := range []map[string]string{contactNames, companyNames, dealNames} {
		for name, key := range names {
			if key != "" {
				all[squeezed(name)] = key
			}
		}
	}
	return all
}()

func squeezed(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }
