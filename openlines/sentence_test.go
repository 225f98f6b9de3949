package openlines_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/openlines"
)

// recordKinds reads all kinds out of the source, so that none is forgotten.
func recordKinds(t *testing.T) (kinds []openlines.RecordKind) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "record.go", nil, 0)
	require.NoError(t, err)
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) == 0 {
			return true
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		require.NoError(t, err)
		kinds = append(kinds, openlines.RecordKind(text))
		return true
	})
	return kinds
}

func TestEachKindOfRecordHasASentence(t *testing.T) {
	t.Parallel()
	kinds := recordKinds(t)
	require.Greater(t, len(kinds), 35)
	for _, kind := range kinds {
		text := openlines.Record{Kind: kind}.Sentence(time.UTC)
		require.Contains(t, text, " ", "%s", kind)
	}
}

func TestSentencesTellWhoAndWhy(t *testing.T) {
	t.Parallel()
	why := &openlines.Decision{To: []openlines.UserID{301}, Why: "the only one who is free"}
	for want, r := range map[string]openlines.Record{
		"offer 4: offered to operator 301: the only one who is free":  {Kind: openlines.OfferMade, Offer: 4, User: 301, Why: why},
		"offer 4 to operator 301":                                     {Kind: openlines.OfferMade, Offer: 4, User: 301},
		"nobody owns it: gone":                                        {Kind: openlines.OwnerSet, Reason: "gone"},
		"began: operator 301 wrote first in chat 7-1 on channel 1":    {Kind: openlines.SessionStarted, User: 301, Chat: "7-1", Channel: 1},
		"closed because the client was silent; nobody had replied":    {Kind: openlines.SessionEnded, Reason: "auto", On: true},
		"message m1 of the client came late: it was answered already": {Kind: openlines.MessageIn, Message: "m1"},
		"pinned: on": {Kind: openlines.SessionPinned, On: true},
		"first reply by operator 301 after 1h0m0s, 5m0s of it working time, later than promised": {
			Kind: openlines.FirstReplied, User: 301, N: 1, Span: openlines.Span{Work: 5 * time.Minute, Calendar: time.Hour},
		},
		"reply by operator 301 after 0s, 0s of it working time, as promised": {Kind: openlines.NextReplied, User: 301, N: 1, On: true},
	} {
		require.Equal(t, want, r.Sentence(time.UTC))
	}
}
