package workflows

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"puente/openlines"
)

// LineChatID names the chat of one Chat2Desk client on one channel.
func LineChatID(client, channel int64) openlines.ChatID {
	return openlines.ChatID(fmt.Sprintf("%d-%d", client, channel))
}

// ErrChatID is a chat id that LineChatID did not make.
var ErrChatID = errors.New("not the id of a Chat2Desk chat")

// ParseLineChat undoes LineChatID. The error is ErrChatID.
func ParseLineChat(id openlines.ChatID) (client, channel int64, err error) {
	left, right, _ := strings.Cut(string(id), "-")
	client, err = strconv.ParseInt(left, 10, 64)
	if err == nil {
		channel, err = strconv.ParseInt(right, 10, 64)
	}
	if err != nil || client <= 0 || channel <= 0 {
		return 0, 0, fmt.Errorf("%w: %q", ErrChatID, id)
	}
	return client, channel, nil
}

// LineExternalID is the external id under which an automatic text of a line is
// sent: by it the text is known again when it comes back as a webhook.
func LineExternalID(portal, key string) string { return "puente:line:" + portal + ":" + key }

// LineTextKey is the Command.Key that an external id of this portal was made of;
// false for a message that is no automatic text of ours.
func LineTextKey(portal, externalID string) (key string, ours bool) {
	return strings.CutPrefix(externalID, LineExternalID(portal, ""))
}

// ParseLineTextKey reads the session and the text out of a Command.Key.
func ParseLineTextKey(key string) (openlines.SessionID, openlines.TextID, bool) {
	parts := strings.Split(key, "-")
	if len(parts) < 2 {
		return 0, "", false
	}
	session, err := strconv.ParseInt(parts[0], 10, 64)
	return openlines.SessionID(session), openlines.TextID(parts[1]), err == nil && session > 0
}

// Reasons of openlines.TextRefused.
const (
	RefusedLate   = "late"    // older than auto_text_max_age
	RefusedWindow = "window"  // the messenger does not let us write any more
	RefusedOther  = "refused" // for another reason
)

// RefusalReason reads out of the words of a refusal whether the messaging window
// is closed: the vendor documents no code for it. The words themselves may hold
// what a client wrote, so nothing else of them is told.
func RefusalReason(words string) string {
	words = strings.ToLower(words)
	for _, sign := range []string{"window", "24h", "24 h", "24-h"} {
		if strings.Contains(words, sign) {
			return RefusedWindow
		}
	}
	return RefusedOther
}

// LineMarkOrigin is the originId of the chat activity of a session, with the
// version of the mark that it shows.
func LineMarkOrigin(session openlines.SessionID, version int64) string {
	return fmt.Sprintf("line:%d:%d", session, version)
}

// ParseLineMark undoes LineMarkOrigin.
func ParseLineMark(origin string) (session openlines.SessionID, version int64, ok bool) {
	var id int64
	n, err := fmt.Sscanf(origin, "line:%d:%d", &id, &version)
	return openlines.SessionID(id), version, err == nil && n == 2 && id > 0
}
