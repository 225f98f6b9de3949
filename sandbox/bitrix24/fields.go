package bitrix24

import (
	"embed"
	"slices"
	"strings"
	"unicode"
)

// kind is one type of CRM entity (bitrix24 reference §3.1).
type kind struct {
	id               int
	name             string // lower case, as in method names and timeline entity types
	title            string // of a default title, "Deal #5"
	short            string // prefix in bindings such as D_5
	uf               string // ENTITY_ID of its user fields
	stage, semantics string // classic names of stage and stage group; "" = no stages
	directory        string // of the stages
}

const (
	kindLead    = 1
	kindDeal    = 2
	kindContact = 3
	kindCompany = 4
)

var kinds = []kind{
	{kindLead, "lead", "Lead", "L", "CRM_LEAD", "STATUS_ID", "STATUS_SEMANTIC_ID", "STATUS"},
	{kindDeal, "deal", "Deal", "D", "CRM_DEAL", "STAGE_ID", "STAGE_SEMANTIC_ID", "DEAL_STAGE"},
	{kindContact, "contact", "Contact", "C", "CRM_CONTACT", "", "", ""},
	{kindCompany, "company", "Company", "CO", "CRM_COMPANY", "", "", ""},
}

// kindNamed finds a kind by its name in any case.
func kindNamed(name string) (kind, bool) {
	i := slices.IndexFunc(kinds, func(k kind) bool { return strings.EqualFold(k.name, name) })
	if i < 0 {
		return kind{}, false
	}
	return kinds[i], true
}

// field describes one field in both views of an entity. The standard ones come
// from fields/*.tsv, whose flags are: q required, r read-only, w writable
// through crm.item all the same, i immutable, m multiple, d deprecated, x
// disabled in crm.item (always null), C classic view only, I crm.item view only,
// f flat view of the multifields.
type field struct {
	classic, item, kind, directory, title                                             string
	required, readOnly, itemWritable, immutable, multiple, deprecated, disabled, flat bool
	inClassic, inItem                                                                 bool
	uf                                                                                *userField // nil for a standard field
}

// schema is all fields of a kind, in order, found by either name.
type schema struct {
	fields    []*field
	byClassic map[string]*field
	byItem    map[string]*field
}

//go:embed fields/*.tsv
var fieldFiles embed.FS

// standard are the fields that every portal has, read once.
var standard = func() map[int][]*field {
	out := map[int][]*field{}
	for _, k := range kinds {
		out[k.id] = readFields(k.name)
	}
	return out
}()

// readFields reads the fields of a kind, or the columns of a smaller table, from fields/*.tsv.
func readFields(name string) []*field {
	raw, err := fieldFiles.ReadFile("fields/" + name + ".tsv")
	if err != nil {
		panic(err) // the files are part of the program
	}
	var out []*field
	for line := range strings.Lines(string(raw)) {
		if !strings.HasPrefix(line, "#") {
			out = append(out, parseField(strings.Split(strings.TrimSpace(line), "\t")))
		}
	}
	return out
}

func parseField(col []string) *field {
	has := func(flag string) bool { return strings.Contains(col[3], flag) }
	return &field{
		classic: col[0], item: strings.Trim(col[1], "-"), kind: col[2], directory: strings.Trim(col[4], "-"), title: col[5],
		required: has("q"), readOnly: has("r"), itemWritable: has("w"), immutable: has("i"), multiple: has("m"),
		deprecated: has("d"), disabled: has("x"), flat: has("f"), inClassic: !has("I"), inItem: !has("C"),
	}
}

// rebuild makes the schema of a kind from its standard and user fields.
func (s *state) rebuild(k kind) {
	sc := &schema{byClassic: map[string]*field{}, byItem: map[string]*field{}}
	sc.fields = slices.Clone(standard[k.id])
	for _, uf := range s.userFields.all() {
		if uf.EntityID == k.uf {
			sc.fields = append(sc.fields, uf.field())
		}
	}
	for _, f := range sc.fields {
		if f.inClassic || f.item == "" {
			sc.byClassic[f.classic] = f
		}
		if f.inItem {
			sc.byItem[f.item] = f
		}
	}
	s.schema[k.id] = sc
}

// named finds a field in one of the views. original switches the names of user
// fields in the crm.item view to UF_CRM_… (useOriginalUfNames).
func (sc *schema) named(name string, v view) *field {
	if v.classic {
		return sc.byClassic[name]
	}
	if v.original {
		if f := sc.byClassic[name]; f != nil && f.uf != nil {
			return f
		}
	}
	if f := sc.byItem[name]; f != nil && (f.uf == nil || !v.original) {
		return f
	}
	return nil
}

// view is the form in which a method shows entities.
type view struct {
	classic  bool // crm.deal.* and the like: upper-case names, values as text
	original bool // crm.item.*: user fields under their own names
}

// name is how the view calls a field; "" if it does not show it.
func (v view) name(f *field) string {
	switch {
	case v.classic && f.inClassic, !v.classic && v.original && f.uf != nil:
		return f.classic
	case !v.classic && f.inItem:
		return f.item
	default:
		return ""
	}
}

// itemName turns UF_CRM_10_DIGIT into the name crm.item uses (bitrix24
// reference §3.2): only letters or only digits after the object number give a
// regular name, everything else just a lower-case prefix.
func itemName(uf string) string {
	rest := strings.TrimPrefix(uf, "UF_CRM_")
	number, tail, cut := strings.Cut(rest, "_")
	if !cut || !only(number, unicode.IsDigit) {
		return "ufCrm_" + rest
	}
	switch {
	case only(tail, unicode.IsDigit):
		return "ufCrm" + number + "_" + tail
	case only(strings.ReplaceAll(tail, "_", ""), unicode.IsLetter):
		return "ufCrm" + number + camel(tail)
	default:
		return "ufCrm_" + rest
	}
}

func only(s string, ok func(rune) bool) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return !ok(r) }) < 0
}

// camel turns AB_CD into AbCd.
func camel(s string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(strings.ToLower(s), "_") {
		if part != "" {
			b.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return b.String()
}

// describe is a field as crm.*.fields shows it.
func (f *field) describe(v view) *dict {
	kind := f.kind
	if !v.classic {
		kind = itemType(kind)
	}
	d := newDict(
		"type", kind, "isRequired", f.required, "isReadOnly", f.readOnly && (v.classic || !f.itemWritable),
		"isImmutable", f.immutable && v.classic, "isMultiple", f.multiple, "isDynamic", f.uf != nil,
	)
	if f.deprecated {
		d.set("isDeprecated", true)
	}
	if f.directory != "" {
		d.set("statusType", f.directory)
	}
	if f.uf != nil {
		f.uf.describe(d, v)
		return d
	}
	d.set("title", f.title)
	if !v.classic {
		d.set("upperName", f.classic)
	}
	return d
}

// itemType is the name of a type in crm.item.fields where it differs.
func itemType(kind string) string {
	if kind == "char" {
		return "boolean"
	}
	return kind
}
