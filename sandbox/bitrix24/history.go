package bitrix24

// stageChange is one row of the stage history (bitrix24 reference §3.13).
type stageChange struct {
	ID, Kind, Type, Owner, Category int
	Semantics, Stage, Created       string
}

// Types of a stage change.
const (
	changeCreated  = 1
	changeMiddle   = 2
	changeFinal    = 3
	changePipeline = 5
)

// recordStage notes the creation or the move of an entity with stages.
func (p *Portal) recordStage(t *entities, e, old *entity) {
	k := t.kind
	if k.stage == "" {
		return
	}
	semantics := p.state.semantics(k, e)
	what := pick(semantics == "P", changeMiddle, changeFinal)
	switch {
	case old == nil:
		what = changeCreated
	case old.int("CATEGORY_ID") != e.int("CATEGORY_ID"):
		what = changePipeline
	case old.str(k.stage) == e.str(k.stage):
		return
	}
	row := &stageChange{
		p.state.history.newID(), k.id, what, e.ID, e.int("CATEGORY_ID"), semantics, e.str(k.stage), p.stamp(),
	}
	p.state.history.put(row.ID, row)
}

func (c *call) stageHistory() (any, error) {
	kindID := c.id("entityTypeId")
	if kindID != kindLead && kindID != kindDeal {
		return nil, badRequest("ENTITY_TYPE_NOT_SUPPORTED", "Entity type %s is not supported", typeName(kindID))
	}
	var rows []*dict
	for _, h := range c.p.state.history.all() {
		if h.Kind == kindID {
			rows = append(rows, c.historyRow(h))
		}
	}
	rows = filterRows(rows, orEmpty(c.array("filter")))
	orderRows(rows, c.array("order"))
	items, names := newDict(), c.array("select").values()
	for _, row := range paged(c, rows, c.start()) {
		items.append(selected(row, names))
	}
	return newDict("items", items), nil
}

func (c *call) historyRow(h *stageChange) *dict {
	row := newDict("ID", h.ID, "TYPE_ID", h.Type, "OWNER_ID", h.Owner, "CREATED_TIME", c.p.shown(h.Created))
	if h.Kind == kindLead {
		row.set("STATUS_SEMANTIC_ID", h.Semantics)
		row.set("STATUS_ID", h.Stage)
		return row
	}
	row.set("CATEGORY_ID", h.Category)
	row.set("STAGE_SEMANTIC_ID", h.Semantics)
	row.set("STAGE_ID", h.Stage)
	return row
}
