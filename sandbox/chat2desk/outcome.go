package chat2desk

import "time"

// The states of a webhook.
const (
	hookEnabled  = "enable"
	hookDisabled = "disable"
)

const maxWebhookErrors = 20

// target is what a sender needs to know at the moment of an attempt; the
// address is "" if the webhook was deleted meanwhile.
func (c *Company) target(item *delivery) (address string, timeout time.Duration, signature string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if hook, ok := c.s.Webhooks.get(item.Webhook); ok {
		address = hook.URL
	}
	settings := c.s.Settings
	timeout = time.Duration(settings.SenderTimeoutMS) * time.Millisecond
	return address, timeout, Sign(settings.Signature, c.options.Token, item.Body, item.Stamp)
}

// delivered notes the outcome of an attempt and returns the delivery to try
// later, nil if there is none: it succeeded, was the last attempt, or the
// webhook is off.
func (c *Company) delivered(item *delivery, failed error) *delivery {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.saver.touch()
	hook, known := c.s.Webhooks.get(item.Webhook)
	if failed == nil {
		c.stats.Webhooks.Sent++
		if known {
			hook.FailingSince = time.Time{}
		}
		return nil
	}
	c.stats.Webhooks.Failed++
	if !known || !c.noteFailure(hook, failed) {
		c.stats.Webhooks.Lost++
		return nil
	}
	return c.retryOf(item)
}

// noteFailure writes the error down and reports whether the webhook is still
// on. Five hours of failures without one success switch it off.
func (c *Company) noteFailure(hook *webhook, failed error) bool {
	now := c.now()
	hook.Errors = append(hook.Errors, webhookError{failed.Error(), now.Unix()})
	if extra := len(hook.Errors) - maxWebhookErrors; extra > 0 {
		hook.Errors = hook.Errors[extra:]
	}
	if hook.FailingSince.IsZero() {
		hook.FailingSince = now
	}
	if hook.Status == hookEnabled && now.Sub(hook.FailingSince) >= c.s.Settings.disableWait() {
		hook.Status = hookDisabled
		c.stats.Webhooks.Disabled++
		c.stats.Webhooks.Lost += max(0, c.out.dropWebhook(hook.ID)-1) // the current one is counted by the caller
		c.log.Warn("webhook switched off after failures", "webhook", hook.ID, "since", hook.FailingSince)
	}
	return hook.Status == hookEnabled
}

func (c *Company) retryOf(item *delivery) *delivery {
	wait, again := c.s.Settings.retryWait(item.Attempt + 1)
	if !again {
		c.stats.Webhooks.Lost++
		return nil
	}
	c.stats.Webhooks.Retried++
	later := *item
	later.Attempt, later.Due, later.Unordered, later.done = item.Attempt+1, c.now().Add(wait), true, nil
	return &later
}
