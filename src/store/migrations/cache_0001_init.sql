-- What a server can give again. Deleting this file loses nothing.

CREATE TABLE folder (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id   INTEGER NOT NULL,          -- `account.id` of user.db
    name         TEXT    NOT NULL,          -- decoded, full
    delimiter    TEXT    NOT NULL,          -- one character; empty for a flat name space
    role         TEXT    NOT NULL,          -- word of `FolderRole`
    total        INTEGER NOT NULL,
    unread       INTEGER NOT NULL,
    uid_validity INTEGER NOT NULL,          -- 0 before the folder was first opened
    UNIQUE (account_id, name)
) STRICT;

CREATE TABLE message (
    id           INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused
    folder_id    INTEGER NOT NULL REFERENCES folder (id) ON DELETE CASCADE,
    uid          INTEGER NOT NULL,
    flags        INTEGER NOT NULL,          -- bits of `Flags`, pending operations applied
    size_bytes   INTEGER NOT NULL,
    date         INTEGER NOT NULL,          -- Unix seconds, UTC
    from_name    TEXT    NOT NULL,
    from_address TEXT    NOT NULL,
    recipients   TEXT    NOT NULL,          -- JSON array of [name, address]
    subject      TEXT    NOT NULL,
    UNIQUE (folder_id, uid)
) STRICT;

CREATE TABLE body (
    message_id INTEGER PRIMARY KEY REFERENCES message (id) ON DELETE CASCADE,
    bytes      BLOB    NOT NULL             -- as the server sent it
) STRICT;
