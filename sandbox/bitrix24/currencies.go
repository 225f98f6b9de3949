package bitrix24

import (
	"slices"
	"strconv"
)

// currency is one currency of the portal.
type currency struct {
	ID, Sort, Count            int
	Code, Name, Format, Amount string
	Base                       bool
	Updated                    string
}

func currencyMethods() []method {
	return []method{
		{name: "crm.currency.list", scope: "crm", run: (*call).currencyList},
		{name: "crm.currency.get", scope: "crm", run: (*call).currencyGet},
		{name: "crm.currency.fields", scope: "crm", run: (*call).currencyFields},
		{name: "crm.currency.add", scope: "crm", write: true, admin: true, run: (*call).currencyAdd},
		{name: "crm.currency.update", scope: "crm", write: true, admin: true, run: (*call).currencyUpdate},
		{name: "crm.currency.delete", scope: "crm", write: true, admin: true, run: (*call).currencyDelete},
		{name: "crm.currency.base.set", scope: "crm", write: true, admin: true, run: (*call).currencyBase},
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
		"CURRENCY", of.Code, "AMOUNT_CNT", strconv.Itoa(of.Count), "AMOUNT", of.Amount, "SORT", strconv.Itoa(of.Sort), "BASE", yn(of.Base),
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

// foundCurrency is the currency that id names.
func (c *call) foundCurrency() (*currency, error) {
	found := c.p.state.currency(c.str("id"))
	if found == nil {
		return nil, legacy("Not found")
	}
	return found, nil
}

func (c *call) currencyGet() (any, error) {
	found, err := c.foundCurrency()
	if err != nil {
		return nil, err
	}
	row := c.currencyRow(found)
	row.set("LANG", newDict("en", newDict(
		"FORMAT_STRING", found.Format, "FULL_NAME", found.Name, "DEC_POINT", ".", "THOUSANDS_SEP", ",", "DECIMALS", "2",
		"THOUSANDS_VARIANT", "C", "HIDE_ZERO", "Y",
	)))
	return row, nil
}

// currencyFields describes them in the order and with the types of the docs.
func (c *call) currencyFields() (any, error) {
	out := newDict()
	for _, f := range [][4]string{
		{"CURRENCY", "string", "", "Currency"},
		{"AMOUNT_CNT", "int", "", "Face value"},
		{"AMOUNT", "double", "", "Exchange rate"},
		{"BASE", "char", "r", "Base currency"},
		{"SORT", "int", "", "Sorting"},
		{"DATE_UPDATE", "datetime", "r", "Date modified"},
		{"LID", "string", "r", "Website"},
		{"FORMAT_STRING", "string", "r", "Currency output format string"},
		{"FULL_NAME", "string", "r", "Name"},
		{"DEC_POINT", "string", "r", "Decimal point for output"},
		{"THOUSANDS_SEP", "string", "r", "Custom thousands separator for output"},
		{"DECIMALS", "int", "r", "Number of decimal places"},
		{"LANG", "currency_localization", "m", "Language binding"},
	} {
		out.set(f[0], describeField(f[1], f[3], f[2]))
	}
	return out, nil
}

// read takes over the writable fields.
func (of *currency) read(fields *dict, now string) {
	fields.each(func(name string, v any) {
		switch name {
		case "AMOUNT_CNT":
			of.Count = toID(v)
		case "AMOUNT":
			n, _ := toFloat(v)
			of.Amount = strconv.FormatFloat(n, 'f', 4, 64)
		case "SORT":
			of.Sort = toID(v)
		case "FULL_NAME":
			of.Name = toStr(v)
		case "FORMAT_STRING":
			of.Format = toStr(v)
		}
	})
	of.Updated = now
}

func (c *call) currencyAdd() (any, error) {
	fields, err := c.classicFieldsParam()
	if err != nil {
		return nil, err
	}
	code := toStr(first(fields.get("CURRENCY")))
	if code == "" {
		return nil, badRequest("ERROR_CORE", `Undefined array key "CURRENCY"`)
	}
	if len(code) != 3 || c.p.state.currency(code) != nil {
		return nil, legacy("Invalid currency code.")
	}
	made := &currency{ID: c.p.state.currencies.newID(), Code: code, Name: code, Format: "#", Count: 1, Sort: 100}
	made.read(fields, c.p.stamp())
	c.p.state.currencies.put(made.ID, made)
	return code, nil
}

func (c *call) currencyUpdate() (any, error) {
	old, err := c.foundCurrency()
	if err != nil {
		return nil, err
	}
	fields, err := c.classicFieldsParam()
	if err != nil {
		return nil, err
	}
	next := *old
	next.read(fields, c.p.stamp())
	c.p.state.currencies.put(next.ID, &next)
	return true, nil
}

func (c *call) currencyDelete() (any, error) {
	found, err := c.foundCurrency()
	if err != nil {
		return nil, err
	}
	if found.Base {
		return nil, legacy("Cannot delete base currency.")
	}
	c.p.state.currencies.del(found.ID)
	return true, nil
}

func (c *call) currencyBase() (any, error) {
	found, err := c.foundCurrency()
	if err != nil {
		return nil, err
	}
	for _, old := range c.p.state.currencies.all() {
		next := *old
		next.Base = old.ID == found.ID
		c.p.state.currencies.put(next.ID, &next)
	}
	return true, nil
}
