-- Tens of thousands of imports may wait: what is asked for each of them must not read all of them.

-- What sort of change, and whose messages it names: read from `payload`.
ALTER TABLE pending_operation ADD COLUMN kind TEXT GENERATED ALWAYS AS
    (CASE WHEN json_valid(payload) THEN coalesce(json_extract(payload, '$.kind'), '') ELSE '' END) VIRTUAL;
ALTER TABLE pending_operation ADD COLUMN names_operation INTEGER GENERATED ALWAYS AS
    (CASE WHEN json_valid(payload) THEN coalesce(json_extract(payload, '$.messages.operation'), 0) ELSE 0 END) VIRTUAL;

-- What is to be replayed, in that order; what shows in the cache; what names messages of another.
CREATE INDEX pending_operation_to_replay ON pending_operation (account_id, id) WHERE refused = '';
CREATE INDEX pending_operation_shown ON pending_operation (account_id, id) WHERE kind <> 'append';
CREATE INDEX pending_operation_by_named ON pending_operation (names_operation) WHERE names_operation <> 0;

-- How many changes of an account are to be replayed; kept by the triggers.
CREATE TABLE waiting_count (
    account_id INTEGER PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    operations INTEGER NOT NULL
) STRICT;
INSERT INTO waiting_count (account_id, operations)
    SELECT account_id, count(*) FROM pending_operation WHERE refused = '' GROUP BY account_id;

CREATE TRIGGER pending_operation_added AFTER INSERT ON pending_operation WHEN new.refused = '' BEGIN
    INSERT INTO waiting_count (account_id, operations) VALUES (new.account_id, 1)
        ON CONFLICT (account_id) DO UPDATE SET operations = operations + 1;
END;
CREATE TRIGGER pending_operation_removed AFTER DELETE ON pending_operation WHEN old.refused = '' BEGIN
    UPDATE waiting_count SET operations = operations - 1 WHERE account_id = old.account_id;
END;
CREATE TRIGGER pending_operation_decided AFTER UPDATE OF refused ON pending_operation
WHEN (old.refused = '') <> (new.refused = '') BEGIN
    UPDATE waiting_count SET operations = operations + (new.refused = '') - (old.refused = '')
        WHERE account_id = new.account_id;
END;
