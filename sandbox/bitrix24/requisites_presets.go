package bitrix24

// preset is a requisite template: which fields people see in a requisite.
type preset struct {
	ID, Sort    int
	Name, XMLID string
	Fields      []string
}

const (
	presetCountry = 1                      // of all templates here
	presetsSince  = "2024-01-10T09:00:00Z" // when the portal got its templates
)

// presets are the templates that every portal of that country starts with.
// They cannot be changed here.
var presets = []*preset{
	{1, 500, "Organization", "#CRM_REQUISITE_PRESET_DEF_RU_COMPANY#", []string{
		"RQ_INN", "RQ_COMPANY_NAME", "RQ_COMPANY_FULL_NAME", "RQ_OGRN", "RQ_KPP", "RQ_COMPANY_REG_DATE", "RQ_OKPO", "RQ_OKTMO",
		"RQ_DIRECTOR", "RQ_ACCOUNTANT", "RQ_ADDR", "RQ_SIGNATURE", "RQ_STAMP",
	}},
	{2, 510, "Sole Proprietorship", "#CRM_REQUISITE_PRESET_DEF_RU_INDIVIDUAL#", []string{
		"RQ_LAST_NAME", "RQ_FIRST_NAME", "RQ_SECOND_NAME", "RQ_COMPANY_NAME", "RQ_INN", "RQ_OGRNIP", "RQ_OKPO", "RQ_OKVED", "RQ_ADDR",
	}},
	{3, 520, "Individual", "#CRM_REQUISITE_PRESET_DEF_RU_PERSON#", []string{
		"RQ_LAST_NAME", "RQ_FIRST_NAME", "RQ_SECOND_NAME", "RQ_IDENT_DOC", "RQ_IDENT_DOC_SER", "RQ_IDENT_DOC_NUM", "RQ_IDENT_DOC_DATE",
		"RQ_IDENT_DOC_ISSUED_BY", "RQ_IDENT_DOC_DEP_CODE", "RQ_ADDR",
	}},
}

var presetTable = plainTable[preset]{fields: readFields("preset"), value: (*preset).value}

func presetMethods() []method {
	return []method{
		{name: "crm.requisite.preset.list", scope: "crm", run: (*call).presetList},
		{name: "crm.requisite.preset.get", scope: "crm", run: (*call).presetGet},
		{name: "crm.requisite.preset.fields", scope: "crm", run: func(*call) (any, error) { return presetTable.describe(), nil }},
		{name: "crm.requisite.preset.countries", scope: "crm", run: (*call).presetCountries},
		{name: "crm.requisite.preset.field.list", scope: "crm", run: (*call).presetFieldList},
	}
}

func (t *preset) value(name string) any {
	switch name {
	case "ID":
		return t.ID
	case "ENTITY_TYPE_ID":
		return kindRequisite
	case "COUNTRY_ID":
		return presetCountry
	case "NAME":
		return t.Name
	case "DATE_CREATE":
		return presetsSince
	case "CREATED_BY_ID":
		return 1
	case "ACTIVE":
		return "Y"
	case "SORT":
		return t.Sort
	case "XML_ID":
		return t.XMLID
	default: // never changed
		return nil
	}
}

func foundPreset(id int) (*preset, error) {
	for _, t := range presets {
		if t.ID == id {
			return t, nil
		}
	}
	return nil, legacy("The Preset with ID '%d' is not found", id)
}

func (c *call) presetList() (any, error) {
	return presetTable.list(c, append([]*preset(nil), presets...))
}

func (c *call) presetGet() (any, error) {
	if c.id("id") <= 0 {
		return nil, undefined("ID")
	}
	t, err := foundPreset(c.id("id"))
	if err != nil {
		return nil, err
	}
	return presetTable.row(c, t, nil), nil
}

func (c *call) presetCountries() (any, error) {
	out := newDict()
	for _, country := range [][3]string{
		{"1", "RU", "Russia"},
		{"4", "BY", "Belarus"},
		{"6", "KZ", "Kazakhstan"},
		{"14", "UA", "Ukraine"},
		{"34", "BR", "Brazil"},
		{"46", "DE", "Germany"},
		{"77", "CO", "Colombia"},
		{"110", "PL", "Poland"},
		{"122", "US", "United States"},
		{"132", "FR", "France"},
	} {
		out.append(newDict("ID", toID(country[0]), "CODE", country[1], "TITLE", country[2]))
	}
	return out, nil
}

// presetFieldList lists the fields of a template; unlike templates and
// requisites they have numbers.
func (c *call) presetFieldList() (any, error) {
	v, _ := orEmpty(c.array("preset")).fold("ID")
	t, err := foundPreset(toID(v))
	if err != nil {
		return nil, err
	}
	out := newDict()
	for i, name := range t.Fields {
		short := name == "RQ_INN" || name == "RQ_KPP" || name == "RQ_COMPANY_NAME" || name == "RQ_LAST_NAME" || name == "RQ_FIRST_NAME"
		out.append(newDict("ID", i+1, "FIELD_NAME", name, "FIELD_TITLE", "", "IN_SHORT_LIST", yn(short), "SORT", 510+10*i))
	}
	c.setTotal(len(t.Fields))
	return out, nil
}
