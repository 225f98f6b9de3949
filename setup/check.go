package setup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"puente/bitrix24"
	"puente/chat2desk"
	"puente/settings"
	"puente/store"
)

// State is how a feature stands.
type State string

// The states of a feature.
const (
	OK      State = "ok"
	Warning State = "warning" // works, but somebody should look
	Missing State = "missing" // does not work until somebody does what Help says
	Failed  State = "failed"  // could not be asked
)

// Row is one feature of a portal: how it stands and what to do about it.
type Row struct {
	Feature string `json:"feature"`
	State   State  `json:"state"`
	Detail  string `json:"detail"`
	Help    string `json:"help,omitempty"`
}

// Report is what works for a portal and what does not.
type Report struct {
	Portal string `json:"portal"`
	Rows   []Row  `json:"features"`
}

// Works reports whether dialogs can be brought into the CRM: nothing is
// missing or failed.
func (r Report) Works() bool {
	return !slices.ContainsFunc(r.Rows, func(row Row) bool { return row.State == Missing || row.State == Failed })
}

func (r *Report) add(feature string, state State, detail, help string) {
	r.Rows = append(r.Rows, Row{Feature: feature, State: state, Detail: detail, Help: help})
}

// Check asks both accounts of a portal what works. It reads only.
func (c Checker) Check(ctx context.Context, p store.Portal, s settings.Settings) Report {
	r := &Report{Portal: p.Slug}
	c.checkBitrix24(ctx, r, p, s)
	c.checkChat2Desk(ctx, r, p, s)
	c.checkSettings(ctx, r, p.Slug, s)
	return *r
}

const webhookHelp = "create an inbound webhook in Bitrix24 (Developer resources → Other → Inbound webhook) with the permissions " +
	"crm, im, user_basic, and put its address into bitrix24.webhook_url"

func (c Checker) checkBitrix24(ctx context.Context, r *Report, p store.Portal, s settings.Settings) {
	gateway, err := c.Accounts.Gateway(ctx, p.Slug)
	if err != nil {
		r.add("Bitrix24 account", Missing, err.Error(), webhookHelp)
		return
	}
	results, err := gateway.Batch(ctx, bitrix24.Group{Commands: []bitrix24.Command{
		{Key: "profile", Method: "profile"},
		{Key: "scope", Method: "scope"},
		{Key: "mode", Method: "crm.settings.mode.get"},
		{Key: "pipelines", Method: "crm.category.list", Params: bitrix24.Params{"entityTypeId": dealType}},
		{Key: "userfields", Method: "crm.deal.userfield.list"},
	}})
	if err != nil || len(results) != 5 {
		r.add("Bitrix24 account", Failed, reason(err), bitrix24Help(err))
		return
	}
	r.profile(results[0])
	r.scopes(results[1], p)
	r.mode(results[2], s.CRM.Mode)
	r.pipelines(results[3])
	r.userFields(results[4])
}

func reason(err error) string {
	if err == nil {
		return "the portal gave an incomplete answer"
	}
	return err.Error()
}

func bitrix24Help(err error) string {
	switch bitrix24.KindOf(err) {
	case bitrix24.KindAccessDenied, bitrix24.KindAuthExpired:
		return "the portal refuses the credentials; " + webhookHelp
	case bitrix24.KindAmbiguous:
		return "check the address in bitrix24.webhook_url and whether this machine reaches it"
	default:
		return "see the portal's own words"
	}
}

func (r *Report) profile(res bitrix24.Result) {
	var who struct {
		Name  string        `json:"NAME"`
		Last  string        `json:"LAST_NAME"`
		Admin bitrix24.Bool `json:"ADMIN"`
	}
	err := res.Err
	if err == nil {
		err = res.Decode(&who)
	}
	if err != nil {
		r.add("Bitrix24 account", Failed, err.Error(), bitrix24Help(err))
		return
	}
	detail := "acts as " + strings.TrimSpace(who.Name+" "+who.Last)
	if !who.Admin {
		r.add("Bitrix24 account", Warning, detail+", who is no administrator",
			"Puente sees and changes only what this user may; let an administrator create the webhook")
		return
	}
	r.add("Bitrix24 account", OK, detail+" (administrator)", "")
}

// need is a feature and the permissions (scopes) any one of which it needs.
type need struct {
	feature  string
	anyOf    []string
	required bool // for dialogs talked in Chat2Desk
}

// needs follow bitrix24 reference §11.4.
var needs = []need{
	{"CRM: find and create entities, comments", []string{"crm"}, true},
	{"Notifications to people", []string{"im"}, true},
	{"Users: who is responsible", []string{"user_basic", "user", "user_brief"}, true},
	{"Open Lines", []string{"imopenlines"}, false},
	{"Telephony: calls and recordings", []string{"telephony"}, false},
}

