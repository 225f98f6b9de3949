package store

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"gorm.io/gorm"
)

// heldToken is what is stored of a portal's tokens: the current ones, and by
// which fingermarks those are known that must not come back.
type heldToken struct {
	Token
	Entered  []string `json:"entered,omitempty"`  // tokens that came by SavePortal; a file may bring one again at any time
	Replaced []string `json:"replaced,omitempty"` // the last ones that a refresh replaced
}

// How many fingermarks are kept. A portal that was read and is saved back has
// one of the last few.
const (
	keepEntered  = 100
	keepReplaced = 20
)

// enter gives what is to be held after SavePortal was given t. Without a token
// the held one stays, unless useless: of no app, or of another one.
func (h heldToken) enter(t Token, useless bool) heldToken {
	switch {
	case t.Access == "" && t.Refresh == "" && useless:
		h.Token = Token{}
	case t.Access == "" && t.Refresh == "", h.outdated(t):
		// The held ones stay.
	default:
		h.Token = t
		h.Entered = remember(h.Entered, t, keepEntered)
	}
	return h
}

// refreshed gives what is to be held after a refresh brought t.
func (h heldToken) refreshed(t Token) heldToken {
	h.Replaced = remember(h.Replaced, h.Token, keepReplaced)
	h.Token = t
	return h
}

// outdated tells whether t was held once and is not any more.
func (h heldToken) outdated(t Token) bool {
	mark := fingerprint(t)
	return mark != fingerprint(h.Token) && (slices.Contains(h.Entered, mark) || slices.Contains(h.Replaced, mark))
}

// remember adds a token to a list of at most limit, newest last.
func remember(marks []string, t Token, limit int) []string {
	mark := fingerprint(t)
	marks = append(slices.DeleteFunc(slices.Clone(marks), func(m string) bool { return m == mark }), mark)
	return marks[max(len(marks)-limit, 0):]
}

// fingerprint tells tokens apart without holding them: by the refresh token,
// which is the lasting half.
func fingerprint(t Token) string {
	sum := sha256.Sum256([]byte(cmp.Or(t.Refresh, t.Access)))
	return hex.EncodeToString(sum[:8])
}

// heldToken reads the stored tokens; there may be none.
func (s *Store) heldToken(tx *gorm.DB, slug string) (held heldToken, err error) {
	var rows []secretRow
	err = tx.Table(secretsTable).Where("portal = ? AND name = ?", slug, tokenSecret).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return held, err
	}
	plain, err := s.seal.open(slug, tokenSecret, rows[0].Value)
	if err != nil {
		return held, err
	}
	return held, json.Unmarshal(plain, &held)
}
