package settings

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	// Zones are known also on machines without a zone database.
	_ "time/tzdata"

	"github.com/nyaruka/phonenumbers"

	"puente/internal/strictdoc"
	"puente/texts"
)

// The limits of General, in their units.
const (
	MaxSettleSeconds = 3600
	MaxRetentionDays = 3650
)

// fieldName is what crm.item calls a field: camelCase, or UF_CRM_… for user
// fields with useOriginalUfNames (bitrix24 reference §3.2).
var fieldName = regexp.MustCompile(`^(UF_[A-Z0-9_]{1,60}|ufCrm[A-Za-z0-9_]{1,60}|[a-z][A-Za-z0-9]{0,60})$`)

// statusID is a status or stage code such as NEW or C1:NEW.
var statusID = regexp.MustCompile(`^[A-Za-z0-9_:|.-]{1,50}$`)

// currencyCode is an ISO 4217 code.
var currencyCode = regexp.MustCompile(`^[A-Z]{3}$`)

// AnalyticsKeys lists the web analytics Chat2Desk gives (A5).
func AnalyticsKeys() []string {
	return []string{
		"utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term",
		"client_id", "message_id", "click_time",
	}
}

// Validate returns everything that is wrong with the settings by themselves,
// in the order of the document; nil if they can be used. What only the portal
// can tell is checked by ValidateAgainst.
func Validate(s Settings) []Problem {
	var c check
	c.general(s.General)
	c.texts(s.General.Texts)
	c.tags(s.Tags)
	c.analytics(s.Analytics)
	c.fields(s)
	c.operators(s.Operators)
	c.crm(s.CRM)
	c.contactCenter(s)
	return c.Problems
}

func (c *check) general(g General) {
	if !texts.Known(g.Language) {
		c.Add("general.language", "unknown language %q; known: %s", g.Language, strings.Join(texts.Languages(), ", "))
	}
	if _, err := time.LoadLocation(g.TimeZone); err != nil || g.TimeZone == "" || g.TimeZone == "Local" {
		c.Add("general.time_zone", "unknown time zone %q; an IANA name like Europe/Madrid is needed", g.TimeZone)
	}
	if g.Country != "" && !knownCountry(g.Country) {
		c.Add("general.country", "unknown country %q; an ISO 3166 code of two capital letters like ES is needed", g.Country)
	}
	c.ownPhones(g)
	if g.OpenLinksIn != OpenInChat2Desk && g.OpenLinksIn != OpenInBitrix24 {
		c.Add("general.open_links_in", "must be %s or %s, not %q", OpenInChat2Desk, OpenInBitrix24, g.OpenLinksIn)
	}
	c.dialogLink(g.DialogLink)
	c.between("general.settle_seconds", g.SettleSeconds, MaxSettleSeconds)
	c.between("general.retention_days", g.RetentionDays, MaxRetentionDays)
}

func knownCountry(code string) bool {
	return phonenumbers.GetSupportedRegions()[code]
}

// ownPhones wants numbers that can be read: one that cannot would silently
// never be recognised as the company's own.
func (c *check) ownPhones(g General) {
	for i, raw := range g.OwnPhones {
		number, err := phonenumbers.Parse(raw, g.Country)
		if err != nil || !phonenumbers.IsPossibleNumber(number) {
			c.Add(fmt.Sprintf("general.own_phones[%d]", i), "%q is not a phone number; write it as +34 600 111 222", raw)
		}
	}
}

var (
	linkPlaceholder  = regexp.MustCompile(`\{[^{}]*\}`)
	linkPlaceholders = []string{"{portal}", "{web}", "{dialog}", "{client}", "{request}"}
)

func (c *check) dialogLink(link string) {
	if link == "" {
		return
	}
	starts := []string{"https://", "http://", "{portal}", "{web}"}
	if !slices.ContainsFunc(starts, func(s string) bool { return strings.HasPrefix(link, s) }) {
		c.Add("general.dialog_link", "must begin with https://, http://, {portal} or {web}")
	}
	for _, found := range linkPlaceholder.FindAllString(link, -1) {
		if !slices.Contains(linkPlaceholders, found) {
			c.Add("general.dialog_link", "unknown placeholder %s; known: %s", found, strings.Join(linkPlaceholders, ", "))
		}
	}
}

func (c *check) between(field string, value, most int) {
	if value < 0 || value > most {
		c.Add(field, "must be from 0 to %d, not %d", most, value)
	}
}

func (c *check) texts(overrides map[string]string) {
	for _, id := range strictdoc.SortedKeys(overrides) {
		if err := texts.Check(id, overrides[id]); err != nil {
			c.Add("general.texts."+id, "%s", err)
		}
	}
}

func (c *check) tags(t Tags) {
	switch t.Mode {
	case TagsIgnore:
	case TagsOnly, TagsNot:
		if len(t.IDs) == 0 {
			c.Add("tags.ids", "mode %s needs at least one tag", t.Mode)
		}
	default:
		c.Add("tags.mode", "must be %s, %s or %s, not %q", TagsIgnore, TagsOnly, TagsNot, t.Mode)
	}
	c.ids("tags.ids", t.IDs)
}

// ids wants positive numbers, each once.
func (c *check) ids(path string, ids []int64) {
	for i, id := range ids {
		at := fmt.Sprintf("%s[%d]", path, i)
		c.positive(at, id)
		if first := slices.Index(ids, id); first < i {
			c.Add(at, "%d stands in the list twice", id)
		}
	}
}

func (c *check) positive(path string, id int64) {
	if id <= 0 {
		c.Add(path, "must be a positive id, not %d", id)
	}
}

func (c *check) notNegative(path string, id int64) {
	if id < 0 {
		c.Add(path, "must be an id or 0, not %d", id)
	}
}
