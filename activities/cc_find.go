package activities

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"puente/bitrix24"
	"puente/contactcenter"
	"puente/dialog"
	"puente/phone"
)

const (
	// maxFound is how many candidates of one search are looked at; a search that
	// has more says so.
	maxFound = 500
	// pageSize is a page of the portal's lists (bitrix24 reference §2.3).
	pageSize = 50
	// defaultLimit is the page of a find that names none.
	defaultLimit = 20
)

// hits are the ids that a search came upon, with the ways in which each matched.
type hits struct {
	by    map[int64][]string
	order []int64
	more  bool // there are more than were looked at
}

func (h *hits) add(id int64, way string) {
	if id == 0 {
		return
	}
	if h.by == nil {
		h.by = map[int64][]string{}
	}
	if len(h.by[id]) == 0 {
		if len(h.order) == maxFound {
			h.more = true
			return
		}
		h.order = append(h.order, id)
	}
	if !slices.Contains(h.by[id], way) {
		h.by[id] = append(h.by[id], way)
	}
}

// probe is one command of a search and how its answer is read.
type probe struct {
	command bitrix24.Command
	way     string
	read    func(res results, key string) ([]int64, error)
}

// hunt sends all probes in one request, and in a second one those whose first
// page was not all.
func (d *desk) hunt(ctx context.Context, probes []probe) (*hits, error) {
	res, err := d.send(ctx, probes)
	if err != nil {
		return nil, err
	}
	h, err := hitsOf(res, probes)
	if err != nil {
		return h, err
	}
	var rest []probe
	for _, p := range probes {
		if res.more(p.command.Key) {
			rest = append(rest, p.pages()...)
		}
	}
	for part := range slices.Chunk(rest, bitrix24.MaxBatch) {
		if res, err = d.send(ctx, part); err != nil {
			return h, err
		}
		more, err := hitsOf(res, part)
		if err != nil {
			return h, err
		}
		h.join(more)
		h.more = h.more || res.more(part[len(part)-1].command.Key)
	}
	return h, nil
}

// pages are the pages of a list behind the first one, up to maxFound.
func (p probe) pages() []probe {
	var out []probe
	for start := pageSize; start < maxFound; start += pageSize {
		next := p
		next.command.Key = p.command.Key + "-" + strconv.Itoa(start)
		next.command.Params = bitrix24.Params{"start": start}
		maps.Copy(next.command.Params, p.command.Params)
		out = append(out, next)
	}
	return out
}

// join adds the hits of another search.
func (h *hits) join(other *hits) {
	for _, id := range other.order {
		for _, way := range other.by[id] {
			h.add(id, way)
		}
	}
}

func (d *desk) send(ctx context.Context, probes []probe) (results, error) {
	commands := make([]bitrix24.Command, len(probes))
	for i, p := range probes {
		commands[i] = p.command
	}
	return d.batch(ctx, false, commands...)
}

// hitsOf reads the answers of probes. One for an id that the portal does not
// know finds nobody; every other failure is an error: taken for "nobody there"
// it would make a second entity.
func hitsOf(res results, probes []probe) (*hits, error) {
	h := &hits{}
	for _, p := range probes {
		if p.command.Method == getMethod && res.absent(p.command.Key) {
			continue
		}
		found, err := p.read(res, p.command.Key)
		if err != nil {
			return h, err
		}
		for _, id := range found {
			h.add(id, p.way)
		}
	}
	return h, nil
}

func (d *desk) byID(kind dialog.Kind, id int64) probe {
	return probe{command: get("id", kind, id), way: contactcenter.ByID, read: func(res results, key string) ([]int64, error) {
		var got itemAnswer
		err := res.read(key, &got)
		return []int64{int64(got.Item.ID)}, err
	}}
}

// byComm searches phones or e-mails of one kind of entity: twenty hits of one
// kind would hide the next (bitrix24 reference §3.10).
func (d *desk) byComm(kind dialog.Kind, way string, values []string) probe {
	typ, entity := "PHONE", strings.ToUpper(string(kind))
	if way == contactcenter.ByEmail {
		typ = "EMAIL"
	}
	params := bitrix24.Params{"type": typ, "values": values, "entity_type": entity}
	command := bitrix24.Command{Key: way, Method: "crm.duplicate.findbycomm", Params: params}
	return probe{command: command, way: way, read: func(res results, key string) ([]int64, error) {
		var got duplicates
		err := res.read(key, &got)
		return ids(append(got.Contact, got.Company...)), err
	}}
}

