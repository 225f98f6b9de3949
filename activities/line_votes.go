package activities

import (
	"context"
	"errors"
	"strconv"

	"puente/dialog"
	"puente/openlines"
	"puente/store"
	"puente/workflows"
)

// onlyVotes tells whether all that was said in a request are ratings that an open
// line asked for. Each opens the dialog in Chat2Desk anew, and the line closes it
// again: there is nothing in it to be transferred.
func onlyVotes(ctx context.Context, s *store.Store, portal string, snapshot dialog.Snapshot) (bool, error) {
	_, line, found, err := s.LineOfChannel(ctx, portal, snapshot.ChannelID)
	if err != nil || !found {
		return false, err
	}
	said := 0
	for _, m := range snapshot.Messages {
		switch {
		case m.Author == dialog.AuthorOperator, m.Author == dialog.AuthorClient && line.ParseVote(m.Text) == openlines.NoVote:
			return false, nil
		case m.Author == dialog.AuthorClient:
			said++
		}
	}
	if said == 0 {
		return false, nil
	}
	taken, err := votesOf(ctx, s, portal, workflows.LineChatID(snapshot.Client.ID, snapshot.ChannelID))
	for _, m := range snapshot.Messages {
		if m.Author == dialog.AuthorClient && !taken[strconv.FormatInt(m.ID, 10)] {
			return false, err
		}
	}
	return true, err
}

// votesOf are the messages of a chat that were taken as ratings of its last
// session.
func votesOf(ctx context.Context, s *store.Store, portal string, chat openlines.ChatID) (map[string]bool, error) {
	past, _, err := s.ChatPast(ctx, portal, chat)
	session, _, fault := s.OpenLineSession(ctx, portal, chat)
	if err = errors.Join(err, fault); err != nil {
		return nil, err
	}
	taken := map[string]bool{}
	for _, id := range []openlines.SessionID{past.Session, session.ID} {
		if id == 0 {
			continue
		}
		records, err := s.SessionRecords(ctx, portal, id)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			taken[r.Message] = taken[r.Message] || r.Kind == openlines.VoteGiven || r.Kind == openlines.VoteRepeated
		}
	}
	return taken, nil
}
