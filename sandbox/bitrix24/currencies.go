package bitrix24

import (
	"slices"
	"strconv"
)

// currency is one currency of the portal.
type currency struct {
	ID, Sort                   int
	Code, Name, Format, Amount string
	Base                       bool
	Updated                    string
}

func currencyMethods() []method {
	return []method{
		{name: "crm.currency.list", scope: "crm", run: (*call).currencyList},
		{name: "crm.currency.get", scope: "crm", run: (*call).currencyGet},
		{name: "crm.currency.base.get", scope: "crm", run: func(c *call) (any, error) { return c.p.state.baseCurrency(), nil }},
		{name: "crm.settings.mode.get", scope: "crm", run: func(c *call) (any, error) { return c.p.state.account.Mode, nil }},
	}
}

func (s *state) currency(code string) *currency {
	all := s.currencies.all()
	i := slices.IndexFunc(all, func(c *currency) bool { return c.Code == code })
	if i < 0 {
		return nil
	}
	return all[i]
}

func (s *state) baseCurrency() string {
	for _, c := range s.currencies.all() {
		if c.Base {
			return c.Code
		}
	}
	return ""
}

func (c *call) currencyRow(of *currency) *dict {
	return newDict(
		"CURRENCY", of.Code, "AMOUNT_CNT", "1", "AMOUNT", of.Amount, "SORT", strconv.Itoa(of.Sort), "BASE", yn(of.Base),
		"FULL_NAME", of.Name, "LID", "en", "FORMAT_STRING", of.Format, "DEC_POINT", ".", "THOUSANDS_SEP", ",", "DECIMALS", "2",
		"DATE_UPDATE", c.p.shown(of.Updated),
	)
}

// currencyList always says total 0 (bitrix24 reference §2.3).
func (c *call) currencyList() (any, error) {
	var rows []*dict
	for _, one := range c.p.state.currencies.all() {
		rows = append(rows, c.currencyRow(one))
	}
	order := c.array("order")
	if order.len() == 0 {
		order = newDict("SORT", "ASC")
	}
	orderRows(rows, order)
	c.setTotal(0)
	return listOf(rows), nil
}

func (c *call) currencyGet() (any, error) {
	found := c.p.state.currency(c.str("id"))
	if found == nil {
		return nil, legacy("Not found")
	}
	return c.currencyRow(found), nil
}
