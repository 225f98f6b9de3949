package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"puente/bitrix24"
	"puente/dialog"
	"puente/phone"
	"puente/settings"
	"puente/store"
	"puente/workflows"
)

// maxCandidates is how many contacts of one search are looked at closely.
const maxCandidates = 3

// FindClient claims the client's keys and asks the CRM in one request who the
// client is and what is open for them. Nothing is written. While another run
// holds a key of the same client the step waits: find-or-create of one person
// is one line of work (design §4).
func (a *Bitrix24) FindClient(ctx context.Context, in workflows.FindInput) (dialog.Found, error) {
	s, err := a.session(ctx, in.Portal, in.SyncID, in.Version)
	if err != nil {
		return dialog.Found{}, classify("find", err)
	}
	f := &finder{session: s, in: in}
	found, err := f.find(ctx)
	if err := errors.Join(err, s.count(ctx)); err != nil {
		return found, classify("find", err)
	}
	step := store.Step{SyncID: in.SyncID, Name: "find", Status: "done", Detail: foundWords(found), Requests: s.requests}
	return found, classify("find", a.Store.SaveStep(ctx, step))
}

// finder is one search for one client.
type finder struct {
	*session
	in     workflows.FindInput
	number phone.Number
	hasTel bool
	stale  []dialog.Kind // kinds whose fields are asked for on the way
	found  dialog.Found
}

func (f *finder) find(ctx context.Context) (dialog.Found, error) {
	f.number, f.hasTel = clientPhone(f.settings, f.snapshot.Client)
	if err := errors.Join(f.claim(ctx), f.findStale(ctx)); err != nil {
		return f.found, err
	}
	contact, linked, err := f.store.Link(ctx, f.portal, clientKey(f.in.ClientID))
	if err != nil {
		return f.found, err
	}
	if linked {
		alive, err := f.byLink(ctx, contact)
		if err != nil || alive {
			return f.found, err
		}
		if err := f.store.DropLink(ctx, f.portal, clientKey(f.in.ClientID)); err != nil {
			return f.found, err
		}
		f.found.Healed = append(f.found.Healed, fmt.Sprintf("the remembered contact %d does not exist any more", contact))
	}
	return f.found, f.search(ctx)
}

// claim takes all keys of the client or says who holds one of them.
func (f *finder) claim(ctx context.Context) error {
	ok, holder, err := f.store.Claim(ctx, f.portal, f.in.Owner, clientKeys(f.in.ClientID, f.number, f.hasTel, f.snapshot.Client.Email), claimLease)
	if err == nil && !ok {
		// Jitter by attempt would be nicer; a second is what a sync takes.
		err = again(errBusy, "another dialog of the same client is being synced: "+holder, busyDelay)
	}
	return err
}

// clientPhone is the client's real phone, if there is one that is not the
// company's own.
func clientPhone(s settings.Settings, c dialog.Client) (phone.Number, bool) {
	number, ok := phone.Normalize(c.Phone, s.General.Country)
	if !ok {
		return phone.Number{}, false
	}
	for _, own := range s.General.OwnPhones {
		if n, valid := phone.Normalize(own, s.General.Country); valid && n.E164 == number.E164 {
			return phone.Number{}, false
		}
	}
	return number, true
}

func clientKeys(client int64, number phone.Number, hasTel bool, email string) []string {
	keys := []string{clientKey(client)}
	if hasTel {
		keys = append(keys, "phone:"+number.E164)
	}
	if email != "" {
		keys = append(keys, "email:"+normalEmail(email))
	}
	slices.Sort(keys)
	return keys
}

