-- +goose Up
CREATE TABLE inbox (
    id          TEXT   NOT NULL PRIMARY KEY,
    portal      TEXT   NOT NULL,
    source      TEXT   NOT NULL,
    dedupe_key  TEXT   NOT NULL,
    hook_type   TEXT   NOT NULL,
    client_id   BIGINT NOT NULL,
    channel_id  BIGINT NOT NULL,
    dialog_id   BIGINT NOT NULL,
    request_id  BIGINT NOT NULL,
    message_id  BIGINT NOT NULL,
    event_time  BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    finished_at BIGINT NOT NULL,
    body        BYTEA  NOT NULL, -- as received
    order_key   TEXT   NOT NULL,
    seq         BIGINT NOT NULL, -- order of acceptance: the database's time, but always above what was there before
    status      TEXT   NOT NULL, -- new, done, ignored, failed
    owner       TEXT   NOT NULL, -- who was handed the row last
    attempts    BIGINT NOT NULL,
    last_error  TEXT   NOT NULL,
    duplicates  BIGINT NOT NULL,
    workflow_id TEXT   NOT NULL
);
CREATE UNIQUE INDEX inbox_dedupe ON inbox (portal, source, dedupe_key);
CREATE INDEX inbox_open_by_key ON inbox (portal, order_key, seq, id) WHERE status = 'new';
CREATE INDEX inbox_seq ON inbox (seq);
CREATE INDEX inbox_request ON inbox (portal, request_id, event_time, id) WHERE request_id <> 0;
CREATE INDEX inbox_dialog ON inbox (portal, client_id, channel_id, event_time, id) WHERE client_id <> 0;
CREATE INDEX inbox_received ON inbox (portal, received_at, id);

-- One row per (portal, order_key) that has unfinished rows. Its row lock and its
-- lease make one process the owner of the whole run of the key.
CREATE TABLE inbox_keys (
    portal    TEXT   NOT NULL,
    order_key TEXT   NOT NULL,
    owner     TEXT   NOT NULL, -- '' = nobody
    ready_at  BIGINT NOT NULL, -- not to be claimed before: end of the lease or of the pause after a failure
    PRIMARY KEY (portal, order_key)
);
CREATE INDEX inbox_keys_ready ON inbox_keys (ready_at);

-- +goose Down
DROP TABLE inbox_keys;
DROP TABLE inbox;
