-- A message that the chat did not take in its form: what says the same goes out in its place.
ALTER TABLE outbox ADD COLUMN replaces INTEGER REFERENCES outbox (id);
