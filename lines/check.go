package lines

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"puente/openlines"
	"puente/texts"
)

// checkTimeout bounds the questions to the accounts of a portal.
const checkTimeout = 20 * time.Second

// Check says everything that is wrong with settings of a line: by themselves,
// beside the other lines, and against the real accounts. Accounts that do not
// answer are a warning; they are asked last, since that is slow. The error is
// one of the store.
func (s *Service) Check(
	ctx context.Context, portal string, id openlines.LineID, doc openlines.Settings,
) (problems []openlines.Problem, warnings []string, err error) {
	problems = append(openlines.Validate(doc, time.Now()), language(doc)...)
	all, err := s.Store.Lines(ctx, portal)
	if err != nil {
		return nil, nil, err
	}
	for _, other := range all {
		if other.ID != id {
			problems = append(problems, sharedChannels(doc, other.ID, other.Settings)...)
		}
	}
	if len(problems) > 0 || s.Validator == nil {
		return problems, nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	problems, fault := s.Validator.ValidateLine(ctx, portal, doc)
	if fault != nil {
		s.log().WarnContext(ctx, "line not checked against the portal", "portal", portal, "line", id, "error", fault)
		warnings = []string{"not everything could be checked against the portal: it did not answer"}
	}
	return problems, warnings, nil
}

// language wants default texts in the language of a line, unless the line has
// all texts itself. What is no language at all is told by openlines.Validate.
func language(doc openlines.Settings) []openlines.Problem {
	if texts.For(doc.Language, nil).Lang() == base(doc.Language) || len(doc.Texts) == len(openlines.TextIDs()) {
		return nil
	}
	return []openlines.Problem{{Field: "language", Message: fmt.Sprintf(
		"there are no texts in %q; known: %s. A line in another language has to set all its texts",
		doc.Language, strings.Join(texts.Languages(), ", "),
	)}}
}

func base(tag string) string {
	language, _, _ := strings.Cut(strings.ToLower(tag), "-")
	return language
}

// sharedChannels: a channel belongs to at most one line (openlines reference §2).
func sharedChannels(doc openlines.Settings, other openlines.LineID, has openlines.Settings) (problems []openlines.Problem) {
	for i, channel := range doc.Channels {
		if slices.Contains(has.Channels, channel) {
			problems = append(problems, openlines.Problem{
				Field: fmt.Sprintf("channels[%d]", i), Message: fmt.Sprintf("channel %d belongs to the line %s", channel, other),
			})
		}
	}
	return problems
}
