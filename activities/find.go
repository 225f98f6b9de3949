package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"puente/bitrix24"
	"puente/dialog"
	"puente/settings"
	"puente/store"
	"puente/workflows"
)

// FindClient claims the client's keys and asks the CRM in one request who the
// client is and what is open for them. Nothing is written there. While another
// run holds a key of the same client the step waits: find-or-create of one
// person is one line of work (design §4).
func (a *Bitrix24) FindClient(ctx context.Context, in workflows.FindInput) (dialog.Found, error) {
	s, err := a.session(ctx, in.Portal, in.SyncID, in.Version)
	if err != nil {
		return dialog.Found{}, s.end(ctx, "find", err)
	}
	f := &finder{session: s, in: in}
	err = f.find(ctx)
	requests := s.requests
	if err == nil {
		err = a.Store.SaveStep(ctx, store.Step{
			SyncID: in.SyncID, Name: "find", Status: store.StepDone, Detail: foundWords(f.found), Requests: requests,
		})
	}
	return f.found, s.end(ctx, "find", err)
}

// finder is one search for one client.
type finder struct {
	*session
	in      workflows.FindInput
	stale   []dialog.Kind // kinds whose fields are asked for on the way
	crowded []int64       // contacts with more open deals than one answer holds
	found   dialog.Found
}

func (f *finder) find(ctx context.Context) error {
	contact, linked, err := f.store.Link(ctx, f.portal, clientKey(f.in.ClientID))
	if err != nil {
		return err
	}
	if err := errors.Join(f.claim(ctx, contact), f.findStale(ctx)); err != nil {
		return err
	}
	alive := false
	if linked {
		if alive, err = f.byLink(ctx, contact); err != nil {
			return err
		}
	}
	if !alive {
		if err := f.search(ctx); err != nil {
			return err
		}
	}
	if err := f.ownPipeline(ctx); err != nil {
		return err
	}
	return f.rememberOwn(ctx)
}

// claim takes all keys of the client, and the contacts that are known to be
// the client: two messengers of one person share nothing else. Who cannot have
// them waits, longer with each attempt: the holder may be waiting for a portal
// that is down.
func (f *finder) claim(ctx context.Context, contacts ...int64) error {
	keys := append(f.clientKeys(f.in.ClientID), contactKeys(contacts...)...)
	ok, holder, err := f.store.Claim(ctx, f.portal, f.in.Owner, keys, claimLease)
	if err == nil && !ok {
		err = again(errBusy, "another dialog of the same client is being synced: "+holder, growing(ctx, busyDelay, maxBusyDelay))
	}
	return err
}

// clientKeys are the keys by which the client can be recognised.
func (s *session) clientKeys(client int64) []string {
	keys := []string{clientKey(client)}
	if s.hasTel {
		keys = append(keys, "phone:"+s.number.E164)
	}
	if email := s.email(); email != "" {
		keys = append(keys, "email:"+email)
	}
	return keys
}

// email is the client's address in the form in which addresses are compared
// and searched.
func (s *session) email() string { return strings.ToLower(strings.TrimSpace(s.snapshot.Client.Email)) }

func contactKeys(contacts ...int64) []string {
	var keys []string
	for _, id := range contacts {
		if id != 0 {
			keys = append(keys, fmt.Sprintf("contact:%d", id))
		}
	}
	return keys
}

// byLink verifies the remembered contact and lists what is open for it, in one
// request. A contact that was deleted or merged is forgotten.
func (f *finder) byLink(ctx context.Context, contact int64) (alive bool, err error) {
	commands := append(f.common(), get("link", dialog.Contact, contact),
		openOf("deals", dialog.Deal, contact), openOf("leads", dialog.Lead, contact))
	res, err := f.ask(ctx, commands)
	if err != nil {
		return false, err
	}
	if err := f.readCommon(ctx, res); err != nil {
		return false, err
	}
	if res.absent("link") {
		f.found.Healed = append(f.found.Healed, fmt.Sprintf("the remembered contact %d does not exist any more", contact))
		return false, f.store.DropLink(ctx, f.portal, clientKey(f.in.ClientID))
	}
	if err := res.trouble("link"); err != nil {
		return false, err
	}
	f.addContact(contact, dialog.ByLink)
	return true, f.addOpen(res, "deals", "leads", contact)
}

