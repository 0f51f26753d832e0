-- Actions, what takes them back, and searches worth keeping.

-- One row per action of a person that can be taken back.
CREATE TABLE undo_step (
    id       INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused
    deed     TEXT    NOT NULL,              -- JSON of `Deed`
    messages INTEGER NOT NULL,
    inverse  TEXT    NOT NULL,              -- JSON: the operations that take it back
    done_at  INTEGER NOT NULL               -- Unix seconds, UTC
) STRICT;

ALTER TABLE pending_operation ADD COLUMN undo_id INTEGER NOT NULL DEFAULT 0; -- its `undo_step.id`; 0 for none
ALTER TABLE pending_operation ADD COLUMN started INTEGER NOT NULL DEFAULT 0; -- 1 once it may have reached the server
-- How its target folder stood before it was started; 0 for unknown.
ALTER TABLE pending_operation ADD COLUMN target_validity INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pending_operation ADD COLUMN target_uid_next INTEGER NOT NULL DEFAULT 0;
CREATE INDEX pending_operation_by_account ON pending_operation (account_id, id);

-- Messages that wait to be filed on a server.
CREATE TABLE upload (
    operation_id INTEGER PRIMARY KEY REFERENCES pending_operation (id) ON DELETE CASCADE,
    bytes        BLOB    NOT NULL
) STRICT;

CREATE TABLE saved_search (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,    -- never reused
    name  TEXT    NOT NULL UNIQUE,
    query TEXT    NOT NULL,                 -- as written
    scope TEXT    NOT NULL                  -- JSON of `SearchScope`, accounts and folders by name
) STRICT;
