package activities

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"puente/bitrix24"
	"puente/contactcenter"
	"puente/dialog"
)

// dealsCommand lists deals whole, newest first.
func dealsCommand(key string, filter bitrix24.Params, start int) bitrix24.Command {
	return bitrix24.Command{Key: key, Method: "crm.item.list", Params: bitrix24.Params{
		"entityTypeId": entityTypes[dialog.Deal], "filter": filter, "select": []string{"*"},
		"order": bitrix24.Params{"id": "DESC"}, "start": start, "useOriginalUfNames": "Y",
	}}
}

// ofOwner filters deals by one of their contacts, or by their company.
func ofOwner(kind dialog.Kind, id int64) bitrix24.Params {
	if kind == dialog.Contact {
		return bitrix24.Params{"contactIds": id}
	}
	return bitrix24.Params{"companyId": id}
}

// withDeals adds the newest fifty deals of each candidate, in few requests.
func (d *desk) withDeals(ctx context.Context, kind dialog.Kind, shown []contactcenter.Candidate) error {
	for part := range slices.Chunk(shown, bitrix24.MaxBatch) {
		var commands []bitrix24.Command
		for i, c := range part {
			commands = append(commands, dealsCommand("deals"+strconv.Itoa(i), ofOwner(kind, c.ID), 0))
		}
		res, err := d.ask(ctx, commands)
		if err != nil {
			return err
		}
		for i := range part {
			if part[i].Deals, err = d.readDeals(res, "deals"+strconv.Itoa(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *desk) readDeals(res results, key string) ([]contactcenter.DealBrief, error) {
	rows, err := readCards(res, key)
	if err != nil {
		return nil, err
	}
	out := make([]contactcenter.DealBrief, 0, len(rows))
	for _, c := range rows {
		out = append(out, d.deal(c))
	}
	contactcenter.SortDeals(out)
	return out, nil
}

func (d *desk) contactDeals(ctx context.Context, in contactcenter.ContactDealsQuery) (reply, error) {
	var probes []probe
	if in.ContactID != 0 {
		probes = append(probes, d.byID(dialog.Contact, in.ContactID))
	}
	probes = append(probes, d.byPhone(dialog.Contact, in.Phone)...)
	probes = append(probes, d.byEmail(dialog.Contact, in.Email)...)
	filter := dealFilter{id: in.ContactID, field: "body.contact_id", open: in.OpenOnly, pipeline: in.Pipeline}
	return d.dealsOf(ctx, dialog.Contact, probes, filter, in.Paging)
}

func (d *desk) companyDeals(ctx context.Context, in contactcenter.CompanyDealsQuery) (reply, error) {
	var probes []probe
	if in.CompanyID != 0 {
		probes = append(probes, d.byID(dialog.Company, in.CompanyID))
	}
	probes = append(probes, d.byRequisites(in.INN, "", "")...)
	if in.Title != "" {
		filter := bitrix24.Params{"%title": bitrix24.Literal(in.Title)}
		probes = append(probes, d.byFilter("title", contactcenter.ByTitle, dialog.Company, filter))
	}
	filter := dealFilter{id: in.CompanyID, field: "body.company_id", open: in.OpenOnly, pipeline: in.Pipeline}
	return d.dealsOf(ctx, dialog.Company, probes, filter, in.Paging)
}

// dealFilter narrows the deals of a contact or company.
type dealFilter struct {
	id       int64 // that the caller gave, at field
	field    string
	open     bool
	pipeline *int64
}

func (f dealFilter) params(kind dialog.Kind, owner int64) bitrix24.Params {
	out := ofOwner(kind, owner)
	if f.open {
		out["stageSemanticId"] = "P"
	}
	if f.pipeline != nil {
		out["categoryId"] = *f.pipeline
	}
	return out
}

// maxOwners bounds whose deals are listed: one command each.
const maxOwners = bitrix24.MaxBatch

// dealsOf lists the deals of everybody the probes find, open before closed,
// newest first; an id that the portal does not know is refused.
func (d *desk) dealsOf(ctx context.Context, kind dialog.Kind, probes []probe, f dealFilter, page contactcenter.Paging) (reply, error) {
	h, err := d.hunt(ctx, probes)
	if err != nil {
		return reply{}, err
	}
	if f.id != 0 && len(h.order) == 0 {
		return reply{}, absentEntity(f.field, string(kind), f.id)
	}
	owners := h.order[:min(len(h.order), maxOwners)]
	all, err := d.allDeals(ctx, kind, owners, f)
	if err != nil {
		return reply{}, err
	}
	shown, next, err := pageOf(all, page)
	if err != nil {
		return reply{}, err
	}
	out := contactcenter.Deals{Of: []contactcenter.Ref{}, Deals: shown, NextCursor: next}
	for _, id := range owners {
		out.Of = append(out.Of, contactcenter.Ref{Kind: string(kind), ID: id})
	}
	story := fmt.Sprintf("Deals: %d of %d %s matched", len(all), len(h.order), kind)
	return reply{body: out, story: []string{story}}, nil
}

// allDeals reads up to maxFound deals of the owners, each deal once.
func (d *desk) allDeals(ctx context.Context, kind dialog.Kind, owners []int64, f dealFilter) ([]contactcenter.DealBrief, error) {
	var out []contactcenter.DealBrief
	seen := map[int64]bool{}
	for start := 0; start < maxFound && len(owners) > 0; start += pageSize {
		var commands []bitrix24.Command
		for _, id := range owners {
			commands = append(commands, dealsCommand("of"+strconv.FormatInt(id, 10), f.params(kind, id), start))
		}
		res, err := d.ask(ctx, commands)
		if err != nil {
			return nil, err
		}
		var rest []int64
		for _, id := range owners {
			key := "of" + strconv.FormatInt(id, 10)
			page, err := d.readDeals(res, key)
			if err != nil {
				return nil, err
			}
			for _, deal := range page {
				if !seen[deal.ID] {
					seen[deal.ID] = true
					out = append(out, deal)
				}
			}
			if res.more(key) {
				rest = append(rest, id)
			}
		}
		owners = rest
	}
	contactcenter.SortDeals(out)
	return out, nil
}

// findDeals finds deals that match all that is given.
func (d *desk) findDeals(ctx context.Context, in contactcenter.DealQuery) (reply, error) {
	filter, way := d.dealQuery(in)
	found, more, err := d.listAll(ctx, func(key string, start int) bitrix24.Command { return dealsCommand(key, filter, start) })
	if err != nil {
		return reply{}, err
	}
	candidates := make([]contactcenter.Candidate, 0, len(found))
	for _, one := range found {
		candidate := d.candidate(dialog.Deal, one, []string{way})
		candidate.Deals = []contactcenter.DealBrief{d.deal(one)}
		candidates = append(candidates, candidate)
	}
	contactcenter.SortCandidates(candidates)
	shown, next, err := pageOf(candidates, in.Paging)
	if err != nil {
		return reply{}, err
	}
	if err := d.complete(ctx, dialog.Deal, shown, false); err != nil {
		return reply{}, err
	}
	return reply{
		body:  contactcenter.Found{Candidates: shown, NextCursor: next},
		story: []string{foundStory(contactcenter.KindDeal, candidates, more)},
	}, nil
}

// listAll reads up to maxFound rows: the first page, and if there are more, all
// others in one request.
func (d *desk) listAll(ctx context.Context, page func(key string, start int) bitrix24.Command) (rows []card, more bool, err error) {
	commands := []bitrix24.Command{page("page0", 0)}
	for len(commands) > 0 {
		res, err := d.ask(ctx, commands)
		if err != nil {
			return nil, false, err
		}
		for _, c := range commands {
			part, err := readCards(res, c.Key)
			if err != nil {
				return nil, false, err
			}
			rows = append(rows, part...)
		}
		more = res.more(commands[len(commands)-1].Key)
		first := commands[0].Key == "page0"
		commands = nil
		for n := 1; first && more && n < maxFound/pageSize; n++ {
			commands = append(commands, page("page"+strconv.Itoa(n), n*pageSize))
		}
	}
	return rows, more, nil
}

// dealQuery is the filter of a deal.find, and the strongest of what it asks by.
func (d *desk) dealQuery(in contactcenter.DealQuery) (filter bitrix24.Params, way string) {
	filter, way = bitrix24.Params{}, contactcenter.ByFilter
	put := func(given bool, key string, value any, by string) {
		if given {
			filter[key], way = value, by
		}
	}
	product, known := d.productOf(in.Product)
	put(in.OpenOnly, "stageSemanticId", "P", way)
	put(in.Stage != "", "stageId", bitrix24.Literal(in.Stage), way)
	put(in.Product != "" && known, "categoryId", product.Pipeline, way)
	if in.Pipeline != nil {
		filter["categoryId"] = *in.Pipeline
	}
	put(in.Title != "", "%title", bitrix24.Literal(in.Title), contactcenter.ByTitle)
	put(in.CompanyID != 0, "companyId", in.CompanyID, contactcenter.ByFilter)
	put(in.ContactID != 0, "contactIds", in.ContactID, contactcenter.ByFilter)
	put(in.ExternalID != "", "@originId", originsOf(in.ExternalID), contactcenter.ByExternalID)
	put(in.ID != 0, "id", in.ID, contactcenter.ByID)
	return filter, way
}
