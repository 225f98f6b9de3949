package openlines

import "time"

// LineID names a line of the portal.
type LineID string

// ChatID names the permanent thread with one client on one channel account.
type ChatID string

// UserID is an employee. The machine only compares such ids; which system gave
// them is up to the caller, but it must be one system.
type UserID int64

// SessionID numbers the sessions of a portal in the order in which they began.
type SessionID int64

// OfferID numbers the offers of a portal. Accept and decline carry it, so that
// an answer to an old offer cannot hit a newer one (§10).
type OfferID int64

// Desk is everything that has to be decided together in one portal: its lines
// with their turns, its operators with their presence, and all sessions that
// are not over. It is plain data: written as JSON and read again it goes on
// exactly as before (I15). Only Step changes it.
type Desk struct {
	Now       time.Time        `json:"now,omitzero"`        // of the last step; never goes back
	Lines     []*Line          `json:"lines,omitempty"`     // by id
	Operators []*Operator      `json:"operators,omitempty"` // by id
	Sessions  []*Session       `json:"sessions,omitempty"`  // by id
	Chats     map[ChatID]*Chat `json:"chats,omitempty"`     // of open sessions, and of recent ones
	Leads     map[string]*Lead `json:"leads,omitempty"`     // by client identity
	Seen      []string         `json:"seen,omitempty"`      // ids of the last events, oldest first

	LastSession SessionID `json:"last_session,omitempty"`
	LastOffer   OfferID   `json:"last_offer,omitempty"`
	LastTurn    int64     `json:"last_turn,omitempty"`
	LastRecord  int64     `json:"last_record,omitempty"`
	Routed      time.Time `json:"routed,omitzero"` // when routing ran last, for T_retry
	Wake        time.Time `json:"wake,omitzero"`   // when routing has to look again; zero: not
	Purged      time.Time `json:"purged,omitzero"` // when old memories were last looked for
	Rules       int       `json:"rules,omitempty"` // see RulesNow

	known map[string]bool // Seen as a set; built when needed
}

// RulesNow is the newest version of the rules. What a desk decided before has to
// come out the same when its history is replayed, so what a rule of 1 does
// otherwise than 0 asks Desk.Rules. 0 can go when no desk has a run that began
// before 23 November 2026.
const RulesNow = 1

// NewDesk returns the desk of a portal in which nothing has happened yet. It
// follows the newest rules.
func NewDesk() *Desk {
	return &Desk{Chats: map[ChatID]*Chat{}, Leads: map[string]*Lead{}, Rules: RulesNow}
}

// Turn is the last queue offer to a member on a line. No is unique, so that the
// order of turns is total even within one instant.
type Turn struct {
	No int64     `json:"no"`
	At time.Time `json:"at"`
}

// Presence is the work time of an operator: the day where the CRM tracks it,
// else whether he is online.
type Presence string

// The presences. Online and DayStarted are on duty (E3).
const (
	Offline    Presence = "offline"
	Online     Presence = "online"
	DayStarted Presence = "day_started"
	DayPaused  Presence = "day_paused"
	DayEnded   Presence = "day_ended"
)

// Operator is what routing knows about an employee. Nobody has told the desk
// about an operator without Presence; he counts as off duty.
type Operator struct {
	ID         UserID    `json:"id"`
	Dismissed  bool      `json:"dismissed,omitempty"`
	OnLeave    bool      `json:"on_leave,omitempty"`
	Supervisor bool      `json:"supervisor,omitempty"` // has access to every line
	Presence   Presence  `json:"presence,omitempty"`
	Skills     []string  `json:"skills,omitempty"`
	LeaveSince time.Time `json:"leave_since,omitzero"` // while on leave
	AwaySince  time.Time `json:"away_since,omitzero"`  // while off duty
	Changed    time.Time `json:"changed,omitzero"`     // when all this was received
}

func (o *Operator) onDuty() bool { return o.Presence == Online || o.Presence == DayStarted }

// State is where a session stands (§3).
type State string

// The states of a session.
const (
	Held    State = "held"    // closed hours, nothing offered
	Waiting State = "waiting" // in the queue, no offer
	Offered State = "offered" // one or more offers
	Active  State = "active"  // answered, has an owner
	Closing State = "closing" // finished, the grace time runs
	Closed  State = "closed"  // final
)

