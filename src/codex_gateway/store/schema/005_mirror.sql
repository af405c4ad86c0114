-- What happens in a bound session outside of the bot is passed on to its chat.

-- Which turn an attempt was, in Codex's words and by its place: the offset just past the record that began it.
ALTER TABLE attempts ADD COLUMN turn_id TEXT;
ALTER TABLE attempts ADD COLUMN turn_bytes INTEGER;
CREATE INDEX attempts_of_unknown_turn ON attempts (run_id) WHERE turn_id IS NULL AND turn_bytes IS NULL;
CREATE INDEX attempts_by_turn ON attempts (turn_id) WHERE turn_id IS NOT NULL;

-- How far a binding's session has been told of. The row counts only while the binding is still this one.
CREATE TABLE mirrors (
    bot          TEXT    NOT NULL,
    chat_id      INTEGER NOT NULL,
    topic_id     INTEGER NOT NULL,
    session_id   INTEGER NOT NULL REFERENCES sessions (id),
    bound_at     REAL    NOT NULL,
    -- Where to read on: the oldest turn begins here that was open when the last thing was told.
    offset_bytes INTEGER NOT NULL CHECK (offset_bytes >= 0),
    -- Up to here everything has been told.
    told_bytes   INTEGER NOT NULL CHECK (told_bytes >= offset_bytes),
    PRIMARY KEY (bot, chat_id, topic_id)
) WITHOUT ROWID;

-- The outbox as it was, with one more kind: SQLite changes a CHECK in no other way.
CREATE TABLE outbox_with_mirror (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    bot          TEXT    NOT NULL,
    chat_id      INTEGER NOT NULL,
    topic_id     INTEGER NOT NULL,
    run_id       INTEGER REFERENCES runs (id),
    -- status: the one status message of a run. verdict: the edit that ends it. mirror: of a turn that is no run of ours.
    kind         TEXT    NOT NULL CHECK (kind IN ('status', 'commentary', 'answer', 'verdict', 'reply', 'mirror')),
    reply_to     INTEGER,
    parcel       TEXT    NOT NULL,
    -- commentary: how far into the session file it tells of.
    source_bytes INTEGER NOT NULL DEFAULT 0,
    state        TEXT    NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sending', 'sent', 'refused')),
    message_id   INTEGER,
    -- 1: an earlier sending was cut in mid-air, so the person may see this twice.
    is_repeated  INTEGER NOT NULL DEFAULT 0 CHECK (is_repeated IN (0, 1)),
    error        TEXT,
    created_at   REAL    NOT NULL,
    settled_at   REAL,
    CHECK ((state IN ('sent', 'refused')) = (settled_at IS NOT NULL)),
    CHECK (state <> 'sent' OR message_id IS NOT NULL)
);
INSERT INTO outbox_with_mirror (id, bot, chat_id, topic_id, run_id, kind, reply_to, parcel, source_bytes, state,
                                message_id, is_repeated, error, created_at, settled_at)
    SELECT id, bot, chat_id, topic_id, run_id, kind, reply_to, parcel, source_bytes, state,
           message_id, is_repeated, error, created_at, settled_at FROM outbox ORDER BY id;
DROP TABLE outbox;
ALTER TABLE outbox_with_mirror RENAME TO outbox;
CREATE INDEX outbox_unsent ON outbox (bot, chat_id, id) WHERE state IN ('pending', 'sending');
CREATE UNIQUE INDEX one_status_per_run ON outbox (run_id) WHERE kind = 'status';
CREATE UNIQUE INDEX one_verdict_per_run ON outbox (run_id) WHERE kind = 'verdict';
CREATE INDEX outbox_by_run ON outbox (run_id);
