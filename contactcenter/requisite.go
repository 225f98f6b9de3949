package contactcenter

import (
	"slices"
	"strconv"
	"strings"

	"puente/dialog"
	"puente/internal/strictdoc"
)

// Requisite is what a requisite of the CRM holds of a company
// (crm.requisite.list, bitrix24 reference §3.11). Entrepreneurs have their
// registration number in a field of its own.
type Requisite struct {
	INN    string `json:"RQ_INN"`
	KPP    string `json:"RQ_KPP"`
	OGRN   string `json:"RQ_OGRN"`
	OGRNIP string `json:"RQ_OGRNIP"`
	Name   string `json:"RQ_COMPANY_NAME"`
}

// maxLine is the characters of a text field of requisites and addresses.
const maxLine = 250

func short(text string) string { return dialog.Shorten(text, maxLine) }

// ogrnipLength is the digits of an entrepreneur's registration number.
const ogrnipLength = 15

// HasRequisite says whether there is anything that only a requisite holds.
func HasRequisite(d CompanyData) bool {
	return d.INN != "" || d.KPP != "" || d.OGRN != "" || d.LegalName != "" || d.Address != ""
}

// PickRequisite is the place of the requisite that the data is about: of those
// of a company the one with the same INN and KPP, INN, or OGRN, else the first.
// A company may have several, one for each of its legal entities.
func PickRequisite(all []Requisite, d CompanyData) int {
	sameINN := func(r Requisite) bool { return d.INN != "" && comparableText(r.INN) == d.INN }
	for _, same := range []func(Requisite) bool{
		func(r Requisite) bool { return sameINN(r) && d.KPP != "" && comparableText(r.KPP) == d.KPP },
		sameINN,
		func(r Requisite) bool {
			return d.OGRN != "" && (comparableText(r.OGRN) == d.OGRN || comparableText(r.OGRNIP) == d.OGRN)
		},
	} {
		if i := slices.IndexFunc(all, same); i >= 0 {
			return i
		}
	}
	return 0
}

// RequisiteFields are the fields of a new requisite, without owner, preset and
// marks. NAME is how people see it in the list of requisites.
func RequisiteFields(d CompanyData) map[string]any {
	fields, _ := RequisiteChanges(Requisite{}, d)
	name := oneLine(d.LegalName)
	if name == "" {
		name = oneLine(d.Title)
	}
	if name == "" {
		name = strings.TrimSpace("INN " + d.INN)
	}
	fields["NAME"] = short(name)
	return fields
}

// RequisiteChanges is what an update of a requisite has to write: what was
// given and differs. changed are the CRM names, sorted.
func RequisiteChanges(current Requisite, d CompanyData) (fields map[string]any, changed []string) {
	ogrn, ogrnip := d.OGRN, ""
	if len(d.OGRN) == ogrnipLength {
		ogrn, ogrnip = "", d.OGRN
	}
	fields = map[string]any{}
	for _, f := range []struct{ name, current, given string }{
		{"RQ_INN", current.INN, d.INN},
		{"RQ_KPP", current.KPP, d.KPP},
		{"RQ_OGRN", current.OGRN, ogrn},
		{"RQ_OGRNIP", current.OGRNIP, ogrnip},
		{"RQ_COMPANY_NAME", current.Name, short(oneLine(d.LegalName))},
	} {
		if f.given != "" && comparableText(f.current) != f.given {
			fields[f.name] = f.given
		}
	}
	return fields, strictdoc.SortedKeys(fields)
}

// MissingRequisites is RequisiteChanges for what is still empty.
func MissingRequisites(current Requisite, d CompanyData) (fields map[string]any, changed []string) {
	fields, _ = RequisiteChanges(current, d)
	for name, there := range map[string]string{
		"RQ_INN": current.INN, "RQ_KPP": current.KPP, "RQ_OGRN": current.OGRN, "RQ_OGRNIP": current.OGRNIP, "RQ_COMPANY_NAME": current.Name,
	} {
		if there != "" {
			delete(fields, name)
		}
	}
	return fields, strictdoc.SortedKeys(fields)
}

// AddressFields are the fields of the legal address of a requisite, without
// type and owner; nil if there is none. Long ones go on in the second line.
func AddressFields(d CompanyData) map[string]any {
	text := oneLine(d.Address)
	if text == "" {
		return nil
	}
	runes := []rune(text)
	first := runes[:min(len(runes), maxLine)]
	fields := map[string]any{"ADDRESS_1": string(first)}
	if rest := runes[len(first):]; len(rest) > 0 {
		fields["ADDRESS_2"] = short(string(rest))
	}
	return fields
}

// PipelineOfStages is the pipeline whose stages a directory (ENTITY_ID of
// crm.status.list) holds: DEAL_STAGE is that of pipeline 0, DEAL_STAGE_5 of 5
// (bitrix24 reference §3.8). ok is false for other directories.
func PipelineOfStages(directory string) (pipeline int64, ok bool) {
	if directory == "DEAL_STAGE" {
		return 0, true
	}
	number, ok := strings.CutPrefix(directory, "DEAL_STAGE_")
	pipeline, err := strconv.ParseInt(number, 10, 64)
	return pipeline, ok && err == nil && pipeline > 0
}
