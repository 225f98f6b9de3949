package chat2desk

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// statistics count what happened since the start or the last reset.
type statistics struct {
	Requests int            `json:"requests"` // API calls, refused ones included
	ByPath   map[string]int `json:"by_path"`  // "GET /v1/requests/:id/messages" → calls
	Refused  int            `json:"refused"`  // by token, rate or quota
	Faults   int            `json:"faults"`   // injected faults that struck
	Webhooks webhookStats   `json:"webhooks"`
}

// webhookStats count deliveries: one event to one receiver.
type webhookStats struct {
	ByHook     map[string]int `json:"by_hook"`    // events raised, whoever wants them
	Queued     int            `json:"queued"`     // deliveries to make
	Sent       int            `json:"sent"`       // answered with 2xx
	Failed     int            `json:"failed"`     // attempts not answered with 2xx
	Retried    int            `json:"retried"`    // attempts put off
	Lost       int            `json:"lost"`       // given up
	Dropped    int            `json:"dropped"`    // by Deliver.Drop
	Duplicated int            `json:"duplicated"` // copies by Deliver.Duplicate
	Overflowed int            `json:"overflowed"` // no room in the queue
	Disabled   int            `json:"disabled"`   // webhooks switched off
	Pending    int            `json:"pending"`    // not yet delivered or lost
}

// Stats is the answer of GET /sandbox/stats.
type Stats struct {
	statistics
	Quota    Quota `json:"quota"`
	Clients  int   `json:"clients"`
	Dialogs  int   `json:"dialogs"`
	Appeals  int   `json:"appeals"` // requests of dialogs, rating ones included
	Messages int   `json:"messages"`
}

// Quota is the use of the month; Limit 0 = without limit.
type Quota struct {
	Used  int `json:"used"`
	Limit int `json:"limit"`
}

func newStatistics() statistics {
	return statistics{ByPath: map[string]int{}, Webhooks: webhookStats{ByHook: map[string]int{}}}
}

// Stats counts what happened since the start or the last reset.
func (c *Company) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := Stats{
		statistics: c.stats, Quota: Quota{c.s.Used, c.s.Settings.Quota}, Clients: len(c.s.Clients.rows),
		Dialogs: len(c.s.Dialogs.rows), Appeals: len(c.s.Requests.rows), Messages: len(c.s.Messages.rows),
	}
	out.ByPath, out.Webhooks.ByHook = maps.Clone(c.stats.ByPath), maps.Clone(c.stats.Webhooks.ByHook)
	out.Webhooks.Pending = c.out.count()
	return out
}

// controls are the routes under /sandbox.
func (c *Company) controls(mux *http.ServeMux) {
	mux.HandleFunc("POST /sandbox/dialogs", c.controlPlay)
	mux.HandleFunc("POST /sandbox/dialogs/{id}/close", c.controlDialog(func(d *dialog) { c.closeDialog(d) }))
	mux.HandleFunc("POST /sandbox/dialogs/{id}/reopen", c.controlDialog(func(d *dialog) { c.openRequest(d, false) }))
	mux.HandleFunc("GET /sandbox/dialogs/{id}/operators", c.controlOperators)
	mux.HandleFunc("POST /sandbox/messages/{id}/status", c.controlStatus)
	mux.HandleFunc("GET /sandbox/messages", c.controlMessages)
	mux.HandleFunc("POST /sandbox/channels", c.controlChannel)
	mux.HandleFunc("GET /sandbox/stats", func(w http.ResponseWriter, _ *http.Request) { controlAnswer(w, c.Stats()) })
	mux.HandleFunc("POST /sandbox/faults", c.addFault)
	mux.HandleFunc("DELETE /sandbox/faults", c.clearFaults)
	mux.HandleFunc("GET /sandbox/settings", c.controlSettings)
	mux.HandleFunc("PUT /sandbox/settings", c.controlSettings)
	mux.HandleFunc("POST /sandbox/clock", c.controlClock)
	mux.HandleFunc("POST /sandbox/reset", c.controlReset)
}

func (c *Company) controlPlay(w http.ResponseWriter, r *http.Request) {
	var script Script
	if !readControl(w, r, &script) {
		return
	}
	scene, err := c.Play(script)
	if err != nil {
		controlError(w, http.StatusBadRequest, err)
		return
	}
	controlAnswer(w, scene)
}

// controlDialog changes the dialog of the path and tells the webhooks.
func (c *Company) controlDialog(change func(*dialog)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		defer c.saver.touch()
		id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
		c.mu.Lock()
		defer c.mu.Unlock()
		d, ok := c.s.Dialogs.get(id)
		if !ok {
			controlError(w, http.StatusNotFound, fmt.Errorf("there is no dialog %d", id))
			return
		}
		change(d)
		c.send(c.takeEvents(), c.s.Settings.Deliver, false)
		controlAnswer(w, object{"dialog_id": d.ID, "request_id": d.LastRequestID, "state": d.State})
	}
}

// Operators are those who took the dialog or were given it, in order.
func (c *Company) Operators(dialogID int64) []int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := []int64{}
	for _, e := range c.s.Activity {
		if e.DialogID == dialogID && dialogID != 0 {
			out = append(out, e.OperatorID)
		}
	}
	return out
}

