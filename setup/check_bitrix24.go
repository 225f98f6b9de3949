package setup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"puente/bitrix24"
	"puente/portals"
	"puente/settings"
	"puente/store"
)

const webhookHelp = "create an inbound webhook in Bitrix24 (Developer resources → Other → Inbound webhook) with the permissions " +
	"crm, im, user_basic, and put its address into bitrix24.webhook_url"

// errorCode is the portal's code in upper case and its words in lower case.
func errorCode(err error) (code, words string) {
	var e *bitrix24.Error
	if !errors.As(err, &e) {
		return "", ""
	}
	return strings.ToUpper(e.Code), strings.ToLower(e.Code + " " + e.Description)
}

// answers are what one authorization at the portal said. lost is set if it could
// not be asked at all.
type answers struct {
	lost    error
	about   map[string]bitrix24.Result // profile, scope and what is asked once
	granted []string                   // scopes; nil = not told
	probes  map[string]bitrix24.Result // by the name of the feature
}

// ask puts all questions to one gateway in one request.
func ask(ctx context.Context, gateway bitrix24.Gateway, about []bitrix24.Command, probed []feature) answers {
	group := bitrix24.Group{Commands: slices.Clone(about), Priority: bitrix24.Interactive}
	for i, f := range probed {
		probe := f.probe
		probe.Key = "p" + strconv.Itoa(i)
		group.Commands = append(group.Commands, probe)
	}
	results, err := gateway.Batch(ctx, group)
	if err != nil {
		return answers{lost: err}
	}
	a := answers{about: map[string]bitrix24.Result{}, probes: map[string]bitrix24.Result{}}
	for i, res := range results {
		if i < len(about) {
			a.about[about[i].Key] = res
		} else {
			a.probes[probed[i-len(about)].name] = res
		}
	}
	_ = a.about["scope"].Into(&a.granted) // not told: judged by the probes alone
	return a
}

// checkBitrix24 asks with the webhook, if there is one, and with the
// application: one request each.
func (c Checker) checkBitrix24(ctx context.Context, r *Report, p store.Portal, s settings.Settings, use uses) {
	gateway, err := c.Accounts.Gateway(ctx, p.Slug)
	if err != nil {
		r.put(Row{Feature: "Bitrix24 account", State: Missing, Detail: err.Error(), Help: webhookHelp, Lacks: LackAccount}, true)
		return
	}
	general := ask(ctx, gateway, []bitrix24.Command{
		{Key: "profile", Method: "profile"},
		{Key: "scope", Method: "scope"},
		{Key: "mode", Method: "crm.settings.mode.get"},
		{Key: "pipelines", Method: "crm.category.list", Params: bitrix24.Params{"entityTypeId": dealType}},
		{Key: "userfields", Method: "crm.deal.userfield.list"},
	}, ofApp(false))
	if general.lost != nil {
		kind, help := lack(general.lost, p.Slug)
		r.put(Row{Feature: "Bitrix24 account", State: Failed, Detail: general.lost.Error(), Help: help, Lacks: kind}, true)
	} else {
		r.profile("Bitrix24 account", general.about["profile"], "", p.Slug)
	}
	app := c.askApp(ctx, r, p, use)
	r.features(p.Slug, general, app, use)
	if len(use.lines) > 0 {
		r.openLines(p, use.lines, app)
	}
	if general.lost == nil {
		r.mode(general.about["mode"], s.CRM.Mode)
		r.pipelines(general.about["pipelines"])
		r.userFields(general.about["userfields"])
	}
}

// ofApp are the features that need an application, or those that do not.
func ofApp(app bool) []feature {
	return slices.DeleteFunc(slices.Clone(features), func(f feature) bool { return f.app != app })
}

// askApp asks with the application and tells how it stands itself.
func (c Checker) askApp(ctx context.Context, r *Report, p store.Portal, use uses) answers {
	const name = "Application"
	used := use.calls
	gateway, err := c.Accounts.App(ctx, p.Slug)
	if err != nil {
		row := Row{Feature: name, State: Missing, Detail: notInstalled(p.Bitrix24, err), Help: installHelp(p.Slug), Lacks: LackApplication}
		if !used && len(use.lines) > 0 { // without one they show less
			row.State, used = Warning, true
		}
		r.put(row, used)
		return answers{lost: err}
	}
	a := ask(ctx, gateway, []bitrix24.Command{
		{Key: "profile", Method: "profile"}, {Key: "scope", Method: "scope"}, {Key: "app", Method: "app.info"},
	}, ofApp(true))
	if a.lost != nil {
		kind, help := lack(a.lost, p.Slug)
		r.put(Row{Feature: name, State: Failed, Detail: a.lost.Error(), Help: help, Lacks: kind}, used || len(use.lines) > 0)
		return a
	}
	r.application(name, a, p)
	return a
}

