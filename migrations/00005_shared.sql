-- +goose Up
CREATE TABLE budgets (
    portal        TEXT             NOT NULL,
    source        TEXT             NOT NULL,
    level         DOUBLE PRECISION NOT NULL, -- fill of the leaky bucket at updated_at
    updated_at    BIGINT           NOT NULL,
    blocked_until BIGINT           NOT NULL,
    PRIMARY KEY (portal, source)
);

CREATE TABLE sent (
    portal      TEXT   NOT NULL,
    sent_key    TEXT   NOT NULL,
    external_id TEXT   NOT NULL,
    sent_at     BIGINT NOT NULL,
    PRIMARY KEY (portal, sent_key)
);
CREATE INDEX sent_at ON sent (portal, sent_at);

CREATE TABLE directories (
    portal   TEXT   NOT NULL,
    name     TEXT   NOT NULL,
    document TEXT   NOT NULL, -- JSON
    saved_at BIGINT NOT NULL,
    PRIMARY KEY (portal, name)
);

-- +goose Down
DROP TABLE directories;
DROP TABLE sent;
DROP TABLE budgets;
