package bitrix24

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

func (p *Portal) eventRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /sandbox/events", func(w http.ResponseWriter, _ *http.Request) { reply(w, p.Events()) })
	mux.HandleFunc("PUT /sandbox/events", p.controlEvents)
	mux.HandleFunc("POST /sandbox/outgoing", p.controlOutgoing)
	mux.HandleFunc("DELETE /sandbox/outgoing/{id}", p.dropOutgoing)
}

// EventHandler is a subscription as GET /sandbox/events shows it.
type EventHandler struct {
	ID      int    `json:"id"`
	Event   string `json:"event"`
	URL     string `json:"url"`
	App     string `json:"app,omitempty"` // "" = an outgoing webhook
	Offline bool   `json:"offline,omitempty"`
}

// EventState is what GET /sandbox/events answers.
type EventState struct {
	Handlers []EventHandler `json:"handlers"`
	Waiting  int            `json:"waiting"` // queued or under way
	Sent     int            `json:"sent"`    // taken by their handlers
	Failed   int            `json:"failed"`  // refused, or not answered; never repeated
	Lost     int            `json:"lost"`    // never sent
	Knobs    Knobs          `json:"knobs"`
	Last     []Delivery     `json:"last"` // the last 200 deliveries, oldest first
}

// Events tells who has subscribed to events and how their delivery goes.
func (p *Portal) Events() EventState {
	p.mu.RLock()
	handlers := []EventHandler{}
	for _, h := range p.state.account.Handlers {
		handlers = append(handlers, EventHandler{h.ID, h.Event, h.URL, h.App, h.Offline})
	}
	p.mu.RUnlock()
	s := p.sender
	s.mu.Lock()
	defer s.mu.Unlock()
	return EventState{handlers, s.waiting, s.sent, s.failed, s.lost, s.knobs, append([]Delivery{}, s.last...)}
}

// controlEvents turns the knobs that are named.
func (p *Portal) controlEvents(w http.ResponseWriter, r *http.Request) {
	p.sender.mu.Lock()
	knobs := p.sender.knobs
	p.sender.mu.Unlock()
	if !control(w, r, &knobs) {
		return
	}
	if knobs.DelayMS < 0 || knobs.JitterMS < 0 || knobs.Lose < -1 || knobs.Repeat < -1 {
		refuseControl(w, errors.New("delay_ms and jitter_ms must not be negative; lose and repeat are a number, or -1 for all"))
		return
	}
	p.sender.mu.Lock()
	p.sender.knobs = knobs
	p.sender.mu.Unlock()
	reply(w, knobs)
}

// outgoing is the body of POST /sandbox/outgoing.
type outgoing struct {
	HandlerURL string   `json:"handler_url"`
	Events     []string `json:"events"`
}

// check puts the names in upper case.
func (o *outgoing) check() error {
	if u, err := url.Parse(o.HandlerURL); err != nil || u.Host == "" {
		return errors.New("handler_url must be an address such as https://app.example.com/events")
	}
	if len(o.Events) == 0 {
		return errors.New("events must name at least one event")
	}
	for i, name := range o.Events {
		o.Events[i] = strings.ToUpper(name)
		if !slices.Contains(eventNames, o.Events[i]) || strings.HasPrefix(o.Events[i], "ONAPP") {
			return fmt.Errorf("a webhook cannot have the event %q", name)
		}
	}
	return nil
}

// controlOutgoing makes an outgoing webhook, as a person does in the developer
// resources of the portal. It answers with its id and application token.
func (p *Portal) controlOutgoing(w http.ResponseWriter, r *http.Request) {
	var o outgoing
	if !control(w, r, &o) {
		return
	}
	if err := o.check(); err != nil {
		refuseControl(w, err)
		return
	}
	token := secret()[:32]
	var handlers []eventHandler
	for _, name := range o.Events {
		handlers = append(handlers, eventHandler{Event: name, URL: o.HandlerURL, Token: token})
	}
	p.mu.Lock()
	id := p.state.account.subscribe(handlers...)
	p.mu.Unlock()
	reply(w, map[string]any{"id": id, "application_token": token})
}

// dropOutgoing deletes an outgoing webhook.
func (p *Portal) dropOutgoing(w http.ResponseWriter, r *http.Request) {
	id := toID(r.PathValue("id"))
	p.mu.Lock()
	n := p.state.account.unsubscribe(func(h eventHandler) bool { return h.App == "" && h.ID == id })
	p.mu.Unlock()
	if n == 0 {
		refuseControl(w, fmt.Errorf("there is no outgoing webhook %d", id))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
