-- The way of one message: inbox -> run -> attempt -> outbox. Times are Unix seconds.

-- Every update a bot was given, before anything is done about it.
CREATE TABLE inbox (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    bot         TEXT    NOT NULL,
    update_id   INTEGER NOT NULL,
    body        TEXT    NOT NULL,
    received_at REAL    NOT NULL,
    state       TEXT    NOT NULL DEFAULT 'received'
                CHECK (state IN ('received', 'handled', 'ignored', 'dead')),
    handled_at  REAL,
    note        TEXT,
    UNIQUE (bot, update_id),
    CHECK ((state = 'received') = (handled_at IS NULL))
);
CREATE INDEX inbox_received ON inbox (id) WHERE state = 'received';

-- A Codex conversation; it has no thread id until Codex has given it one.
CREATE TABLE sessions (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    codex_home TEXT NOT NULL,
    thread_id  TEXT,
    created_at REAL NOT NULL,
    UNIQUE (codex_home, thread_id)
);

-- Which session a chat speaks to. chat_id 0 stands for every chat of the bot that has no row of its own.
CREATE TABLE bindings (
    bot        TEXT    NOT NULL,
    chat_id    INTEGER NOT NULL DEFAULT 0,
    topic_id   INTEGER NOT NULL DEFAULT 0,
    session_id INTEGER NOT NULL REFERENCES sessions (id),
    bound_at   REAL    NOT NULL,
    PRIMARY KEY (bot, chat_id, topic_id)
) WITHOUT ROWID;

-- One prompt and what became of it.
CREATE TABLE runs (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    inbox_id          INTEGER UNIQUE REFERENCES inbox (id) ON DELETE SET NULL,
    session_id        INTEGER NOT NULL REFERENCES sessions (id),
    bot               TEXT    NOT NULL,
    chat_id           INTEGER NOT NULL,
    topic_id          INTEGER NOT NULL,
    user_id           INTEGER NOT NULL,
    prompt_message_id INTEGER NOT NULL,
    prompt            TEXT    NOT NULL CHECK (prompt <> ''),
    workdir           TEXT    NOT NULL,
    retry_of          INTEGER REFERENCES runs (id),
    state             TEXT    NOT NULL DEFAULT 'queued'
                      CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'stopped')),
    queued_at         REAL    NOT NULL,
    started_at        REAL,
    ended_at          REAL,
    stop_reason       TEXT CHECK (stop_reason IN ('user', 'run_timeout', 'silence', 'stuck_after_compaction',
                                                  'stuck_after_answer', 'shutdown')),
    failure_kind      TEXT,
    error             TEXT,
    answer            TEXT,
    steps             INTEGER NOT NULL DEFAULT 0,
    files             INTEGER NOT NULL DEFAULT 0,
    tokens_input      INTEGER,
    tokens_cached     INTEGER,
    tokens_output     INTEGER,
    tokens_reasoning  INTEGER,
    CHECK ((state IN ('succeeded', 'failed', 'stopped')) = (ended_at IS NOT NULL)),
    CHECK (state <> 'running' OR started_at IS NOT NULL),
    CHECK ((state = 'failed') = (failure_kind IS NOT NULL)),
    CHECK (state <> 'stopped' OR stop_reason IS NOT NULL)
);
-- The promise that a session never runs two turns at a time.
CREATE UNIQUE INDEX one_running_per_session ON runs (session_id) WHERE state = 'running';
CREATE INDEX runs_queued ON runs (id) WHERE state = 'queued';
CREATE INDEX runs_by_session ON runs (session_id, id);
CREATE INDEX runs_being_retried ON runs (retry_of) WHERE ended_at IS NULL;
CREATE INDEX runs_by_chat ON runs (bot, chat_id, topic_id, id);

-- One process for a run: enough to find it, and what it wrote, after we died.
CREATE TABLE attempts (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id       INTEGER NOT NULL REFERENCES runs (id),
    directory    TEXT    NOT NULL,
    thread_id    TEXT,
    session_file TEXT,
    offset_bytes INTEGER NOT NULL CHECK (offset_bytes >= 0),
    pid          INTEGER,
    start_ticks  INTEGER,
    started_at   REAL    NOT NULL,
    ended_at     REAL,
    CHECK ((pid IS NULL) = (start_ticks IS NULL))
);
CREATE UNIQUE INDEX one_open_attempt_per_run ON attempts (run_id) WHERE ended_at IS NULL;
CREATE INDEX attempts_by_run ON attempts (run_id);

-- Everything that must reach a person, in the order in which it must.
CREATE TABLE outbox (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    bot          TEXT    NOT NULL,
    chat_id      INTEGER NOT NULL,
    topic_id     INTEGER NOT NULL,
    run_id       INTEGER REFERENCES runs (id),
    -- status: the one status message of a run. verdict: the edit that ends it.
    kind         TEXT    NOT NULL CHECK (kind IN ('status', 'commentary', 'answer', 'verdict', 'reply')),
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
CREATE INDEX outbox_unsent ON outbox (bot, chat_id, id) WHERE state IN ('pending', 'sending');
CREATE UNIQUE INDEX one_status_per_run ON outbox (run_id) WHERE kind = 'status';
CREATE UNIQUE INDEX one_verdict_per_run ON outbox (run_id) WHERE kind = 'verdict';
CREATE INDEX outbox_by_run ON outbox (run_id);

-- A chat that told us to wait, and until when.
CREATE TABLE parked_chats (
    bot     TEXT    NOT NULL,
    chat_id INTEGER NOT NULL,
    until   REAL    NOT NULL,
    PRIMARY KEY (bot, chat_id)
) WITHOUT ROWID;
