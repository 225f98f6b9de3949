package chat2desk

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Key identifies an event within an account: deliveries of the same event have
// the same key, different events different ones (reference §4.7). It does not
// depend on the order of keys in the body, on white space, or on whether
// numbers come as text.
//
//  1. A message event: hook_type:message_id. Events that repeat for the same
//     message (outbox_status, hook types nobody knows) add a hash of the body.
//  2. An event with a time: hook_type:subject:client_id:event_time, where the
//     subject also names the tag and the operator: two tags may be put on a
//     request in the same second.
//  3. Otherwise hook_type:hash of the body.
func (e Event) Key() string {
	if _, ok := e.Message(); ok && e.MessageID != 0 {
		return fmt.Sprintf("%s:%d", e.HookType, e.MessageID)
	}
	if e.MessageID != 0 {
		return fmt.Sprintf("%s:%d:%s", e.HookType, e.MessageID, e.bodyHash())
	}
	if subject := e.subject(); subject != "" && !e.Time.IsZero() {
		return fmt.Sprintf("%s:%s:%d:%s", e.HookType, subject, e.ClientID, e.Time.Format(time.RFC3339Nano))
	}
	return e.HookType + ":" + e.bodyHash()
}

// subject says what an event is about; empty if it does not tell.
func (e Event) subject() string {
	var parts []string
	add := func(prefix string, id int64) {
		if id != 0 {
			parts = append(parts, prefix+strconv.FormatInt(id, 10))
		}
	}
	switch {
	case e.RequestID != 0:
		add("", e.RequestID)
	case e.DialogID != 0:
		add("", e.DialogID)
	case e.OperatorID == 0 && e.TagID == 0:
		add("", e.ownID())
	}
	add("tag", e.TagID)
	add("op", e.OperatorID)
	return strings.Join(parts, ",")
}

// ownID is the body's own id: of the client in client events, of the ticket in
// ticket events, whatever it means in events nobody knows.
func (e Event) ownID() int64 {
	o := readObject(e.Raw)
	if id := o.int("id"); id != 0 {
		return id
	}
	if id := o.object("ticket").int("id"); id != 0 {
		return id
	}
	if e.Client != nil {
		return e.Client.ID
	}
	return 0
}

// bodyHash is the SHA-256 of what the event says: of data for outbox_status,
// else of the whole body.
func (e Event) bodyHash() string {
	raw := e.Raw
	if o := readObject(raw); e.HookType == HookOutboxStatus && o.has("data") {
		raw = o["data"]
	}
	sum := sha256.Sum256(canonical(raw))
	return hex.EncodeToString(sum[:])
}

// canonical writes JSON with sorted keys, without white space, and numbers as
// text.
func canonical(raw json.RawMessage) []byte {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return raw
	}
	text, err := json.Marshal(numbersAsText(value)) // sorts the keys
	if err != nil {
		return raw
	}
	return text
}

func numbersAsText(value any) any {
	switch v := value.(type) {
	case json.Number:
		return v.String()
	case map[string]any:
		for key := range v {
			v[key] = numbersAsText(v[key])
		}
	case []any:
		for i := range v {
			v[i] = numbersAsText(v[i])
		}
	}
	return value
}
