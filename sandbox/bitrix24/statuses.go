package bitrix24

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// status is one entry of a directory: a stage, a source, a type.
type status struct {
	ID                                 int
	EntityID, StatusID, Name, NameInit string
	Sort, CategoryID                   int
	System                             bool
	Color, Semantics                   string // semantics: "", S or F
}

// directoryNames are the directories a portal has besides those of deal pipelines.
var directoryNames = map[string]string{
	"STATUS": "Lead stages", "SOURCE": "Sources", "CONTACT_TYPE": "Contact type", "COMPANY_TYPE": "Company type",
	"EMPLOYEES": "Number of employees", "INDUSTRY": "Industry", "DEAL_TYPE": "Deal type", "HONORIFIC": "Salutations",
	"QUOTE_STATUS": "Quote stages", "CALL_LIST": "Call statuses", "EVENT_TYPE": "Event type", "DEAL_STAGE": "Deal stages",
}

func statusKey(directory, id string) string { return directory + "\x00" + id }

func statusMethods() []method {
	return []method{
		{name: "crm.status.list", scope: "crm", run: (*call).statusList},
		{name: "crm.status.get", scope: "crm", run: (*call).statusGet},
		{name: "crm.status.add", scope: "crm", write: true, run: (*call).statusAdd},
		{name: "crm.status.update", scope: "crm", write: true, run: (*call).statusUpdate},
		{name: "crm.status.delete", scope: "crm", write: true, run: (*call).statusDelete},
		{name: "crm.status.fields", scope: "crm", run: (*call).statusFields},
		{name: "crm.status.entity.items", scope: "crm", run: (*call).statusItems},
		{name: "crm.status.entity.types", scope: "crm", run: (*call).statusTypes},
	}
}

func (s *state) putStatus(st *status) {
	s.statuses.put(st.ID, st)
	s.statusAt[statusKey(st.EntityID, st.StatusID)] = st
}

// directory are the entries of a directory by SORT.
func (s *state) directory(id string) []*status {
	var out []*status
	for _, st := range s.statuses.all() {
		if st.EntityID == id {
			out = append(out, st)
		}
	}
	slices.SortStableFunc(out, func(a, b *status) int { return a.Sort - b.Sort })
	return out
}

func (s *state) firstStatus(directory string) string {
	if all := s.directory(directory); len(all) > 0 {
		return all[0].StatusID
	}
	return ""
}

// firstStage is where new entities of a pipeline start.
func (s *state) firstStage(k kind, category int) string {
	if k.stage == "" {
		return ""
	}
	return s.firstStatus(k.stages(category))
}

// semantics is the group of an entity's stage: P in work, S won, F lost.
func (s *state) semantics(k kind, e *entity) string {
	if k.stage == "" {
		return ""
	}
	if st := s.statusAt[statusKey(k.stages(e.int("CATEGORY_ID")), e.str(k.stage))]; st != nil && st.Semantics != "" {
		return st.Semantics
	}
	return "P"
}

func (st *status) isStage() bool {
	return st.EntityID == "STATUS" || st.EntityID == "QUOTE_STATUS" || strings.HasPrefix(st.EntityID, "DEAL_STAGE")
}

func (st *status) row() *dict {
	row := newDict(
		"ID", strconv.Itoa(st.ID), "ENTITY_ID", st.EntityID, "STATUS_ID", st.StatusID, "NAME", st.Name, "NAME_INIT", st.NameInit,
		"SORT", strconv.Itoa(st.Sort), "SYSTEM", yn(st.System), "CATEGORY_ID", pick(st.CategoryID == 0, nil, any(strconv.Itoa(st.CategoryID))),
		"COLOR", emptyNil(st.Color), "SEMANTICS", emptyNil(st.Semantics),
	)
	if st.isStage() {
		group := map[string]string{"": "process", "S": "success", "F": "failure"}[st.Semantics]
		if strings.HasSuffix(st.StatusID, "APOLOGY") {
			group = "apology"
		}
		row.set("EXTRA", newDict("SEMANTICS", group, "COLOR", emptyNil(st.Color)))
	}
	return row
}

// statusList gives everything that matches; it has no pages and ignores select.
func (c *call) statusList() (any, error) {
	filter := orEmpty(c.array("filter"))
	if v, ok := filter.get("ENTITY_ID"); ok {
		if _, isArray := v.(*dict); isArray {
			return nil, badRequest("Invalid parameters.", "Invalid parameters.")
		}
	}
	var rows []*dict
	for _, st := range c.p.state.statuses.all() {
		rows = append(rows, st.row())
	}
	rows = filterRows(rows, filter)
	orderRows(rows, c.array("order"))
	c.setTotal(len(rows))
	return listOf(rows), nil
}