// byPhone is the probe for a phone in all its written forms; none if it cannot
// be read as one.
func (d *desk) byPhone(kind dialog.Kind, raw string) []probe {
	number, ok := phone.Normalize(raw, d.settings.General.Country)
	if !ok {
		return nil
	}
	return []probe{d.byComm(kind, contactcenter.ByPhone, phone.Variants(number))}
}

func (d *desk) byEmail(kind dialog.Kind, raw string) []probe {
	email := strings.ToLower(strings.TrimSpace(raw))
	if email == "" {
		return nil
	}
	return []probe{d.byComm(kind, contactcenter.ByEmail, []string{email})}
}

// byFilter lists the newest entities that match.
func (d *desk) byFilter(key, way string, kind dialog.Kind, filter bitrix24.Params) probe {
	return probe{command: list(key, kind, filter), way: way, read: func(res results, key string) ([]int64, error) {
		rows, err := res.rows(key)
		return itemIDs(rows), err
	}}
}

// byRequisite searches companies by their requisites (bitrix24 reference §3.11).
func (d *desk) byRequisite(way, field, value string) probe {
	command := bitrix24.Command{Key: way, Method: "crm.requisite.list", Params: bitrix24.Params{
		"select": []string{"ID", "ENTITY_ID"}, "order": bitrix24.Params{"ID": "ASC"},
		"filter": bitrix24.Params{field: bitrix24.Literal(value), "ENTITY_TYPE_ID": entityTypes[dialog.Company]},
	}}
	return probe{command: command, way: way, read: func(res results, key string) ([]int64, error) {
		var rows []struct {
			Entity bitrix24.ID `json:"ENTITY_ID"`
		}
		err := res.read(key, &rows)
		out := make([]int64, len(rows))
		for i, r := range rows {
			out[i] = int64(r.Entity)
		}
		return out, err
	}}
}

func (d *desk) findContacts(ctx context.Context, in contactcenter.ContactQuery) (reply, error) {
	var probes []probe
	if in.ID != 0 {
		probes = append(probes, d.byID(dialog.Contact, in.ID))
	}
	probes = append(probes, d.byPhone(dialog.Contact, in.Phone)...)
	probes = append(probes, d.byEmail(dialog.Contact, in.Email)...)
	if in.Name != "" {
		probes = append(probes, d.byFilter("name", contactcenter.ByName, dialog.Contact, nameFilter(in.Name)))
	}
	return d.find(ctx, dialog.Contact, probes, in.WithDeals, in.Paging)
}

// nameFilter matches every word of a name in the first, middle or last name.
func nameFilter(name string) bitrix24.Params {
	filter := bitrix24.Params{}
	for i, word := range strings.Fields(name) {
		if i == 5 { // a name; more words narrow nothing
			break
		}
		word := bitrix24.Literal(word)
		filter[strconv.Itoa(i)] = bitrix24.Params{
			"logic": "OR", "0": bitrix24.Params{"%name": word}, "1": bitrix24.Params{"%lastName": word}, "2": bitrix24.Params{"%secondName": word},
		}
	}
	return filter
}

func (d *desk) findCompanies(ctx context.Context, in contactcenter.CompanyQuery) (reply, error) {
	var probes []probe
	if in.ID != 0 {
		probes = append(probes, d.byID(dialog.Company, in.ID))
	}
	probes = append(probes, d.byPhone(dialog.Company, in.Phone)...)
	probes = append(probes, d.byEmail(dialog.Company, in.Email)...)
	probes = append(probes, d.byRequisites(in.INN, in.KPP, in.OGRN)...)
	if in.Title != "" {
		probes = append(probes, d.byFilter("title", contactcenter.ByTitle, dialog.Company, bitrix24.Params{"%title": bitrix24.Literal(in.Title)}))
	}
	return d.find(ctx, dialog.Company, probes, !in.WithoutDeals, in.Paging)
}

