package activities

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"puente/bitrix24"
	"puente/dialog"
	"puente/phone"
)

const (
	// maxCandidates is how many contacts and leads of one search are looked at closely.
	maxCandidates = 3
	// maxKnownLeads bounds the leads of a client that are remembered: one per channel.
	maxKnownLeads = 20
)

// search looks by origin, remembered lead, phone and e-mail, and at what is
// open for the first candidates of each, in one request: later commands refer
// to earlier ones. A reference to a candidate that is not there goes to the
// portal as text, which may match anything: such an answer is never read.
func (f *finder) search(ctx context.Context) error {
	leads, err := f.knownLeads(ctx)
	if err != nil {
		return err
	}
	origin := bitrix24.Ref("origin", "items", "0", "id")
	commands := append(f.common(), byOrigin("origin", dialog.Contact, clientOrigin(f.in.ClientID)),
		openOf("origin-deals", dialog.Deal, origin), openOf("origin-leads", dialog.Lead, origin))
	commands = append(commands, knownCommands(leads)...)
	ways := f.ways()
	for _, w := range ways {
		commands = append(commands, w.commands()...)
	}
	res, err := f.ask(ctx, commands)
	if err != nil {
		return err
	}
	if err := errors.Join(f.readCommon(ctx, res), f.readOrigin(res), f.readKnown(res)); err != nil {
		return err
	}
	for _, w := range ways {
		if err := f.readWay(res, w); err != nil {
			return err
		}
	}
	return f.claim(ctx, f.candidates()...)
}

// candidates are the contacts that may be chosen.
func (f *finder) candidates() []int64 {
	var ids []int64
	for _, c := range f.found.Contacts {
		ids = append(ids, c.ID)
	}
	return ids
}

func (f *finder) readOrigin(res results) error {
	rows, err := res.rows("origin")
	if err != nil || len(rows) == 0 {
		return err
	}
	contact := int64(rows[0].ID)
	f.addContact(contact, dialog.ByOrigin)
	return f.addOpen(res, "origin-deals", "origin-leads", contact)
}

// knownLeads are the leads that earlier dialogs of this client went to. A
// client with nothing but a messenger identity is recognised only by them.
func (f *finder) knownLeads(ctx context.Context) ([]int64, error) {
	dialogs, err := f.store.DialogsOfClient(ctx, f.portal, f.in.ClientID)
	var ids []int64
	for _, d := range dialogs {
		if d.LeadID != 0 && !slices.Contains(ids, d.LeadID) && len(ids) < maxKnownLeads {
			ids = append(ids, d.LeadID)
		}
	}
	return ids, err
}

// knownCommands ask whether the leads are open, and whom they became.
func knownCommands(leads []int64) []bitrix24.Command {
	if len(leads) == 0 {
		return nil
	}
	contact := bitrix24.Ref("known", "items", "0", "contactId")
	return []bitrix24.Command{
		list("known", dialog.Lead, bitrix24.Params{"@id": leads}),
		list("known-open", dialog.Lead, bitrix24.Params{"@id": leads, "stageSemanticId": "P"}),
		openOf("known-deals", dialog.Deal, contact), openOf("known-leads", dialog.Lead, contact),
	}
}

func (f *finder) readKnown(res results) error {
	all, err := res.rows("known")
	if err != nil {
		return err
	}
	if err := f.addLeads(res, "known-open"); err != nil {
		return err
	}
	if len(all) == 0 || all[0].ContactID == 0 {
		return nil
	}
	contact := int64(all[0].ContactID)
	f.addContact(contact, dialog.ByLink)
	return f.addOpen(res, "known-deals", "known-leads", contact)
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
	if email := f.email(); email != "" {
		out = append(out, way{name: "email", typ: "EMAIL", values: []string{email}, by: dialog.ByEmail})
	}
	return out
}