// CloseReason says who or what ended a session (§3).
type CloseReason string

// The close reasons.
const (
	ByOperator      CloseReason = "operator" // the owner
	ByOtherEmployee CloseReason = "other_employee"
	ByAutoClose     CloseReason = "auto"
	ByCRM           CloseReason = "crm"
	BySpam          CloseReason = "spam"
	BySystem        CloseReason = "system"
)

// Session is one service cycle inside a chat.
type Session struct {
	ID       SessionID   `json:"id"`
	Chat     ChatID      `json:"chat"`
	Line     LineID      `json:"line"`
	Channel  int64       `json:"channel,omitempty"`
	Parent   SessionID   `json:"parent,omitempty"`
	State    State       `json:"state"`
	Owner    UserID      `json:"owner,omitempty"`
	Silent   []UserID    `json:"silent,omitempty"` // operators whose messages are internal
	Pinned   bool        `json:"pinned,omitempty"`
	Outbound bool        `json:"outbound,omitempty"` // an employee wrote first (T2)
	Reason   CloseReason `json:"reason,omitempty"`
	Priority int         `json:"priority,omitempty"` // of the client
	Needs    []string    `json:"needs,omitempty"`    // skills asked for (E6)

	Started     time.Time `json:"started"`
	Began       time.Time `json:"began,omitzero"` // as Started, by the clock of the channel; zero: unknown
	FirstReply  time.Time `json:"first_reply,omitzero"`
	FirstOffer  UserID    `json:"first_offer,omitempty"`
	Finished    time.Time `json:"finished,omitzero"` // left the open states
	LastMessage time.Time `json:"last_message,omitzero"`
	LastReply   position  `json:"last_reply,omitzero"`
	Window      time.Time `json:"window,omitzero"` // the channel lets us write until then; zero: always
	Warned      time.Time `json:"warned,omitzero"` // auto-close was announced

	Unread   []Unread `json:"unread,omitempty"`   // client messages after the last reply, in channel order
	Heard    bool     `json:"heard,omitempty"`    // the client has written
	Answered bool     `json:"accepted,omitempty"` // somebody accepted at some time
	AskedEnd bool     `json:"asked,omitempty"`    // the close rule has run
	Alerted  bool     `json:"alerted,omitempty"`  // SLA, in this waiting cycle
	Texted   bool     `json:"texted,omitempty"`   // unanswered text, in this waiting cycle

	Offers []*Offer `json:"offers,omitempty"`
	Queue  Queueing `json:"queue,omitzero"`
	CRM    CRMLink  `json:"crm,omitzero"`

	Age    Meter `json:"age,omitzero"`    // since the start
	Wait   Meter `json:"wait,omitzero"`   // since the client waits
	Owning Meter `json:"owning,omitzero"` // since the owner owns
	Lasted Span  `json:"lasted,omitzero"` // start to last message
	Off    Clock `json:"off,omitzero"`    // T_offline

	touched bool      // in this step
	next    time.Time // the first of its timers; zero: to be looked up
	wake    time.Time // the first of those that are for routing
}

// clientWaits is the flag client_waiting: there is a client message later than
// the last employee reply (§1).
func (s *Session) clientWaits() bool { return len(s.Unread) > 0 }

// WaitingSince is the receipt time of the earliest client message without a
// reply; zero while the client does not wait.
func (s *Session) WaitingSince() time.Time {
	if !s.clientWaits() {
		return time.Time{}
	}
	return s.Unread[0].At
}

// Open says that the session is neither finished nor closed.
func (s *Session) Open() bool { return s.State != Closing && s.State != Closed }

// queued says that the session looks for an operator.
func (s *Session) queued() bool {
	return s.State == Held || s.State == Waiting || s.State == Offered
}

// Unread is a client message that nobody has replied to.
type Unread struct {
	ID string `json:"id"`
	position
}

// position places a message in its chat: by the order of the channel where both
// messages have one, else by receipt (§10).
type position struct {
	At    time.Time `json:"at,omitzero"`
	Order int64     `json:"order,omitempty"`
}

func (p position) after(other position) bool {
	if p.Order > 0 && other.Order > 0 {
		return p.Order > other.Order
	}
	return p.At.After(other.At)
}

// OfferKind says why somebody got an offer (§1).
type OfferKind string