// byRequisites searches by taxpayer numbers; an entrepreneur's OGRN is a field of
// its own.
func (d *desk) byRequisites(inn, kpp, ogrn string) (probes []probe) {
	ogrnField := "RQ_OGRN"
	if len(strings.TrimSpace(ogrn)) == 15 {
		ogrnField = "RQ_OGRNIP"
	}
	for _, r := range []struct{ way, field, value string }{
		{contactcenter.ByINN, "RQ_INN", inn}, {contactcenter.ByKPP, "RQ_KPP", kpp}, {contactcenter.ByOGRN, ogrnField, ogrn},
	} {
		if value := strings.TrimSpace(r.value); value != "" {
			probes = append(probes, d.byRequisite(r.way, r.field, value))
		}
	}
	return probes
}

// find searches, looks at every hit, and answers one page of them, best first
// (contactcenter.SortCandidates).
func (d *desk) find(ctx context.Context, kind dialog.Kind, probes []probe, deals bool, page contactcenter.Paging) (reply, error) {
	h, err := d.hunt(ctx, probes)
	if err != nil {
		return reply{}, err
	}
	cards, err := d.cards(ctx, kind, h.order)
	if err != nil {
		return reply{}, err
	}
	candidates := make([]contactcenter.Candidate, 0, len(cards))
	for _, c := range cards {
		candidates = append(candidates, d.candidate(kind, c, h.by[int64(c.ID)]))
	}
	contactcenter.SortCandidates(candidates)
	shown, next, err := pageOf(candidates, page)
	if err != nil {
		return reply{}, err
	}
	if err := d.complete(ctx, kind, shown, deals); err != nil {
		return reply{}, err
	}
	out := reply{body: contactcenter.Found{Candidates: shown, NextCursor: next}}
	out.story = append(out.story, foundStory(string(kind), candidates, h.more))
	return out, nil
}

// complete fills in names of people and the deals.
func (d *desk) complete(ctx context.Context, kind dialog.Kind, shown []contactcenter.Candidate, deals bool) error {
	if deals {
		if err := d.withDeals(ctx, kind, shown); err != nil {
			return err
		}
	}
	var who []int64
	for _, c := range shown {
		who = append(who, c.Responsible.ID)
	}
	people, err := d.people(ctx, who)
	for i := range shown {
		shown[i].Responsible.Name = people[shown[i].Responsible.ID].fullName()
	}
	return err
}

// pageOf cuts a page out of a sorted list. The cursor is the place in it.
func pageOf[T any](all []T, p contactcenter.Paging) (shown []T, next string, err error) {
	start := 0
	if p.Cursor != "" {
		if start, err = strconv.Atoi(p.Cursor); err != nil || start < 0 {
			return nil, "", &refusal{
				status: http.StatusUnprocessableEntity, detail: "the cursor is not one of this list",
				errors: []problemDetail{{Message: "use next_cursor of the page before", Location: "body.cursor", Value: p.Cursor}},
			}
		}
	}
	start = min(start, len(all))
	end := min(start+cmp.Or(p.Limit, defaultLimit), len(all))
	if end < len(all) {
		next = strconv.Itoa(end)
	}
	return append([]T{}, all[start:end]...), next, nil
}

func foundStory(kind string, found []contactcenter.Candidate, more bool) string {
	var words []string
	for _, c := range found {
		words = append(words, fmt.Sprintf("%d (by %s)", c.ID, waysOf(c.MatchedBy)))
		if len(words) == 20 {
			break
		}
	}
	switch {
	case len(found) == 0:
		return "Found: no " + kind
	case more:
		return fmt.Sprintf("Found: %s %s and more than can be listed", kind, strings.Join(words, ", "))
	default:
		return fmt.Sprintf("Found: %d of kind %s: %s", len(found), kind, strings.Join(words, ", "))
	}
}

func waysOf(matches []contactcenter.Match) string {
	var ways []string
	for _, m := range matches {
		ways = append(ways, m.By)
	}
	return strings.Join(ways, " and ")
}

func ids(list []bitrix24.ID) []int64 {
	out := make([]int64, len(list))
	for i, id := range list {
		out[i] = int64(id)
	}
	return out
}

func itemIDs(rows []item) []int64 {
	out := make([]int64, len(rows))
	for i, r := range rows {
		out[i] = int64(r.ID)
	}
	return out
}
