package openlines

import "time"

// Minutes is a duration of the settings in whole minutes.
type Minutes int

// Duration converts to Go's unit.
func (m Minutes) Duration() time.Duration { return time.Duration(m) * time.Minute }

// Hours is a duration of the settings in whole hours.
type Hours int

// Duration converts to Go's unit.
func (h Hours) Duration() time.Duration { return time.Duration(h) * time.Hour }

// Settings is everything a person can set about one line (openlines reference
// §2). JSON and YAML use the names of the reference. A line is served by one
// version of its settings at a time; Validate must have found no problem in it.
type Settings struct {
	// Name is shown to clients where the channel allows; 1..100 characters.
	Name string `json:"name" yaml:"name"`
	// Active: an inactive line starts no sessions; open ones go on.
	Active bool `json:"active" yaml:"active"`
	// Channels are the Chat2Desk channels of the line. A channel belongs to at most one line.
	Channels []int64 `json:"channels,omitempty" yaml:"channels,omitempty"`
	// Language picks default texts and vote words; a tag such as en or pt-BR.
	Language string `json:"language" yaml:"language"`
	// TimeZone is an IANA name; it rules hours, holidays and reports.
	TimeZone string `json:"timezone" yaml:"timezone"`

	// Members stand in the order of the queue, see Member.
	Members []Member `json:"members,omitempty" yaml:"members,omitempty"`
	Mode    Mode     `json:"mode" yaml:"mode"`
	// PassTime is the working time before an unanswered offer passes on; 1..30.
	PassTime   Minutes    `json:"pass_time" yaml:"pass_time"`
	AnsweredBy AnsweredBy `json:"answered_by" yaml:"answered_by"`
	// MaxPasses: after that many the session is open to all members (§5.5); 1..20.
	MaxPasses int `json:"max_passes" yaml:"max_passes"`
	// CheckOnline asks for rule E3: only operators on duty get offers (§5.1).
	CheckOnline bool `json:"check_online" yaml:"check_online"`
	// MemberLimit is how many sessions one operator may have on this line; 0 = no limit, up to 1000.
	MemberLimit int         `json:"member_limit" yaml:"member_limit"`
	LimitCounts LimitCounts `json:"limit_counts" yaml:"limit_counts"`
	// MaxPendingOffers is how many unanswered queue offers one operator may hold on this line; 1..100.
	MaxPendingOffers int `json:"max_pending_offers" yaml:"max_pending_offers"`
	// StickyHours: a client who returns within them is first offered to the last owner; 0 = never, up to 720.
	StickyHours Hours `json:"sticky_hours" yaml:"sticky_hours"`
	// DirectCountsAsTurn: direct, sticky and transfer offers consume a turn of Evenly.
	DirectCountsAsTurn bool `json:"direct_counts_as_turn" yaml:"direct_counts_as_turn"`
	// OfflineReturnTime is the working time a client may wait for an owner who went off; 0 = for ever, up to 60.
	OfflineReturnTime Minutes `json:"offline_return_time" yaml:"offline_return_time"`
	// Priority of the line's sessions, 0..9; each AgingTime of waiting adds 1.
	Priority  int     `json:"priority" yaml:"priority"`
	AgingTime Minutes `json:"aging_time" yaml:"aging_time"` // 5..600

	UnansweredRule UnansweredRule `json:"unanswered_rule" yaml:"unanswered_rule"`
	// UnansweredTime is working time since the client waits; 0 = at the end of the first pass, up to 720.
	UnansweredTime Minutes `json:"unanswered_time" yaml:"unanswered_time"`

	// HoursEnabled false: the line is always open.
	HoursEnabled bool `json:"hours_enabled" yaml:"hours_enabled"`
	Week         Week `json:"week" yaml:"week"`
	// DaysOff are closed whatever Week says.
	DaysOff []Day `json:"days_off" yaml:"days_off"`
	// Holidays are closed all day: 25.12 each year, 2026-12-24 once; 29.02 in leap years only.
	Holidays []string `json:"holidays,omitempty" yaml:"holidays,omitempty"`
	// SpecialDays replaces dates (2026-12-24), also holidays and days off; an empty list closes the date.
	SpecialDays     map[string][]Interval `json:"special_days,omitempty" yaml:"special_days,omitempty"`
	OffhoursRule    OffhoursRule          `json:"offhours_rule" yaml:"offhours_rule"`
	OffhoursRouting OffhoursRouting       `json:"offhours_routing" yaml:"offhours_routing"`

	WelcomeRule WelcomeRule `json:"welcome_rule" yaml:"welcome_rule"`
	// AutoTextMaxAge: an automatic text that is delayed longer is dropped; 1..120.
	AutoTextMaxAge Minutes `json:"auto_text_max_age" yaml:"auto_text_max_age"`
	// CloseRule runs after an operator or the CRM closes.
	CloseRule CloseRule `json:"close_rule" yaml:"close_rule"`
	// GraceTime is how long CLOSING lasts; 0..60.
	GraceTime Minutes `json:"grace_time" yaml:"grace_time"`
	// AutoCloseTime is calendar time of client silence after the last employee reply; 0 = off, else 10..43200.
	AutoCloseTime Minutes `json:"auto_close_time" yaml:"auto_close_time"`
	// AutoCloseWarning: a text that long before the auto-close; 0 = off, less than AutoCloseTime.
	AutoCloseWarning Minutes   `json:"auto_close_warning" yaml:"auto_close_warning"`
	AutoCloseRule    CloseRule `json:"auto_close_rule" yaml:"auto_close_rule"`

	// VoteWindow is how long a rating is accepted after it was asked for; 1..168.
	VoteWindow Hours `json:"vote_window" yaml:"vote_window"`
	// VoteCloseOnReceipt: a vote ends the grace time.
	VoteCloseOnReceipt bool `json:"vote_close_on_receipt" yaml:"vote_close_on_receipt"`
	// VoteGood and VoteBad are accepted words; the forms of §7.4 are accepted besides.
	VoteGood []string `json:"vote_good" yaml:"vote_good"`
	VoteBad  []string `json:"vote_bad" yaml:"vote_bad"`

	// CRMCheck looks the client up in the CRM; CRMForward routes him to the responsible employee.
	CRMCheck       bool        `json:"crm_check" yaml:"crm_check"`
	CRMForward     bool        `json:"crm_forward" yaml:"crm_forward"`
	CRMForwardPass ForwardPass `json:"crm_forward_pass" yaml:"crm_forward_pass"`
	CRMCreate      CRMCreate   `json:"crm_create" yaml:"crm_create"`
	// CRMTransferSetsResponsible: a manual transfer also changes the responsible in the CRM.
	CRMTransferSetsResponsible bool `json:"crm_transfer_sets_responsible" yaml:"crm_transfer_sets_responsible"`

	// SLAFirstReply and SLANextReply are working time; 0 = off, up to 1440.
	SLAFirstReply Minutes `json:"sla_first_reply" yaml:"sla_first_reply"`
	SLANextReply  Minutes `json:"sla_next_reply" yaml:"sla_next_reply"`
	// SLANotify are Bitrix24 users; empty = the supervisors of the portal.
	SLANotify []int64 `json:"sla_notify,omitempty" yaml:"sla_notify,omitempty"`

	// Texts overrides texts of the language; "" = send none, so that its rule behaves as none.
	Texts map[TextID]string `json:"texts,omitempty" yaml:"texts,omitempty"`
}

// Member is a Bitrix24 user or a department: exactly one of them is set. A
// department stands for its active employees; a person counts once, at the
// first position (§2).
type Member struct {
	User       int64 `json:"user,omitempty" yaml:"user,omitempty"`
	Department int64 `json:"department,omitempty" yaml:"department,omitempty"`
}

// Day is a weekday: mon, tue, wed, thu, fri, sat or sun.
type Day string

// Week is the intervals of each weekday, at most six a day. A day without
// intervals is closed.
type Week struct {
	Mon []Interval `json:"mon,omitempty" yaml:"mon,omitempty"`
	Tue []Interval `json:"tue,omitempty" yaml:"tue,omitempty"`
	Wed []Interval `json:"wed,omitempty" yaml:"wed,omitempty"`
	Thu []Interval `json:"thu,omitempty" yaml:"thu,omitempty"`
	Fri []Interval `json:"fri,omitempty" yaml:"fri,omitempty"`
	Sat []Interval `json:"sat,omitempty" yaml:"sat,omitempty"`
	Sun []Interval `json:"sun,omitempty" yaml:"sun,omitempty"`
}

// Interval is 09:00-18:00: start included, end excluded. The end may be 24:00;
// an end that is not after the start lies on the next day (§6).
type Interval string
