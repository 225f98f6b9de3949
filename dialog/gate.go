package dialog

import (
	"fmt"
	"slices"
	"strings"

	"puente/settings"
)

// Verdict says whether a cycle goes to the CRM. Reason is an English sentence
// for the run and the ledger, naming tag ids.
type Verdict struct {
	Pass   bool   `json:"pass"`
	Reason string `json:"reason"`
}

// Gate applies the tag mode to the tags of the request and of the client, both
// as they are at close: any chosen tag on either counts (A4).
func Gate(tags settings.Tags, requestTags, clientTags []int64) Verdict {
	found := chosenTags(tags.IDs, requestTags, clientTags)
	switch tags.Mode {
	case settings.TagsOnly:
		if len(found) == 0 {
			return Verdict{Reason: fmt.Sprintf("Not sent: only dialogs tagged %s go to the CRM, and this one has none of them.", anyOf(tags.IDs))}
		}
		return Verdict{Pass: true, Reason: fmt.Sprintf("Sent: tagged %s, and dialogs tagged so go to the CRM.", list(found))}
	case settings.TagsNot:
		if len(found) > 0 {
			return Verdict{Reason: fmt.Sprintf("Not sent: tagged %s, and dialogs tagged so do not go to the CRM.", list(found))}
		}
		return Verdict{Pass: true, Reason: fmt.Sprintf("Sent: none of the tags that hold a dialog back (%s) is set.", list(tags.IDs))}
	default:
		return Verdict{Pass: true, Reason: "Sent: tags are ignored."}
	}
}

// chosenTags is the chosen tags that are set on either side, sorted.
func chosenTags(chosen, onRequest, onClient []int64) []int64 {
	var found []int64
	for _, id := range chosen {
		if slices.Contains(onRequest, id) || slices.Contains(onClient, id) {
			found = append(found, id)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func anyOf(ids []int64) string {
	if len(ids) == 0 {
		return "with a chosen tag (none is chosen)"
	}
	return list(ids)
}

// list writes ids for people: 1, 2.
func list(ids []int64) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = fmt.Sprint(id)
	}
	return strings.Join(words, ", ")
}