func (c *call) status() (*status, error) {
	id := c.id("id")
	if id <= 0 {
		return nil, badRequest("Invalid identifier.", "Invalid identifier.")
	}
	st, ok := c.p.state.statuses.get(id)
	if !ok {
		return nil, badRequest("Status is not found.", "Status is not found.")
	}
	return st, nil
}

func (c *call) statusGet() (any, error) {
	st, err := c.status()
	if err != nil {
		return nil, err
	}
	return st.row(), nil
}

func (c *call) statusAdd() (any, error) {
	fields, err := c.classicFieldsParam()
	if err != nil {
		return nil, err
	}
	get := func(name string) string { v, _ := fields.get(name); return strings.TrimSpace(toStr(v)) }
	var lacks []string
	for _, name := range []string{"ENTITY_ID", "STATUS_ID"} {
		if get(name) == "" {
			lacks = append(lacks, "The field "+name+" is required.")
		}
	}
	directory := get("ENTITY_ID")
	switch {
	case len(lacks) > 0:
		return nil, legacy("%s", strings.Join(lacks, "<br>"))
	case !c.p.state.hasDirectory(directory):
		return nil, legacy("Specified entity type is not supported.")
	case get("NAME") == "":
		return nil, legacy("The field Title is required.")
	}
	st := &status{EntityID: directory, NameInit: "", CategoryID: categoryOf(directory)}
	st.StatusID = prefixed(directory, get("STATUS_ID"))
	if c.p.state.statusAt[statusKey(directory, st.StatusID)] != nil {
		return nil, badRequest("ERROR_CORE", "The specified status ID already exists.")
	}
	if err := c.placeStatus(st, fields); err != nil {
		return nil, err
	}
	st.ID = c.p.state.statuses.newID()
	c.p.state.putStatus(st)
	return st.ID, nil
}

// placeStatus reads the fields that add and update share, and keeps new stages before the won one.
func (c *call) placeStatus(st *status, fields *dict) error {
	get := func(name string) (string, bool) { v, ok := fields.get(name); return toStr(v), ok }
	if name, ok := get("NAME"); ok && strings.TrimSpace(name) != "" {
		st.Name = name
	}
	if color, ok := get("COLOR"); ok {
		st.Color = color
	}
	if sort, ok := get("SORT"); ok {
		st.Sort = toID(sort)
	}
	if extra, ok := fields.get("EXTRA"); ok && st.ID == 0 {
		group, _ := orEmpty(asDict(extra)).get("SEMANTICS")
		st.Semantics = map[string]string{"failure": "F", "apology": "F", "success": "S"}[toStr(group)]
	}
	if semantics, ok := get("SEMANTICS"); ok && st.ID == 0 {
		st.Semantics = semantics
	}
	for _, other := range c.p.state.directory(st.EntityID) {
		if st.isStage() && other.Semantics == "S" && other.ID != st.ID && st.Semantics != "F" && st.Sort > other.Sort {
			return legacy("Cannot create more stages after the final stage because the final successful stage already exists. " +
				"Try using sort order values less than that of the final stage.")
		}
	}
	return nil
}

func asDict(v any) *dict {
	d, _ := v.(*dict)
	return d
}

func (s *state) hasDirectory(id string) bool {
	if n, ok := strings.CutPrefix(id, "DEAL_STAGE_"); ok {
		return s.dealCategory(toID(n)) != nil
	}
	_, ok := directoryNames[id]
	return ok
}

func categoryOf(directory string) int {
	n, _ := strings.CutPrefix(directory, "DEAL_STAGE_")
	return toID(n)
}

// prefixed puts C{n}: before the code of a stage in pipeline n.
func prefixed(directory, id string) string {
	if n := categoryOf(directory); n > 0 && !strings.Contains(id, ":") {
		return "C" + strconv.Itoa(n) + ":" + id
	}
	return id
}

func (c *call) statusUpdate() (any, error) {
	old, err := c.status()
	if err != nil {
		return nil, err
	}
	fields, err := c.classicFieldsParam()
	if err != nil {
		return nil, err
	}
	st := *old
	if err := c.placeStatus(&st, fields); err != nil {
		return nil, err
	}
	c.p.state.putStatus(&st)
	return true, nil
}

