-- +goose Up
-- Tickets by their last sign of life: whose run may have ended without giving them back.
CREATE INDEX claim_tickets_quiet ON claim_tickets (expires_at);

-- +goose Down
DROP INDEX claim_tickets_quiet;
