package chat2desk

import (
	"bytes"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxErrorText bounds each text of an error, in bytes.
const maxErrorText = 500

// textRule recognises an error by its words: all of them must occur.
type textRule struct {
	words []string
	kind  Kind
}

// firmRules hold whatever the HTTP status; looseRules are words that a failing
// server or proxy uses too and count only below 500. In order (reference §2.4).
var (
	firmRules = []textRule{
		{[]string{"token is not correct"}, KindAuth},
		{[]string{"specify your token"}, KindAuth},
		{[]string{"need to auth"}, KindAuth},
		{[]string{"exceeded api limit per month"}, KindQuota},
		{[]string{"number of api requests exceeded"}, KindRateLimited},
		{[]string{"already has state"}, KindAlreadyDone},
		{[]string{"already used"}, KindAlreadyDone},
		{[]string{"already exist"}, KindAlreadyDone},
	}
	looseRules = []textRule{
		{[]string{"page not found"}, KindInvalid}, // a path nobody serves: a wrong base URL, or a bug
		{[]string{"not_found"}, KindNotFound},
		{[]string{" not found"}, KindNotFound},
		{[]string{"does not belong"}, KindNotFound},
		{[]string{"does not exist"}, KindNotFound},
		{[]string{"transport", "incorrect"}, KindInvalid},
		{[]string{"start_id", "separately"}, KindInvalid},
		{[]string{"validation_error"}, KindInvalid},
	}
)

// classify is the one place that decides what an error answer means. words is
// the message with all field errors in lower case.
func classify(status int, words string, fields bool) Kind {
	if kind, ok := matchRule(firmRules, words); ok {
		return kind
	}
	if status < http.StatusInternalServerError {
		if kind, ok := matchRule(looseRules, words); ok {
			return kind
		}
	}
	rest := KindUnknown
	if fields {
		rest = KindInvalid
	}
	return kindOfStatus(status, rest)
}

func matchRule(rules []textRule, words string) (Kind, bool) {
	for _, rule := range rules {
		if !slices.ContainsFunc(rule.words, func(w string) bool { return !strings.Contains(words, w) }) {
			return rule.kind, true
		}
	}
	return "", false
}

// kindOfPage classifies an answer that is not JSON: a proxy or a failing server
// speaks there, whose 403 and 404 say nothing of the token or the id.
func kindOfPage(status int) Kind {
	switch status {
	case http.StatusUnauthorized:
		return KindAuth
	case http.StatusTooManyRequests:
		return KindRateLimited
	}
	return KindAmbiguous
}

// kindOfStatus decides by the HTTP status alone (reference §2.5); rest is for
// those that say nothing.
func kindOfStatus(status int, rest Kind) Kind {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return KindAuth
	case http.StatusNotFound:
		return KindNotFound
	case http.StatusTooManyRequests:
		return KindRateLimited
	case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusUnprocessableEntity:
		return KindInvalid
	case http.StatusRequestTimeout:
		return KindAmbiguous
	}
	if status >= http.StatusInternalServerError {
		return KindAmbiguous
	}
	return rest
}

// parts are the readable pieces of an error, fields in order of their names.
func (e *Error) parts() []string {
	var parts []string
	if e.Message != "" {
		parts = append(parts, e.Message)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		text := strings.Join(e.Fields[name], "; ")
		if name != "" {
			text = name + ": " + text
		}
		parts = append(parts, text)
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	return parts
}

func (e *Error) words() string { return strings.ToLower(strings.Join(e.parts(), " | ")) }

// excerpt says what stands in an answer that is not JSON.
func excerpt(body []byte) string {
	if len(bytes.TrimSpace(body)) == 0 {
		return "empty answer"
	}
	return shorten("not JSON: " + strings.Join(strings.Fields(string(body[:min(len(body), maxErrorText)])), " "))
}

// shorten cuts a text to maxErrorText bytes at a character border.
func shorten(s string) string {
	if len(s) <= maxErrorText {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	cut := maxErrorText
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return strings.ToValidUTF8(s[:cut], "\uFFFD") + "…"
}
