package store

import (
	"slices"
	"time"

	"puente/openlines"
)

// add takes the next record of the session.
func (l *LineSession) add(r openlines.Record) {
	l.Detail.Facts.Add(r)
	l.Line, l.Channel = r.Line, r.Channel
	switch r.Kind {
	case openlines.SessionStarted:
		l.Chat, l.Parent, l.StartedAt, l.State = r.Chat, openlines.SessionID(r.N), r.At, openlines.Waiting
	case openlines.MessageOut:
		if r.At.After(l.Detail.Replied) {
			l.Detail.Replied = r.At
		}
	case openlines.OfferMade, openlines.OfferEnded, openlines.OfferAccepted:
		l.addOffer(r)
	case openlines.SessionPinned:
		l.Detail.Pinned = r.On
	case openlines.ItemBound:
		l.Item = r.Item
	default:
		l.addState(r)
	}
	l.settle()
}

func (l *LineSession) addOffer(r openlines.Record) {
	offers := &l.Detail.Offers
	i := slices.IndexFunc(*offers, func(o LineOffer) bool { return o.ID == r.Offer })
	switch {
	case r.Kind == openlines.OfferMade:
		*offers = append(*offers, LineOffer{ID: r.Offer, User: r.User, Kind: r.Offered, Made: r.At})
		l.Detail.ToAll = false
		if l.State != openlines.Active {
			l.State = openlines.Offered
		}
	case i < 0:
	case r.Kind == openlines.OfferAccepted:
		(*offers)[i].Accepted = true
	default:
		*offers = slices.Delete(*offers, i, i+1)
		if l.State == openlines.Offered && len(*offers) == 0 {
			l.State = openlines.Waiting
		}
	}
}

// queued are the records after which nobody owns the session.
var queued = map[openlines.RecordKind]openlines.State{
	openlines.SessionHeld: openlines.Held, openlines.SessionQueued: openlines.Waiting, openlines.OpenToAll: openlines.Waiting,
}

func (l *LineSession) addState(r openlines.Record) {
	switch r.Kind {
	case openlines.SessionHeld, openlines.SessionQueued, openlines.OpenToAll:
		l.State, l.Owner = queued[r.Kind], 0
		l.Detail.ToAll = r.Kind == openlines.OpenToAll
	case openlines.OwnerSet:
		l.State, l.Owner, l.Detail.ToAll = openlines.Active, r.User, false
	case openlines.SessionFinished:
		l.State, l.Reason, l.FinishedAt, l.Detail.ToAll = openlines.Closing, openlines.CloseReason(r.Reason), r.At, false
	case openlines.SessionReopened:
		l.State, l.Reason, l.FinishedAt = openlines.Active, "", time.Time{}
	case openlines.SessionEnded:
		l.State, l.Reason, l.ClosedAt = openlines.Closed, openlines.CloseReason(r.Reason), r.At
	}
}

// settle derives what follows from the rest: as in the CRM, nobody waits in a
// session that was finished (openlines reference §8).
func (l *LineSession) settle() {
	l.Unread, l.WaitingSince = 0, time.Time{}
	unread := l.Detail.Facts.Unread
	switch {
	case l.State == openlines.Closed:
		l.Attention = AttentionNone
	case l.State == openlines.Closing:
		l.Attention = AttentionFinished
	case len(unread) == 0:
		l.Attention = AttentionAnswered
	default:
		l.Attention, l.Unread, l.WaitingSince = AttentionUnread, len(unread), unread[0].At
	}
}

// users are those whose list the session is on: the owner, and who holds an
// offer of it.
func (l *LineSession) users() []int64 {
	var out []int64
	if l.Owner != 0 {
		out = append(out, int64(l.Owner))
	}
	for _, offer := range l.Detail.Offers {
		out = append(out, int64(offer.User))
	}
	slices.Sort(out)
	return slices.Compact(out)
}
