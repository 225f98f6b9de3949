package setup

import (
	"context"
	"slices"
	"strings"

	"puente/settings"
	"puente/store"
)

// State is how a feature stands.
type State string

// The states of a feature.
const (
	OK      State = "ok"
	Warning State = "warning" // works, but somebody should look
	Note    State = "note"    // cannot be asked: somebody should know
	Off     State = "off"     // does not work, and the settings do not use it
	Missing State = "missing" // does not work until somebody does what Help says
	Failed  State = "failed"  // could not be asked
)

// Lack is the sort of what a feature lacks.
type Lack string

// The lacks.
const (
	LackAccount     Lack = "account"     // no account, or credentials that are refused
	LackApplication Lack = "application" // a webhook is not enough
	LackPermission  Lack = "permission"  // a scope was not given
	LackLicence     Lack = "licence"     // the portal's plan, or a payment
	LackRights      Lack = "rights"      // the user behind webhook or application may not
	LackMethod      Lack = "method"      // the portal is too old, or a module is off
)

// Row is one feature of a portal: how it stands and what to do about it.
type Row struct {
	Feature string `json:"feature"`
	State   State  `json:"state"`
	Detail  string `json:"detail"`
	Help    string `json:"help,omitempty"`
	Lacks   Lack   `json:"lacks,omitempty"`
}

// Report is what works for a portal and what does not.
type Report struct {
	Portal string `json:"portal"`
	Rows   []Row  `json:"features"`
}

// Works reports whether everything works that the settings use: nothing is
// missing or failed.
func (r Report) Works() bool {
	return !slices.ContainsFunc(r.Rows, func(row Row) bool { return row.State == Missing || row.State == Failed })
}

func (r *Report) add(feature string, state State, detail, help string) {
	r.Rows = append(r.Rows, Row{Feature: feature, State: state, Detail: detail, Help: help})
}

// put adds a row; one that the settings do not use cannot be broken.
func (r *Report) put(row Row, used bool) {
	if !used && (row.State == Missing || row.State == Failed) {
		row.State = Off
		row.Detail += "; the settings do not use it"
	}
	r.Rows = append(r.Rows, row)
}

// Check asks both accounts of a portal what works. It reads only.
func (c Checker) Check(ctx context.Context, p store.Portal, s settings.Settings) Report {
	r := &Report{Portal: p.Slug}
	use, err := c.uses(ctx, p, s)
	if err != nil {
		r.add("Open lines", Failed, err.Error(), "")
	}
	c.checkBitrix24(ctx, r, p, s, use)
	if p.Chat2Desk.Token != "" || use.dialogs {
		c.checkChat2Desk(ctx, r, p, s)
	}
	c.checkSettings(ctx, r, p, s)
	return *r
}

// uses says what the settings of a portal need.
type uses struct {
	dialogs, contactCenter, calls, always bool
	lines                                 []store.Line
}

// uses reads it from the settings. A portal with neither Chat2Desk nor a contact
// center is one that somebody is still connecting: for dialogs.
func (c Checker) uses(ctx context.Context, p store.Portal, s settings.Settings) (uses, error) {
	cc := s.ContactCenter
	u := uses{always: true, calls: len(cc.Operators) > 0}
	u.contactCenter = u.calls || len(cc.Products)+len(cc.Fields)+len(cc.Sources) > 0
	u.dialogs = p.Chat2Desk.Token != "" || !u.contactCenter
	if c.Lines == nil {
		return u, nil
	}
	lines, err := c.Lines(ctx, p.Slug)
	u.lines = slices.DeleteFunc(lines, func(l store.Line) bool { return !l.Settings.Active })
	return u, err
}

func (c Checker) checkSettings(ctx context.Context, r *Report, p store.Portal, s settings.Settings) {
	problems := settings.Validate(s)
	more, err := c.ValidateSettings(ctx, p.Slug, s)
	for _, problem := range append(problems, more...) {
		r.add("Settings", Missing, problem.String(), "correct the settings, or create in the portal what they name")
	}
	if err != nil {
		r.add("Settings", Warning, "not everything could be checked: "+strings.ReplaceAll(err.Error(), "\n", "; "), "")
	}
	if len(problems)+len(more) == 0 && err == nil {
		r.add("Settings", OK, "fit the portal", "")
	}
}
