package chat2desk

import (
	"net/http"
	"slices"
)

// tagRows shows the tags with these ids; those deleted meanwhile are left out.
func (c *Company) tagRows(ids []int64) []Tag {
	out := []Tag{}
	for _, id := range ids {
		if t := c.tag(id); t != nil {
			out = append(out, *t)
		}
	}
	return out
}

func (c *Company) listTags(q *call) answer { return listed(c.s.Tags, q.params, plain[Tag]) }

func (c *Company) getTag(q *call) answer {
	t := c.tag(q.path("id"))
	if t == nil {
		return unknown("Tag", q.r.PathValue("id"))
	}
	return one(*t)
}

func (c *Company) createTag(q *call) answer {
	i := slices.IndexFunc(c.s.TagGroups, func(g TagGroup) bool { return g.ID == q.id("tag_group_id") })
	switch {
	case i < 0:
		return failure{http.StatusNotFound, TextNotFound, object{"tag_group_id": []string{"tag group not found"}}}.answer()
	case q.text("tag_label") == "":
		return invalid("tag_label", "can't be blank")
	}
	t := Tag{
		ID: next(&c.s.Ids.Other), GroupID: c.s.TagGroups[i].ID, GroupName: c.s.TagGroups[i].Name,
		Label: q.text("tag_label"), Description: q.text("tag_description"),
	}
	c.s.Tags = append(c.s.Tags, t)
	return one(t)
}

func (c *Company) createTagGroup(q *call) answer {
	if q.text("tag_group_name") == "" {
		return invalid("tag_group_name", "can't be blank")
	}
	group := TagGroup{ID: next(&c.s.Ids.Other), Name: q.text("tag_group_name")}
	c.s.TagGroups = append(c.s.TagGroups, group)
	return one(group)
}

// assignTags is lenient as the service is: a tag that is set already and a tag
// that does not exist are no errors (reference §3.5).
func (c *Company) assignTags(q *call) answer {
	ids, kind, assignee := q.ids("tag_ids"), q.text("assignee_type"), q.id("assignee_id")
	if len(ids) == 0 {
		return invalid("tag_ids", "can't be blank")
	}
	var put func(id int64)
	switch kind {
	case "client":
		if cl, ok := c.s.Clients.get(assignee); ok {
			put = func(id int64) { c.tagClient(cl, id, 0) }
		}
	case "request":
		if r, ok := c.s.Requests.get(assignee); ok {
			put = func(id int64) { c.tagRequest(r, id) }
		}
	default:
		return invalid("assignee_type", "is neither client nor request")
	}
	if put == nil {
		return refused("assignee_id", kind+" does not belong to the company")
	}
	for _, id := range ids {
		if c.tag(id) != nil {
			put(id)
		}
	}
	return done()
}

// removeTag takes a tag from a client or a request; one that is not set is an
// error that speaks of the assignee.
func (c *Company) removeTag(q *call) answer {
	id := q.path("id")
	if c.tag(id) == nil {
		return refused("tag", "tag does not exist")
	}
	if q.has("request_id") {
		r, ok := c.s.Requests.get(q.id("request_id"))
		if !ok || !slices.Contains(r.Tags, id) {
			return refused("request_id", "request not found")
		}
		r.Tags = without(r.Tags, id)
		c.raise(HookUntagRequest, r.ClientID, r.ChannelID, c.tick(), c.tagEvent(id, object{"client_id": r.ClientID, "request_id": r.ID}))
		return done()
	}
	cl, ok := c.s.Clients.get(q.id("client_id"))
	if !ok || !slices.Contains(cl.Tags, id) {
		return refused("client_id", "client not found")
	}
	cl.Tags = without(cl.Tags, id)
	c.raise(HookUntagClient, cl.ID, 0, c.tick(), c.tagEvent(id, object{"client_id": cl.ID}))
	return done()
}

func without(ids []int64, id int64) []int64 {
	return slices.DeleteFunc(slices.Clone(ids), func(other int64) bool { return other == id })
}
