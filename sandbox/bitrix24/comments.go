package bitrix24

import (
	"slices"
	"strconv"
	"strings"
)

// comment is a comment on the timeline of one or more entities.
type comment struct {
	ID, Author    int
	Text, Created string
	Files         []int
	Bindings      []binding
}

// binding names one entity by kind and id.
type binding struct {
	Kind string
	ID   int
}

func timelineKey(kind string, id int) string { return kind + ":" + strconv.Itoa(id) }

func commentMethods() []method {
	return []method{
		{name: "crm.timeline.comment.add", scope: "crm", write: true, exact: true, run: (*call).commentAdd},
		{name: "crm.timeline.comment.update", scope: "crm", write: true, exact: true, run: (*call).commentUpdate},
		{name: "crm.timeline.comment.get", scope: "crm", exact: true, run: (*call).commentGet},
		{name: "crm.timeline.comment.list", scope: "crm", exact: true, run: (*call).commentList},
		{name: "crm.timeline.comment.delete", scope: "crm", write: true, exact: true, run: (*call).commentDelete},
		{name: "crm.timeline.comment.fields", scope: "crm", run: (*call).commentFields},
	}
}

// Errors of the timeline.
var (
	errOwner       = badRequest("OWNER_NOT_FOUND", "Owner was not found")
	errNoComment   = badRequest("NOT_FOUND", "Not found.")
	errEmptyText   = badRequest("INVALID_ARG_VALUE", "Empty comment message")
	errManyOwners  = badRequest("MULTIPLE_BINDINGS", "Element has bindings to multiple entities")
	errTimelineID  = legacy("ID is not defined or invalid.")
	errTimelineGet = legacy("Not found.")
)

// owner reads the entity that ENTITY_TYPE and ENTITY_ID name.
func (s *state) owner(fields *dict) (binding, bool) {
	kindName, _ := fields.get("ENTITY_TYPE")
	id, _ := fields.get("ENTITY_ID")
	k, ok := kindNamed(toStr(kindName))
	n := toID(id)
	return binding{k.name, n}, ok && n > 0 && s.has(k.id, n)
}

// bindComment puts a comment on the timelines of its bindings.
func (s *state) bindComment(id int, c *comment) {
	for _, b := range c.Bindings {
		key := timelineKey(b.Kind, b.ID)
		if i, found := slices.BinarySearch(s.timeline[key], id); !found {
			s.timeline[key] = slices.Insert(s.timeline[key], i, id)
		}
	}
}

func (s *state) unbindComment(id int, b binding) {
	key := timelineKey(b.Kind, b.ID)
	s.timeline[key] = slices.DeleteFunc(s.timeline[key], func(n int) bool { return n == id })
}

// dropTimeline removes the comments of a deleted entity; those bound elsewhere stay there.
func (s *state) dropTimeline(key string) {
	for _, id := range slices.Clone(s.timeline[key]) {
		old := s.comments.rows[id]
		c := *old
		c.Bindings = slices.DeleteFunc(slices.Clone(old.Bindings), func(b binding) bool { return timelineKey(b.Kind, b.ID) == key })
		if len(c.Bindings) == 0 {
			s.comments.del(id)
		} else {
			s.comments.put(id, &c)
		}
	}
	delete(s.timeline, key)
}

func (c *call) commentAdd() (any, error) {
	fields, err := c.itemFieldsParam()
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"ENTITY_ID", "ENTITY_TYPE"} {
		if v, _ := fields.get(name); empty(v) {
			return nil, badRequest("100", "Required fields: %s", name)
		}
	}
	b, ok := c.p.state.owner(fields)
	if !ok {
		return nil, errOwner
	}
	text, _ := fields.get("COMMENT")
	if strings.TrimSpace(toStr(text)) == "" {
		return nil, errEmptyText
	}
	files, _ := fields.get("FILES")
	made := &comment{
		ID: c.p.state.comments.newID(), Author: c.who.user, Text: toStr(text), Created: c.p.stamp(),
		Files: c.commentFiles(files), Bindings: []binding{b},
	}
	c.p.state.comments.put(made.ID, made)
	c.p.state.bindComment(made.ID, made)
	c.touchOwner(b)
	return made.ID, nil
}

// commentFiles keeps the files of FILES, always a list of pairs [name, base64].
func (c *call) commentFiles(raw any) []int {
	list, _ := raw.(*dict)
	var out []int
	for _, item := range list.values() {
		pair, _ := item.(*dict)
		if pair == nil {
			continue
		}
		if f, ok := c.p.storeFile(pair, c.who.user); ok {
			out = append(out, f.ID)
		}
	}
	return out
}

// touchOwner notes activity on an entity's timeline.
func (c *call) touchOwner(b binding) {
	k, _ := kindNamed(b.Kind)
	t := c.p.state.entities[k.id]
	old, ok := t.get(b.ID)
	if !ok {
		return
	}
	e := old.clone()
	e.V["LAST_ACTIVITY_TIME"], e.V["LAST_ACTIVITY_BY"] = c.p.stamp(), c.who.user
	t.keep(e.ID, e)
}

// comment finds the comment that id names.
func (c *call) comment() (*comment, error) {
	v, ok := c.param("id")
	if !ok {
		return nil, missing("id")
	}
	found, ok := c.p.state.comments.get(toID(v))
	if !ok {
		return nil, errNoComment
	}
	return found, nil
}