func (c *call) statusDelete() (any, error) {
	st, err := c.status()
	if err != nil {
		return nil, err
	}
	forced, _ := orEmpty(c.array("params")).fold("FORCED")
	if st.System && toStr(forced) != "Y" {
		text := `CRM System Status can be deleted only if parameter FORCED is specified and equal to "Y".`
		return nil, badRequest(text, "%s", text)
	}
	if c.p.state.inUse(st) {
		text := "There are active items in this status."
		return nil, badRequest(text, "%s", text)
	}
	c.p.state.statuses.del(st.ID)
	delete(c.p.state.statusAt, statusKey(st.EntityID, st.StatusID))
	return true, nil
}

// inUse says whether an entity stands in the stage.
func (s *state) inUse(st *status) bool {
	for _, t := range s.entities {
		if t.kind.stage == "" || !st.isStage() {
			continue
		}
		for _, e := range t.rows {
			if t.kind.stages(e.int("CATEGORY_ID")) == st.EntityID && e.str(t.kind.stage) == st.StatusID {
				return true
			}
		}
	}
	return false
}

func (c *call) statusFields() (any, error) {
	return newDict(
		"ID", describeField("integer", "ID", "r"), "ENTITY_ID", describeField("string", "Entity ID", "qi"),
		"STATUS_ID", describeField("string", "Status", "qi"), "SORT", describeField("integer", "Sorting", ""),
		"NAME", describeField("string", "Name", "q"), "NAME_INIT", describeField("string", "Default Name", "r"),
		"SYSTEM", describeField("char", "System", "r"), "CATEGORY_ID", describeField("integer", "CATEGORY_ID", "i"),
		"COLOR", describeField("string", "COLOR", ""), "SEMANTICS", describeField("char", "SEMANTICS", "i"),
		"EXTRA", describeField("crm_status_extra", "Additional Fields", ""),
	), nil
}

// statusItems has an error of its own: its text is the code.
func (c *call) statusItems() (any, error) {
	if !c.p.state.hasDirectory(c.str("entityId")) {
		return nil, badRequest("The parameter entityId is not defined or invalid.", "The directory ID is not specified or is incorrect.")
	}
	items := newDict()
	for _, st := range c.p.state.directory(c.str("entityId")) {
		items.append(newDict("NAME", st.Name, "SORT", st.Sort, "STATUS_ID", st.StatusID))
	}
	return items, nil
}

// statusTypes lists the directories; stages tell their first, won and lost entry.
func (c *call) statusTypes() (any, error) {
	types := newDict()
	for _, id := range slices.Sorted(maps.Keys(directoryNames)) {
		row := newDict("ID", id, "NAME", directoryNames[id])
		switch id {
		case "STATUS":
			row.set("SEMANTIC_INFO", c.p.state.semanticInfo(id))
			row.set("ENTITY_TYPE_ID", kindLead)
		case "DEAL_STAGE":
			row.set("SEMANTIC_INFO", c.p.state.semanticInfo(id))
			row.set("FIELD_ATTRIBUTE_SCOPE", "")
			row.set("ENTITY_TYPE_ID", kindDeal)
			row.set("CATEGORY_ID", 0)
		case "QUOTE_STATUS":
			row.set("SEMANTIC_INFO", c.p.state.semanticInfo(id))
			row.set("ENTITY_TYPE_ID", 7)
		}
		types.append(row)
	}
	for _, cat := range c.p.state.categories.all() {
		if cat.Kind == kindDeal && cat.ID > 0 {
			types.append(c.p.state.pipelineType(cat))
		}
	}
	return types, nil
}

func (s *state) pipelineType(cat *category) *dict {
	n := strconv.Itoa(cat.ID)
	return newDict(
		"ID", "DEAL_STAGE_"+n, "NAME", cat.Name+" stages", "PARENT_ID", "DEAL_STAGE", "SEMANTIC_INFO", s.semanticInfo("DEAL_STAGE_"+n),
		"PREFIX", "C"+n, "FIELD_ATTRIBUTE_SCOPE", "category_"+n, "ENTITY_TYPE_ID", kindDeal, "CATEGORY_ID", n,
	)
}

func (s *state) semanticInfo(directory string) *dict {
	won, lost := "", ""
	for _, st := range s.directory(directory) {
		if st.Semantics == "S" {
			won = st.StatusID
		}
		if st.Semantics == "F" && lost == "" {
			lost = st.StatusID
		}
	}
	return newDict("START_FIELD", s.firstStatus(directory), "FINAL_SUCCESS_FIELD", won, "FINAL_UNSUCCESS_FIELD", lost, "FINAL_SORT", 0)
}
