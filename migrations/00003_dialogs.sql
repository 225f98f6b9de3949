-- +goose Up
CREATE TABLE dialogs (
    portal          TEXT   NOT NULL,
    client_id       BIGINT NOT NULL,
    channel_id      BIGINT NOT NULL,
    dialog_id       BIGINT NOT NULL,
    operator_id     BIGINT NOT NULL,
    last_request_id BIGINT NOT NULL,
    transport       TEXT   NOT NULL,
    contact_id      BIGINT NOT NULL,
    deal_id         BIGINT NOT NULL,
    lead_id         BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    PRIMARY KEY (portal, client_id, channel_id)
);
CREATE INDEX dialogs_dialog ON dialogs (portal, dialog_id) WHERE dialog_id <> 0;

CREATE TABLE requests (
    portal      TEXT   NOT NULL,
    request_id  BIGINT NOT NULL,
    dialog_id   BIGINT NOT NULL,
    client_id   BIGINT NOT NULL,
    channel_id  BIGINT NOT NULL,
    type        TEXT   NOT NULL,
    closed_at   BIGINT NOT NULL,
    cycle       BIGINT NOT NULL,
    sync_status TEXT   NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (portal, request_id)
);
CREATE INDEX requests_dialog ON requests (portal, client_id, channel_id, request_id);

CREATE TABLE client_links (
    portal     TEXT   NOT NULL,
    link_key   TEXT   NOT NULL,
    contact_id BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (portal, link_key)
);

CREATE TABLE claims (
    portal     TEXT   NOT NULL,
    claim_key  TEXT   NOT NULL,
    owner      TEXT   NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (portal, claim_key)
);
CREATE INDEX claims_owner ON claims (portal, owner);

-- +goose Down
DROP TABLE claims;
DROP TABLE client_links;
DROP TABLE requests;
DROP TABLE dialogs;
