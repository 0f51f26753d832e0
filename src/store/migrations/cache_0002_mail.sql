-- Everything in it can be fetched again, so the messages are: only the ids go on where they were.

CREATE TEMP TABLE kept_sequence AS SELECT name, seq FROM sqlite_sequence;
DROP TABLE body;
DROP TABLE message;

-- `total` and `unread` are what lists show: as last heard, with what was done here since.
ALTER TABLE folder ADD COLUMN uid_next       INTEGER NOT NULL DEFAULT 0; -- 0 when unknown
ALTER TABLE folder ADD COLUMN highest_modseq INTEGER NOT NULL DEFAULT 0; -- every change up to it is cached; 0 for none
-- Headers of every message with this UID or a higher one, below `uid_next`, are cached;
-- 0 for none, 1 for the whole folder.
ALTER TABLE folder ADD COLUMN complete_from  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE folder ADD COLUMN known          INTEGER NOT NULL DEFAULT 0; -- rows in `message`, kept by triggers
ALTER TABLE folder ADD COLUMN known_unread   INTEGER NOT NULL DEFAULT 0; -- unread ones of them, kept by triggers
ALTER TABLE folder ADD COLUMN threads        INTEGER NOT NULL DEFAULT 0; -- rows in `folder_thread`, kept by triggers
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
    thread_id    INTEGER NOT NULL,          -- `id` of the message that founded it
    attachments  INTEGER NOT NULL,          -- 1 when it seems to carry some
    parent_key   INTEGER NOT NULL DEFAULT 0, -- key in `thread_link` of what it answers; 0 for none
    to_me        INTEGER NOT NULL DEFAULT 0, -- 1 when a recipient is in `own_address`
    sender_key   TEXT    NOT NULL DEFAULT '', -- what a list sorts by, in lower case
    subject_key  TEXT    NOT NULL DEFAULT '', -- what a list sorts by: no marks, in lower case
    seal         INTEGER NOT NULL DEFAULT 0, -- fingerprint of what is shown; 0 for none
    UNIQUE (folder_id, uid)
) STRICT;
-- Holds what the quick filters ask, so that counting reads the index alone.
CREATE INDEX message_by_arrival ON message (folder_id, received_at, uid, id, flags, attachments, to_me);
CREATE INDEX message_by_thread ON message (thread_id, folder_id, received_at, uid);

INSERT INTO sqlite_sequence (name, seq)
    SELECT name, seq FROM kept_sequence WHERE name = 'message';
DROP TABLE kept_sequence;

CREATE TABLE body (
    message_id INTEGER PRIMARY KEY REFERENCES message (id) ON DELETE CASCADE,
    bytes      BLOB    NOT NULL,            -- as the server sent it
    seal       INTEGER NOT NULL             -- fingerprint of id and bytes; never 0
) STRICT;

