package demo

import (
	"context"
	"fmt"
	"net/http"

	"golang.org/x/sync/errgroup"
)

// chat is the sandbox Chat2Desk.
type chat struct{ caller }

// playAll plays scenes at the same time and notes their ids in rows.
func (c chat) playAll(ctx context.Context, scenes []Scene, rows []Row) error {
	group, ctx := errgroup.WithContext(ctx)
	for i, scene := range scenes {
		group.Go(func() error {
			rows[i].Scene = scene
			if err := c.do(ctx, http.MethodPost, "/sandbox/dialogs", scene.Script, &rows[i].ids); err != nil {
				return fmt.Errorf("scene %q: %w", scene.Title, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// ids are those of a played scene.
type ids struct {
	ClientID  int64 `json:"client_id"`
	DialogID  int64 `json:"dialog_id"`
	RequestID int64 `json:"request_id"`
	ChannelID int64 `json:"channel_id"`
}
