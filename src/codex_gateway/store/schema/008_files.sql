-- Files that wait to be sent lie in a folder of ours; each is removed once its message has arrived or was refused.
-- No reference to outbox, so that its table may be made anew.
CREATE TABLE kept_files (
    outbox_id INTEGER PRIMARY KEY,
    path      TEXT    NOT NULL UNIQUE
);

-- Files that came with a prompt; the chat keeps each under its file_id until it is saved in the work directory.
CREATE TABLE attachments (
    run_id  INTEGER NOT NULL REFERENCES runs (id),
    place   INTEGER NOT NULL,
    kind    TEXT    NOT NULL CHECK (kind IN ('image', 'document', 'voice', 'audio')),
    file_id TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    saved   TEXT,
    PRIMARY KEY (run_id, place)
) WITHOUT ROWID;

-- The messages of a prompt that came in several.
CREATE TABLE prompt_parts (
    run_id     INTEGER NOT NULL REFERENCES runs (id),
    bot        TEXT    NOT NULL,
    chat_id    INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    PRIMARY KEY (bot, chat_id, message_id, run_id)
) WITHOUT ROWID;
