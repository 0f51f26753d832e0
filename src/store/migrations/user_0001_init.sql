-- What only the person has. Written with synchronous=FULL.

CREATE TABLE account (
    id   INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused
    name TEXT    NOT NULL UNIQUE            -- `name` of the [[account]] table
) STRICT;

-- One row per cache.db ever made: message and folder ids of a cache start at a number of its own.
CREATE TABLE cache_generation (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at INTEGER NOT NULL             -- Unix seconds, UTC
) STRICT;

CREATE TABLE draft (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    content    TEXT    NOT NULL,            -- JSON of a draft
    saved_at   INTEGER NOT NULL             -- Unix seconds, UTC
) STRICT;

CREATE TABLE outbox (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id   INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    state        TEXT    NOT NULL,          -- word of `OutboxState`
    message_id   TEXT    NOT NULL,          -- without angle brackets
    sender       TEXT    NOT NULL,          -- reverse path
    recipients   TEXT    NOT NULL,          -- JSON array of forward paths
    subject      TEXT    NOT NULL,
    bytes        BLOB    NOT NULL,          -- the frozen message
    draft        TEXT    NOT NULL,          -- JSON of the draft it was made from; empty for raw
    answers      INTEGER NOT NULL,          -- message id in the cache; 0 for none
    queued_at    INTEGER NOT NULL,          -- Unix seconds, UTC
    last_problem TEXT    NOT NULL           -- plain words; empty for none
) STRICT;
CREATE INDEX outbox_by_state ON outbox (account_id, state);

-- Changes the server has not confirmed; replayed in `id` order after a reconnect.
CREATE TABLE pending_operation (
    id         INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused
    account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    payload    TEXT    NOT NULL,            -- JSON of `Operation`
    created_at INTEGER NOT NULL             -- Unix seconds, UTC
) STRICT;
