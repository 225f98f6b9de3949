package bitrix24

import "strings"

// applicationOnly are the methods that a portal runs for an OAuth application and refuses to an inbound webhook, mostly
// with WRONG_AUTH_TYPE (bitrix24 reference §5, §7.2, §8.1; the pages of the methods). A name that ends in a dot stands
// for all methods below it. Lower case: the portal does not mind the case of a method.
var applicationOnly = []string{
	"app.info", "app.option.", "user.option.",
	"bizproc.activity.", "bizproc.robot.",
	"crm.activity.configurable.", "crm.activity.type.", "crm.automation.trigger.add", "crm.automation.trigger.delete",
	"crm.automation.trigger.execute", "crm.automation.trigger.list",
	"event.bind", "event.get", "event.offline.", "event.test", "event.unbind", "events",
	"imconnector.",
	"messageservice.sender.", "messageservice.message.status.update",
	"placement.",
	"telephony.externalcall.finish", "telephony.externalcall.register", "telephony.externalline.",
}

// NeedsApplication reports whether the portal runs the method for an OAuth application only, so that a webhook is no way
// to it. For a method it does not know it reports false.
func NeedsApplication(method string) bool {
	method = strings.ToLower(method)
	for _, name := range applicationOnly {
		if method == name || strings.HasSuffix(name, ".") && strings.HasPrefix(method, name) {
			return true
		}
	}
	return false
}