-- One row per conversation in a folder, so that a list of them is a walk along an index.
CREATE TABLE folder_thread (
    folder_id INTEGER NOT NULL REFERENCES folder (id) ON DELETE CASCADE,
    thread_id INTEGER NOT NULL,
    newest    INTEGER NOT NULL,             -- `received_at` of its newest message there
    PRIMARY KEY (folder_id, thread_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX folder_thread_by_newest ON folder_thread (folder_id, newest, thread_id);

-- What leads to a conversation: the Message-ID of each of its messages and of those they answer,
-- cached or not, and its subject. Goes with the last message of the conversation.
CREATE TABLE thread_link (
    key       INTEGER PRIMARY KEY,          -- fingerprint of account and Message-ID or subject
    thread_id INTEGER NOT NULL,
    at        INTEGER NOT NULL,             -- of a subject: arrival of the message last seen with it; else 0
    seeking   INTEGER NOT NULL              -- of a subject: 1 while an answer waits for what it answers; else 0
) STRICT;
CREATE INDEX thread_link_by_thread ON thread_link (thread_id);

CREATE TABLE own_address (
    account_id INTEGER NOT NULL,            -- `account.id` of user.db
    address    TEXT    NOT NULL,            -- in lower case
    PRIMARY KEY (account_id, address)
) STRICT, WITHOUT ROWID;

CREATE TABLE upkeep (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    version    INTEGER NOT NULL,            -- as `user_version`: tells a newer schema from a damaged header
    checked_at INTEGER NOT NULL             -- Unix seconds, UTC: last full check
) STRICT;
INSERT INTO upkeep (id, version, checked_at) VALUES (1, 2, unixepoch());

CREATE TRIGGER message_added AFTER INSERT ON message BEGIN
    UPDATE folder SET known = known + 1, known_unread = known_unread + (new.flags & 1 = 0)
        WHERE id = new.folder_id;
    INSERT INTO folder_thread (folder_id, thread_id, newest)
        VALUES (new.folder_id, new.thread_id, new.received_at)
        ON CONFLICT (folder_id, thread_id) DO UPDATE SET newest = excluded.newest
        WHERE newest < excluded.newest;
END;

CREATE TRIGGER message_removed AFTER DELETE ON message BEGIN
    UPDATE folder SET known = known - 1, known_unread = known_unread - (old.flags & 1 = 0)
        WHERE id = old.folder_id;
    DELETE FROM folder_thread WHERE folder_id = old.folder_id AND thread_id = old.thread_id
        AND NOT EXISTS (SELECT 1 FROM message
                        WHERE thread_id = old.thread_id AND folder_id = old.folder_id);
    UPDATE folder_thread SET newest =
            (SELECT max(received_at) FROM message
             WHERE thread_id = old.thread_id AND folder_id = old.folder_id)
        WHERE folder_id = old.folder_id AND thread_id = old.thread_id
          AND newest = old.received_at;
    DELETE FROM thread_link WHERE thread_id = old.thread_id
        AND NOT EXISTS (SELECT 1 FROM message WHERE thread_id = old.thread_id);
END;

CREATE TRIGGER message_flagged AFTER UPDATE OF flags ON message
WHEN (old.flags & 1) <> (new.flags & 1) BEGIN
    UPDATE folder SET known_unread = known_unread + (new.flags & 1 = 0) - (old.flags & 1 = 0)
        WHERE id = new.folder_id;
END;

CREATE TRIGGER message_moved AFTER UPDATE OF folder_id, thread_id, received_at ON message
WHEN old.folder_id <> new.folder_id OR old.thread_id <> new.thread_id
     OR old.received_at <> new.received_at BEGIN
    -- Another flag in the same statement is `message_flagged`'s.
    UPDATE folder SET known = known - 1, known_unread = known_unread - (old.flags & 1 = 0)
        WHERE id = old.folder_id;
    UPDATE folder SET known = known + 1, known_unread = known_unread + (old.flags & 1 = 0)
        WHERE id = new.folder_id;
    INSERT INTO folder_thread (folder_id, thread_id, newest)
        VALUES (new.folder_id, new.thread_id, new.received_at)
        ON CONFLICT (folder_id, thread_id) DO UPDATE SET newest = excluded.newest
        WHERE newest < excluded.newest;
    DELETE FROM folder_thread WHERE folder_id = old.folder_id AND thread_id = old.thread_id
        AND NOT EXISTS (SELECT 1 FROM message
                        WHERE thread_id = old.thread_id AND folder_id = old.folder_id);
    UPDATE folder_thread SET newest =
            (SELECT max(received_at) FROM message
             WHERE thread_id = old.thread_id AND folder_id = old.folder_id)
        WHERE folder_id = old.folder_id AND thread_id = old.thread_id
          AND newest = old.received_at;
END;

CREATE TRIGGER folder_thread_added AFTER INSERT ON folder_thread BEGIN
    UPDATE folder SET threads = threads + 1 WHERE id = new.folder_id;
END;
CREATE TRIGGER folder_thread_removed AFTER DELETE ON folder_thread BEGIN
    UPDATE folder SET threads = threads - 1 WHERE id = old.folder_id;
END;

-- The search index. `rowid` is `message.id`; the texts themselves are not kept in it. What is put
-- into it has been folded and cut into words already (`store/search/words.rs`).
CREATE VIRTUAL TABLE message_text USING fts5 (
    subject, sender, recipients, cc, body, files,
    content = '', contentless_delete = 1,
    tokenize = 'ascii'
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
