package activities

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"puente/bitrix24"
	"puente/dialog"
	"puente/openlines"
	"puente/phone"
	"puente/workflows"
)

// lookup finds the item of the CRM that stands for the client (openlines
// reference §8): by what Puente remembers of him, by phone in all its forms, and
// by e-mail. The desk learns the item, who is responsible for it, whether the
// client can be written back to, and a pseudonym of phone or e-mail.
func (c *lineCRM) lookup(ctx context.Context) (done workflows.LineCommandDone, err error) {
	person, _, err := c.who(ctx)
	if err != nil {
		return done, err
	}
	facts := openlines.CRMFacts{Result: openlines.LookupNotFound, Identity: c.identity(person)}
	facts.Writable = facts.Identity != ""
	s := &lineSearch{lineCRM: c, person: person}
	best, found, err := s.search(ctx)
	if err != nil {
		return done, err
	}
	if found {
		facts.Result, facts.Item = openlines.LookupFound, openlines.Item{Kind: string(best.kind), ID: int64(best.ID)}
		facts.Responsible = openlines.UserID(best.Responsible)
		if err := c.rememberResponsible(ctx, facts.Item, facts.Responsible); err != nil {
			return done, err
		}
	}
	done.Events = []openlines.Event{c.event(openlines.LookupDone, facts)}
	return done, nil
}

// lineSearch looks for one client.
type lineSearch struct {
	*lineCRM
	person dialog.Client
	ids    map[dialog.Kind][]int64 // hits, and what Puente remembers
}

// search asks who the client may be, and then what of it is open and changed
// last: a deal before a contact before a company before a lead.
func (s *lineSearch) search(ctx context.Context) (lineItem, bool, error) {
	if err := s.recall(ctx); err != nil {
		return lineItem{}, false, err
	}
	if err := s.hunt(ctx); err != nil {
		return lineItem{}, false, err
	}
	items, err := s.look(ctx)
	if err != nil {
		return lineItem{}, false, err
	}
	for _, kind := range []dialog.Kind{dialog.Deal, dialog.Contact, dialog.Company, dialog.Lead} {
		if best, found := newest(items[kind]); found {
			return best, true, nil
		}
	}
	return lineItem{}, false, nil
}

// recall takes what earlier dialogs of the client went to.
func (s *lineSearch) recall(ctx context.Context) error {
	s.ids = map[dialog.Kind][]int64{}
	contact, _, err := s.store.Link(ctx, s.portal, clientKey(s.client))
	if err != nil {
		return err
	}
	s.add(dialog.Contact, contact)
	rows, err := s.store.DialogsOfClient(ctx, s.portal, s.client)
	for _, row := range rows {
		s.add(dialog.Contact, row.ContactID)
		s.add(dialog.Deal, row.DealID)
		s.add(dialog.Lead, row.LeadID)
	}
	return err
}

// maxHits bounds the entities of one kind that are looked at.
const maxHits = 20

func (s *lineSearch) add(kind dialog.Kind, ids ...int64) {
	for _, id := range ids {
		if id != 0 && len(s.ids[kind]) < maxHits && !slices.Contains(s.ids[kind], id) {
			s.ids[kind] = append(s.ids[kind], id)
		}
	}
}

// hunt searches by phone, e-mail and the mark of our own lead, in one request.
func (s *lineSearch) hunt(ctx context.Context) error {
	ways := s.ways()
	var commands []bitrix24.Command
	for _, w := range ways {
		for _, kind := range []dialog.Kind{dialog.Contact, dialog.Company, dialog.Lead} { // twenty hits of one kind hide the next
			commands = append(commands, bitrix24.Command{
				Key: w.name + "-" + string(kind), Method: "crm.duplicate.findbycomm",
				Params: bitrix24.Params{"type": w.typ, "values": w.values, "entity_type": strings.ToUpper(string(kind))},
			})
		}
	}
	commands = append(commands, s.ownLeads()...)
	res, err := s.batch(ctx, false, commands...)
	if err != nil {
		return err
	}
	for _, command := range commands {
		if err := s.takeHits(res, command); err != nil {
			return err
		}
	}
	return nil
}

func (s *lineSearch) ways() (out []way) {
	if number, ok := dialog.ClientPhone(s.settings, s.person); ok {
		out = append(out, way{name: "phone", typ: "PHONE", values: phone.Variants(number)})
	}
	if email := strings.ToLower(strings.TrimSpace(s.person.Email)); email != "" {
		out = append(out, way{name: "email", typ: "EMAIL", values: []string{email}})
	}
	return out
}

// ownLeads finds the lead that a line made for this client: under the pseudonym,
// or under the chat while nothing else was known.
func (s *lineSearch) ownLeads() (out []bitrix24.Command) {
	identities := []string{"chat:" + string(s.command.Chat)}
	if known := s.identity(s.person); known != "" {
		identities = append(identities, known)
	}
	for i, identity := range identities {
		out = append(out, byOrigin("own"+strconv.Itoa(i), dialog.Lead, leadOrigin(identity)))
	}
	return out
}

func (s *lineSearch) takeHits(res results, command bitrix24.Command) error {
	if command.Method == "crm.item.list" {
		rows, err := res.rows(command.Key)
		for _, r := range rows { // a lead that was converted leads to its contact
			s.add(dialog.Lead, int64(r.ID))
			s.add(dialog.Contact, int64(r.ContactID))
		}
		return err
	}
	var hits duplicates
	err := res.read(command.Key, &hits)
	s.add(dialog.Contact, ids(hits.Contact)...)
	s.add(dialog.Company, ids(hits.Company)...)
	s.add(dialog.Lead, ids(hits.Lead)...)
	return err
}

// look reads the hits and the open deals of people and companies, in one request.
func (s *lineSearch) look(ctx context.Context) (map[dialog.Kind][]lineItem, error) {
	commands, kinds := s.lookCommands()
	res, err := s.ask(ctx, commands)
	if err != nil {
		return nil, err
	}
	out := map[dialog.Kind][]lineItem{}
	for i, command := range commands {
		cards, err := readCards(res, command.Key)
		if err != nil {
			return nil, err
		}
		for _, one := range cards {
			out[kinds[i]] = append(out[kinds[i]], lineItem{kind: kinds[i], card: one})
		}
	}
	return out, nil
}

func (s *lineSearch) lookCommands() (commands []bitrix24.Command, kinds []dialog.Kind) {
	add := func(kind dialog.Kind, filter bitrix24.Params) {
		if kind == dialog.Deal || kind == dialog.Lead {
			filter["stageSemanticId"] = "P"
		}
		kinds = append(kinds, kind)
		commands = append(commands, bitrix24.Command{
			Key: "look" + strconv.Itoa(len(commands)), Method: "crm.item.list", Params: bitrix24.Params{
				"entityTypeId": entityTypes[kind], "select": []string{"id", "assignedById", "updatedTime"}, "filter": filter,
				"order": bitrix24.Params{"updatedTime": "DESC"},
			},
		})
	}
	for _, kind := range []dialog.Kind{dialog.Deal, dialog.Contact, dialog.Company, dialog.Lead} {
		if len(s.ids[kind]) > 0 {
			add(kind, bitrix24.Params{"@id": s.ids[kind]})
		}
	}
	for _, contact := range s.ids[dialog.Contact] {
		add(dialog.Deal, bitrix24.Params{"contactIds": contact})
	}
	if companies := s.ids[dialog.Company]; len(companies) > 0 {
		add(dialog.Deal, bitrix24.Params{"@companyId": companies})
	}
	return commands, kinds
}