// common are the commands every search carries: the entity made earlier for
// this very cycle, and what of the portal is not known or stale.
func (f *finder) common() []bitrix24.Command {
	out := []bitrix24.Command{byOrigin("own-deal", dialog.Deal, f.in.Origin), byOrigin("own-lead", dialog.Lead, f.in.Origin)}
	if f.settings.CRM.Mode == settings.ModeAuto {
		out = append(out, bitrix24.Command{Key: "mode", Method: "crm.settings.mode.get"})
	}
	for _, kind := range f.stale {
		out = append(out, fieldsCommand(kind))
	}
	if len(f.stale) > 0 {
		out = append(out, bitrix24.Command{Key: currencyDirectory, Method: "crm.currency.base.get"})
	}
	return out
}

// findStale lists the kinds whose fields a commit will need and nobody asked
// for lately; the answer travels in the same request.
func (f *finder) findStale(ctx context.Context) error {
	if !wantsFields(f.settings) {
		return nil
	}
	for _, kind := range []dialog.Kind{dialog.Deal, dialog.Lead} {
		_, age, found, err := f.store.Directory(ctx, f.portal, fieldsDirectory(kind))
		if err != nil {
			return err
		}
		if !found || age > fieldsAge/2 {
			f.stale = append(f.stale, kind)
		}
	}
	return nil
}

func (f *finder) readCommon(ctx context.Context, res results) error {
	f.found.Simple = f.settings.CRM.Mode == settings.ModeSimple
	if f.settings.CRM.Mode == settings.ModeAuto {
		var mode bitrix24.ID
		if err := res.read("mode", &mode); err != nil {
			return err
		}
		f.found.Simple = mode == 2
	}
	for _, own := range []struct {
		key  string
		kind dialog.Kind
	}{{"own-lead", dialog.Lead}, {"own-deal", dialog.Deal}} {
		rows, err := res.rows(own.key)
		if err != nil {
			return err
		}
		if len(rows) > 0 {
			f.found.Own = dialog.Ref{Kind: own.kind, ID: int64(rows[0].ID)}
		}
	}
	return f.keep(ctx, res)
}

// keep stores what of the portal travelled along. What could not be had is
// asked for again by whoever needs it.
func (f *finder) keep(ctx context.Context, res results) error {
	names := map[string]string{currencyDirectory: currencyDirectory}
	for _, kind := range f.stale {
		key := fieldsCommand(kind).Key
		if _, err := FieldTypes(res[key].Value); err == nil {
			names[key] = fieldsDirectory(kind)
		}
	}
	f.stale = nil // a second search need not ask again
	for key, name := range names {
		if r, ran := res[key]; ran && r.Err == nil && r.Value != nil {
			if err := f.store.SaveDirectory(ctx, f.portal, name, r.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

// rememberOwn notes in the ledger that the entity found by its origin is one
// that this sync made: its answer was lost.
func (f *finder) rememberOwn(ctx context.Context) error {
	if f.found.Own.ID == 0 {
		return nil
	}
	steps, err := f.store.Steps(ctx, f.syncID)
	if err != nil || slices.ContainsFunc(steps, func(s store.Step) bool { return s.Name == stepEntity && s.Status == store.StepDone }) {
		return err
	}
	return f.store.SaveStep(ctx, store.Step{
		SyncID: f.syncID, Name: stepEntity, Status: store.StepDone, EntityKind: string(f.found.Own.Kind), EntityID: f.found.Own.ID,
		Detail: foundAgain,
	})
}

// clientOrigin is the originId of the contact made for a Chat2Desk client.
func clientOrigin(client int64) string { return clientKey(client) }

// foundWords tells a person what was found, ids only, so that the ledger reads
// like a story.
func foundWords(f dialog.Found) string {
	var words []string
	for _, c := range f.Contacts {
		words = append(words, fmt.Sprintf("contact %d (by %s)", c.ID, c.MatchedBy))
	}
	if len(f.Contacts) == 0 {
		words = append(words, "no contact")
	}
	for _, d := range f.Deals {
		words = append(words, fmt.Sprintf("open deal %d in pipeline %d", d.ID, d.Pipeline))
	}
	for _, l := range f.Leads {
		words = append(words, fmt.Sprintf("open lead %d", l.ID))
	}
	if f.Own.ID != 0 {
		words = append(words, fmt.Sprintf("%s %d was made for this very close", f.Own.Kind, f.Own.ID))
	}
	return strings.Join(append(words, f.Healed...), "; ")
}
