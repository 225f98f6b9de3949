package contactcenter

import (
	"encoding/json"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"unicode/utf8"

	"puente/internal/strictdoc"
	"puente/phone"
	"puente/settings"
)

// Bounds of lists and of the additional fields, in entries and characters.
const (
	maxFields     = 500
	maxFieldName  = 200
	maxMulti      = 20 // phones or e-mails, as the tags say
	maxFieldValue = 20_000
	maxAmount     = 1e15 // up to where float64 keeps whole numbers exact
)

// emailTypes are the types of e-mails (bitrix24 reference §3.4); phones have more.
var emailTypes = []string{"", "WORK", "HOME", "MAILING", "OTHER"}

// under puts a name behind a path.
func under(path, name string) string { return strings.TrimPrefix(path+"."+name, ".") }

func (v *validation) newContact(path string, d ContactData) {
	if d.Name == "" && d.LastName == "" && len(d.Phones) == 0 && len(d.Emails) == 0 {
		v.Add(path, "a contact needs a name, a last_name, a phone or an e-mail")
	}
	v.contact(path, d)
}

func (v *validation) contact(path string, d ContactData) {
	v.phones(under(path, "phones"), d.Phones)
	v.emails(under(path, "emails"), d.Emails)
	v.crmFields(under(path, "fields"), d.Fields, contactNames)
}

func (v *validation) newCompany(path string, d CompanyData) {
	if d.Title == "" && d.LegalName == "" && d.INN == "" && d.OGRN == "" && len(d.Phones) == 0 && len(d.Emails) == 0 {
		v.Add(path, "a company needs a title, a legal_name, an INN or OGRN, a phone or an e-mail")
	}
	v.company(path, d)
}

func (v *validation) company(path string, d CompanyData) {
	v.phones(under(path, "phones"), d.Phones)
	v.emails(under(path, "emails"), d.Emails)
	v.codes(path, d.INN, d.KPP, d.OGRN)
	v.crmFields(under(path, "fields"), d.Fields, companyNames)
}

func (v *validation) deal(path string, d DealData) {
	v.product(under(path, "product"), d.Product)
	v.dealValues(path, d)
}

// dealValues is all of a deal but its product.
func (v *validation) dealValues(path string, d DealData) {
	v.stage(under(path, "stage"), d.Stage, d.Pipeline)
	if d.Amount != nil && (*d.Amount < 0 || *d.Amount > maxAmount) {
		v.Add(under(path, "amount"), "must be from 0 to %.0f", maxAmount)
	}
	if d.Currency != "" && !settings.IsCurrency(d.Currency) {
		v.Add(under(path, "currency"), "%q is not a currency; a code of three capital letters like EUR is needed", d.Currency)
	}
	v.crmFields(under(path, "fields"), d.Fields, dealNames)
}

// stage wants a stage of the pipeline that is given beside it.
func (v *validation) stage(path, stage string, pipeline *int64) {
	if stage != "" && pipeline != nil && !settings.StageFits(stage, *pipeline) {
		v.Add(path, "stage %s does not belong to pipeline %d", stage, *pipeline)
	}
}

func (v *validation) phones(path string, rows []Multi) {
	if len(rows) > maxMulti { // which is a problem already
		return
	}
	for i, row := range rows {
		at := fmt.Sprintf("%s[%d].value", path, i)
		if row.Value == "" {
			v.Add(at, "is missing")
			continue
		}
		v.searchedPhone(at, row.Value)
	}
}

// searchedPhone wants "" or a phone of a client.
func (v *validation) searchedPhone(path, raw string) {
	if raw == "" {
		return
	}
	number, ok := phone.Normalize(raw, v.settings.General.Country)
	switch {
	case !ok:
		v.Add(path, "%q is not a phone number; write it as +34 600 111 222", shortened(raw))
	case v.isOwn(number):
		v.Add(path, "%s is one of the company's own numbers (setting general.own_phones), not a client's", number.E164)
	}
}

