package openlines

import "time"

// RecordKind says what a record tells.
type RecordKind string

// The records of the log. Each names the fields of Record that it uses besides
// No, At, Session, Line and Channel.
const (
	SessionStarted   RecordKind = "started"      // Chat, N = parent, On = while closed, User = employee who wrote first
	MessageIn        RecordKind = "message_in"   // Message, N = order of the channel, On = later than the last reply
	MessageOut       RecordKind = "message_out"  // Message, User, Seen = messages it replied to
	MessageGone      RecordKind = "message_gone" // Message
	MessageStored    RecordKind = "stored"       // Message, Reason; no session
	SessionHeld      RecordKind = "held"
	SessionQueued    RecordKind = "queued"       // Reason
	OfferMade        RecordKind = "offered"      // User, Offer, Kind, Why
	OfferEnded       RecordKind = "offer_ended"  // User, Offer, Kind, Reason
	OfferAccepted    RecordKind = "accepted"     // User, Offer; Span since the start, only of the first
	OwnerSet         RecordKind = "owner"        // User (0 = nobody), Other = before, Reason
	OwnerHandled     RecordKind = "handled"      // User, Span: owned for so long
	FirstReplied     RecordKind = "first_reply"  // User, Span, On = SLA met, N = 1 with an SLA
	NextReplied      RecordKind = "next_reply"   // as FirstReplied
	PassEnded        RecordKind = "pass_ended"   // N = number of the pass
	RuleFired        RecordKind = "rule_fired"   // Reason = the rule
	OpenToAll        RecordKind = "open_to_all"  //
	TextSent         RecordKind = "text"         // Text
	TextSkipped      RecordKind = "text_skipped" // Text, Reason
	AlertSent        RecordKind = "alert"        // Reason
	SessionReopened  RecordKind = "reopened"     // Reason
	TransferAsked    RecordKind = "handed_over"  // User = to, Other = who asked
	TransferDone     RecordKind = "transferred"  // User = to, Other = who had asked
	OwnerWentOff     RecordKind = "owner_off"    // User = the owner that the session was taken from
	LineLeft         RecordKind = "moved_line"   // User = who asked, Reason = the new line
	SessionFinished  RecordKind = "finished"     // Reason, User
	SessionEnded     RecordKind = "closed"       // Reason, Span, Lasted, On = missed, Past
	VoteAsked        RecordKind = "vote_asked"   // User
	VoteGiven        RecordKind = "vote"         // User, Vote
	VoteRepeated     RecordKind = "vote_again"   // Vote, without effect
	SessionPinned    RecordKind = "pinned"       // On
	SilentSet        RecordKind = "silent"       // User, On
	LookupRecorded   RecordKind = "lookup"       // Reason = result
	LeadWanted       RecordKind = "lead_wanted"  //
	LeadMade         RecordKind = "lead_made"    // Item
	LeadRefused      RecordKind = "lead_refused" // once per session: no contact
	ItemBound        RecordKind = "bound"        // Item
	OperatorRecorded RecordKind = "operator"     // User, Reason
	LineRecorded     RecordKind = "line"         //
)

// Record is one line of the log. Statistics, marks and what people read about a
// session come from records alone.
type Record struct {
	No      int64      `json:"no"`
	At      time.Time  `json:"at"` // when it took effect; for messages when they were received
	Kind    RecordKind `json:"kind"`
	Session SessionID  `json:"session,omitempty"`
	Line    LineID     `json:"line,omitempty"`
	Channel int64      `json:"channel,omitempty"`
	Chat    ChatID     `json:"chat,omitempty"`
	User    UserID     `json:"user,omitempty"`
	Other   UserID     `json:"other,omitempty"`
	Offer   OfferID    `json:"offer,omitempty"`
	Offered OfferKind  `json:"offered,omitempty"`
	Message string     `json:"message,omitempty"`
	Seen    []string   `json:"seen,omitempty"`
	Text    TextID     `json:"text,omitempty"`
	Vote    Vote       `json:"vote,omitempty"`
	Reason  string     `json:"reason,omitempty"`
	N       int64      `json:"n,omitempty"`
	On      bool       `json:"on,omitempty"`
	Span    Span       `json:"span,omitzero"`
	Lasted  Span       `json:"lasted,omitzero"`
	Item    Item       `json:"item,omitzero"`
	Past    *Past      `json:"past,omitempty"`
	Why     *Decision  `json:"why,omitempty"`
}
