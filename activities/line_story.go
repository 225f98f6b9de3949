package activities

import (
	"context"
	"errors"
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

// quiet are the records that other records or the channel tell better: a session
// is not disturbed by them, or each message would be an event of its history.
var quiet = map[openlines.RecordKind]bool{
	openlines.MessageIn: true, openlines.MessageOut: true, openlines.MessageGone: true, openlines.MessageStored: true,
	openlines.NextReplied: true, openlines.OwnerHandled: true, openlines.TransferDone: true, openlines.VoteAsked: true,
	openlines.VoteRepeated: true, openlines.AlertSent: true, openlines.SessionPinned: true, openlines.SilentSet: true,
}

// telling reports whether a record is worth telling a session.
func telling(r openlines.Record) bool { return !quiet[r.Kind] }

// story is what records tell people about a session: ids and times of day, no
// names, phones or texts.
func story(records []openlines.Record, zone *time.Location) (told []string) {
	for _, r := range records {
		if telling(r) {
			told = append(told, r.At.In(zone).Format("15:04:05")+" "+r.Sentence(zone))
		}
	}
	return told
}
