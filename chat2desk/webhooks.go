package chat2desk

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// The states of a webhook (reference §4.1).
const (
	WebhookEnabled  = "enable"
	WebhookDisabled = "disable"
)

// Webhooks returns the company's webhooks (GET /webhooks).
func (a *API) Webhooks(ctx context.Context) ([]Webhook, error) {
	list, err := a.listAll(ctx, path("webhooks"))
	return convert(list, readWebhook), err
}

// webhookBody is what POST and PUT take. An empty list of channels means all.
type webhookBody struct {
	Name     string   `json:"name"`
	URL      string   `json:"url"`
	Events   []string `json:"events"`
	Status   string   `json:"status"`
	Channels []int64  `json:"channels"`
}

// CreateWebhook registers a webhook (POST /webhooks). A URL that is registered
// already is KindAlreadyDone; the sixth webhook of a company is an error.
func (a *API) CreateWebhook(ctx context.Context, w Webhook) (Webhook, error) {
	return a.writeWebhook(ctx, http.MethodPost, path("webhooks"), w)
}

// UpdateWebhook changes the webhook with w's id to what w says (PUT
// /webhooks/:id). An empty Status enables it.
func (a *API) UpdateWebhook(ctx context.Context, w Webhook) (Webhook, error) {
	return a.writeWebhook(ctx, http.MethodPut, path("webhooks/%d", w.ID), w)
}

// DeleteWebhook removes a webhook (DELETE /webhooks/:id).
func (a *API) DeleteWebhook(ctx context.Context, id int64) error {
	_, err := a.do(ctx, call{method: http.MethodDelete, path: path("webhooks/%d", id)})
	return err
}

// EnsureWebhook makes sure that url receives events of all channels: it adopts
// the webhook that has this URL (URLs are unique in a company), enabling,
// renaming and completing it where needed, and creates one only if there is
// none. Events that others subscribed it to are kept.
func (a *API) EnsureWebhook(ctx context.Context, name, url string, events []string) (Webhook, error) {
	want := Webhook{Name: name, URL: url, Events: events, Status: WebhookEnabled}
	adopted, found, err := a.adoptWebhook(ctx, want)
	if err != nil || found {
		return adopted, err
	}
	created, err := a.CreateWebhook(ctx, want)
	if KindOf(err) != KindAlreadyDone {
		return created, err
	}
	// Somebody was faster, or an earlier answer was lost.
	if adopted, found, again := a.adoptWebhook(ctx, want); again != nil || found {
		return adopted, again
	}
	return Webhook{}, err
}

func (a *API) adoptWebhook(ctx context.Context, want Webhook) (Webhook, bool, error) {
	list, err := a.Webhooks(ctx)
	if err != nil {
		return Webhook{}, false, err
	}
	i := slices.IndexFunc(list, func(w Webhook) bool { return w.URL == want.URL })
	if i < 0 {
		return Webhook{}, false, nil
	}
	have := list[i]
	want.ID, want.Events = have.ID, union(have.Events, want.Events)
	if have.Name == want.Name && have.Status != WebhookDisabled && len(have.Channels) == 0 &&
		len(have.Events) == len(want.Events) {
		return have, true, nil
	}
	updated, err := a.UpdateWebhook(ctx, want)
	return updated, true, err
}

// writeWebhook returns the webhook as the service tells it, or, where a PUT
// answers without data, as it was sent.
func (a *API) writeWebhook(ctx context.Context, method, path string, w Webhook) (Webhook, error) {
	if w.Status == "" {
		w.Status = WebhookEnabled
	}
	body := webhookBody{Name: w.Name, URL: w.URL, Events: w.Events, Status: w.Status, Channels: w.Channels}
	if body.Channels == nil {
		body.Channels = []int64{}
	}
	answer, err := a.do(ctx, call{method: method, path: path, body: body})
	if err != nil {
		return Webhook{}, err
	}
	o := readObject(answer.Data)
	if o.has("url") {
		return readWebhook(o), nil
	}
	if id := o.int("id"); id != 0 {
		w.ID = id
	}
	return w, nil
}

func readWebhook(o object) Webhook {
	w := Webhook{
		ID: o.int("id"), Name: o.text("name"), URL: o.text("url"), Events: o.texts("events"),
		Status: o.text("status"), Channels: o.ints("channels"),
	}
	for _, raw := range o.list("errors") {
		w.Errors = append(w.Errors, readWebhookError(raw))
	}
	return w
}

func readWebhookError(raw json.RawMessage) WebhookError {
	o := readObject(raw)
	return WebhookError{Text: o.text("text"), Time: o.time("created_at", time.UTC)}
}

// union returns have followed by those of want that are not in it.
func union(have, want []string) []string {
	all := slices.Clone(have)
	for _, s := range want {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}
