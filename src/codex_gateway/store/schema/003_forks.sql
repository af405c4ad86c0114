-- The conversation that a session goes on from, as long as Codex has not named the new one: then it is to be forked.
ALTER TABLE sessions ADD COLUMN forked_from TEXT;
