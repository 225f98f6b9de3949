-- +goose Up
-- Open lines: how they are set now. What they were before stands in line_versions.
CREATE TABLE lines (
    portal     TEXT   NOT NULL,
    id         TEXT   NOT NULL, -- slug
    version    BIGINT NOT NULL,
    document   TEXT   NOT NULL, -- JSON of the settings
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (portal, id)
);

CREATE TABLE line_versions (
    portal     TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    version    BIGINT NOT NULL,
    document   TEXT   NOT NULL,
    author     TEXT   NOT NULL,
    reason     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (portal, id, version)
);

-- A channel belongs to at most one line of the portal.
CREATE TABLE line_channels (
    portal  TEXT   NOT NULL,
    channel BIGINT NOT NULL,
    line    TEXT   NOT NULL,
    PRIMARY KEY (portal, channel)
);
CREATE INDEX line_channels_line ON line_channels (portal, line);

CREATE TABLE line_operators (
    portal     TEXT    NOT NULL,
    user_id    BIGINT  NOT NULL, -- in Bitrix24
    presence   TEXT    NOT NULL, -- '' = nobody has told yet
    on_leave   BOOLEAN NOT NULL,
    dismissed  BOOLEAN NOT NULL,
    supervisor BOOLEAN NOT NULL,
    skills     TEXT    NOT NULL, -- JSON list or ''
    updated_at BIGINT  NOT NULL,
    PRIMARY KEY (portal, user_id)
);

-- How far the log of a portal is stored. Its row lock makes writers take turns.
CREATE TABLE line_desks (
    portal       TEXT   NOT NULL PRIMARY KEY,
    last_record  BIGINT NOT NULL,
    last_session BIGINT NOT NULL,
    last_offer   BIGINT NOT NULL
);

-- The log: what happened and why, ids and times only.
CREATE TABLE line_records (
    portal     TEXT   NOT NULL,
    no         BIGINT NOT NULL,
    session_id BIGINT NOT NULL, -- 0 = of no session
    kind       TEXT   NOT NULL,
    at         BIGINT NOT NULL,
    document   TEXT   NOT NULL, -- JSON of the whole record
    PRIMARY KEY (portal, no)
);
CREATE INDEX line_records_session ON line_records (portal, session_id, no);
CREATE INDEX line_records_kept ON line_records (portal, at);

-- Where each session stands: a fold over its records.
CREATE TABLE line_sessions (
    portal        TEXT   NOT NULL,
    id            BIGINT NOT NULL,
    chat          TEXT   NOT NULL,
    line          TEXT   NOT NULL,
    channel       BIGINT NOT NULL,
    parent        BIGINT NOT NULL, -- the session of the chat before
    state         TEXT   NOT NULL,
    owner         BIGINT NOT NULL,
    attention     BIGINT NOT NULL, -- 1 unread, 2 answered, 3 finished, 4 closed
    place         BIGINT NOT NULL, -- order within that: since when; of closed ones negative, the last one first
    waiting_since BIGINT NOT NULL, -- 0 = the client does not wait
    unread        BIGINT NOT NULL,
    started_at    BIGINT NOT NULL,
    finished_at   BIGINT NOT NULL,
    closed_at     BIGINT NOT NULL,
    reason        TEXT   NOT NULL, -- why it was closed
    crm_kind      TEXT   NOT NULL,
    crm_id        BIGINT NOT NULL,
    document      TEXT   NOT NULL, -- JSON: offers, flags and the facts for statistics
    updated_at    BIGINT NOT NULL,
    PRIMARY KEY (portal, id)
);
CREATE INDEX line_sessions_attention ON line_sessions (portal, attention, place, id);
CREATE INDEX line_sessions_line ON line_sessions (portal, line, attention, place, id);
CREATE INDEX line_sessions_started ON line_sessions (portal, started_at, id);

-- Who owns a session or holds an offer of it.
CREATE TABLE line_session_users (
    portal     TEXT   NOT NULL,
    user_id    BIGINT NOT NULL,
    session_id BIGINT NOT NULL,
    PRIMARY KEY (portal, user_id, session_id)
);
CREATE INDEX line_session_users_session ON line_session_users (portal, session_id);

-- What the last closed session of a chat left behind.
CREATE TABLE line_chats (
    portal  TEXT    NOT NULL,
    chat    TEXT    NOT NULL,
    past    TEXT    NOT NULL, -- JSON
    blocked BOOLEAN NOT NULL,
    PRIMARY KEY (portal, chat)
);

-- +goose Down
DROP TABLE line_chats;
DROP TABLE line_session_users;
DROP TABLE line_sessions;
DROP TABLE line_records;
DROP TABLE line_desks;
DROP TABLE line_operators;
DROP TABLE line_channels;
DROP TABLE line_versions;
DROP TABLE lines;
