package api

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"puente/store"
)

// bitrix24Hook takes an event of the portal (bitrix24 reference §8): a form in
// PHP bracket style, proved by the application token alone. Bitrix24 never
// repeats an event.
func (s *server) bitrix24Hook(c *gin.Context) {
	p, ok := s.hookPortal(c, sourceBitrix24)
	if !ok {
		return
	}
	body, ok := s.hookBody(c, sourceBitrix24)
	if !ok {
		return
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		s.refuse(c, sourceBitrix24, refusedFormat, http.StatusBadRequest, "the body is not a form")
		return
	}
	if !sameSecret(p.Bitrix24.ApplicationToken, form.Get("auth[application_token]")) {
		s.refuse(c, sourceBitrix24, refusedSecret, http.StatusUnauthorized, "auth[application_token] is missing or wrong")
		return
	}
	if form.Get("event") == "" {
		s.refuse(c, sourceBitrix24, refusedFormat, http.StatusBadRequest, "the form names no event")
		return
	}
	if !s.uninstalled(c, p.Portal, form) {
		return
	}
	s.accept(c, sourceBitrix24, []store.InboxEvent{bitrix24Event(p.Slug, form, time.Now().UTC())})
}

// bitrix24Event keeps the form without its tokens: the inbox is not encrypted.
// There is no event id, and ts counts whole seconds: a person may complete in the
// same second what we have just written, and both events look alike. So the time
// of receipt is part of the key. An event that does come twice costs one more look
// at the object, and changes nothing.
func bitrix24Event(portal string, form url.Values, now time.Time) store.InboxEvent {
	for name := range form {
		if strings.HasPrefix(name, "auth[") && strings.HasSuffix(name, "_token]") {
			form.Del(name)
		}
	}
	event := storable(form.Get("event"), maxHookType)
	raw := form.Encode() // sorted by name
	sum := sha256.Sum256([]byte(raw))
	key := event + ":" + hex.EncodeToString(sum[:]) + ":" + strconv.FormatInt(now.UnixMicro(), 36)
	order := key
	if id := form.Get("data[FIELDS][ID]"); id != "" {
		order = storable(event+":"+id, maxKey)
	}
	return store.InboxEvent{
		Portal: portal, Source: sourceBitrix24, Key: key, HookType: event, Body: []byte(raw),
		OrderKey: order, EventTime: unixTime(form.Get("ts"), now), ReceivedAt: now,
	}
}

// unixTime reads seconds since 1970; what is no number, or not of this age, is
// the time of receipt.
func unixTime(text string, now time.Time) time.Time {
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds <= 0 || seconds > now.AddDate(1, 0, 0).Unix() {
		return now
	}
	return time.Unix(seconds, 0).UTC()
}
