-- Files that wait to be sent lie in a folder of ours; each is removed once its message has arrived or was refused.
-- No reference to outbox, so that its table may be made anew.
CREATE TABLE kept_files (
    outbox_id INTEGER PRIMARY KEY,
    path      TEXT    NOT NULL UNIQUE
);
