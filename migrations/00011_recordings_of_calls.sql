-- +goose Up
-- The recordings that a call has had.
CREATE INDEX recordings_call ON recordings (portal, call_id, attached_at) WHERE attached_at <> 0;

-- +goose Down
DROP INDEX recordings_call;
