package setup

import (
	"strings"

	"puente/bitrix24"
	"puente/portals"
)

// feature is one ability of Puente, and what it needs of the portal.
type feature struct {
	name string
	used func(uses) bool
	// scopes are permissions any one of which is enough (bitrix24 reference §11.4).
	scopes []string
	// app says that a webhook is no way to it (bitrix24.NeedsApplication).
	app bool
	// lines says that open lines alone have use for it.
	lines bool
	// probe is a reading call that fails when licence, rights or the method lack.
	probe bitrix24.Command
}

func always(u uses) bool { return u.always }

func never(uses) bool { return false }

// Features that open lines are told by.
const (
	featureActivities = "Configurable activities"
	featureEvents     = "Subscriptions to events"
)

// features in the order people know them. No probe writes: telephony and
// recordings are judged by the neighbours of the methods that do.
var features = []feature{
	{
		name: "Dialogs: entities and comments in the CRM", used: func(u uses) bool { return u.dialogs }, scopes: []string{"crm"},
		probe: command("crm.item.list", bitrix24.Params{
			"entityTypeId": dealType, "select": []string{"id"}, "filter": bitrix24.Params{"id": 0}, "start": -1,
		}),
	},
	{name: "Notifications to people", used: always, scopes: []string{"im"}, probe: exists("im.notify.personal.add")},
	{
		name: "Users: who is responsible", used: always, scopes: []string{"user_basic", "user", "user_brief"},
		probe: command("user.get", bitrix24.Params{"FILTER": bitrix24.Params{"ID": 1}}),
	},
	{
		name: "Contact center: contacts, companies, deals", used: func(u uses) bool { return u.contactCenter }, scopes: []string{"crm"},
		probe: command("crm.requisite.list", bitrix24.Params{"filter": bitrix24.Params{"ID": 0}, "select": []string{"ID"}}),
	},
	{
		name: "Contact center: directories", used: func(u uses) bool { return u.contactCenter }, scopes: []string{"crm"},
		probe: command("crm.currency.list", nil),
	},
	{
		name: "Telephony: calls", used: func(u uses) bool { return u.calls }, scopes: []string{"telephony"}, app: true,
		probe: command("telephony.externalLine.get", nil),
	},
	{
		name: "Telephony: recordings", used: func(u uses) bool { return u.calls }, scopes: []string{"telephony"}, app: true,
		probe: exists("telephony.externalCall.attachRecord"),
	},
	{
		name: featureActivities, used: never, scopes: []string{"crm"}, app: true, lines: true,
		probe: exists("crm.activity.configurable.add"),
	},
	{name: featureEvents, used: never, app: true, lines: true, probe: portals.HandlersCommand()},
	{
		name: "Open Lines: sessions", used: never, scopes: []string{"imopenlines"},
		probe: command("imopenlines.config.list.get", bitrix24.Params{"PARAMS": bitrix24.Params{"limit": 1}}),
	},
	{
		name: "Open Lines: connector", used: never, scopes: []string{"imconnector", "imopenlines"}, app: true,
		probe: command("imconnector.list", nil),
	},
}

// exists asks whether the portal has a method that cannot be tried without
// changing something; the name must be in lower case (bitrix24 reference §1.1).
func exists(method string) bitrix24.Command {
	return command("method.get", bitrix24.Params{"name": strings.ToLower(method)})
}

// tried is the outcome of a probe.
func (f feature) tried(res bitrix24.Result) error {
	if res.Err != nil || f.probe.Method != "method.get" {
		return res.Err
	}
	var method struct {
		Existing bitrix24.Bool `json:"isExisting"`
	}
	if err := res.Decode(&method); err != nil {
		return err
	}
	if !method.Existing {
		name, _ := f.probe.Params["name"].(string)
		return &bitrix24.Error{Kind: bitrix24.KindInvalid, Code: noMethod, Method: name, Description: "the portal has no such method"}
	}
	return nil
}

const noMethod = "ERROR_METHOD_NOT_FOUND"

// lack reads from an error what is missing, and says how to get it.
func lack(err error, slug string) (Lack, string) {
	code, words := errorCode(err)
	switch {
	case code == "WRONG_AUTH_TYPE", code == "ERROR_WRONG_CONTEXT", strings.Contains(words, "application context"):
		return LackApplication, installHelp(slug)
	case code == "PAYMENT_REQUIRED", strings.Contains(words, "commercial plan"), strings.Contains(words, "subscription has been ended"):
		return LackLicence, "the portal's plan does not include it, or its payment has ended: renew it, or choose a higher plan"
	case code == "INSUFFICIENT_SCOPE", strings.Contains(words, "higher privileges"):
		return LackPermission, "add the permission in the settings of the webhook or application"
	case code == "METHOD_CONFIRM_WAITING", code == "METHOD_CONFIRM_DENIED":
		return LackRights, "an administrator must allow this method: the portal asks for it in its notifications"
	case code == noMethod, code == "METHOD_NOT_FOUND":
		return LackMethod, "the portal does not have it: switch the module on, or update a self-hosted portal"
	case strings.HasPrefix(code, "INVALID_"), code == "NO_AUTH_FOUND", code == "EXPIRED_TOKEN", code == "WRONG_CLIENT",
		code == "NOT_INSTALLED", code == "APPLICATION_NOT_FOUND", code == "ERROR_OAUTH", code == "AUTHORIZATION_ERROR":
		return LackAccount, "the portal refuses the credentials; " + webhookHelp + "; for the application: " + installHelp(slug)
	case bitrix24.KindOf(err) == bitrix24.KindAccessDenied:
		return LackRights, "the user of the webhook or application may not do this: let an administrator create it, or give that user the right"
	case bitrix24.KindOf(err) == bitrix24.KindAmbiguous:
		return "", "check the address of the portal and whether this machine reaches it"
	case bitrix24.KindOf(err) == bitrix24.KindRateLimited, bitrix24.KindOf(err) == bitrix24.KindOperatingLimit:
		return "", "the portal takes no more requests now: try again later"
	default:
		return "", "see the portal's own words"
	}
}

func installHelp(slug string) string {
	return "install an application: `puente portal install " + slug + "` says how"
}
