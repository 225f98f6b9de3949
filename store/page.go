package store

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// The sizes of pages.
const (
	DefaultPage = 50
	MaxPage     = 500
)

// Page asks for a part of a list.
type Page struct {
	After string // cursor that the page before gave as next; "" = from the start
	Limit int    // rows; 0 = DefaultPage, at most MaxPage
}

// size is the number of rows to give.
func (p Page) size() int {
	switch {
	case p.Limit <= 0:
		return DefaultPage
	case p.Limit > MaxPage:
		return MaxPage
	}
	return p.Limit
}

// cursor makes the opaque text that a following page starts after.
func cursor(n int64, id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(n, 36) + "|" + id))
}

// parseCursor undoes cursor; any other text is ErrBadCursor.
func parseCursor(text string) (n int64, id string, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return 0, "", ErrBadCursor
	}
	number, id, ok := strings.Cut(string(raw), "|")
	if !ok || id != clean(id) {
		return 0, "", ErrBadCursor
	}
	n, err = strconv.ParseInt(number, 36, 64)
	if err != nil {
		return 0, "", ErrBadCursor
	}
	return n, id, nil
}

// cut ends a list that was read with one row more than asked: the surplus row
// says that there is a next page, whose cursor is that of the last row given.
func cut[T any](rows []T, p Page, at func(T) string) (page []T, next string) {
	if len(rows) <= p.size() {
		return rows, ""
	}
	rows = rows[:p.size()]
	return rows, at(rows[len(rows)-1])
}
