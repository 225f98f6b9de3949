package openlines

import (
	"cmp"
	"fmt"
	"time"
)

// Sentence tells a record in English, with times of day in a zone. Like all
// records it names nobody: ids are all that it has.
func (r Record) Sentence(zone *time.Location) string {
	if r.Kind == OfferMade && r.Why != nil {
		return fmt.Sprintf("offer %d: %s", r.Offer, r.Why.Sentence(zone))
	}
	for _, tell := range []func() string{r.ofMessage, r.ofOffer, r.ofOwner, r.ofReply, r.ofQueue, r.ofEnd, r.ofText, r.ofVote, r.ofCRM} {
		if text := tell(); text != "" {
			return text
		}
	}
	return string(r.Kind)
}

func (r Record) ofMessage() string {
	switch r.Kind {
	case SessionStarted:
		if r.User != 0 {
			return fmt.Sprintf("began: operator %d wrote first in chat %s on channel %d", r.User, r.Chat, r.Channel)
		}
		return fmt.Sprintf("began in chat %s on channel %d", r.Chat, r.Channel)
	case MessageIn:
		if !r.On {
			return fmt.Sprintf("message %s of the client came late: it was answered already", r.Message)
		}
		return fmt.Sprintf("the client wrote (message %s)", r.Message)
	case MessageOut:
		return fmt.Sprintf("operator %d replied (message %s)", r.User, r.Message)
	case MessageGone:
		return fmt.Sprintf("message %s was deleted before anybody answered it", r.Message)
	case MessageStored:
		return fmt.Sprintf("message %s was only stored: %s", r.Message, r.Reason)
	}
	return ""
}

func (r Record) ofOffer() string {
	switch r.Kind {
	case OfferMade:
		return fmt.Sprintf("offer %d to operator %d", r.Offer, r.User)
	case OfferEnded:
		return fmt.Sprintf("offer %d to operator %d ended: %s", r.Offer, r.User, r.Reason)
	case OfferAccepted:
		return fmt.Sprintf("operator %d accepted offer %d", r.User, r.Offer)
	case TransferAsked:
		return fmt.Sprintf("operator %d hands it over to operator %d", r.Other, r.User)
	case TransferDone:
		return fmt.Sprintf("operator %d took it over from operator %d", r.User, r.Other)
	}
	return ""
}

func (r Record) ofOwner() string {
	switch r.Kind {
	case OwnerSet:
		if r.User == 0 {
			return "nobody owns it: " + r.Reason
		}
		return fmt.Sprintf("operator %d owns it: %s", r.User, r.Reason)
	case OwnerHandled:
		return fmt.Sprintf("operator %d had it for %s", r.User, r.Span.Calendar.Round(time.Second))
	case OwnerWentOff:
		return fmt.Sprintf("operator %d went off while the client waits", r.User)
	case OperatorRecorded:
		return fmt.Sprintf("operator %d: %s", r.User, r.Reason)
	case SilentSet:
		return fmt.Sprintf("silent mode of operator %d: %s", r.User, onOff(r.On))
	case SessionPinned:
		return "pinned: " + onOff(r.On)
	}
	return ""
}

func (r Record) ofReply() string {
	which := map[RecordKind]string{FirstReplied: "first reply", NextReplied: "reply"}[r.Kind]
	if which == "" {
		return ""
	}
	text := fmt.Sprintf("%s by operator %d after %s, %s of it working time",
		which, r.User, r.Span.Calendar.Round(time.Second), r.Span.Work.Round(time.Second))
	switch {
	case r.N == 0:
		return text
	case r.On:
		return text + ", as promised"
	}
	return text + ", later than promised"
}

func (r Record) ofQueue() string {
	switch r.Kind {
	case SessionHeld:
		return "held until the line opens"
	case SessionQueued:
		return "waits in the queue: " + r.Reason
	case PassEnded:
		return fmt.Sprintf("pass %d is complete", r.N)
	case RuleFired:
		return "the unanswered rule fired: " + r.Reason
	case OpenToAll:
		return "open to all members: nobody answered in all passes"
	case LineLeft:
		return "moved to the line " + r.Reason
	case LineRecorded:
		return fmt.Sprintf("settings of the line %s in force", r.Line)
	}
	return ""
}

func (r Record) ofEnd() string {
	switch r.Kind {
	case SessionReopened:
		return "reopened by the " + r.Reason
	case SessionFinished:
		return "finished " + endings[CloseReason(r.Reason)]
	case SessionEnded:
		if r.On {
			return "closed " + endings[CloseReason(r.Reason)] + "; nobody had replied"
		}
		return "closed " + endings[CloseReason(r.Reason)]
	}
	return ""
}

func (r Record) ofText() string {
	switch r.Kind {
	case TextSent:
		return fmt.Sprintf("automatic text %s", r.Text)
	case TextSkipped:
		return fmt.Sprintf("automatic text %s skipped: %s", r.Text, r.Reason)
	case AlertSent:
		return "alert: " + r.Reason
	}
	return ""
}

func (r Record) ofVote() string {
	switch r.Kind {
	case VoteAsked:
		return fmt.Sprintf("a rating of operator %d was asked for", r.User)
	case VoteGiven:
		return fmt.Sprintf("vote %s for operator %d", r.Vote, r.User)
	case VoteRepeated:
		return fmt.Sprintf("another vote (%s) without effect", r.Vote)
	}
	return ""
}

func (r Record) ofCRM() string {
	switch r.Kind {
	case LookupRecorded:
		return lookups[LookupResult(r.Reason)]
	case LeadWanted:
		return "a lead is ordered"
	case LeadMade:
		return fmt.Sprintf("%s %d was made for the client", cmp.Or(r.Item.Kind, "lead"), r.Item.ID)
	case LeadRefused:
		return "no lead: the client cannot be written back to"
	case ItemBound:
		return fmt.Sprintf("shown on %s %d", r.Item.Kind, r.Item.ID)
	}
	return ""
}

// lookups are what came of looking the client up.
var lookups = map[LookupResult]string{
	LookupNone:     "the CRM is not asked for the client",
	LookupPending:  "the CRM is asked for the client",
	LookupFound:    "the CRM knows the client",
	LookupNotFound: "the CRM does not know the client",
	LookupUnknown:  "the CRM did not tell whether it knows the client; it is asked again",
}

// endings are by whom or why a session was finished.
var endings = map[CloseReason]string{
	"":              "for no reason",
	ByOperator:      "by its operator",
	ByOtherEmployee: "by another employee",
	ByAutoClose:     "because the client was silent",
	ByCRM:           "in the CRM",
	BySpam:          "as spam",
	BySystem:        "by the system",
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}
