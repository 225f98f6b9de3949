package bitrix24

import (
	"slices"
	"strings"
)

// maxDuplicates is how many values one search takes and how many ids per kind it gives.
const maxDuplicates = 20

func duplicateMethods() []method {
	return []method{{name: "crm.duplicate.findbycomm", scope: "crm", run: (*call).findByComm}}
}

// findByComm finds leads, contacts and companies by phone or e-mail (bitrix24
// reference §3.10): in that order, and once a kind has 20 hits the later ones
// are left out without a word. Nothing found is [].
func (c *call) findByComm() (any, error) {
	commType := strings.ToUpper(c.str("type"))
	if commType == "" {
		return nil, badRequest("Communication type is not defined", "Parameter 'type' is required.")
	}
	if commType != "PHONE" && commType != "EMAIL" {
		text := "Communication type '" + commType + "' is not supported in current context"
		return nil, badRequest(text, "%s", text)
	}
	values := c.array("values").values()
	if len(values) == 0 {
		return nil, badRequest("Communication values is not defined", "Parameter 'values' is required.")
	}
	only, result := c.str("entity_type"), newDict()
	for _, k := range []kind{kinds[0], kinds[2], kinds[3]} {
		if only != "" && !strings.EqualFold(only, k.name) {
			continue
		}
		found := c.p.state.entities[k.id].withComm(commType, values[:min(len(values), maxDuplicates)])
		if len(found) > 0 {
			result.set(strings.ToUpper(k.name), listOf(found[:min(len(found), maxDuplicates)]))
		}
		if len(found) >= maxDuplicates {
			break
		}
	}
	return result, nil
}

// withComm are the ids that have one of the values.
func (t *entities) withComm(commType string, values []any) []int {
	var found []int
	for _, v := range values {
		if key := commKey(commType, toStr(v)); key != "" {
			found = append(found, t.under("FM", commType+":"+key)...)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