// byLink verifies the remembered contact and lists what is open for it, in one request.
func (f *finder) byLink(ctx context.Context, contact int64) (alive bool, err error) {
	commands := append(f.common(),
		bitrix24.Command{Key: "link", Method: "crm.item.get", Params: bitrix24.Params{"entityTypeId": entityTypes[dialog.Contact], "id": contact}},
		openOf("deals", dialog.Deal, contact), openOf("leads", dialog.Lead, contact))
	res, err := f.batch(ctx, false, commands...)
	if err != nil {
		return false, err
	}
	if err := f.readCommon(ctx, res); err != nil {
		return false, err
	}
	if err := res.trouble("link", "deals", "leads"); err != nil {
		return false, err
	}
	var c itemAnswer
	if !res.into("link", &c) || c.Item.ID == 0 {
		return false, nil
	}
	f.found.Contacts = []dialog.Candidate{{ID: contact, MatchedBy: dialog.ByLink}}
	f.addOpen(res, "deals", "leads")
	return true, nil
}

// search looks by origin, phone and e-mail, and at what is open for the first
// candidates of each, in one request: later commands refer to earlier ones. A
// reference to a candidate that is not there finds nothing or fails; its
// answer is not read.
func (f *finder) search(ctx context.Context) error {
	origin := byOrigin("origin", dialog.Contact, clientOrigin(f.in.ClientID))
	commands := append(f.common(), origin,
		openOf("deals-origin", dialog.Deal, bitrix24.Ref("origin", "items", "0", "id")), openOf("leads-origin", dialog.Lead, bitrix24.Ref("origin", "items", "0", "id")))
	ways := f.ways()
	for _, w := range ways {
		commands = append(commands, w.commands()...)
	}
	res, err := f.batch(ctx, false, commands...)
	if err != nil {
		return err
	}
	if err := errors.Join(f.readCommon(ctx, res), res.trouble("origin")); err != nil {
		return err
	}
	var own itemsAnswer
	if res.into("origin", &own) && len(own.Items) > 0 {
		f.addContact(int64(own.Items[0].ID), dialog.ByOrigin)
		f.addOpen(res, "deals-origin", "leads-origin")
	}
	for _, w := range ways {
		if err := f.read(res, w); err != nil {
			return err
		}
	}
	return nil
}

// way is one way to recognise a client: by phone or by e-mail.
type way struct {
	name   string // prefix of the command keys
	typ    string // PHONE or EMAIL
	values []string
	by     dialog.MatchedBy
}

func (f *finder) ways() []way {
	var out []way
	if f.hasTel {
		out = append(out, way{name: "phone", typ: "PHONE", values: phone.Variants(f.number), by: dialog.ByPhone})
	}
	if email := f.snapshot.Client.Email; email != "" {
		out = append(out, way{name: "email", typ: "EMAIL", values: []string{normalEmail(email)}, by: dialog.ByEmail})
	}
	return out
}

// commands asks per entity type: twenty hits of one type hide the next
// (bitrix24 reference §3.10).
func (w way) commands() []bitrix24.Command {
	find := func(key, entity string) bitrix24.Command {
		return bitrix24.Command{Key: key, Method: "crm.duplicate.findbycomm", Params: bitrix24.Params{"type": w.typ, "values": w.values, "entity_type": entity}}
	}
	out := []bitrix24.Command{find(w.name, "CONTACT"), find(w.name+"-lead", "LEAD")}
	for i := range maxCandidates {
		n := strconv.Itoa(i)
		contact, lead := bitrix24.Ref(w.name, "CONTACT", n), bitrix24.Ref(w.name+"-lead", "LEAD", n)
		out = append(out,
			openOf(w.name+"-deals"+n, dialog.Deal, contact),
			openOf(w.name+"-leads"+n, dialog.Lead, contact),
			list(w.name+"-lead"+n, dialog.Lead, bitrix24.Params{"id": lead, "stageSemanticId": "P"}))
	}
	return out
}

// duplicates is the answer of crm.duplicate.findbycomm.
type duplicates struct {
	Contact []bitrix24.ID `json:"CONTACT"`
	Lead    []bitrix24.ID `json:"LEAD"`
}

