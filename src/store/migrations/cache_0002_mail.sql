-- Everything in it can be fetched again, so the messages are: only the ids go on where they were.

CREATE TEMP TABLE kept_sequence AS SELECT name, seq FROM sqlite_sequence;
DROP TABLE body;
DROP TABLE message;

ALTER TABLE folder ADD COLUMN uid_next       INTEGER NOT NULL DEFAULT 0; -- 0 when unknown
ALTER TABLE folder ADD COLUMN highest_modseq INTEGER NOT NULL DEFAULT 0; -- every change up to it is cached; 0 for none
-- Headers of every message with this UID or a higher one, below `uid_next`, are cached;
-- 0 for none, 1 for the whole folder.
ALTER TABLE folder ADD COLUMN complete_from  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE folder ADD COLUMN known          INTEGER NOT NULL DEFAULT 0; -- rows in `message`, kept by triggers
UPDATE folder SET uid_validity = 0;

CREATE TABLE message (
    id           INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused
    folder_id    INTEGER NOT NULL REFERENCES folder (id) ON DELETE CASCADE,
    uid          INTEGER,                   -- NULL while a move or copy made here waits for the server
    flags        INTEGER NOT NULL,          -- bits of `Flags`, pending operations applied
    size_bytes   INTEGER NOT NULL,
    date         INTEGER NOT NULL,          -- Unix seconds, UTC: Date header
    received_at  INTEGER NOT NULL,          -- Unix seconds, UTC: INTERNALDATE
    from_name    TEXT    NOT NULL,
    from_address TEXT    NOT NULL,
    recipients   TEXT    NOT NULL,          -- JSON array of [name, address]: To, then Cc
    subject      TEXT    NOT NULL,
    message_id   TEXT    NOT NULL,          -- without angle brackets; empty for none
    thread_id    INTEGER NOT NULL,
    attachments  INTEGER NOT NULL,          -- 1 when it seems to carry some
    UNIQUE (folder_id, uid)
) STRICT;
CREATE INDEX message_by_arrival ON message (folder_id, received_at, uid);
CREATE INDEX message_by_thread ON message (thread_id);

INSERT INTO sqlite_sequence (name, seq)
    SELECT name, seq FROM kept_sequence WHERE name = 'message';
DROP TABLE kept_sequence;

CREATE TABLE body (
    message_id INTEGER PRIMARY KEY REFERENCES message (id) ON DELETE CASCADE,
    bytes      BLOB    NOT NULL             -- as the server sent it
) STRICT;

-- The conversation that messages with a Message-ID belong to, also when only an answer to them is
-- cached.
CREATE TABLE thread_link (
    account_id INTEGER NOT NULL,
    message_id TEXT    NOT NULL,
    thread_id  INTEGER NOT NULL,
    PRIMARY KEY (account_id, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX thread_link_by_thread ON thread_link (thread_id);

CREATE TRIGGER message_known AFTER INSERT ON message BEGIN
    UPDATE folder SET known = known + 1 WHERE id = new.folder_id;
END;
CREATE TRIGGER message_unknown AFTER DELETE ON message BEGIN
    UPDATE folder SET known = known - 1 WHERE id = old.folder_id;
END;
CREATE TRIGGER message_moved AFTER UPDATE OF folder_id ON message BEGIN
    UPDATE folder SET known = known - 1 WHERE id = old.folder_id;
    UPDATE folder SET known = known + 1 WHERE id = new.folder_id;
END;

-- The search index. `rowid` is `message.id`; the texts themselves are not kept in it.
CREATE VIRTUAL TABLE message_text USING fts5 (
    subject, sender, recipients, body, files,
    content = '', contentless_delete = 1,
    tokenize = 'unicode61 remove_diacritics 2'
);
CREATE TRIGGER message_text_gone AFTER DELETE ON message BEGIN
    DELETE FROM message_text WHERE rowid = old.id;
END;

-- Messages that an operation of user.db has brought where they are; they have no UID there yet.
CREATE TABLE moved_here (
    message_id   INTEGER PRIMARY KEY REFERENCES message (id) ON DELETE CASCADE,
    operation_id INTEGER NOT NULL,          -- `pending_operation.id` of user.db
    key          INTEGER NOT NULL,          -- by what that operation names it
    UNIQUE (operation_id, key)
) STRICT;

-- Message-IDs of what was removed here before its server had brought it there.
CREATE TABLE removed_here (
    operation_id INTEGER NOT NULL,          -- the removing `pending_operation.id` of user.db
    key          INTEGER NOT NULL,          -- by what that operation names it
    message_id   TEXT    NOT NULL,
    PRIMARY KEY (operation_id, key)
) STRICT, WITHOUT ROWID;

-- What pending operations have changed in the counts of folders, beyond what the server counts.
CREATE TABLE count_shift (
    operation_id INTEGER NOT NULL,          -- `pending_operation.id` of user.db
    folder_id    INTEGER NOT NULL REFERENCES folder (id) ON DELETE CASCADE,
    messages     INTEGER NOT NULL,          -- how many of its messages are in the shift
    total        INTEGER NOT NULL,
    unread       INTEGER NOT NULL,
    PRIMARY KEY (operation_id, folder_id)
) STRICT, WITHOUT ROWID;