// commentOwner reads ownerTypeId and ownerId; without them it is the only binding.
func (c *call) commentOwner(of *comment) (binding, error) {
	typeID, id := c.id("ownerTypeId"), c.id("ownerId")
	if typeID == 0 && id == 0 {
		if len(of.Bindings) > 1 {
			return binding{}, errManyOwners
		}
		return of.Bindings[0], nil
	}
	for _, b := range of.Bindings {
		if k, _ := kindNamed(b.Kind); k.id == typeID && b.ID == id {
			return b, nil
		}
	}
	return binding{}, errOwner
}

func (c *call) commentUpdate() (any, error) {
	old, err := c.comment()
	if err != nil {
		return nil, err
	}
	fields, err := c.itemFieldsParam()
	if err != nil {
		return nil, err
	}
	if c.id("ownerId") != 0 {
		if _, err := c.commentOwner(old); err != nil {
			return nil, err
		}
	}
	next := *old
	if text, ok := fields.get("COMMENT"); ok {
		if strings.TrimSpace(toStr(text)) == "" {
			return nil, errEmptyText
		}
		next.Text = toStr(text)
	}
	if files, ok := fields.get("FILES"); ok {
		next.Files = c.commentFiles(files)
	}
	c.p.state.comments.put(next.ID, &next)
	return next.ID, nil
}

func (c *call) commentGet() (any, error) {
	id := c.id("id")
	if id <= 0 {
		return nil, errTimelineID
	}
	found, ok := c.p.state.comments.get(id)
	if !ok {
		return nil, errTimelineGet
	}
	return c.commentRow(found, found.Bindings[0], nil), nil
}

// commentRow shows a comment as it stands on one timeline; no names means all fields.
func (c *call) commentRow(of *comment, on binding, names []any) *dict {
	files := newDict()
	for _, id := range of.Files {
		if f, ok := c.p.state.files.get(id); ok {
			files.set(strconv.Itoa(f.ID), c.diskRow(f))
		}
	}
	all := newDict(
		"ID", strconv.Itoa(of.ID), "ENTITY_ID", strconv.Itoa(on.ID), "ENTITY_TYPE", on.Kind, "CREATED", c.p.shown(of.Created),
		"COMMENT", of.Text, "AUTHOR_ID", strconv.Itoa(of.Author), "FILES", files,
	)
	return selected(all, names)
}

// selected keeps the named members of a row; none, or "*", keeps all.
func selected(row *dict, names []any) *dict {
	if len(names) == 0 || slices.Contains(names, any("*")) {
		return row
	}
	out := newDict()
	row.each(func(k string, v any) {
		if slices.Contains(names, any(k)) {
			out.set(k, v)
		}
	})
	return out
}

func (c *call) commentList() (any, error) {
	filter := orEmpty(c.array("filter"))
	for _, name := range []string{"ENTITY_ID", "ENTITY_TYPE"} {
		if v, _ := filter.get(name); empty(v) {
			return nil, legacy("%s is not defined or invalid.", name)
		}
	}
	b, ok := c.p.state.owner(filter)
	if !ok {
		return nil, errOwner
	}
	found := c.p.state.commentsOf(b)
	c.orderComments(found)
	start := c.start()
	rows, names := newDict(), c.array("select").values()
	for _, one := range paged(c, found, start) {
		rows.append(c.commentRow(one, b, names))
	}
	return rows, nil
}

// commentsOf are the comments on a timeline, oldest first.
func (s *state) commentsOf(b binding) []*comment {
	var found []*comment
	for _, id := range s.timeline[timelineKey(b.Kind, b.ID)] {
		found = append(found, s.comments.rows[id])
	}
	return found
}

func (c *call) orderComments(found []*comment) {
	order := c.array("order")
	for _, name := range orderKeys(order) {
		v, _ := order.get(name)
		desc := strings.EqualFold(toStr(v), "DESC")
		slices.SortStableFunc(found, func(a, b *comment) int {
			n := 0
			switch strings.ToUpper(name) {
			case "ID":
				n = a.ID - b.ID
			case "CREATED":
				n = strings.Compare(a.Created, b.Created)
			case "AUTHOR_ID":
				n = a.Author - b.Author
			}
			return pick(desc, -n, n)
		})
		break // one key is all that the method promises
	}
}

func (c *call) commentDelete() (any, error) {
	found, err := c.comment()
	if err != nil {
		return nil, err
	}
	b, err := c.commentOwner(found)
	if err != nil {
		return nil, err
	}
	c.p.state.unbindComment(found.ID, b)
	next := *found
	next.Bindings = slices.DeleteFunc(slices.Clone(found.Bindings), func(o binding) bool { return o == b })
	if len(next.Bindings) == 0 {
		c.p.state.comments.del(found.ID)
	} else {
		c.p.state.comments.put(found.ID, &next)
	}
	return nil, nil
}

func (c *call) commentFields() (any, error) {
	return newDict(
		"ID", describeField("integer", "ID", "r"), "CREATED", describeField("datetime", "Date added", "r"),
		"ENTITY_ID", describeField("integer", "ID of the element the comment is attached to", "qi"),
		"ENTITY_TYPE", describeField("string", "Type of the element the comment is attached to", "qi"),
		"AUTHOR_ID", describeField("integer", "Author", "i"), "COMMENT", describeField("string", "Comment text", ""),
		"FILES", describeField("attached_diskfile", "File list", "m"),
	), nil
}
