package chat2desk

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Script is a scene between a client and the company (POST /sandbox/dialogs).
// The same phone and channel is the same dialog; a closed one is opened by it
// with a new request.
type Script struct {
	Client     ScriptClient      `json:"client"`
	ChannelID  int64             `json:"channel_id"`
	Transport  string            `json:"transport"`   // "" = the first of the channel
	OperatorID int64             `json:"operator_id"` // takes the dialog after the first message; 0 = nobody does
	Tags       []int64           `json:"tags"`        // put on the request
	UTM        map[string]string `json:"utm"`         // utm_source …, url, google_id, yandex_id, roistat_id, click_time …
	Messages   []ScriptMessage   `json:"messages"`
	// Repeat is how many messages there shall be: the given ones (or a plain
	// exchange) go round until then, each with its number: in place of "{n}", else
	// at the end.
	Repeat int  `json:"repeat"`
	Close  bool `json:"close"`
	Score  int  `json:"score"` // the client's answer to the rating poll
	// Deliver replaces the Deliver of the settings for this scene.
	Deliver *Deliver `json:"deliver"`
}

// ScriptClient is who writes. ID addresses an existing client; else Identity
// or Phone decide who it is (reference §6), and without both it is somebody new.
type ScriptClient struct {
	ID           int64          `json:"id"`
	Name         string         `json:"name"`
	AssignedName string         `json:"assigned_name"`
	Phone        string         `json:"phone"`
	Email        string         `json:"email"`    // the identity on e-mail channels; else the custom field "email"
	Identity     string         `json:"identity"` // as in the API's "phone", for example "[tg] 5551"
	Tags         []int64        `json:"tags"`
	CustomFields map[string]any `json:"custom_fields"` // by field id or symbolic name
}

// ScriptMessage is one line. From is client, operator, bot, comment, system or
// none (a message without type). Imported tells of it as imported_message.
type ScriptMessage struct {
	From        string       `json:"from"`
	Text        string       `json:"text"`
	Attachments []Attachment `json:"attachments"`
	Coordinates string       `json:"coordinates"`
	OperatorID  int64        `json:"operator_id"` // 0 = the dialog's
	ExternalID  string       `json:"external_id"`
	Imported    bool         `json:"imported"`
}

// Scene are the ids of a played script. RatingRequestID is 0 without a poll.
type Scene struct {
	ClientID        int64   `json:"client_id"`
	DialogID        int64   `json:"dialog_id"`
	RequestID       int64   `json:"request_id"`
	ChannelID       int64   `json:"channel_id"`
	OperatorID      int64   `json:"operator_id"`
	RatingRequestID int64   `json:"rating_request_id,omitempty"`
	MessageIDs      []int64 `json:"message_ids"`
	Identity        string  `json:"identity"` // the client's "phone" in the API
}

var scriptTypes = map[string]string{
	"client": typeClient, "": typeClient, "operator": typeOperator, "bot": typeAutoreply,
	"comment": typeComment, "system": typeSystem, "none": typeNone,
}

// Play plays a script and queues its webhooks. Errors name what is wrong with
// the script; nothing has happened then.
func (c *Company) Play(script Script) (Scene, error) {
	defer c.saver.touch()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.checkScript(&script); err != nil {
		return Scene{}, err
	}
	scene := c.play(script)
	how := c.s.Settings.Deliver
	if script.Deliver != nil {
		how = *script.Deliver
	}
	c.send(c.takeEvents(), how, false)
	return scene, nil
}

// checkScript fills the defaults in.
func (c *Company) checkScript(script *Script) error {
	ch := c.channel(script.ChannelID)
	if ch == nil {
		return fmt.Errorf("channel_id: there is no channel %d", script.ChannelID)
	}
	if script.Transport == "" && len(ch.Transports) > 0 {
		script.Transport = ch.Transports[0]
	}
	if script.OperatorID != 0 && c.operator(script.OperatorID) == nil {
		return fmt.Errorf("operator_id: there is no operator %d", script.OperatorID)
	}
	for i, m := range script.Messages {
		if _, ok := scriptTypes[m.From]; !ok {
			return fmt.Errorf("messages[%d].from: %q is none of client, operator, bot, comment, system, none", i, m.From)
		}
	}
	if _, known := c.s.Clients.get(script.Client.ID); script.Client.ID != 0 && !known {
		return fmt.Errorf("client.id: there is no client %d", script.Client.ID)
	}
	if script.Deliver != nil {
		return script.Deliver.check()
	}
	return nil
}

func (c *Company) play(script Script) Scene {
	cl := c.scriptClient(script)
	d := c.dialogOf(cl, script.ChannelID, script.Transport)
	scene := Scene{ClientID: cl.ID, DialogID: d.ID, ChannelID: d.ChannelID, Identity: cl.Identity, MessageIDs: []int64{}}
	lines := script.lines()
	r, opened := c.openRequest(d, len(lines) == 0 || scriptTypes[lines[0].From] == typeClient)
	if opened {
		c.noteAnalytics(r, script.UTM)
	}
	for i, line := range lines {
		m := c.playLine(d, line, opened && i == 0, script.UTM)
		scene.MessageIDs = append(scene.MessageIDs, m.ID)
		if i == 0 {
			c.takeOver(d, script.OperatorID)
		}
	}
	c.takeOver(d, script.OperatorID)
	for _, id := range script.Tags {
		c.tagRequest(r, id)
	}
	scene.RequestID, scene.OperatorID = r.ID, d.OperatorID
	if script.Close {
		c.closeScene(d, script.Score, &scene)
	}
	return scene
}

