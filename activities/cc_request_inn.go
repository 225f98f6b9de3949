package activities

import (
	"slices"
	"strings"

	"puente/bitrix24"
	"puente/contactcenter"
	"puente/dialog"
)

// innKey is the command that reads the requisites of candidates.
const innKey = "see-requisites"

func (r *request) wantsINN() bool { return r.req.Company != nil && r.req.Company.INN != "" }

func requisitesOf(companies []int64) bitrix24.Command {
	return bitrix24.Command{Key: innKey, Method: "crm.requisite.list", Params: bitrix24.Params{
		"filter": bitrix24.Params{"ENTITY_TYPE_ID": entityTypes[dialog.Company], "@ENTITY_ID": companies},
		"order":  bitrix24.Params{"ID": "ASC"}, "select": []string{"ENTITY_ID", "RQ_INN"},
	}}
}

// sameINN leaves out companies that only look alike: one with the title or phone
// of the client but another taxpayer number is another company.
func (r *request) sameINN(res results, candidates []contactcenter.Seen) ([]contactcenter.Seen, error) {
	var rows []struct {
		Company bitrix24.ID `json:"ENTITY_ID"`
		INN     string      `json:"RQ_INN"`
	}
	if !r.wantsINN() || len(candidates) == 0 {
		return candidates, nil
	}
	if err := res.read(innKey, &rows); err != nil {
		return nil, err
	}
	known := map[int64][]string{}
	for _, row := range rows {
		if inn := strings.TrimSpace(row.INN); inn != "" {
			known[int64(row.Company)] = append(known[int64(row.Company)], inn)
		}
	}
	return slices.DeleteFunc(candidates, func(c contactcenter.Seen) bool {
		sure := slices.ContainsFunc(c.By, func(way string) bool { return way == contactcenter.ByLink || way == contactcenter.ByExternalID })
		return !sure && len(known[c.ID]) > 0 && !slices.Contains(known[c.ID], r.req.Company.INN)
	}), nil
}