func (f *finder) read(res results, w way) error {
	if err := res.trouble(w.name, w.name+"-lead"); err != nil {
		return err
	}
	var contacts, leads duplicates
	res.into(w.name, &contacts)
	res.into(w.name+"-lead", &leads)
	for i, id := range contacts.Contact {
		f.addContact(int64(id), w.by)
		if i >= maxCandidates {
			continue // named as a candidate, not looked at
		}
		n := strconv.Itoa(i)
		if err := res.trouble(w.name+"-deals"+n, w.name+"-leads"+n); err != nil {
			return err
		}
		f.addOpen(res, w.name+"-deals"+n, w.name+"-leads"+n)
	}
	for i := range min(len(leads.Lead), maxCandidates) {
		if err := res.trouble(w.name + "-lead" + strconv.Itoa(i)); err != nil {
			return err
		}
		f.addOpen(res, "", w.name+"-lead"+strconv.Itoa(i))
	}
	return nil
}

// common are the commands every search carries: the entity made earlier for
// this very cycle, and what of the portal is not known or stale.
func (f *finder) common() []bitrix24.Command {
	out := []bitrix24.Command{byOrigin("own-deal", dialog.Deal, f.in.Origin), byOrigin("own-lead", dialog.Lead, f.in.Origin)}
	out = append(out, bitrix24.Command{Key: "mode", Method: "crm.settings.mode.get"})
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
	if err := res.trouble("own-deal", "own-lead", "mode"); err != nil {
		return err
	}
	var deal, lead itemsAnswer
	var mode bitrix24.ID
	if res.into("mode", &mode) {
		f.found.Simple = mode == 2
	}
	if f.settings.CRM.Mode != settings.ModeAuto {
		f.found.Simple = f.settings.CRM.Mode == settings.ModeSimple
	}
	if res.into("own-lead", &lead) && len(lead.Items) > 0 {
		f.found.Own = dialog.Ref{Kind: dialog.Lead, ID: int64(lead.Items[0].ID)}
	}
	if res.into("own-deal", &deal) && len(deal.Items) > 0 {
		f.found.Own = dialog.Ref{Kind: dialog.Deal, ID: int64(deal.Items[0].ID)}
	}
	return f.keep(ctx, res)
}

// keep stores what of the portal travelled along.
func (f *finder) keep(ctx context.Context, res results) error {
	names := map[string]string{currencyDirectory: currencyDirectory}
	for _, kind := range f.stale {
		names[fieldsCommand(kind).Key] = fieldsDirectory(kind)
	}
	for key, name := range names {
		if r, ran := res[key]; ran && r.Err == nil && r.Value != nil {
			if err := f.store.SaveDirectory(ctx, f.portal, name, r.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *finder) addContact(id int64, by dialog.MatchedBy) {
	for _, c := range f.found.Contacts {
		if c.ID == id {
			return
		}
	}
	f.found.Contacts = append(f.found.Contacts, dialog.Candidate{ID: id, MatchedBy: by})
}

func (f *finder) addOpen(res results, deals, leads string) {
	f.found.Deals = appendOpen(f.found.Deals, res, deals)
	f.found.Leads = appendOpen(f.found.Leads, res, leads)
}

func appendOpen(into []dialog.OpenEntity, res results, key string) []dialog.OpenEntity {
	var rows itemsAnswer
	if key == "" || !res.into(key, &rows) {
		return into
	}
	for _, r := range rows.Items {
		known := slices.ContainsFunc(into, func(e dialog.OpenEntity) bool { return e.ID == int64(r.ID) })
		if r.ID != 0 && !known {
			into = append(into, dialog.OpenEntity{ID: int64(r.ID), Pipeline: int64(r.CategoryID), ContactID: int64(r.ContactID), CreatedAt: r.Created.Time})
		}
	}
	return into
}

// clientOrigin is the originId of the contact made for a Chat2Desk client.
func clientOrigin(client int64) string { return clientKey(client) }

func foundWords(f dialog.Found) string {
	raw, err := json.Marshal(f) // ids only
	if err != nil {
		return ""
	}
	return string(raw)
}

// normalEmail is the form in which addresses are compared and searched.
func normalEmail(address string) string { return strings.ToLower(strings.TrimSpace(address)) }
