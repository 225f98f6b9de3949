-- +goose Up
-- What the CRM says of the operators of open lines, beside what was told of them.
ALTER TABLE line_operators ADD COLUMN work_day TEXT NOT NULL DEFAULT ''; -- day_started, day_paused, day_ended; '' = not tracked
ALTER TABLE line_operators ADD COLUMN inactive BOOLEAN NOT NULL DEFAULT FALSE; -- no employee any more

-- +goose Down
ALTER TABLE line_operators DROP COLUMN inactive;
ALTER TABLE line_operators DROP COLUMN work_day;
