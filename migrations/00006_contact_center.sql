-- +goose Up
-- What the contact center sent: one row per method call, one per revision of a request.
CREATE TABLE submissions (
    id              TEXT   NOT NULL PRIMARY KEY,
    portal          TEXT   NOT NULL,
    kind            TEXT   NOT NULL, -- method, request
    name            TEXT   NOT NULL, -- the method, or the channel of the request
    external_key    TEXT   NOT NULL, -- Idempotency-Key of a method, external id of a request
    idempotency_key TEXT   NOT NULL, -- '' = none was given
    revision        BIGINT NOT NULL, -- 1 for a method
    body_hash       TEXT   NOT NULL, -- SHA-256, hex; stays when the body is gone
    body            BYTEA  NOT NULL, -- as received
    sync_id         TEXT   NOT NULL REFERENCES syncs (id) ON DELETE CASCADE,
    workflow_id     TEXT   NOT NULL,
    seq             BIGINT NOT NULL, -- order of acceptance in the portal
    ready_at        BIGINT NOT NULL, -- not to be started by a relay before: end of the lease of another one
    started_at      BIGINT NOT NULL, -- 0 = Temporal has not taken it yet
    answered_at     BIGINT NOT NULL,
    status_code     BIGINT NOT NULL, -- HTTP status of the answer
    answer          TEXT   NOT NULL, -- JSON or ''
    created_at      BIGINT NOT NULL,
    purged_at       BIGINT NOT NULL  -- when the body was replaced by {}
);
CREATE UNIQUE INDEX submissions_workflow ON submissions (portal, workflow_id, revision);
CREATE UNIQUE INDEX submissions_request_key ON submissions (portal, idempotency_key) WHERE kind = 'request' AND idempotency_key <> '';
CREATE INDEX submissions_sync ON submissions (sync_id, revision);
CREATE INDEX submissions_seq ON submissions (portal, seq);
CREATE INDEX submissions_unstarted ON submissions (ready_at) WHERE started_at = 0;
CREATE INDEX submissions_kept ON submissions (portal, created_at) WHERE purged_at = 0;

-- The last seq of each portal. Its row lock makes the order of seq the order of commits.
CREATE TABLE acceptances (
    portal TEXT   NOT NULL PRIMARY KEY,
    seq    BIGINT NOT NULL
);

-- The queue of the requests of one client: whoever has the lowest seq at a key is next.
CREATE TABLE claim_tickets (
    portal     TEXT   NOT NULL,
    claim_key  TEXT   NOT NULL,
    sync_id    TEXT   NOT NULL,
    seq        BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (portal, claim_key, sync_id)
);
CREATE INDEX claim_tickets_sync ON claim_tickets (portal, sync_id);

CREATE TABLE calls (
    portal         TEXT   NOT NULL,
    call_id        TEXT   NOT NULL, -- the contact center's own
    bitrix_call_id TEXT   NOT NULL,
    activity_id    BIGINT NOT NULL,
    state          TEXT   NOT NULL, -- registered, finished
    user_id        BIGINT NOT NULL,
    contact_id     BIGINT NOT NULL,
    company_id     BIGINT NOT NULL,
    deal_id        BIGINT NOT NULL,
    file_id        BIGINT NOT NULL,
    sha256         TEXT   NOT NULL, -- of the recording, hex
    bytes          BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    PRIMARY KEY (portal, call_id)
);

CREATE TABLE recordings (
    id          TEXT   NOT NULL PRIMARY KEY,
    portal      TEXT   NOT NULL,
    call_id     TEXT   NOT NULL, -- '' = uploaded, not used yet
    sync_id     TEXT   NOT NULL, -- run that attaches it, '' = none yet
    source      TEXT   NOT NULL, -- url, upload
    url         TEXT   NOT NULL,
    file_name   TEXT   NOT NULL,
    path        TEXT   NOT NULL, -- below the directory of recordings, '' = not stored
    bytes       BIGINT NOT NULL,
    sha256      TEXT   NOT NULL,
    state       TEXT   NOT NULL, -- waiting, stored, attached, gone
    created_at  BIGINT NOT NULL,
    attached_at BIGINT NOT NULL
);
CREATE INDEX recordings_sync ON recordings (portal, sync_id, created_at) WHERE sync_id <> '';
CREATE INDEX recordings_kept ON recordings (portal, state, created_at) WHERE state <> 'gone';

-- +goose Down
DROP TABLE recordings;
DROP TABLE calls;
DROP TABLE claim_tickets;
DROP TABLE acceptances;
DROP TABLE submissions;
