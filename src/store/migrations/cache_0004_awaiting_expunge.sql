-- Messages that their server keeps only until somebody expunges them (`\Deleted`): they are no rows
-- of `message`, in no list, search or count, but the server counts them.
CREATE TABLE awaiting_expunge (
    folder_id INTEGER NOT NULL REFERENCES folder (id) ON DELETE CASCADE,
    uid       INTEGER NOT NULL,
    unread    INTEGER NOT NULL,             -- 1 when it is unread, else 0
    PRIMARY KEY (folder_id, uid)
) STRICT, WITHOUT ROWID;

-- They were shifts of operations with minus their UID as id.
INSERT INTO awaiting_expunge (folder_id, uid, unread)
    SELECT folder_id, -operation_id, -unread FROM count_shift WHERE operation_id < 0;
DELETE FROM count_shift WHERE operation_id < 0;

UPDATE upkeep SET version = 4;
