-- How each chat wants to be spoken to; NULL: nothing was chosen.
CREATE TABLE chat_manners (
    bot        TEXT    NOT NULL,
    chat_id    INTEGER NOT NULL,
    topic_id   INTEGER NOT NULL,
    language   TEXT    CHECK (language IN ('auto', 'en', 'zh')),
    detail     TEXT    CHECK (detail IN ('final', 'normal', 'verbose')),
    form       TEXT    CHECK (form IN ('text', 'rich')),
    -- The language of who wrote last, as far as we speak it.
    heard      TEXT    CHECK (heard IN ('en', 'zh')),
    changed_at REAL    NOT NULL,
    PRIMARY KEY (bot, chat_id, topic_id)
) WITHOUT ROWID;
