package bitrix24

import (
	"regexp"
	"slices"
	"time"
)

// registrationLife is how long a repeated announcement finds the call that was
// announced before (bitrix24 reference §5.1).
const registrationLife = 30 * time.Minute

// phoneShape is what a number may be written like: digits with the usual
// separators, in front a plus, at the end an extension. The docs only say that
// letters are refused.
var phoneShape = regexp.MustCompile(`^\+?[\d\s().\-]{3,40}([;,#]\d{1,6})?$`)

// isoLayouts are the forms of a moment with its zone that CALL_START_DATE takes.
var isoLayouts = []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700"}

// callRegister announces a call. A repeat within half an hour by the same
// application gives the call that it announced before.
func (c *call) callRegister() (any, error) {
	r, err := c.readRegistration()
	if err != nil {
		return nil, err
	}
	if old := c.announced(r); old != nil {
		return c.registered(old), nil
	}
	if err := c.readClient(r); err != nil {
		return nil, err
	}
	r.ID, r.CallID, r.Registered = c.p.state.calls.newID(), c.p.newCallID(), c.p.clock.Now()
	c.p.state.calls.put(r.ID, r)
	return c.registered(r), nil
}

func (c *call) readRegistration() (*registration, error) {
	u, err := c.callUser()
	if err != nil {
		return nil, err
	}
	r := &registration{
		App: c.who.app, Phone: c.str("PHONE_NUMBER"), Type: c.id("TYPE"), User: u.ID, Line: c.str("LINE_NUMBER"),
		External: c.str("EXTERNAL_CALL_ID"), Started: c.p.stamp(), InChat: c.flag("ADD_TO_CHAT", true),
	}
	r.Digits = commKey("PHONE", r.Phone)
	if r.Type < callOutgoing || r.Type > callInfo {
		return nil, core("Unknown TYPE")
	}
	if text := c.str("CALL_START_DATE"); text != "" {
		started, ok := parseISO(text)
		if !ok {
			return nil, core("CALL_START_DATE should be in the ISO-8601 format")
		}
		r.Started = started.UTC().Format(storedMoment)
	}
	if !phoneShape.MatchString(r.Phone) || len(r.Digits) < 3 {
		return nil, core("Unsupported phone number format")
	}
	if c.flag("SHOW", true) {
		r.ShownTo = []int{u.ID}
	}
	return r, nil
}

// flag reads a 0 or 1.
func (c *call) flag(name string, fallback bool) bool {
	v, ok := c.param(name)
	if !ok || toStr(v) == "" {
		return fallback
	}
	return truthy(v)
}

// parseISO reads a moment that names its zone and has no fractions of a second.
func parseISO(s string) (time.Time, bool) {
	for _, layout := range isoLayouts {
		if t, err := time.Parse(layout, s); err == nil && t.Nanosecond() == 0 {
			return t, true
		}
	}
	return time.Time{}, false
}

// announced finds an earlier announcement of the same call. The line and the
// outside id are compared only if they were given: without an outside id two
// calls of one number become one.
func (c *call) announced(r *registration) *registration {
	for _, id := range slices.Backward(c.p.state.calls.order) {
		old := c.p.state.calls.rows[id]
		if c.p.clock.Now().Sub(old.Registered) >= registrationLife {
			return nil // all others are older still
		}
		if old.sameAs(r) && (old.Statistic == 0 || !c.p.opts.Variants.ForgetFinished) {
			return old
		}
	}
	return nil
}

// sameAs says whether r announces the call again.
func (old *registration) sameAs(r *registration) bool {
	return old.App == r.App && old.Digits == r.Digits && old.Type == r.Type && old.User == r.User &&
		(r.Line == "" || old.Line == r.Line) && (r.External == "" || old.External == r.External)
}

// readClient settles whose call it is: the entity that is named, else one with
// the number, else a new one if that was asked for.
func (c *call) readClient(r *registration) error {
	if name := c.str("CRM_ENTITY_TYPE"); name != "" {
		k, ok := kindNamed(name)
		if !ok || !slices.Contains(callKinds, k.id) {
			return core("CRM_ENTITY_TYPE should be CONTACT, COMPANY or LEAD")
		}
		if c.p.state.entities[k.id].exists(c.id("CRM_ENTITY_ID")) {
			r.CRM = activityBinding{k.id, c.id("CRM_ENTITY_ID")}
			return nil
		}
	}
	if found := c.p.state.clientsByPhone(r.Phone); len(found) > 0 {
		r.CRM = found[0]
		return nil
	}
	return c.createClient(r)
}

// createClient makes the client of a call: a lead, or without leads a contact with a deal.
func (c *call) createClient(r *registration) error {
	l := c.p.state.line(r.App, r.Line)
	if !c.flag("CRM_CREATE", false) || r.Type == callOutgoing && l != nil && !l.AutoCreate {
		return nil
	}
	title := pick(r.incoming(), "Incoming call from ", "Outgoing call to ") + r.Phone
	source := pick(c.str("CRM_SOURCE") == "", "CALL", c.str("CRM_SOURCE"))
	fields := newDict(
		"TITLE", title, "NAME", r.Phone, "SOURCE_ID", source, "ASSIGNED_BY_ID", r.User,
		"PHONE", listOf([]*dict{newDict("VALUE", r.Phone, "VALUE_TYPE", "WORK")}),
	)
	if c.p.state.account.Mode == crmClassic {
		fields.del("NAME")
		return c.createFor(r, kindLead, fields)
	}
	fields.del("TITLE")
	if err := c.createFor(r, kindContact, fields); err != nil {
		return err
	}
	contact := r.CRM.ID
	return c.createFor(r, kindDeal, newDict("TITLE", title, "SOURCE_ID", source, "ASSIGNED_BY_ID", r.User, "CONTACT_ID", contact))
}

func (c *call) createFor(r *registration, kindID int, fields *dict) error {
	e, err := c.create(kindID, fields, classicView, false)
	if err != nil {
		return err
	}
	made := activityBinding{kindID, e.ID}
	r.Created = append(r.Created, made)
	if kindID != kindDeal {
		r.CRM = made
	}
	return nil
}

// registered is the answer of register.
func (c *call) registered(r *registration) *dict {
	var lead any
	created := newDict()
	for _, b := range r.Created {
		if b.Kind == kindLead {
			lead = b.ID
		}
		created.append(newDict("ENTITY_TYPE", c.p.state.kindCode(b.Kind), "ENTITY_ID", b.ID))
	}
	kindCode, id := c.clientOf(r)
	return newDict(
		"CALL_ID", r.CallID, "CRM_CREATED_LEAD", lead, "CRM_CREATED_ENTITIES", created, "CRM_ENTITY_TYPE", kindCode, "CRM_ENTITY_ID", id,
	)
}

// clientOf shows whose call it is, as two nulls if nobody's.
func (c *call) clientOf(r *registration) (kindCode, id any) {
	if r.CRM.ID == 0 {
		return nil, nil
	}
	return c.p.state.kindCode(r.CRM.Kind), r.CRM.ID
}
