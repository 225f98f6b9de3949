package contactcenter

import (
	"cmp"
	"slices"
	"time"
)

// strength orders the ways to match, surest first: what was remembered, then
// numbers that belong to one company, then what people share, then words.
var strength = []string{ByID, ByLink, ByExternalID, ByINN, ByOGRN, ByPhone, ByEmail, ByTitle, ByName, ByKPP}

// steps are the ranks: each is reached by all of its ways together. Two ways
// together are surer than the best of them alone.
var steps = [][]string{
	{ByID},
	{ByLink},
	{ByExternalID},
	{ByINN, ByKPP},
	{ByINN},
	{ByOGRN},
	{ByPhone, ByEmail},
	{ByPhone},
	{ByEmail},
	{ByTitle},
	{ByName},
	{ByKPP}, // a tax office gives one to thousands
}

// rank is the place of a candidate that matched in these ways, 0 = surest:
// id, remembered link, external id, INN with KPP, INN, OGRN, phone with
// e-mail, phone, e-mail, title, name, KPP, anything else.
func rank(by []string) int {
	for i, ways := range steps {
		if !slices.ContainsFunc(ways, func(way string) bool { return !slices.Contains(by, way) }) {
			return i
		}
	}
	return len(steps)
}

// SortMatches puts ways to match in order, surest first, each once.
func SortMatches(matches []Match) []Match {
	slices.SortStableFunc(matches, func(a, b Match) int { return cmp.Compare(place(a.By), place(b.By)) })
	return slices.Compact(matches)
}

// place is where a way stands in strength; unknown ones come last.
func place(by string) int {
	if i := slices.Index(strength, by); i >= 0 {
		return i
	}
	return len(strength)
}

// SortCandidates puts what a find came upon in the documented order, in place,
// and sorts the matches of each: the surest match first (see rank); of equal
// ones that with more matches, then the oldest, which has the lowest id.
func SortCandidates(candidates []Candidate) {
	for i := range candidates {
		candidates[i].MatchedBy = SortMatches(candidates[i].MatchedBy)
	}
	slices.SortStableFunc(candidates, func(a, b Candidate) int {
		return cmp.Or(
			cmp.Compare(rank(waysOf(a.MatchedBy)), rank(waysOf(b.MatchedBy))),
			cmp.Compare(len(b.MatchedBy), len(a.MatchedBy)),
			cmp.Compare(a.ID, b.ID),
		)
	})
}

func waysOf(matches []Match) []string {
	ways := make([]string, len(matches))
	for i, m := range matches {
		ways[i] = m.By
	}
	return ways
}

// SortDeals puts deals in the order of lists, in place: open before closed,
// then the newest first.
func SortDeals(deals []DealBrief) {
	slices.SortStableFunc(deals, func(a, b DealBrief) int {
		return cmp.Or(openFirst(a.Open, b.Open), newerFirst(a.CreatedAt, b.CreatedAt), cmp.Compare(b.ID, a.ID))
	})
}

func openFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

func newerFirst(a, b time.Time) int { return b.Compare(a) }
