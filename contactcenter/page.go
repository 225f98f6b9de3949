package contactcenter

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
)

// DefaultLimit is the rows of a page whose query names no limit.
const DefaultLimit = 20

// ErrCursor is a cursor that Cursor did not make for this query.
var ErrCursor = errors.New("is not the next_cursor of a page of this very query; leave it out to begin anew")

// Page cuts one page out of all rows of a query and gives the cursor of the
// next one, "" if there is none. The error is ErrCursor.
func Page[T any](rows []T, query any, p Paging) (page []T, next string, err error) {
	offset, err := Offset(query, p.Cursor)
	if err != nil {
		return nil, "", err
	}
	limit := p.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	start := min(offset, len(rows))
	end := min(start+limit, len(rows))
	if end < len(rows) {
		next = Cursor(query, end)
	}
	return rows[start:end], next, nil
}

// cursorMark is the bytes of the fingerprint in a cursor; four of the offset follow.
const cursorMark = 8

// Cursor stands for the page of a query that begins at offset, from 0. It names
// the query by a hash, so that it fits no other one.
func Cursor(query any, offset int) string {
	raw := append(fingerprint(query), 0, 0, 0, 0)
	binary.BigEndian.PutUint32(raw[cursorMark:], uint32(offset)) //nolint:gosec // a search has at most some hundred rows
	return base64.RawURLEncoding.EncodeToString(raw)
}

// Offset is where the page of a cursor begins; "" begins at 0. The error is ErrCursor.
func Offset(query any, cursor string) (int, error) {
	if cursor == "" {
		return 0, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(raw) != cursorMark+4 || string(raw[:cursorMark]) != string(fingerprint(query)) {
		return 0, ErrCursor
	}
	return int(binary.BigEndian.Uint32(raw[cursorMark:])), nil
}

// fingerprint is a hash of what is searched; limit and cursor may differ from
// page to page.
func fingerprint(query any) []byte {
	var keys map[string]any
	data, err := json.Marshal(query)
	if err != nil || json.Unmarshal(data, &keys) != nil {
		return make([]byte, cursorMark) // queries are plain structs: never
	}
	delete(keys, "limit")
	delete(keys, "cursor")
	data, _ = json.Marshal(keys) // what came from JSON can be written
	sum := sha256.Sum256(data)
	return sum[:cursorMark]
}
