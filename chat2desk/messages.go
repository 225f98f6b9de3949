package chat2desk

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// RequestMessages returns all messages of a request by time, then id (GET
// /requests/:id/messages, reference §3.3). The answer is complete, there are
// no pages. An unknown request is KindNotFound.
func (a *API) RequestMessages(ctx context.Context, requestID int64) ([]Message, error) {
	list, _, err := a.getList(ctx, path("requests/%d/messages", requestID), nil)
	if err != nil {
		return nil, err
	}
	messages := make([]Message, 0, len(list))
	for _, raw := range list {
		m := readMessage(readObject(raw), a.cfg.Location, a.cfg.StorageURL)
		if m.RequestID == 0 {
			m.RequestID = requestID
		}
		messages = append(messages, m)
	}
	return inOrder(messages), nil
}

// inOrder sorts by time, then id, and drops what is there twice.
func inOrder(messages []Message) []Message {
	slices.SortStableFunc(messages, func(x, y Message) int {
		return cmp.Or(x.Time.Compare(y.Time), cmp.Compare(x.ID, y.ID))
	})
	seen := map[int64]bool{}
	return slices.DeleteFunc(messages, func(m Message) bool {
		double := m.ID != 0 && seen[m.ID]
		seen[m.ID] = true
		return double
	})
}

// outMessage is the body of POST /messages; open_dialog is always there,
// because the service's default would reopen a closed dialog.
type outMessage struct {
	ClientID           int64  `json:"client_id"`
	Text               string `json:"text,omitempty"`
	Attachment         string `json:"attachment,omitempty"`
	AttachmentFilename string `json:"attachment_filename,omitempty"`
	PDF                string `json:"pdf,omitempty"`
	Type               string `json:"type,omitempty"`
	Transport          string `json:"transport,omitempty"`
	ChannelID          int64  `json:"channel_id,omitempty"`
	OperatorID         int64  `json:"operator_id,omitempty"`
	OpenDialog         bool   `json:"open_dialog"`
	Encrypted          bool   `json:"encrypted,omitempty"`
	ExternalID         string `json:"external_id,omitempty"`
	ReplyMessageID     int64  `json:"reply_message_id,omitempty"`
}

// SendMessage sends a message to a client, or writes a comment (POST
// /messages, reference §3.1.1). The service has no idempotency key: after
// KindAmbiguous look for ExternalID among the client's messages before sending
// again.
func (a *API) SendMessage(ctx context.Context, m OutMessage) (Sent, error) {
	c := call{method: http.MethodPost, path: path("messages"), body: outMessage(m)}
	if m.ClientID <= 0 || m.Text == "" && m.Attachment == "" && m.PDF == "" {
		return Sent{}, c.error(KindInvalid, errors.New("a message needs a client and a text or a file"))
	}
	answer, err := a.do(ctx, c)
	if err != nil {
		return Sent{}, err
	}
	o := readObject(answer.Data)
	return Sent{
		MessageID: o.int("message_id", "id"), ClientID: o.int("client_id"), ChannelID: o.int("channel_id"),
		OperatorID: o.int("operator_id"), DialogID: o.int("dialog_id"), RequestID: o.int("request_id"),
		Transport: o.text("transport"), Type: messageType(o.text("type"), TypeToClient),
	}, nil
}

// FindSent looks for a message that was sent to a client under an external id,
// among the newest messages of that client (GET /messages, reference §4.8): what
// has to be known after an answer was lost.
func (a *API) FindSent(ctx context.Context, client int64, externalID string) (Message, bool, error) {
	query := url.Values{"client_id": {strconv.FormatInt(client, 10)}, "order": {"desc"}, "limit": {strconv.Itoa(pageLimit)}}
	list, _, err := a.getList(ctx, path("messages"), query)
	for _, raw := range list {
		if m := readMessage(readObject(raw), a.cfg.Location, a.cfg.StorageURL); m.ExternalID == externalID {
			return m, true, nil
		}
	}
	return Message{}, false, err
}

// readMessage reads any of the three shapes of a message: GET /messages,
// requests/:id/messages and webhooks. loc is the zone of dates without one.
func readMessage(o object, loc *time.Location, storage string) Message {
	return Message{
		ID: o.int("message_id", "id"), ClientID: clientID(o), OperatorID: o.int("operator_id"),
		ChannelID: o.int("channel_id"), DialogID: o.int("dialog_id"), RequestID: o.int("request_id"),
		Type: messageType(o.text("type"), TypeAutoreply), Text: o.text("text"), Transport: o.text("transport"),
		Time: o.time("created", loc), Attachments: ResolveLinks(storage, readAttachments(o)),
		Location: readLocation(o["coordinates"]), ExternalID: o.text("external_id"),
		Analytics: readUTM(o["extra_data"]),
	}
}

// messageType normalises both vocabularies (reference §3.3, §5.1). A type that
// is missing is taken to be missing; one that nobody knows is an autoreply.
func messageType(word, missing string) string {
	switch word = strings.ToLower(strings.TrimSpace(word)); word {
	case "in", "from_client":
		return TypeFromClient
	case "out", "to_client":
		return TypeToClient
	case TypeSystem, TypeComment:
		return word
	case "":
		return missing
	default:
		return TypeAutoreply
	}
}

// readLocation turns coordinates into text. They come as text, as an object
// or as a list; other forms are kept as they are written.
func readLocation(raw json.RawMessage) string {
	if isEmpty(raw) {
		return ""
	}
	if text := flexText(raw); text != "" {
		return text
	}
	o := readObject(raw)
	lat, lon := cmp.Or(o.text("lat"), o.text("latitude")), cmp.Or(o.text("lon"), o.text("lng"), o.text("longitude"))
	if list := readList(raw); len(list) == 2 {
		lat, lon = flexText(list[0]), flexText(list[1])
	}
	if lat == "" || lon == "" {
		return string(raw)
	}
	return lat + "," + lon
}