// commands asks per entity type: twenty hits of one type hide the next
// (bitrix24 reference §3.10).
func (w way) commands() []bitrix24.Command {
	search := func(key, entity string) bitrix24.Command {
		params := bitrix24.Params{"type": w.typ, "values": w.values, "entity_type": entity}
		return bitrix24.Command{Key: key, Method: "crm.duplicate.findbycomm", Params: params}
	}
	out := []bitrix24.Command{search(w.name, "CONTACT"), search(w.name+"-lead", "LEAD")}
	for i := range maxCandidates {
		n := strconv.Itoa(i)
		contact, lead := bitrix24.Ref(w.name, "CONTACT", n), bitrix24.Ref(w.name+"-lead", "LEAD", n)
		out = append(out,
			openOf(w.name+"-deals"+n, dialog.Deal, contact), openOf(w.name+"-leads"+n, dialog.Lead, contact),
			list(w.name+"-lead"+n, dialog.Lead, bitrix24.Params{"id": lead, "stageSemanticId": "P"}))
	}
	return out
}

// duplicates is the answer of crm.duplicate.findbycomm.
type duplicates struct {
	Contact []bitrix24.ID `json:"CONTACT"`
	Lead    []bitrix24.ID `json:"LEAD"`
	Company []bitrix24.ID `json:"COMPANY"`
}

// readWay reads what one way found. Contacts beyond the first few are named as
// candidates only.
func (f *finder) readWay(res results, w way) error {
	var contacts, leads duplicates
	if err := errors.Join(res.read(w.name, &contacts), res.read(w.name+"-lead", &leads)); err != nil {
		return err
	}
	for i, id := range contacts.Contact {
		f.addContact(int64(id), w.by)
		if i < maxCandidates {
			n := strconv.Itoa(i)
			if err := f.addOpen(res, w.name+"-deals"+n, w.name+"-leads"+n, int64(id)); err != nil {
				return err
			}
		}
	}
	for i := range min(len(leads.Lead), maxCandidates) {
		if err := f.addLeads(res, w.name+"-lead"+strconv.Itoa(i)); err != nil {
			return err
		}
	}
	return nil
}

// ownPipeline asks for the deals in the channel's pipeline of contacts that
// have more open deals than one answer holds: the right one may be old.
func (f *finder) ownPipeline(ctx context.Context) error {
	var commands []bitrix24.Command
	for i, contact := range f.crowded {
		commands = append(commands, list("own"+strconv.Itoa(i), dialog.Deal, bitrix24.Params{
			"contactIds": contact, "stageSemanticId": "P", "categoryId": f.in.Channel.Pipeline,
		}))
	}
	res, err := f.ask(ctx, commands)
	if err != nil {
		return err
	}
	for _, c := range commands {
		rows, err := res.rows(c.Key)
		if err != nil {
			return err
		}
		f.found.Deals = appendOpen(f.found.Deals, rows)
	}
	return nil
}

func (f *finder) addContact(id int64, by dialog.MatchedBy) {
	if id == 0 || slices.ContainsFunc(f.found.Contacts, func(c dialog.Candidate) bool { return c.ID == id }) {
		return
	}
	f.found.Contacts = append(f.found.Contacts, dialog.Candidate{ID: id, MatchedBy: by})
}

// addOpen adds what is open for a contact.
func (f *finder) addOpen(res results, deals, leads string, contact int64) error {
	rows, err := res.rows(deals)
	if err != nil {
		return err
	}
	f.found.Deals = appendOpen(f.found.Deals, rows)
	if res.more(deals) && !slices.Contains(f.crowded, contact) {
		f.crowded = append(f.crowded, contact)
	}
	return f.addLeads(res, leads)
}

func (f *finder) addLeads(res results, key string) error {
	rows, err := res.rows(key)
	f.found.Leads = appendOpen(f.found.Leads, rows)
	return err
}

func appendOpen(into []dialog.OpenEntity, rows []item) []dialog.OpenEntity {
	for _, r := range rows {
		known := slices.ContainsFunc(into, func(e dialog.OpenEntity) bool { return e.ID == int64(r.ID) })
		if r.ID != 0 && !known {
			into = append(into, dialog.OpenEntity{
				ID: int64(r.ID), Pipeline: int64(r.CategoryID), ContactID: int64(r.ContactID), CreatedAt: r.Created.Time,
			})
		}
	}
	return into
}
