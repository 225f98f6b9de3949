-- +goose Up
CREATE TABLE portals (
    slug          TEXT    NOT NULL PRIMARY KEY,
    name          TEXT    NOT NULL,
    bitrix24      TEXT    NOT NULL, -- JSON without secrets
    chat2desk     TEXT    NOT NULL, -- JSON without secrets
    api_key_hash  TEXT    NOT NULL, -- SHA-256, hex; '' = no key
    disabled      BOOLEAN NOT NULL,
    version       BIGINT  NOT NULL,
    created_at    BIGINT  NOT NULL,
    updated_at    BIGINT  NOT NULL
);
CREATE UNIQUE INDEX portals_api_key ON portals (api_key_hash) WHERE api_key_hash <> '';

-- AES-256-GCM, bound to portal and name. Portal '' holds the check value of the key.
CREATE TABLE secrets (
    portal     TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    value      BYTEA  NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (portal, name)
);

-- Every accepted change makes a new version of the whole document.
CREATE TABLE settings (
    portal     TEXT   NOT NULL REFERENCES portals (slug) ON DELETE CASCADE,
    version    BIGINT NOT NULL,
    document   TEXT   NOT NULL, -- JSON
    author     TEXT   NOT NULL,
    reason     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (portal, version)
);

CREATE TABLE audit_log (
    id           TEXT   NOT NULL PRIMARY KEY,
    portal       TEXT   NOT NULL,
    actor        TEXT   NOT NULL,
    action       TEXT   NOT NULL,
    subject      TEXT   NOT NULL,
    reason       TEXT   NOT NULL,
    state_before TEXT   NOT NULL, -- JSON or ''
    state_after  TEXT   NOT NULL, -- JSON or ''
    created_at   BIGINT NOT NULL
);
CREATE INDEX audit_log_portal ON audit_log (portal, id);
CREATE INDEX audit_log_subject ON audit_log (portal, subject, id);

-- +goose Down
DROP TABLE audit_log;
DROP TABLE settings;
DROP TABLE secrets;
DROP TABLE portals;
