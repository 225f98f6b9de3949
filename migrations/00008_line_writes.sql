-- +goose Up
-- What open lines have written into the channel and the CRM, and what is still
-- without an answer there: a text, an assignment, the chat activity of a session.
CREATE TABLE line_writes (
    portal      TEXT   NOT NULL,
    write_key   TEXT   NOT NULL,
    state       TEXT   NOT NULL, -- sending, unanswered, done
    external_id BIGINT NOT NULL, -- what the other system calls it; 0 = not known
    version     BIGINT NOT NULL, -- of a mark: the last one that was sent
    detail      TEXT   NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (portal, write_key)
);
CREATE INDEX line_writes_kept ON line_writes (portal, updated_at);

-- The session of a chat that is not closed.
CREATE INDEX line_sessions_chat ON line_sessions (portal, chat) WHERE attention < 4;

-- +goose Down
DROP INDEX line_sessions_chat;
DROP TABLE line_writes;
