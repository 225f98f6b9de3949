package activities

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"puente/bitrix24"
	"puente/contactcenter"
	"puente/dialog"
)

// card is one entity as crm.item.list with select * shows it.
type card struct {
	item
	Title       string        `json:"title"`
	Name        string        `json:"name"`
	LastName    string        `json:"lastName"`
	SecondName  string        `json:"secondName"`
	Responsible bitrix24.ID   `json:"assignedById"`
	CompanyID   bitrix24.ID   `json:"companyId"`
	ContactIDs  []bitrix24.ID `json:"contactIds"`
	Updated     bitrix24.Time `json:"updatedTime"`
	Stage       string        `json:"stageId"`
	Semantic    string        `json:"stageSemanticId"`
	Amount      float64       `json:"opportunity"`
	Currency    string        `json:"currencyId"`
	Multifields []multifield  `json:"fm"`
}

// multifield is one phone or e-mail (bitrix24 reference §3.4).
type multifield struct {
	Type  string `json:"typeId"`
	Value string `json:"value"`
}

// cards reads entities by their ids, fifty to a command, all in one request. What
// was deleted meanwhile is not among them.
func (d *desk) cards(ctx context.Context, kind dialog.Kind, of []int64) ([]card, error) {
	var commands []bitrix24.Command
	for chunk := range slices.Chunk(of, pageSize) {
		commands = append(commands, bitrix24.Command{
			Key: "cards" + strconv.Itoa(len(commands)), Method: "crm.item.list", Params: bitrix24.Params{
				"entityTypeId": entityTypes[kind], "filter": bitrix24.Params{"@id": chunk}, "select": []string{"*"},
				"order": bitrix24.Params{"id": "ASC"}, "useOriginalUfNames": "Y",
			},
		})
	}
	res, err := d.batch(ctx, false, commands...)
	if err != nil {
		return nil, err
	}
	var out []card
	for _, c := range commands {
		part, err := readCards(res, c.Key)
		if err != nil {
			return nil, err
		}
		out = append(out, part...)
	}
	return out, nil
}

// readCards reads one page of whole entities.
func readCards(res results, key string) ([]card, error) {
	var page struct {
		Items []card `json:"items"`
	}
	err := res.read(key, &page)
	return page.Items, err
}

func (d *desk) candidate(kind dialog.Kind, c card, ways []string) contactcenter.Candidate {
	out := contactcenter.Candidate{
		Ref: contactcenter.Ref{Kind: string(kind), ID: int64(c.ID)}, Title: c.title(kind),
		Responsible: contactcenter.User{ID: int64(c.Responsible)}, URL: d.card(string(kind), int64(c.ID)),
		CreatedAt: c.Created.UTC(), UpdatedAt: c.Updated.UTC(),
	}
	for _, way := range ways {
		out.MatchedBy = append(out.MatchedBy, contactcenter.Match{By: way})
	}
	for _, m := range c.Multifields {
		switch m.Type {
		case "PHONE":
			out.Phones = append(out.Phones, m.Value)
		case "EMAIL":
			out.Emails = append(out.Emails, m.Value)
		}
	}
	return out
}

func (c card) title(kind dialog.Kind) string {
	if kind == dialog.Contact {
		return strings.Join(strings.Fields(strings.Join([]string{c.Name, c.SecondName, c.LastName}, " ")), " ")
	}
	return c.Title
}

func (d *desk) deal(c card) contactcenter.DealBrief {
	return contactcenter.DealBrief{
		ID: int64(c.ID), Title: c.Title, Pipeline: int64(c.CategoryID), Stage: c.Stage, Open: c.Semantic != "S" && c.Semantic != "F",
		Amount: c.Amount, Currency: c.Currency, ContactID: int64(c.ContactID), CompanyID: int64(c.CompanyID),
		ResponsibleID: int64(c.Responsible), URL: d.card(contactcenter.KindDeal, int64(c.ID)),
		CreatedAt: c.Created.UTC(), UpdatedAt: c.Updated.UTC(),
	}
}