func (r *Report) scopes(res bitrix24.Result, p store.Portal) {
	var granted []string
	err := res.Err
	if err == nil {
		err = res.Decode(&granted)
	}
	if err != nil {
		r.add("Permissions", Failed, err.Error(), bitrix24Help(err))
		return
	}
	for _, n := range needs {
		i := slices.IndexFunc(n.anyOf, func(s string) bool { return slices.Contains(granted, s) })
		switch {
		case i >= 0:
			r.add(n.feature, OK, "permission "+n.anyOf[i], "")
		case n.required:
			r.add(n.feature, Missing, "the permission "+n.anyOf[0]+" was not given", "add "+n.anyOf[0]+" to the permissions of the webhook or app")
		default:
			r.add(n.feature, Warning, "the permission "+n.anyOf[0]+" was not given; only needed if you use this", "")
		}
	}
	if p.Bitrix24.WebhookURL != "" {
		r.add("Open Lines connector", Warning, "not possible with a webhook; only needed for dialogs in Open Lines", "use an OAuth app")
	}
}

func (r *Report) mode(res bitrix24.Result, set settings.CRMMode) {
	var mode bitrix24.ID
	err := res.Err
	if err == nil {
		err = res.Decode(&mode)
	}
	if err != nil {
		r.add("CRM mode", Failed, err.Error(), bitrix24Help(err))
		return
	}
	is := settings.ModeClassic
	if mode == 2 {
		is = settings.ModeSimple
	}
	if set != settings.ModeAuto && set != is {
		r.add("CRM mode", Warning, fmt.Sprintf("the portal is in %s mode, the settings say %s", is, set), "set crm.mode to auto or "+string(is))
		return
	}
	r.add("CRM mode", OK, string(is), "")
}

func (r *Report) pipelines(res bitrix24.Result) {
	var out struct {
		Categories []struct {
			ID   bitrix24.ID `json:"id"`
			Name string      `json:"name"`
		} `json:"categories"`
	}
	err := res.Err
	if err == nil {
		err = res.Decode(&out)
	}
	if err != nil {
		r.add("Pipelines", Failed, err.Error(), bitrix24Help(err))
		return
	}
	var names []string
	for _, c := range out.Categories {
		names = append(names, fmt.Sprintf("%d %s", c.ID, c.Name))
	}
	r.add("Pipelines", OK, strings.Join(names, ", "), "")
}

func (r *Report) userFields(res bitrix24.Result) {
	var rows []struct {
		Name      string        `json:"FIELD_NAME"`
		Mandatory bitrix24.Bool `json:"MANDATORY"`
	}
	err := res.Err
	if err == nil {
		err = res.Decode(&rows)
	}
	if err != nil {
		r.add("Custom fields of deals", Warning, err.Error(), "only administrators may list them; what the settings name is checked below")
		return
	}
	var must []string
	for _, f := range rows {
		if f.Mandatory {
			must = append(must, f.Name)
		}
	}
	if len(must) > 0 {
		r.add("Custom fields of deals", Warning, fmt.Sprintf("%d; mandatory: %s", len(rows), strings.Join(must, ", ")),
			"deals without a mandatory field are refused: map it, or make it optional")
		return
	}
	r.add("Custom fields of deals", OK, fmt.Sprintf("%d, none mandatory", len(rows)), "")
}

const chat2deskHelp = "take the API token from Chat2Desk (Settings → API) and put it into chat2desk.token"

func chat2deskAdvice(err error) string {
	switch chat2desk.KindOf(err) {
	case chat2desk.KindAuth:
		return chat2deskHelp
	case chat2desk.KindAmbiguous:
		return "check the address in chat2desk.base_url and whether this machine reaches it"
	case chat2desk.KindQuota, chat2desk.KindRateLimited:
		return "the account takes no more requests now: try again later"
	default:
		return "see Chat2Desk's own words"
	}
}

func (c Checker) checkChat2Desk(ctx context.Context, r *Report, p store.Portal, s settings.Settings) {
	const help = chat2deskHelp
	chat, err := c.Accounts.Chat2Desk(ctx, p.Slug)
	if err != nil {
		r.add("Chat2Desk account", Missing, err.Error(), help)
		return
	}
	info, err := chat.APIInfo(ctx)
	if err != nil {
		r.add("Chat2Desk account", Failed, err.Error(), chat2deskAdvice(err))
		return
	}
	r.add("Chat2Desk account", OK, strings.TrimSpace(info.CompanyName+" "+info.Mode), "")
	r.channels(ctx, chat, s)
	r.operators(ctx, chat, s)
	r.webhook(ctx, chat, p)
}

