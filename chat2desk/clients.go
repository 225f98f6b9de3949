package chat2desk

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/mail"
	"strings"
)

// Client returns one client with channels and tags (GET /clients/:id,
// reference §3.2). An unknown id is KindNotFound.
func (a *API) Client(ctx context.Context, id int64) (Client, error) {
	o, _, err := a.getObject(ctx, path("clients/%d", id))
	if err != nil {
		return Client{}, err
	}
	return readClient(o), nil
}

// ClientDialogs returns all dialogs of a client (GET /clients/:id/dialogs):
// the filter of GET /dialogs is ignored by the service (reference §2.6).
func (a *API) ClientDialogs(ctx context.Context, id int64) ([]Dialog, error) {
	list, err := a.listAll(ctx, path("clients/%d/dialogs", id))
	return convert(list, a.readDialog), err
}

// ClientTransports tells where a client can be written: channels with their
// transports (GET /clients/:id/transport).
func (a *API) ClientTransports(ctx context.Context, id int64) ([]ClientChannel, error) {
	list, _, err := a.getList(ctx, path("clients/%d/transport", id), nil)
	return readClientChannels(list), err
}

// NewClient describes a client to be created (POST /clients, reference §3.2).
type NewClient struct {
	Phone         string `json:"phone"` // digits
	Transport     string `json:"transport"`
	ChannelID     int64  `json:"channel_id,omitempty"`
	Nickname      string `json:"nickname,omitempty"`
	AssignedPhone string `json:"assigned_phone,omitempty"`
}

// CreateClient makes a client and returns its id. For an identity that is
// already known it returns the existing id and created = false.
func (a *API) CreateClient(ctx context.Context, n NewClient) (id int64, created bool, err error) {
	c := call{method: http.MethodPost, path: path("clients"), body: n}
	answer, err := a.do(ctx, c)
	if err != nil {
		if id := existingID(err); id != 0 {
			return id, false, nil
		}
		return 0, false, err
	}
	if id = readObject(answer.Data).int("id", "client_id"); id == 0 {
		return 0, false, c.error(KindAmbiguous, errors.New("answer without an id"))
	}
	return id, true, nil
}

// existingID finds the id that the "already exist" error of POST /clients
// carries as JSON text in its second line (reference §8, G14).
func existingID(err error) int64 {
	var e *Error
	if !errors.As(err, &e) || e.Kind != KindAlreadyDone {
		return 0
	}
	for _, text := range e.Fields["client"] {
		if id := readObject(json.RawMessage(text)).int("id", "client_id"); id != 0 {
			return id
		}
	}
	return 0
}

func readClient(o object) Client {
	c := Client{
		ID: o.int("id", "client_id"), Name: o.text("name"), Username: o.text("username"),
		AssignedName: o.text("assigned_name"), Phone: o.text("phone"), ClientPhone: o.text("client_phone"),
		Avatar: o.text("avatar"), Comment: o.text("comment"), ExternalID: o.text("external_id"),
		Channels: readClientChannels(o.list("channels")),
	}
	if c.ClientPhone == "" {
		c.ClientPhone = o.text("assigned_phone") // the name it has in some rows
	}
	// The keys are data here, not names of the protocol: they stay as written.
	var fields map[string]json.RawMessage
	if json.Unmarshal(o["custom_fields"], &fields) == nil {
		c.CustomFields = fields
	}
	for _, raw := range o.list("tags") {
		c.Tags = append(c.Tags, readTag(readObject(raw)))
	}
	return c
}

func readClientChannels(list []json.RawMessage) []ClientChannel {
	var channels []ClientChannel
	for _, raw := range list {
		o := readObject(raw)
		if id := o.int("channel_id", "id"); id != 0 {
			channels = append(channels, ClientChannel{ID: id, Transports: o.texts("transports")})
		}
	}
	return channels
}

// DisplayName is the name operators gave, else the profile name, else empty;
// never the literal "unknown" that stands for none.
func (c Client) DisplayName() string { return displayName(c.AssignedName, c.Name) }

// DisplayName is as Client.DisplayName.
func (c ClientRef) DisplayName() string { return displayName(c.AssignedName, c.Name) }

func displayName(names ...string) string {
	for _, name := range names {
		name = strings.TrimSpace(name)
		if name != "" && !strings.EqualFold(name, "unknown") {
			return name
		}
	}
	return ""
}

// RealPhone is the client's phone as received: client_phone if given, else
// phone, but never a bracketed identity or an address. Empty if there is none.
// It is not normalised.
func (c Client) RealPhone() string { return realPhone(c.ClientPhone, c.Phone) }

// RealPhone is as Client.RealPhone.
func (c ClientRef) RealPhone() string { return realPhone(c.ClientPhone, c.Phone) }

func realPhone(phones ...string) string {
	for _, phone := range phones {
		phone = strings.TrimSpace(phone)
		if strings.ContainsAny(phone, "0123456789") && !strings.ContainsAny(phone, "[]@") {
			return phone
		}
	}
	return ""
}

// Email is the client's address if the identity is one (transport email,
// reference §6), else empty.
func (c Client) Email() string {
	for _, text := range []string{c.ClientPhone, c.Phone} {
		addr, err := mail.ParseAddress(strings.TrimSpace(text))
		if err == nil && !strings.ContainsAny(text, "[]") {
			return addr.Address
		}
	}
	return ""
}

// CustomFieldTexts returns the custom fields as text: numbers and booleans as
// written, nested values as JSON; empty ones are left out.
func (c Client) CustomFieldTexts() map[string]string {
	texts := map[string]string{}
	for key, raw := range c.CustomFields {
		if isEmpty(raw) {
			continue
		}
		text := flexText(raw)
		if text == "" {
			text = string(raw)
		}
		texts[key] = text
	}
	return texts
}