func (v *validation) isOwn(n phone.Number) bool {
	if v.own == nil {
		v.own = ownPhones(v.settings)
	}
	return slices.Contains(v.own, n.E164)
}

// ownPhones are the company's own numbers in E.164; never nil.
func ownPhones(s settings.Settings) []string {
	own := []string{}
	for _, raw := range s.General.OwnPhones {
		if n, ok := phone.Normalize(raw, s.General.Country); ok {
			own = append(own, n.E164)
		}
	}
	return own
}

func (v *validation) emails(path string, rows []Multi) {
	if len(rows) > maxMulti {
		return
	}
	for i, row := range rows {
		at := fmt.Sprintf("%s[%d]", path, i)
		if row.Value == "" {
			v.Add(at+".value", "is missing")
			continue
		}
		v.searchedEmail(at+".value", row.Value)
		if !slices.Contains(emailTypes, row.Type) {
			v.Add(at+".type", "an e-mail is of the type WORK, HOME, MAILING or OTHER, not %s", shortened(row.Type))
		}
	}
}

// searchedEmail wants "" or a bare address with a domain.
func (v *validation) searchedEmail(path, raw string) {
	if raw == "" {
		return
	}
	parsed, err := mail.ParseAddress(raw)
	if err != nil || parsed.Address != raw || !strings.Contains(raw[strings.LastIndex(raw, "@")+1:], ".") {
		v.Add(path, "%q is not an e-mail address", shortened(raw))
	}
}

func (v *validation) codes(path, inn, kpp, ogrn string) {
	v.code(under(path, "inn"), inn, CheckINN)
	v.code(under(path, "kpp"), kpp, CheckKPP)
	v.code(under(path, "ogrn"), ogrn, CheckOGRN)
}

func (v *validation) code(path, code string, check func(string) error) {
	if code == "" {
		return
	}
	if err := check(code); err != nil {
		v.Add(path, "%s", err)
	}
}

// fields bounds additional fields. Values may be long; their number and names are not.
func (v *validation) fields(path string, fields map[string]string) {
	if len(fields) > maxFields {
		v.Add(path, "has %d entries; at most %d are allowed", len(fields), maxFields)
		return
	}
	for _, name := range strictdoc.SortedKeys(fields) {
		at := under(path, shortened(name))
		if name == "" || utf8.RuneCountInString(name) > maxFieldName {
			v.Add(at, "the name of a field has 1 to %d characters", maxFieldName)
		}
		if size := utf8.RuneCountInString(fields[name]); size > maxFieldValue {
			v.Add(at, "is %d characters long; at most %d are allowed", size, maxFieldValue)
		}
	}
}

// crmFields are additional fields by their CRM names; what has a key of its own
// in the input is refused here, or one would silently overwrite the other.
func (v *validation) crmFields(path string, fields map[string]string, keys map[string]string) {
	v.fields(path, fields)
	for _, name := range strictdoc.SortedKeys(fields) {
		at := under(path, shortened(name))
		key, taken := keys[name]
		switch {
		case taken && key == "":
			v.Add(at, "cannot be set")
		case taken:
			v.Add(at, "has a key of its own: %s", key)
		case !settings.IsFieldName(name):
			v.Add(at, "is not a field name; crm.item names like UF_CRM_CITY are needed")
		}
	}
}

// isEmpty says whether a part of a request is missing or says nothing.
func isEmpty[T any](part *T) bool { return part == nil || isNothing(treeOf(*part)) }

// isNothing says whether all of a JSON value is blank, inner objects too.
func isNothing(value any) bool {
	switch v := value.(type) {
	case map[string]any:
		for _, inner := range v {
			if !isNothing(inner) {
				return false
			}
		}
		return true
	default:
		return isBlank(v)
	}
}

// treeOf is a struct of the input as its JSON; what is empty is not in it.
func treeOf(data any) map[string]any {
	var tree map[string]any
	text, err := json.Marshal(data)
	if err != nil || json.Unmarshal(text, &tree) != nil {
		return nil // what came from JSON can always be written
	}
	return tree
}
