-- The newest of what `thread_link` is to hold; what stands in both counts as it stands here. Keys
-- have no order in time, so each batch of messages would write nearly every page of that table:
-- links gather here and are merged into it once there are many (`store/threads/links.rs`).
CREATE TABLE recent_link (
    key       INTEGER PRIMARY KEY,          -- as in `thread_link`, like all that follows
    thread_id INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    seeking   INTEGER NOT NULL
) STRICT;
CREATE INDEX recent_link_by_thread ON recent_link (thread_id);

DROP TRIGGER message_removed;
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
    DELETE FROM recent_link WHERE thread_id = old.thread_id
        AND NOT EXISTS (SELECT 1 FROM message WHERE thread_id = old.thread_id);
END;

UPDATE upkeep SET version = 3;
