package openlines

// Mode says how a session finds its operator (§5.3).
type Mode string

// The modes of the queue.
const (
	Evenly   Mode = "evenly" // the member whose last offer is oldest
	Strict   Mode = "strict" // always from position 1
	OfferAll Mode = "all"    // everybody at once
)

// AnsweredBy is what ends an offer.
type AnsweredBy string

// What ends an offer.
const (
	AnsweredByReply  AnsweredBy = "reply"
	AnsweredByAccept AnsweredBy = "accept" // pressing "answer" is enough
)

// LimitCounts is which sessions count for MemberLimit.
type LimitCounts string

// What counts for the limit of a member.
const (
	CountAnswered       LimitCounts = "answered"         // ACTIVE sessions he owns
	CountAnsweredAndNew LimitCounts = "answered_and_new" // plus offers to him alone
	CountAllOpen        LimitCounts = "all_open"         // plus CLOSING sessions
)

// UnansweredRule is what happens when nobody answers (§5.5).
type UnansweredRule string

// The unanswered rules.
const (
	UnansweredText    UnansweredRule = "text"
	UnansweredRequeue UnansweredRule = "requeue"
	UnansweredNone    UnansweredRule = "none"
)

// OffhoursRule is what a client hears who writes while the line is closed.
type OffhoursRule string

// The off-hours rules.
const (
	OffhoursText OffhoursRule = "text"
	OffhoursNone OffhoursRule = "none"
)

// OffhoursRouting says whether operators get offers while the line is closed.
type OffhoursRouting string

// What happens to sessions while the line is closed.
const (
	OffhoursHold  OffhoursRouting = "hold"
	OffhoursRoute OffhoursRouting = "route"
)

// WelcomeRule says which sessions begin with a welcome.
type WelcomeRule string

// The welcome rules.
const (
	WelcomeNone         WelcomeRule = "none"
	WelcomeFirstContact WelcomeRule = "first_contact"
	WelcomeEverySession WelcomeRule = "every_session"
)

// CloseRule is what a client hears when his session ends.
type CloseRule string

// The close rules.
const (
	CloseNone   CloseRule = "none"
	CloseText   CloseRule = "text"
	CloseRating CloseRule = "rating"
)

// ForwardPass says who follows when the responsible employee does not answer.
type ForwardPass string

// What follows a direct offer that expired.
const (
	ForwardToQueue ForwardPass = "to_queue"
	ForwardKeep    ForwardPass = "keep"
)

// CRMCreate says who makes a lead for an unknown client.
type CRMCreate string

// How leads come into being.
const (
	CreateAuto   CRMCreate = "auto"
	CreateManual CRMCreate = "manual" // by a command of the operator
	CreateNone   CRMCreate = "none"
)

// TextID names an automatic text of a line (§2).
type TextID string

// The automatic texts.
const (
	TextWelcome        TextID = "welcome"
	TextOffhours       TextID = "offhours"
	TextUnanswered     TextID = "unanswered"
	TextClose          TextID = "close"
	TextAutoClose      TextID = "auto_close"
	TextAutoWarning    TextID = "auto_close_warning"
	TextVoteRequest    TextID = "vote_request"
	TextVoteThanksGood TextID = "vote_thanks_good"
	TextVoteThanksBad  TextID = "vote_thanks_bad"
)

// TextIDs lists the automatic texts in the order a client meets them.
func TextIDs() []TextID {
	return []TextID{
		TextWelcome, TextOffhours, TextUnanswered, TextClose, TextAutoClose, TextAutoWarning,
		TextVoteRequest, TextVoteThanksGood, TextVoteThanksBad,
	}
}

// The weekdays.
const (
	Monday    Day = "mon"
	Tuesday   Day = "tue"
	Wednesday Day = "wed"
	Thursday  Day = "thu"
	Friday    Day = "fri"
	Saturday  Day = "sat"
	Sunday    Day = "sun"
)

// Days lists the weekdays from Monday.
func Days() []Day {
	return []Day{Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday}
}

// On is the intervals of one weekday; none for an unknown day.
func (w Week) On(day Day) []Interval {
	switch day {
	case Monday:
		return w.Mon
	case Tuesday:
		return w.Tue
	case Wednesday:
		return w.Wed
	case Thursday:
		return w.Thu
	case Friday:
		return w.Fri
	case Saturday:
		return w.Sat
	case Sunday:
		return w.Sun
	}
	return nil
}

// EveryDay is a week with the same intervals on all seven days.
func EveryDay(intervals ...Interval) Week {
	i := intervals
	return Week{Mon: i, Tue: i, Wed: i, Thu: i, Fri: i, Sat: i, Sun: i}
}

// Default returns the settings of a line that has set nothing (§2). Only Name
// has no default: Validate demands it.
func Default() Settings {
	workday := []Interval{"09:00-18:00"}
	return Settings{
		Active:            true,
		Language:          "en",
		TimeZone:          "UTC",
		Mode:              Evenly,
		PassTime:          5,
		AnsweredBy:        AnsweredByReply,
		MaxPasses:         3,
		CheckOnline:       true,
		LimitCounts:       CountAnsweredAndNew,
		MaxPendingOffers:  5,
		OfflineReturnTime: 3,
		AgingTime:         30,
		UnansweredRule:    UnansweredText,

		Week:            Week{Mon: workday, Tue: workday, Wed: workday, Thu: workday, Fri: workday},
		DaysOff:         []Day{Saturday, Sunday},
		OffhoursRule:    OffhoursText,
		OffhoursRouting: OffhoursHold,

		WelcomeRule:    WelcomeEverySession,
		AutoTextMaxAge: 15,
		CloseRule:      CloseNone,
		GraceTime:      10,
		AutoCloseRule:  CloseNone,

		VoteWindow:         24,
		VoteCloseOnReceipt: true,
		VoteGood:           []string{"1"},
		VoteBad:            []string{"0"},

		CRMCheck:       true,
		CRMForward:     true,
		CRMForwardPass: ForwardToQueue,
		CRMCreate:      CreateAuto,
	}
}