// notInstalled says how far an application has come that cannot be used.
func notInstalled(a store.Bitrix24Account, err error) string {
	switch {
	case !errors.Is(err, portals.ErrNoApplication):
		return err.Error()
	case a.ClientID == "":
		return "none is installed"
	case a.ClientSecret == "":
		return a.ClientID + " is installed, but its key (client_secret) is missing here"
	default:
		return a.ClientID + " is known, but the portal has not handed over its tokens"
	}
}

// application tells which application it is, on which plan, and whether it may be used.
func (r *Report) application(name string, a answers, p store.Portal) {
	var info struct {
		Code      string        `json:"CODE"`
		Installed bitrix24.Bool `json:"INSTALLED"`
		Expired   bitrix24.Bool `json:"PAYMENT_EXPIRED"`
		License   string        `json:"LICENSE"`
	}
	if err := a.about["app"].Into(&info); err != nil {
		kind, help := lack(err, p.Slug)
		r.put(Row{Feature: name, State: Failed, Detail: err.Error(), Help: help, Lacks: kind}, true)
		return
	}
	detail := strings.TrimSpace(info.Code + " on the plan " + info.License)
	switch {
	case bool(info.Expired):
		r.put(Row{
			Feature: name, State: Missing, Detail: detail + ": its paid period has ended", Lacks: LackLicence,
			Help: "renew the application in the portal",
		}, true)
	case !bool(info.Installed):
		r.put(Row{
			Feature: name, State: Missing, Detail: detail + ": its installation is not finished, so that the portal sends no events",
			Help: "open the application in the portal once, as an administrator; or " + installHelp(p.Slug), Lacks: LackApplication,
		}, true)
	case p.Bitrix24.ApplicationToken == "":
		r.add(name, Warning, detail+": events of the portal cannot be proved and are refused",
			installHelp(p.Slug)+", or set bitrix24.application_token")
	default:
		r.profile(name, a.about["profile"], detail+", ", p.Slug)
	}
}

// profile tells as whom an authorization acts.
func (r *Report) profile(name string, res bitrix24.Result, before, slug string) {
	var who struct {
		Name  string        `json:"NAME"`
		Last  string        `json:"LAST_NAME"`
		Admin bitrix24.Bool `json:"ADMIN"`
	}
	if err := res.Into(&who); err != nil {
		kind, help := lack(err, slug)
		r.put(Row{Feature: name, State: Failed, Detail: err.Error(), Help: help, Lacks: kind}, true)
		return
	}
	detail := before + "acts as " + strings.TrimSpace(who.Name+" "+who.Last)
	if !who.Admin {
		r.put(Row{
			Feature: name, State: Warning, Detail: detail + ", who is no administrator", Lacks: LackRights,
			Help: "Puente sees and changes only what this user may; let an administrator create the webhook, or install the application",
		}, true)
		return
	}
	r.add(name, OK, detail+" (administrator)", "")
}

// features judges each by the authorization it needs. Where that could not be
// asked, the row of the account or application has said so already.
func (r *Report) features(slug string, general, app answers, use uses) {
	for _, f := range features {
		if f.lines && len(use.lines) > 0 {
			continue // told with the lines
		}
		with := general
		if f.app {
			with = app
		}
		if with.lost == nil || errors.Is(with.lost, portals.ErrNoAccount) {
			r.put(f.judge(slug, with), f.used(use))
		}
	}
}

// judge says how a feature stands: the way to it first, then the permission, then
// what the portal said to a call.
func (f feature) judge(slug string, with answers) Row {
	row := Row{Feature: f.name, State: Missing}
	granted := f.granted(with)
	switch {
	case with.lost != nil:
		row.Detail, row.Help, row.Lacks = "it needs an application: a webhook is not enough", installHelp(slug), LackApplication
	case granted == "" && len(f.scopes) > 0 && with.granted != nil:
		row.Detail, row.Lacks = fmt.Sprintf("the permission %s was not given", f.scopes[0]), LackPermission
		row.Help = fmt.Sprintf("add %s to the permissions of the %s", f.scopes[0], f.holder())
	default:
		f.tell(&row, slug, granted, f.tried(with.probes[f.name]))
	}
	return row
}

func (f feature) tell(row *Row, slug, granted string, err error) {
	if err == nil {
		row.State, row.Detail = OK, "works"
		if granted != "" {
			row.Detail = "permission " + granted
		}
		return
	}
	row.Detail = err.Error()
	if row.Lacks, row.Help = lack(err, slug); row.Lacks == "" {
		row.State = Failed
	}
}

// granted is the permission that was given for the feature.
func (f feature) granted(with answers) string {
	if i := slices.IndexFunc(f.scopes, func(s string) bool { return slices.Contains(with.granted, s) }); i >= 0 {
		return f.scopes[i]
	}
	return ""
}

func (f feature) holder() string {
	if f.app {
		return "application"
	}
	return "webhook or application"
}
