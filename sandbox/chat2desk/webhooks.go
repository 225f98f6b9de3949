package chat2desk

import (
	"net/url"
	"slices"
	"time"
)

// maxWebhooks is how many a company may register (reference §4.1).
const maxWebhooks = 5

func restWebhook(h *webhook) object {
	problems := h.Errors
	if problems == nil {
		problems = []webhookError{}
	}
	return object{
		"id": h.ID, "name": h.Name, "url": h.URL, "events": h.Events, "status": h.Status, "errors": problems, "source": "api",
		"channels": idsOf(h.Channels), "order": h.Order,
	}
}

func (c *Company) listWebhooks(q *call) answer {
	return listed(c.s.Webhooks.rows, q.params, restWebhook)
}

func (c *Company) getWebhook(q *call) answer {
	hook, ok := c.s.Webhooks.get(q.path("id"))
	if !ok {
		return unknown("Webhook", q.r.PathValue("id"))
	}
	return one(restWebhook(hook))
}

func (c *Company) createWebhook(q *call) answer {
	if len(c.s.Webhooks.rows) >= maxWebhooks {
		return refused("base", "Company can have at most 5 webhooks")
	}
	hook := &webhook{Status: hookEnabled}
	if bad := c.applyWebhook(hook, q.params, true); bad.status != 0 {
		return bad
	}
	hook.ID = next(&c.s.Ids.Webhook)
	c.s.Webhooks.add(hook)
	return one(restWebhook(hook))
}

func (c *Company) updateWebhook(q *call) answer {
	hook, ok := c.s.Webhooks.get(q.path("id"))
	if !ok {
		return unknown("Webhook", q.r.PathValue("id"))
	}
	changed := *hook
	if bad := c.applyWebhook(&changed, q.params, false); bad.status != 0 {
		return bad
	}
	if changed.Status == hookEnabled && hook.Status == hookDisabled {
		changed.FailingSince = time.Time{}
	}
	*hook = changed
	return one(restWebhook(hook))
}

func (c *Company) deleteWebhook(q *call) answer {
	hook, ok := c.s.Webhooks.get(q.path("id"))
	if !ok {
		return unknown("Webhook", q.r.PathValue("id"))
	}
	c.s.Webhooks.remove(hook.ID)
	c.stats.Webhooks.Lost += c.out.dropWebhook(hook.ID)
	return done()
}

// applyWebhook checks and takes over the parameters; full wants all that a new
// webhook needs.
func (c *Company) applyWebhook(hook *webhook, p params, full bool) answer {
	if full || p.has("url") {
		if bad := c.checkURL(hook, p.text("url")); bad.status != 0 {
			return bad
		}
		hook.URL = p.text("url")
	}
	if full && !p.has("name") {
		return invalid("name", "can't be blank")
	}
	if p.has("name") {
		hook.Name = p.text("name")
	}
	if full || p.has("events") {
		events := p.texts("events")
		if len(events) == 0 {
			return invalid("events", "can't be blank")
		}
		if unknown := firstUnknown(events); unknown != "" {
			return invalid("events", unknown+" is not an event")
		}
		hook.Events = canonical(events)
	}
	return applyWebhookState(hook, p)
}

func applyWebhookState(hook *webhook, p params) answer {
	if p.has("status") {
		if p.text("status") != hookEnabled && p.text("status") != hookDisabled {
			return invalid("status", "is neither enable nor disable")
		}
		hook.Status = p.text("status")
	}
	if _, given := p["channels"]; given {
		hook.Channels = p.ids("channels")
	}
	if p.has("order") {
		hook.Order = p.id("order")
	}
	return answer{}
}

// checkURL wants a web address no other webhook has (case G20). Nobody calls it.
func (c *Company) checkURL(hook *webhook, address string) answer {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return invalid("url", "is not a valid url")
	}
	if other := c.webhookByURL(address); other != nil && other.ID != hook.ID {
		return failure{200, TextValidation, object{"url": []string{"Url is already used"}}}.answer()
	}
	return answer{}
}

func firstUnknown(events []string) string {
	for _, name := range events {
		if !slices.Contains(EventNames(), name) && name != HookOperatorUpdated {
			return name
		}
	}
	return ""
}

// canonical maps the second name of operator_status_changed to the first.
func canonical(events []string) []string {
	out := slices.Clone(events)
	for i, name := range out {
		if name == HookOperatorUpdated {
			out[i] = HookOperatorStatus
		}
	}
	return out
}