func (c *Company) controlOperators(w http.ResponseWriter, r *http.Request) {
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	controlAnswer(w, object{"operators": c.Operators(id)})
}

// controlStatus raises outbox_status for a message: {"status":"failed","error":"24h window"}.
func (c *Company) controlStatus(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Status string `json:"status"`
		Error  string `json:"error"`
	}
	if !readControl(w, r, &body) {
		return
	}
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	c.mu.Lock()
	defer c.mu.Unlock()
	m, ok := c.s.Messages.get(id)
	if !ok {
		controlError(w, http.StatusNotFound, fmt.Errorf("there is no message %d", id))
		return
	}
	c.raiseStatus(m, body.Status, body.Error)
	c.send(c.takeEvents(), c.s.Settings.Deliver, false)
	controlAnswer(w, object{"ok": true})
}

// Connect opens one more channel, as the owner of the account does in the
// cabinet: the API has no call for it. The error names a transport that
// Chat2Desk does not have.
func (c *Company) Connect(name, transport string) (Channel, error) {
	if name == "" || !slices.Contains(transports, transport) {
		return Channel{}, fmt.Errorf("name and a transport of Chat2Desk are needed, not %q and %q", name, transport)
	}
	defer c.saver.touch()
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := Channel{ID: next(&c.s.Ids.Other), Name: name, Transports: []string{transport}}
	c.s.Channels = append(c.s.Channels, ch)
	return ch, nil
}

// controlChannel opens a channel: {"name":"Second bot","transport":"telegram"}.
func (c *Company) controlChannel(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Name      string `json:"name"`
		Transport string `json:"transport"`
	}
	if !readControl(w, r, &body) {
		return
	}
	ch, err := c.Connect(body.Name, body.Transport)
	if err != nil {
		controlError(w, http.StatusBadRequest, err)
		return
	}
	controlAnswer(w, ch)
}

// Received is a message that reached a client.
type Received struct {
	ID          int64        `json:"id"`
	DialogID    int64        `json:"dialog_id"`
	RequestID   int64        `json:"request_id"`
	ChannelID   int64        `json:"channel_id"`
	OperatorID  int64        `json:"operator_id"`
	Transport   string       `json:"transport"`
	Type        string       `json:"type"` // to_client, autoreply, or "" for the rating poll
	Text        string       `json:"text"`
	Attachments []Attachment `json:"attachments"`
	ExternalID  string       `json:"external_id,omitempty"`
	ByAPI       bool         `json:"by_api"` // sent through POST /v1/messages
	Created     time.Time    `json:"created"`
}

// Received are the messages the client got, oldest first.
func (c *Company) Received(clientID int64) []Received {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := []Received{}
	for _, m := range c.s.Messages.rows {
		if m.ClientID == clientID && m.reachesClient() {
			out = append(out, Received{
				m.ID, m.DialogID, m.RequestID, m.ChannelID, m.OperatorID, m.Transport, m.Type, m.Text, attachmentsOf(m),
				m.ExternalID, m.FromAPI, m.Created,
			})
		}
	}
	return out
}

func (c *Company) controlMessages(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.URL.Query().Get("client_id"), 10, 64)
	if err != nil {
		controlError(w, http.StatusBadRequest, fmt.Errorf("client_id: %w", err))
		return
	}
	controlAnswer(w, object{"messages": c.Received(id)})
}

// Configure replaces the switches.
func (c *Company) Configure(settings Settings) error {
	if err := settings.check(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.Settings = settings
	return nil
}

// Settings are the switches in force.
func (c *Company) Settings() Settings {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.s.Settings
}

// controlSettings shows the switches, or changes those that are in the body.
func (c *Company) controlSettings(w http.ResponseWriter, r *http.Request) {
	defer c.saver.touch()
	settings := c.Settings()
	if r.Method == http.MethodPut {
		if !readControl(w, r, &settings) {
			return
		}
		if err := c.Configure(settings); err != nil {
			controlError(w, http.StatusBadRequest, err)
			return
		}
	}
	controlAnswer(w, settings)
}

// controlClock moves the time on: {"advance_s":7200}.
func (c *Company) controlClock(w http.ResponseWriter, r *http.Request) {
	var body struct {
		AdvanceS float64 `json:"advance_s"`
	}
	if !readControl(w, r, &body) {
		return
	}
	c.Advance(time.Duration(body.AdvanceS * float64(time.Second)))
	controlAnswer(w, object{"now": c.Now()})
}

// controlReset starts over; {"webhooks":true} removes the registered webhooks too.
func (c *Company) controlReset(w http.ResponseWriter, r *http.Request) {
	defer c.saver.touch()
	var body struct {
		Webhooks bool `json:"webhooks"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil && err != io.EOF {
		controlError(w, http.StatusBadRequest, err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reset()
	if body.Webhooks {
		c.s.Webhooks = table[*webhook]{}
		c.adoptWebhooks()
	}
	controlAnswer(w, object{"ok": true})
}
