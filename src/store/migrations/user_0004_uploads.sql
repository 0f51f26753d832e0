-- An upload that its server refuses keeps its bytes until a person decides: why, in plain words;
-- empty while it waits to be replayed.
ALTER TABLE pending_operation ADD COLUMN refused TEXT NOT NULL DEFAULT '';
-- The messages of one import belong to one step.
CREATE INDEX pending_operation_by_undo ON pending_operation (undo_id) WHERE undo_id <> 0;
