package dialog

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"puente/settings"
)

// defaultDialogLink is the address of a dialog on the Chat2Desk site.
const defaultDialogLink = "{web}/chat/dialogs/{dialog}"

// Links builds the addresses that notifications, runs and APIs show. The zero
// value builds none.
type Links struct {
	Portal  string // of Bitrix24, https://example.bitrix24.com
	Web     string // of the Chat2Desk site operators use
	General settings.General
}

// Card is the address of a CRM card (bitrix24 reference §6.2); "" for an
// entity without id, or if the portal's address is not known.
func (l Links) Card(ref Ref) string {
	if ref.ID == 0 || ref.Kind == NoEntity || l.Portal == "" {
		return ""
	}
	return fmt.Sprintf("%s/crm/%s/details/%d/", base(l.Portal), ref.Kind, ref.ID)
}

// Dialog is the address of a dialog, where the settings want it opened (A9).
// General.DialogLink wins. Bitrix24 has no page of its own for a Chat2Desk
// dialog: the dialog stands in the card of the entity (chat2desk reference
// §7.4), so the card of the first known entity is taken, and without any the
// Chat2Desk site. "" if nothing can be built.
func (l Links) Dialog(dialogID, clientID, requestID int64, entities ...Ref) string {
	pattern := l.General.DialogLink
	if pattern == "" && l.General.OpenLinksIn == settings.OpenInBitrix24 {
		for _, ref := range entities {
			if card := l.Card(ref); card != "" {
				return card
			}
		}
	}
	if pattern == "" {
		pattern = defaultDialogLink
	}
	return l.fill(pattern, map[string]int64{"{dialog}": dialogID, "{client}": clientID, "{request}": requestID})
}

// fill puts values into a pattern. A pattern that wants something unknown gives
// no address: a dead link is worse than none.
func (l Links) fill(pattern string, ids map[string]int64) string {
	for name, value := range ids {
		if strings.Contains(pattern, name) && value == 0 {
			return ""
		}
		pattern = strings.ReplaceAll(pattern, name, strconv.FormatInt(value, 10))
	}
	for name, value := range map[string]string{"{portal}": l.Portal, "{web}": l.Web} {
		if strings.Contains(pattern, name) && value == "" {
			return ""
		}
		pattern = strings.ReplaceAll(pattern, name, base(value))
	}
	return pattern
}

// base is an address without path of REST, query and trailing slash.
func base(address string) string {
	parsed, err := url.Parse(strings.TrimSpace(address))
	if err != nil || parsed.Host == "" {
		return strings.TrimRight(strings.TrimSpace(address), "/")
	}
	path, _, _ := strings.Cut(parsed.Path, "/rest/")
	return parsed.Scheme + "://" + parsed.Host + strings.TrimRight(path, "/")
}
