package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"puente/bitrix24"
	"puente/contactcenter"
	"puente/portals"
	"puente/settings"
	"puente/store"
	"puente/workflows"
)

// desk is one step of a contact-center run at one portal: what was asked, the
// settings, and what earlier attempts have done.
type desk struct {
	visit
	registry   *portals.Registry
	row        store.Sync
	revisions  []store.Submission // oldest first; of a method there is one
	submission store.Submission   // the revision at work: of a method the only one, else the newest unless a step names another
	body       []byte             // of the submission
	version    int                // of the settings
	url        string             // https://host of the CRM
	words      []string           // personal data that must not stand in an error
	steps      ledger
	requisites results // of the company that is changed, read along with it
}

// desk opens a step with the given version of the settings; 0 = the newest.
func (a *Bitrix24) desk(ctx context.Context, portal, syncID string, version int) (*desk, error) {
	d := &desk{visit: a.visit(portal, syncID), registry: a.Portals}
	if err := d.read(ctx, version); err != nil {
		return d, err
	}
	var err error
	d.gateway, err = a.Portals.Gateway(ctx, portal)
	return d, err
}

func (d *desk) read(ctx context.Context, version int) error {
	var err error
	if d.row, err = d.store.Sync(ctx, d.portal, d.syncID); err != nil {
		return err
	}
	if d.revisions, err = d.store.Revisions(ctx, d.portal, d.syncID); err != nil {
		return err
	}
	for _, one := range d.revisions {
		d.submission, d.body, d.words = one, one.Body, append(d.words, personal(one.Body)...)
	}
	if err := d.readSettings(ctx, version); err != nil {
		return err
	}
	p, err := d.registry.Portal(ctx, d.portal)
	if err != nil {
		return err
	}
	d.url = portals.WebURL(p)
	return d.readSteps(ctx)
}

func (d *desk) readSettings(ctx context.Context, version int) error {
	var err error
	if d.version = version; version != 0 {
		d.settings, err = d.store.SettingsVersion(ctx, d.portal, version)
		return err
	}
	d.settings, d.version, err = d.store.Settings(ctx, d.portal)
	if errors.Is(err, store.ErrNotFound) {
		return errNoSettings()
	}
	return err
}

func errNoSettings() error {
	return final("open", "NO_SETTINGS",
		"the portal has no settings yet: save them (`puente portal add` or PUT …/settings), and run it again")
}

func (d *desk) readSteps(ctx context.Context) error {
	steps, err := d.store.Steps(ctx, d.syncID)
	d.steps = ledger{}
	for _, s := range steps {
		d.steps[s.Name] = s
	}
	return err
}

// end counts the requests of the step in the ledger and judges its error.
func (d *desk) end(ctx context.Context, step string, err error) error {
	return classify(ctx, step, errors.Join(err, d.count(ctx)), d.words...)
}

// done notes a step in the ledger.
func (d *desk) done(ctx context.Context, name string, of contactcenter.Ref, detail string) error {
	ctx, cancel := kept(ctx)
	defer cancel()
	return d.save(ctx, store.Step{Name: name, Status: store.StepDone, EntityKind: of.Kind, EntityID: of.ID, Detail: detail})
}

func (d *desk) save(ctx context.Context, step store.Step) error {
	step.SyncID, step.Requests, step.At = d.syncID, d.requests, time.Now()
	d.steps[step.Name] = step
	return d.store.SaveStep(ctx, step)
}

// app is the gateway for methods that an inbound webhook must not call.
func (d *desk) app(ctx context.Context) (bitrix24.Gateway, error) {
	return d.registry.App(ctx, d.portal)
}

// through runs f with another gateway; its requests count as those of the step.
func (d *desk) through(g bitrix24.Gateway, f func() error) error {
	old := d.gateway
	d.gateway = g
	defer func() { d.gateway = old }()
	return f()
}

// personalKeys are the members of an input that hold a person's data.
var personalKeys = map[string]bool{
	"name": true, "last_name": true, "second_name": true, "phone": true, "email": true, "value": true, "title": true,
	"comments": true, "comment": true, "address": true, "legal_name": true, "inn": true, "url": true, "fields": true,
}

// personal are the texts of an input that a system may repeat in its errors.
func personal(body []byte) []string {
	var tree any
	if json.Unmarshal(body, &tree) != nil {
		return nil
	}
	return gather(tree, false)
}

func gather(tree any, inside bool) (words []string) {
	switch v := tree.(type) {
	case map[string]any:
		for key, one := range v {
			words = append(words, gather(one, inside || personalKeys[key])...)
		}
	case []any:
		for _, one := range v {
			words = append(words, gather(one, inside)...)
		}
	case string:
		if inside {
			words = append(words, strings.TrimSpace(v))
		}
	}
	return words
}

// card is the address of an entity's page in the CRM.
func (d *desk) card(kind string, id int64) string {
	if d.url == "" {
		return ""
	}
	return fmt.Sprintf("%s/crm/%s/details/%d/", d.url, kind, id)
}

func finishRow(row *store.Sync, status workflows.Status, reason string) {
	row.Status, row.Reason, row.FinishedAt = string(status), reason, time.Now().UTC()
	row.ErrorStep, row.ErrorCode, row.ErrorText = "", "", ""
}

func user(s settings.Settings) int64 {
	if s.Operators.Fallback != 0 {
		return s.Operators.Fallback
	}
	return s.Operators.Administrator
}