// The kinds of offers.
const (
	QueueOffer    OfferKind = "queue"
	AllOffer      OfferKind = "all"
	DirectOffer   OfferKind = "direct"
	StickyOffer   OfferKind = "sticky"
	TransferOffer OfferKind = "transfer" // by a colleague
	TakenOffer    OfferKind = "taken"    // he took it himself (T11)
)

// Offer is a session shown to an operator who should answer.
type Offer struct {
	ID       OfferID   `json:"id"`
	To       UserID    `json:"to"`
	Kind     OfferKind `json:"kind"`
	Made     time.Time `json:"made"`
	Pass     Clock     `json:"pass,omitzero"`     // T_pass; stopped: no deadline
	Kept     bool      `json:"kept,omitempty"`    // stays without a deadline (§5.5 none, §5.3 keep)
	Accepted bool      `json:"accepted,omitzero"` // reserved for him until he replies
	From     UserID    `json:"from,omitempty"`    // who hands it over
}

// single offers use a slot of the operator; those to everybody only when one
// of them is reserved.
func (o *Offer) single() bool { return o.Kind != AllOffer || o.Accepted }

// Queueing is what routing remembers about one waiting cycle (§5).
type Queueing struct {
	Since   time.Time `json:"since,omitzero"`   // entered the queue
	Begun   bool      `json:"begun,omitempty"`  // direct and sticky offers were considered
	Pass    int       `json:"pass,omitempty"`   // from 1
	Out     []UserID  `json:"out,omitempty"`    // offered or left out in this pass (E5)
	Used    bool      `json:"used,omitempty"`   // somebody got a queue offer in this pass
	LastTo  UserID    `json:"last,omitempty"`   // the last queue offer of this pass
	LastPos int       `json:"pos,omitempty"`    // and his position then
	Fired   bool      `json:"fired,omitempty"`  // the unanswered rule
	Moved   bool      `json:"moved,omitempty"`  // people have moved the session about
	Over    bool      `json:"over,omitempty"`   // this pass is complete, and offers stay
	ToAll   bool      `json:"to_all,omitempty"` // open to all
	Told    []UserID  `json:"told,omitempty"`   // know that it is open to all
	Had     []UserID  `json:"had,omitempty"`    // had an offer in this cycle
	Parked  Clock     `json:"parked,omitzero"`  // requeue: runs until the next pass
	Seen    []UserID  `json:"seen,omitempty"`   // requeue: were eligible already
	Idle    Clock     `json:"idle,omitzero"`    // nobody to offer to
	AllPass Clock     `json:"all,omitzero"`     // mode all: the length of its pass
	Unans   Clock     `json:"unans,omitzero"`   // T_unanswered
}

// Chat is what is remembered of a chat between its sessions. Once it is
// forgotten, a message brings what matters along, see Past.
type Chat struct {
	Open      SessionID `json:"open,omitempty"` // the session that is not CLOSED
	Blocked   bool      `json:"blocked,omitempty"`
	Past      Past      `json:"past,omitzero"`
	LastReply position  `json:"reply,omitzero"`
	Poll      *Poll     `json:"poll,omitempty"`
}

// Past is what the sessions of a chat leave behind. The caller keeps it (the
// record of a closed session has it) and gives it with each client message,
// because the desk forgets chats that have been quiet.
type Past struct {
	Session  SessionID `json:"session,omitempty"` // the last one; 0: never wrote before
	Owner    UserID    `json:"owner,omitempty"`   // its last owner
	Closed   time.Time `json:"closed,omitzero"`
	Offhours time.Time `json:"offhours,omitzero"` // when the off-hours text was last sent
	Blocked  bool      `json:"blocked,omitempty"`
}

// Poll is a rating that was asked for (§7.4).
type Poll struct {
	Session SessionID `json:"session"`
	Line    LineID    `json:"line"`
	Owner   UserID    `json:"owner,omitempty"` // at the time of the request: the vote is his
	Asked   time.Time `json:"asked"`
	Until   time.Time `json:"until"`
	Void    time.Time `json:"void,omitzero"` // an employee has replied since
	Given   Vote      `json:"given,omitempty"`
}

// open says whether a message received at an instant can be a vote.
func (p *Poll) open(at time.Time) bool {
	return p != nil && !at.Before(p.Asked) && !at.After(p.Until) && (p.Void.IsZero() || at.Before(p.Void))
}
