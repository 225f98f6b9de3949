package setup

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"puente/chat2desk"
	"puente/settings"
	"puente/store"
)

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
