package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"puente/openlines"
	"puente/store"
)

// lineOf reads a line with its settings in force; found is false for one that
// was deleted.
func lineOf(ctx context.Context, s *store.Store, portal string, id openlines.LineID) (line openlines.Settings, found bool, err error) {
	row, err := s.Line(ctx, portal, id)
	if errors.Is(err, store.ErrNotFound) {
		return openlines.Default(), false, nil
	}
	return row.Settings, err == nil, err
}

// zoneOf is the time zone of a line; UTC if the machine does not know it.
func zoneOf(line openlines.Settings) *time.Location {
	zone, err := time.LoadLocation(line.TimeZone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// telling reports whether a record is worth a sentence, or changes where the
// session stands.
func telling(r openlines.Record) bool { return sentence(r, time.UTC) != "" }

// story is what records tell people about a session: ids and times of day, no
// names, phones or texts.
func story(records []openlines.Record, zone *time.Location) (lines []string) {
	for _, r := range records {
		if text := sentence(r, zone); text != "" {
			lines = append(lines, r.At.In(zone).Format("15:04:05")+" "+text)
		}
	}
	return lines
}

// plain are the records that are told in the same words each time.
var plain = map[openlines.RecordKind]string{
	openlines.SessionHeld: "held until the line opens",
	openlines.OpenToAll:   "open to all members: nobody answered in all passes",
	openlines.LeadWanted:  "a lead is ordered",
	openlines.LeadRefused: "no lead: the client cannot be written back to",
}

// sentence tells one record; "" if it is told better by others.
func sentence(r openlines.Record, zone *time.Location) string {
	if r.Kind == openlines.OfferMade && r.Why != nil {
		return r.Why.Sentence(zone)
	}
	if text := plain[r.Kind]; text != "" {
		return text
	}
	if text := sentenceOfUser(r); text != "" {
		return text
	}
	return sentenceOfSession(r)
}

// sentenceOfUser tells what somebody did, or was done to him.
func sentenceOfUser(r openlines.Record) string {
	switch r.Kind {
	case openlines.OfferEnded:
		return fmt.Sprintf("offer %d to operator %d ended: %s", r.Offer, r.User, r.Reason)
	case openlines.OfferAccepted:
		return fmt.Sprintf("operator %d accepted offer %d", r.User, r.Offer)
	case openlines.OwnerSet:
		if r.User == 0 {
			return "nobody owns it: " + r.Reason
		}
		return fmt.Sprintf("operator %d owns it: %s", r.User, r.Reason)
	case openlines.FirstReplied:
		return fmt.Sprintf("first reply by operator %d after %s", r.User, r.Span.Calendar.Round(time.Second))
	case openlines.TransferAsked:
		return fmt.Sprintf("operator %d hands it over to operator %d", r.Other, r.User)
	case openlines.OwnerWentOff:
		return fmt.Sprintf("operator %d went off while the client waits", r.User)
	case openlines.VoteGiven:
		return fmt.Sprintf("vote %s for operator %d", r.Vote, r.User)
	}
	return ""
}

// sentenceOfSession tells what became of the session.
func sentenceOfSession(r openlines.Record) string {
	switch r.Kind {
	case openlines.SessionStarted:
		return fmt.Sprintf("began in chat %s on channel %d", r.Chat, r.Channel)
	case openlines.SessionQueued:
		return "waits in the queue: " + r.Reason
	case openlines.PassEnded:
		return fmt.Sprintf("pass %d is complete", r.N)
	case openlines.RuleFired:
		return "the unanswered rule fired: " + r.Reason
	case openlines.TextSent:
		return fmt.Sprintf("automatic text %s", r.Text)
	case openlines.TextSkipped:
		return fmt.Sprintf("automatic text %s skipped: %s", r.Text, r.Reason)
	case openlines.LineLeft:
		return "moved to the line " + r.Reason
	case openlines.LookupRecorded:
		return "the CRM was asked for the client: " + r.Reason
	case openlines.LeadMade, openlines.ItemBound:
		return fmt.Sprintf("shown on %s %d", r.Item.Kind, r.Item.ID)
	case openlines.SessionReopened:
		return "reopened by the " + r.Reason
	case openlines.SessionFinished:
		return "finished: " + r.Reason
	case openlines.SessionEnded:
		return "closed: " + r.Reason
	}
	return ""
}
