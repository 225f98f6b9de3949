package dialog

import (
	"cmp"
	"slices"
	"strings"

	"puente/settings"
	"puente/texts"
)

// The lengths of notifications, in characters.
const (
	// MaxNotifiedText is how much of the client's message is quoted.
	MaxNotifiedText = 200
	// MaxNotification bounds a whole notification, whatever the overrides say.
	MaxNotification = 4000
	maxNotifiedName = 100
)

// EntityLink is an entity known for the client and the address of its card.
type EntityLink struct {
	Ref Ref
	URL string // "" = shown without a link
}

// NotificationInput is what a notification tells. Strings are as Chat2Desk gave
// them: the notification functions escape them.
type NotificationInput struct {
	Texts      texts.Bundle
	ClientName string // see ClientName
	Channel    string // name of the channel, else its transport
	Text       string // of the message
	Files      int    // attachments of the message
	DialogID   int64
	DialogURL  string // "" = shown without a link
	Entities   []EntityLink
	Line       string // name of the open line, in texts of open lines
	Until      string // time of day until which an offer stands, in texts of open lines
}

// Recipients returns the Bitrix24 users who are told about a message (A9): the
// user of the responsible operator; the fallback user for an operator who is
// not mapped (A8); else the supervisors; else the administrator. Each once;
// empty only if the settings name nobody.
func Recipients(s settings.Settings, operatorID int64) []int64 {
	user, mapped := s.UserFor(operatorID)
	switch {
	case mapped && user > 0:
		return users(user)
	case operatorID != 0 && s.Operators.Fallback != 0:
		return users(s.Operators.Fallback)
	}
	if supervisors := users(s.Operators.Supervisors...); len(supervisors) > 0 {
		return supervisors
	}
	return users(s.Operators.Administrator)
}

// Appointers returns the users who can appoint a responsible person: the
// supervisors and the administrator, each once.
func Appointers(s settings.Settings) []int64 {
	return users(append(slices.Clone(s.Operators.Supervisors), s.Operators.Administrator)...)
}

// users drops zeros and repetitions.
func users(ids ...int64) []int64 {
	var kept []int64
	for _, id := range ids {
		if id > 0 && !slices.Contains(kept, id) {
			kept = append(kept, id)
		}
	}
	return kept
}

// NotificationText is the notification of an incoming message, in BB code and
// at most MaxNotification characters (bitrix24 reference §6.2).
func NotificationText(in NotificationInput) string { return in.write("notify.incoming") }

// AppointText says that a responsible person must be appointed.
func AppointText(in NotificationInput) string { return in.write("notify.appoint") }

// AssignedText tells an operator that the dialog was assigned to them.
func AssignedText(in NotificationInput) string { return in.write("notify.assigned") }

// LineText is a notification about a chat of an open line: the text with the id
// line.notify.<what>.
func LineText(in NotificationInput, what string) string { return in.write("line.notify." + what) }

func (in NotificationInput) write(id string) string {
	text := in.Texts.T(id, map[string]any{
		"client":   bbLine(shorten(oneLine(in.ClientName), maxNotifiedName)),
		"channel":  cmp.Or(bbLine(shorten(oneLine(in.Channel), maxNotifiedName)), "—"),
		"text":     in.quote(),
		"dialog":   in.DialogID,
		"link":     in.link(),
		"entities": in.entities(),
		"line":     bbLine(shorten(oneLine(in.Line), maxNotifiedName)),
		"until":    in.Until,
	})
	return strings.TrimSpace(shorten(text, MaxNotification))
}

// quote is the beginning of the message on one line, and how many files it has.
func (in NotificationInput) quote() string {
	var parts []string
	if text := bbLine(shorten(oneLine(in.Text), MaxNotifiedText)); text != "" {
		parts = append(parts, text)
	}
	if in.Files > 0 {
		parts = append(parts, in.Texts.T("notify.files", map[string]any{"count": in.Files}))
	}
	if len(parts) == 0 {
		return in.Texts.T("line.empty", nil)
	}
	return strings.Join(parts, " · ")
}

func (in NotificationInput) link() string {
	if in.DialogURL == "" {
		return ""
	}
	return bbLink(in.DialogURL, in.Texts.T("notify.link", nil))
}

// entities links the entities in the order given, each once.
func (in NotificationInput) entities() string {
	var words []string
	for _, e := range in.Entities {
		if e.Ref.ID == 0 {
			continue
		}
		word := in.Texts.T("notify."+string(e.Ref.Kind), map[string]any{"id": e.Ref.ID})
		if e.URL != "" {
			word = bbLink(e.URL, word)
		}
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return strings.Join(words, " · ")
}
