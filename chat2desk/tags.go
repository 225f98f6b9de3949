package chat2desk

import (
	"context"
	"errors"
	"net/http"
)

// Assignee is what a tag is put on.
type Assignee string

// The two assignees of tags.
const (
	AssigneeClient  Assignee = "client"
	AssigneeRequest Assignee = "request"
)

// AssignTags puts tags on a client or a request (POST /tags/assign_to). A tag
// that is set already is no error; the service silently skips tags it does not
// know. An unknown assignee is KindNotFound.
func (a *API) AssignTags(ctx context.Context, to Assignee, id int64, tagIDs ...int64) error {
	c := call{method: http.MethodPost, path: path("tags/assign_to"), body: map[string]any{
		"tag_ids": tagIDs, "assignee_type": to, "assignee_id": id,
	}}
	if len(tagIDs) == 0 {
		return c.error(KindInvalid, errors.New("no tags given"))
	}
	_, err := a.do(ctx, c)
	return err
}

// RemoveTag takes a tag from a client or a request (DELETE
// /tags/:id/delete_from). A tag that is not set is KindNotFound: the service
// does not tell it from an unknown client or request.
func (a *API) RemoveTag(ctx context.Context, from Assignee, id, tagID int64) error {
	body := map[string]any{string(from) + "_id": id}
	_, err := a.do(ctx, call{method: http.MethodDelete, path: path("tags/%d/delete_from", tagID), body: body})
	return err
}