func (r *Report) channels(ctx context.Context, chat *chat2desk.API, s settings.Settings) {
	channels, err := chat.Channels(ctx)
	if err != nil {
		r.add("Channels", Failed, err.Error(), "")
		return
	}
	var mapped, unmapped []string
	for _, c := range channels {
		rule, ok := s.ChannelRule(c.ID)
		if ok {
			mapped = append(mapped, fmt.Sprintf("%d %s → %s", c.ID, c.Name, entityWord(rule)))
		} else {
			unmapped = append(unmapped, fmt.Sprintf("%d %s", c.ID, c.Name))
		}
	}
	detail := strings.Join(mapped, "; ")
	if len(unmapped) > 0 {
		r.add("Channels", Warning, strings.TrimPrefix(detail+"; by the default of the CRM mode: "+strings.Join(unmapped, ", "), "; "),
			"name them in crm.channels to choose what they make")
		return
	}
	r.add("Channels", OK, detail, "")
}

func entityWord(rule settings.Channel) string {
	switch rule.Entity {
	case settings.EntityDeal:
		return fmt.Sprintf("deal in pipeline %d", rule.Pipeline)
	case settings.EntityDefault:
		return "default of the CRM mode"
	case settings.EntityNone:
		return "nothing"
	default:
		return string(rule.Entity)
	}
}

func (r *Report) operators(ctx context.Context, chat *chat2desk.API, s settings.Settings) {
	operators, err := chat.Operators(ctx)
	if err != nil {
		r.add("Operators", Failed, err.Error(), "")
		return
	}
	var unmapped []string
	for _, o := range operators {
		if _, ok := s.UserFor(o.ID); !ok {
			unmapped = append(unmapped, strings.TrimSpace(fmt.Sprintf("%d %s %s", o.ID, o.FirstName, o.LastName)))
		}
	}
	if len(unmapped) > 0 {
		r.add("Operators", Warning, "without a Bitrix24 user: "+strings.Join(unmapped, ", "),
			"map them in operators.users; until then the fallback is responsible")
		return
	}
	r.add("Operators", OK, fmt.Sprintf("%d, all mapped", len(operators)), "")
}

// webhook looks whether Chat2Desk calls this portal's address, on any host.
func (r *Report) webhook(ctx context.Context, chat *chat2desk.API, p store.Portal) {
	const help = "register it: puente portal add <name> --file portal.yaml --register-webhook https://your-host"
	hooks, err := chat.Webhooks(ctx)
	if err != nil {
		r.add("Webhook in Chat2Desk", Failed, err.Error(), "")
		return
	}
	i := slices.IndexFunc(hooks, func(w chat2desk.Webhook) bool { return strings.HasSuffix(w.URL, WebhookURL("", p)) })
	switch {
	case i < 0:
		r.add("Webhook in Chat2Desk", Missing, "none of the registered webhooks has this portal's address", help)
	case hooks[i].Status == chat2desk.WebhookDisabled:
		r.add("Webhook in Chat2Desk", Missing, "Chat2Desk switched it off after failed deliveries", help)
	default:
		r.add("Webhook in Chat2Desk", OK, fmt.Sprintf("webhook %d, %d kinds of events", hooks[i].ID, len(hooks[i].Events)), "")
	}
}

func (c Checker) checkSettings(ctx context.Context, r *Report, portal string, s settings.Settings) {
	problems := settings.Validate(s)
	more, err := c.ValidateSettings(ctx, portal, s)
	for _, p := range append(problems, more...) {
		r.add("Settings", Missing, p.String(), "correct the settings, or create in the portal what they name")
	}
	if err != nil {
		r.add("Settings", Warning, "not everything could be checked: "+strings.ReplaceAll(err.Error(), "\n", "; "), "")
	}
	if len(problems)+len(more) == 0 && err == nil {
		r.add("Settings", OK, "fit the portal", "")
	}
}

// Events are the Chat2Desk events Puente subscribes to (chat2desk reference §4.4).
func Events() []string {
	return []string{
		chat2desk.HookInbox, chat2desk.HookOutbox, chat2desk.HookImported, chat2desk.HookComment, chat2desk.HookSystem,
		chat2desk.HookNewRequest, chat2desk.HookCloseRequest, chat2desk.HookCloseDialog, chat2desk.HookTransferred,
		chat2desk.HookTagClient, chat2desk.HookUntagClient, chat2desk.HookTagRequest, chat2desk.HookUntagRequest,
	}
}

// ErrHost is a public host that is none.
var ErrHost = errors.New("the public host must be an address such as https://puente.example.com")

// IsHost tells whether Register can build a webhook address on host.
func IsHost(host string) bool { return host != "" && isAddress(host) }

// Register makes Chat2Desk call the portal at host and returns the address.
func (c Checker) Register(ctx context.Context, host string, p store.Portal) (string, error) {
	if !IsHost(host) {
		return "", ErrHost
	}
	chat, err := c.Accounts.Chat2Desk(ctx, p.Slug)
	if err != nil {
		return "", err
	}
	address := WebhookURL(host, p)
	if _, err := chat.EnsureWebhook(ctx, "Puente", address, Events()); err != nil {
		return "", fmt.Errorf("register the webhook: %w", err)
	}
	return address, nil
}
