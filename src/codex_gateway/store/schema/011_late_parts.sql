-- What belongs to a prompt may arrive after it: messages forwarded behind a comment, the last files of an album.

-- When the prompt was said, by the chat's own clock, a Unix time; NULL: the chat did not say, or it is a retry.
ALTER TABLE runs ADD COLUMN asked_at INTEGER;

-- The album whose files came with the prompt.
ALTER TABLE runs ADD COLUMN album TEXT;

CREATE INDEX runs_by_person ON runs (bot, chat_id, topic_id, user_id, id);
