package openlines

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Vote is how a client rates a session.
type Vote string

// The votes; NoVote is a text that is none.
const (
	NoVote   Vote = ""
	VoteGood Vote = "good"
	VoteBad  Vote = "bad"
)

// fixedVotes are accepted whatever words a line has (§7.4): the keycaps and the
// full-width forms of 1 and 0, and thumbs.
var fixedVotes = map[string]Vote{
	"1\u20e3": VoteGood, "1\ufe0f\u20e3": VoteGood, "１": VoteGood, "👍": VoteGood,
	"0\u20e3": VoteBad, "0\ufe0f\u20e3": VoteBad, "０": VoteBad, "👎": VoteBad,
}

// ParseVote says whether a whole text of a client is a vote under these
// settings. Anything longer than a vote is a message (§7.4).
func (s Settings) ParseVote(text string) Vote {
	if vote, ok := fixedVotes[trimVote(text)]; ok {
		return vote
	}
	form := NormalizeVote(text)
	is := func(word string) bool { return form != "" && NormalizeVote(word) == form }
	switch {
	case slices.ContainsFunc(s.VoteGood, is):
		return VoteGood
	case slices.ContainsFunc(s.VoteBad, is):
		return VoteBad
	}
	return NoVote
}

// NormalizeVote brings a text to the form in which votes are compared (§7.4):
// Unicode compatibility form, trimmed, without punctuation and variation signs
// at its end, trimmed again, case ignored.
func NormalizeVote(text string) string {
	return norm.NFKC.String(cases.Fold().String(trimVote(norm.NFKC.String(text))))
}

func trimVote(text string) string {
	return strings.TrimSpace(strings.TrimRightFunc(strings.TrimSpace(text), trailing))
}

// trailing says which signs do not count at the end of a vote. Skin tones are
// the variation signs of thumbs.
func trailing(r rune) bool {
	return unicode.IsPunct(r) || unicode.Is(unicode.Variation_Selector, r) || (r >= '\U0001F3FB' && r <= '\U0001F3FF')
}
