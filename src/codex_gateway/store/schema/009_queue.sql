-- Several sessions in one bot, and a queue whose order a person may change.

-- Where a waiting run stands among those of its session, should that be another place than its id says.
ALTER TABLE runs ADD COLUMN place INTEGER;

-- A reply that is to take the place of an earlier message: the one whose button was pressed.
ALTER TABLE outbox ADD COLUMN edits INTEGER;

-- The directory in which this chat's prompts are worked on; NULL: that of the bot.
ALTER TABLE bindings ADD COLUMN workdir TEXT;
