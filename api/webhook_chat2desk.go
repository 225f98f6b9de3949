package api

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"puente/chat2desk"
	"puente/store"
)

// knownHooks are the events of chat2desk reference §4.4, by the hook_type of
// the body. Others are stored too, only counted as unknown.
var knownHooks = map[string]bool{
	chat2desk.HookInbox: true, chat2desk.HookOutbox: true, chat2desk.HookOutboxStatus: true, chat2desk.HookImported: true,
	chat2desk.HookComment: true, chat2desk.HookSystem: true,
	chat2desk.HookNewClient: true, chat2desk.HookClientUpdated: true, chat2desk.HookBlacklisted: true,
	chat2desk.HookNewRequest: true, chat2desk.HookCloseRequest: true, chat2desk.HookCloseDialog: true, chat2desk.HookTransferred: true,
	chat2desk.HookTagClient: true, chat2desk.HookUntagClient: true, chat2desk.HookTagRequest: true, chat2desk.HookUntagRequest: true,
	chat2desk.HookOperator: true, "operator_status_changed": true,
	"new_ticket": true, "ticket_updated": true, "ticket_deleted": true, "new_qr_code": true,
}

const (
	wrongProof = "the secret of the address or the signature is wrong"

	maxHookType = 64
	maxKey      = 200
)

// chat2deskHook takes what Chat2Desk sends (chat2desk reference §4): proof
// first, then size, then form. Time stamps are not judged: a repetition comes
// two hours later with the old one.
func (s *server) chat2deskHook(c *gin.Context) {
	p, ok := s.hookPortal(c, sourceChat2Desk)
	if !ok {
		return
	}
	if !sameSecret(p.Chat2Desk.WebhookSecret, c.Param("secret")) {
		s.refuse(c, sourceChat2Desk, refusedSecret, http.StatusUnauthorized, wrongProof)
		return
	}
	body, ok := s.hookBody(c, sourceChat2Desk)
	if !ok || !s.signed(c, p, body) {
		return
	}
	events, err := chat2desk.ParseEvents(body)
	if err != nil {
		s.refuse(c, sourceChat2Desk, refusedFormat, http.StatusBadRequest, "the body is not a Chat2Desk event: "+err.Error())
		return
	}
	s.accept(c, sourceChat2Desk, s.inboxEvents(p.Slug, events))
}

// signed checks X-Signature if there is one: not every account signs, so that
// an unsigned call is refused only where the portal says so (§4.3).
func (s *server) signed(c *gin.Context, p hookPortal, body []byte) bool {
	signature := c.GetHeader("X-Signature")
	switch {
	case signature == "" && !p.StrictSignature:
		return true
	case signature == "":
		s.refuse(c, sourceChat2Desk, refusedUnsigned, http.StatusUnauthorized,
			"this portal takes only signed webhooks: X-Signature is missing")
		return false
	case chat2desk.VerifySignature(p.Chat2Desk.Token, body, c.GetHeader("X-Timestamp"), signature):
		return true
	default:
		s.refuse(c, sourceChat2Desk, refusedSignature, http.StatusUnauthorized, wrongProof)
		return false
	}
}

func (s *server) inboxEvents(portal string, events []chat2desk.Event) []store.InboxEvent {
	now := time.Now().UTC()
	rows := make([]store.InboxEvent, len(events))
	for i, e := range events {
		if !knownHooks[e.HookType] {
			s.metrics.unknown.WithLabelValues(sourceChat2Desk).Inc()
		}
		rows[i] = inboxEvent(portal, e, now)
	}
	return rows
}

func inboxEvent(portal string, e chat2desk.Event, now time.Time) store.InboxEvent {
	key := storable(e.Key(), maxKey)
	return store.InboxEvent{
		Portal: portal, Source: sourceChat2Desk, Key: key, HookType: storable(e.HookType, maxHookType),
		ClientID: e.ClientID, ChannelID: e.ChannelID, DialogID: e.DialogID, RequestID: e.RequestID, MessageID: e.MessageID,
		EventTime: e.Time, ReceivedAt: now, Body: e.Raw, OrderKey: orderKey(e, key),
	}
}

// orderKey groups events that must be handled one after another. Tags, closes
// and transfers carry no channel, so that the client is the smallest group
// that keeps the order of a dialog. An operator comes and goes in order too.
func orderKey(e chat2desk.Event, key string) string {
	switch {
	case e.ClientID != 0:
		return fmt.Sprintf("client:%d", e.ClientID)
	case e.DialogID != 0:
		return fmt.Sprintf("dialog:%d", e.DialogID)
	case e.RequestID != 0:
		return fmt.Sprintf("request:%d", e.RequestID)
	case e.HookType == chat2desk.HookOperator && e.OperatorID != 0:
		return fmt.Sprintf("operator:%d", e.OperatorID)
	default:
		return key
	}
}

// storable makes foreign text fit for an indexed text column, without making
// two texts one: what PostgreSQL refuses (NUL, broken UTF-8) or what is too
// long ends in a hash of the original.
func storable(s string, limit int) string {
	clean := strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")
	if clean == s && len(s) <= limit {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	tail := ":" + hex.EncodeToString(sum[:16])
	if room := limit - len(tail); len(clean) > room {
		clean = clean[:room]
		for !utf8.ValidString(clean) {
			clean = clean[:len(clean)-1]
		}
	}
	return clean + tail
}
