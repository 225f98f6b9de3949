package openlines

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/language"

	"puente/internal/strictdoc"
)

// MaxNameRunes and MaxTextRunes are how many characters a name of a line and an
// automatic text may have (§2).
const (
	MaxNameRunes = 100
	MaxTextRunes = 2000
)

// MaxSessions is how many sessions one operator may have over all lines (§2).
const MaxSessions = 1000

// check collects problems while settings are walked.
type check struct{ strictdoc.Check }

// Validate returns everything that is wrong with the settings of a line by
// themselves, in the order of the document; nil if they can be used. Whether
// the line will ever open is judged from now on. What only the portal can tell,
// such as whether users and channels exist, is not looked at.
func Validate(s Settings, now time.Time) []Problem {
	var c check
	c.identity(s)
	c.routing(s)
	c.hours(s, now)
	c.actions(s)
	c.votes(s)
	c.crmAndSLA(s)
	c.texts(s.Texts)
	return c.Problems
}

func (c *check) identity(s Settings) {
	c.text("name", s.Name, MaxNameRunes)
	c.ids("channels", s.Channels)
	if _, err := language.Parse(s.Language); err != nil {
		c.Add("language", "%q is no language tag; write it as en or pt-BR", s.Language)
	}
	if _, err := loadZone(s.TimeZone); err != nil {
		c.Add("timezone", "%s", err)
	}
}

func (c *check) routing(s Settings) {
	c.members(s.Members)
	oneOf(c, "mode", s.Mode, Evenly, Strict, OfferAll)
	within(c, "pass_time", s.PassTime, 1, 30)
	oneOf(c, "answered_by", s.AnsweredBy, AnsweredByReply, AnsweredByAccept)
	within(c, "max_passes", s.MaxPasses, 1, 20)
	within(c, "member_limit", s.MemberLimit, 0, MaxSessions)
	oneOf(c, "limit_counts", s.LimitCounts, CountAnswered, CountAnsweredAndNew, CountAllOpen)
	within(c, "max_pending_offers", s.MaxPendingOffers, 1, 100)
	within(c, "sticky_hours", s.StickyHours, 0, 720)
	within(c, "offline_return_time", s.OfflineReturnTime, 0, 60)
	within(c, "priority", s.Priority, 0, 9)
	within(c, "aging_time", s.AgingTime, 5, 600)
	oneOf(c, "unanswered_rule", s.UnansweredRule, UnansweredText, UnansweredRequeue, UnansweredNone)
	within(c, "unanswered_time", s.UnansweredTime, 0, 720)
}

// members wants a user or a department in each row, and nobody twice.
func (c *check) members(members []Member) {
	for i, m := range members {
		at := fmt.Sprintf("members[%d]", i)
		if (m.User == 0) == (m.Department == 0) {
			c.Add(at, "either user or department must be set")
		}
		if m.User < 0 || m.Department < 0 {
			c.Add(at, "an id must be positive, not %d", min(m.User, m.Department))
		}
		if slices.Index(members, m) < i {
			c.Add(at, "stands in the list twice")
		}
	}
}

func (c *check) actions(s Settings) {
	oneOf(c, "welcome_rule", s.WelcomeRule, WelcomeNone, WelcomeFirstContact, WelcomeEverySession)
	within(c, "auto_text_max_age", s.AutoTextMaxAge, 1, 120)
	oneOf(c, "close_rule", s.CloseRule, CloseNone, CloseText, CloseRating)
	within(c, "grace_time", s.GraceTime, 0, 60)
	if s.AutoCloseTime != 0 && (s.AutoCloseTime < 10 || s.AutoCloseTime > 43200) {
		c.Add("auto_close_time", "must be 0 or from 10 to 43200, not %d", s.AutoCloseTime)
	}
	c.autoCloseWarning(s)
	oneOf(c, "auto_close_rule", s.AutoCloseRule, CloseNone, CloseText, CloseRating)
}

func (c *check) autoCloseWarning(s Settings) {
	switch {
	case s.AutoCloseWarning < 0:
		c.Add("auto_close_warning", "must be 0 or more, not %d", s.AutoCloseWarning)
	case s.AutoCloseWarning > 0 && s.AutoCloseTime == 0:
		c.Add("auto_close_warning", "must be 0 while auto_close_time is 0, not %d", s.AutoCloseWarning)
	case s.AutoCloseWarning > 0 && s.AutoCloseWarning >= s.AutoCloseTime:
		c.Add("auto_close_warning", "must be less than auto_close_time, %d, not %d", s.AutoCloseTime, s.AutoCloseWarning)
	}
}

func (c *check) crmAndSLA(s Settings) {
	oneOf(c, "crm_forward_pass", s.CRMForwardPass, ForwardToQueue, ForwardKeep)
	oneOf(c, "crm_create", s.CRMCreate, CreateAuto, CreateManual, CreateNone)
	within(c, "sla_first_reply", s.SLAFirstReply, 0, 1440)
	within(c, "sla_next_reply", s.SLANextReply, 0, 1440)
	c.ids("sla_notify", s.SLANotify)
}

// texts wants known texts that can be sent; "" switches one off.
func (c *check) texts(texts map[TextID]string) {
	for _, id := range strictdoc.SortedKeys(texts) {
		at := "texts." + string(id)
		if !slices.Contains(TextIDs(), id) {
			c.Add(at, "unknown text; known: %s", join(TextIDs()))
		}
		if texts[id] != "" {
			c.text(at, texts[id], MaxTextRunes)
		}
	}
}

// text wants something to read, of limited length.
func (c *check) text(field, text string, most int) {
	runes := utf8.RuneCountInString(text)
	if strings.TrimSpace(text) == "" || runes > most {
		c.Add(field, "must have from 1 to %d characters and not only blanks; it has %d", most, runes)
	}
	if !utf8.ValidString(text) {
		c.Add(field, "is not valid UTF-8")
	}
}

// ids wants positive numbers, each once.
func (c *check) ids(field string, ids []int64) {
	for i, id := range ids {
		at := fmt.Sprintf("%s[%d]", field, i)
		if id <= 0 {
			c.Add(at, "must be a positive id, not %d", id)
		}
		if slices.Index(ids, id) < i {
			c.Add(at, "%d stands in the list twice", id)
		}
	}
}

func within[N ~int](c *check, field string, value, least, most N) {
	if value < least || value > most {
		c.Add(field, "must be from %d to %d, not %d", least, most, value)
	}
}

func oneOf[W ~string](c *check, field string, value W, known ...W) {
	if !slices.Contains(known, value) {
		c.Add(field, "must be one of %s; not %q", join(known), value)
	}
}

func join[W ~string](words []W) string {
	out := make([]string, len(words))
	for i, word := range words {
		out[i] = string(word)
	}
	return strings.Join(out, ", ")
}
