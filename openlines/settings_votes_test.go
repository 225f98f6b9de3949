package openlines_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"puente/openlines"
)

func TestWhatIsAVote(t *testing.T) {
	t.Parallel()
	s := openlines.Default()
	s.VoteGood, s.VoteBad = []string{"1", "Sí", "très bien!"}, []string{"0", "no", "Straße"}
	for text, want := range map[string]openlines.Vote{
		// S38, S39
		"1": openlines.VoteGood, " 1. ": openlines.VoteGood, "１": openlines.VoteGood, "1\ufe0f\u20e3": openlines.VoteGood,
		"1\u20e3": openlines.VoteGood, "👍": openlines.VoteGood, "👍🏿": openlines.VoteGood, "👍\ufe0f": openlines.VoteGood,
		"1!": openlines.VoteGood, "1 .": openlines.VoteGood, "1…": openlines.VoteGood, "\u00a01\n": openlines.VoteGood,
		"0": openlines.VoteBad, "０": openlines.VoteBad, "0\ufe0f\u20e3": openlines.VoteBad, "👎": openlines.VoteBad, "👎🏻": openlines.VoteBad,
		// words, whatever their case and coding
		"SÍ": openlines.VoteGood, "si\u0301": openlines.VoteGood, "TRÈS BIEN": openlines.VoteGood, "NO!!!": openlines.VoteBad, "STRASSE": openlines.VoteBad,
		// S40: anything longer is a message
		"10": openlines.NoVote, "1 more question": openlines.NoVote, "one": openlines.NoVote, "11": openlines.NoVote, "👍👍": openlines.NoVote,
		"👍 1": openlines.NoVote, "-1": openlines.NoVote, "1 0": openlines.NoVote, "si": openlines.NoVote,
		"": openlines.NoVote, " ": openlines.NoVote, "...": openlines.NoVote, "🏿": openlines.NoVote, "2": openlines.NoVote,
	} {
		require.Equal(t, want, s.ParseVote(text), "%q", text)
	}
}

func TestThumbsAndKeycapsAreVotesWithoutAnyWords(t *testing.T) {
	t.Parallel()
	s := openlines.Default()
	s.VoteGood, s.VoteBad = nil, nil
	require.Equal(t, openlines.VoteGood, s.ParseVote("👍"))
	require.Equal(t, openlines.VoteBad, s.ParseVote("0\ufe0f\u20e3"))
	require.Equal(t, openlines.VoteGood, s.ParseVote("１"), "the full-width form needs no entry,")
	require.Equal(t, openlines.NoVote, s.ParseVote("1"), "the ordinary one does")
}

func TestPropertyValidVoteWordsMeanWhatTheirListSays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := madrid()
		word := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"👍", "1", "０", "no", "No.", "ﬁn", "İ", "ŉ"}))
		s.VoteGood, s.VoteBad = rapid.SliceOfN(word, 0, 3).Draw(t, "good"), rapid.SliceOfN(word, 0, 3).Draw(t, "bad")
		if len(openlines.Validate(s, today)) > 0 {
			return
		}
		for _, w := range s.VoteGood {
			require.Equal(t, openlines.VoteGood, s.ParseVote(w), "%q", w)
		}
		for _, w := range s.VoteBad {
			require.Equal(t, openlines.VoteBad, s.ParseVote(w), "%q", w)
		}
	})
}
