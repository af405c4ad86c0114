-- 1: the attempt waits for its session, so that nothing of it has begun and no turn in the session can be its own.
ALTER TABLE attempts ADD COLUMN is_waiting INTEGER NOT NULL DEFAULT 0 CHECK (is_waiting IN (0, 1));
