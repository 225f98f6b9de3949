-- +goose Up
CREATE TABLE syncs (
    id               TEXT   NOT NULL PRIMARY KEY,
    portal           TEXT   NOT NULL,
    kind             TEXT   NOT NULL,
    workflow_id      TEXT   NOT NULL,
    run_id           TEXT   NOT NULL,
    status           TEXT   NOT NULL,
    reason           TEXT   NOT NULL,
    client_id        BIGINT NOT NULL,
    channel_id       BIGINT NOT NULL,
    dialog_id        BIGINT NOT NULL,
    request_id       BIGINT NOT NULL,
    cycle            BIGINT NOT NULL,
    contact_id       BIGINT NOT NULL,
    company_id       BIGINT NOT NULL,
    deal_id          BIGINT NOT NULL,
    lead_id          BIGINT NOT NULL,
    operator         BIGINT NOT NULL,
    rule             TEXT   NOT NULL,
    settings_version BIGINT NOT NULL,
    input            TEXT   NOT NULL, -- JSON or ''
    correction       TEXT   NOT NULL, -- JSON or ''
    error_step       TEXT   NOT NULL,
    error_code       TEXT   NOT NULL,
    error_text       TEXT   NOT NULL,
    attempts         BIGINT NOT NULL,
    reruns           BIGINT NOT NULL,
    requests         BIGINT NOT NULL,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL,
    finished_at      BIGINT NOT NULL
);
CREATE UNIQUE INDEX syncs_workflow ON syncs (portal, workflow_id);
CREATE INDEX syncs_portal ON syncs (portal, created_at, id);
CREATE INDEX syncs_status ON syncs (portal, status, created_at, id);

CREATE TABLE sync_steps (
    sync_id     TEXT   NOT NULL REFERENCES syncs (id) ON DELETE CASCADE,
    name        TEXT   NOT NULL,
    status      TEXT   NOT NULL,
    entity_kind TEXT   NOT NULL,
    entity_id   BIGINT NOT NULL,
    detail      TEXT   NOT NULL,
    error       TEXT   NOT NULL,
    requests    BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    first_at    BIGINT NOT NULL, -- keeps the order of steps when one is done again
    PRIMARY KEY (sync_id, name)
);

CREATE TABLE snapshots (
    sync_id    TEXT   NOT NULL PRIMARY KEY REFERENCES syncs (id) ON DELETE CASCADE,
    portal     TEXT   NOT NULL,
    body       BYTEA  NOT NULL, -- gzip of JSON
    created_at BIGINT NOT NULL
);
CREATE INDEX snapshots_created ON snapshots (portal, created_at);

-- +goose Down
DROP TABLE snapshots;
DROP TABLE sync_steps;
DROP TABLE syncs;