// takeOver assigns the dialog unless the operator has it already.
func (c *Company) takeOver(d *dialog, operator int64) {
	if operator != 0 && d.OperatorID != operator {
		c.assign(d, operator)
	}
}

func (c *Company) closeScene(d *dialog, score int, scene *Scene) {
	c.closeDialog(d)
	rating, ok := c.s.Requests.get(d.LastRequestID)
	if !ok || rating.Type != requestRating {
		return
	}
	rating.Score = score
	scene.RatingRequestID = rating.ID
}

// playLine says one line. The first one of a request carries the UTM data if
// the settings put it there, and is marked as opening the request.
func (c *Company) playLine(d *dialog, line ScriptMessage, first bool, utm map[string]string) *message {
	m := &message{
		Type: scriptTypes[line.From], Text: line.Text, Attachments: line.Attachments, Coordinates: line.Coordinates,
		ExternalID: line.ExternalID, Imported: line.Imported, NewRequest: first, Status: "sent",
	}
	m.fillSlots()
	if m.Type == typeClient {
		cl, _ := c.s.Clients.get(d.ClientID)
		m.NewClient = cl.First.IsZero()
		if first && c.s.Settings.UTM != UTMInAnalytics && len(utm) > 0 {
			m.Extra = object{}
			for key, value := range utm {
				m.Extra[key] = value
			}
		}
		return c.say(d, m)
	}
	if m.Type != typeSystem && m.Type != typeNone {
		m.OperatorID = line.OperatorID
		if m.OperatorID == 0 {
			m.OperatorID = d.OperatorID
		}
	}
	return c.say(d, m)
}

// lines are the messages with Repeat worked out.
func (s Script) lines() []ScriptMessage {
	if s.Repeat <= 0 {
		return s.Messages
	}
	source := s.Messages
	if len(source) == 0 {
		source = []ScriptMessage{{From: "client", Text: "Question {n}"}, {From: "operator", Text: "Answer {n}"}}
	}
	out := make([]ScriptMessage, s.Repeat)
	for i := range out {
		out[i] = source[i%len(source)]
		mark := strconv.Itoa(i + 1)
		if strings.Contains(out[i].Text, "{n}") {
			out[i].Text = strings.ReplaceAll(out[i].Text, "{n}", mark)
		} else {
			out[i].Text += " #" + mark
		}
	}
	return out
}

// scriptClient finds or creates the client of a script.
func (c *Company) scriptClient(script Script) *client {
	wanted := script.Client
	cl, known := c.s.Clients.get(wanted.ID)
	if !known {
		identity, phone := identityOf(script.Transport, wanted.Phone, wanted.Email, "new "+strconv.FormatInt(c.s.Ids.Client+1, 10))
		if wanted.Identity != "" {
			identity, phone = wanted.Identity, wanted.Phone
		}
		if cl = c.s.byIdentity[identity]; cl == nil {
			return c.newScriptClient(script, identity, phone)
		}
	}
	cl.joinChannel(script.ChannelID, script.Transport)
	if c.updateFromScript(cl, wanted, script.Transport) {
		c.raise(HookClientUpdated, cl.ID, script.ChannelID, c.tick(), clientEvent(cl))
	}
	for _, id := range wanted.Tags {
		c.tagClient(cl, id, script.ChannelID)
	}
	return cl
}

func (c *Company) newScriptClient(script Script, identity, phone string) *client {
	cl := c.newClient(identity, phone)
	cl.joinChannel(script.ChannelID, script.Transport)
	c.updateFromScript(cl, script.Client, script.Transport)
	c.raise(HookNewClient, cl.ID, script.ChannelID, c.tick(), clientEvent(cl))
	for _, id := range script.Client.Tags {
		c.tagClient(cl, id, script.ChannelID)
	}
	return cl
}

// updateFromScript takes over what the script says and the client lacks; it
// reports a change.
func (c *Company) updateFromScript(cl *client, wanted ScriptClient, transport string) bool {
	before := string(encode(cl))
	if wanted.Name != "" {
		cl.Name = wanted.Name
	}
	if wanted.AssignedName != "" {
		cl.AssignedName = wanted.AssignedName
	}
	fields := map[string]any{}
	for key, value := range wanted.CustomFields {
		fields[key] = value
	}
	if wanted.Email != "" && familyOf(transport) != familyEmail {
		fields["email"] = wanted.Email
	}
	cl.setFields(fields)
	return string(encode(cl)) != before
}

func (c *client) setFields(fields map[string]any) {
	for key, value := range fields {
		if c.CustomFields == nil {
			c.CustomFields = map[string]any{}
		}
		if n, ok := value.(float64); ok {
			value = json.Number(strconv.FormatFloat(n, 'f', -1, 64))
		}
		c.CustomFields[key] = value
	}
}

// noteAnalytics keeps the web analytics of a request.
func (c *Company) noteAnalytics(r *request, utm map[string]string) {
	if len(utm) == 0 || c.s.Settings.UTM == UTMInExtraData {
		return
	}
	c.s.Analytics = append(c.s.Analytics, analyticsRow{r.ClientID, r.ID, c.tick(), utm})
}
