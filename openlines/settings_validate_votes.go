package openlines

import "fmt"

// votes wants two lists in which each word can be met and means one thing.
func (c *check) votes(s Settings) {
	within(c, "vote_window", s.VoteWindow, 1, 168)
	seen := map[string]string{} // normal form → where it stands first
	c.voteWords("vote_good", s.VoteGood, VoteGood, seen)
	c.voteWords("vote_bad", s.VoteBad, VoteBad, seen)
}

func (c *check) voteWords(field string, words []string, vote Vote, seen map[string]string) {
	for i, word := range words {
		at := fmt.Sprintf("%s[%d]", field, i)
		form := NormalizeVote(word)
		if form == "" {
			c.Add(at, "%q has nothing but blanks and punctuation", word)
			continue
		}
		if fixed := alwaysMeans(word); fixed != NoVote && fixed != vote {
			c.Add(at, "%q always means %s", word, fixed)
		}
		if first, ok := seen[form]; ok {
			c.Add(at, "%q is the same as %s", word, first)
			continue
		}
		seen[form] = at
	}
}

// alwaysMeans is what a word says on every line. Ordinary 1 and 0 are votes only
// if they are listed, but then they mean what their other forms mean.
func alwaysMeans(word string) Vote {
	switch NormalizeVote(word) {
	case "1":
		return VoteGood
	case "0":
		return VoteBad
	}
	return fixedVotes[trimVote(word)]
}
