-- A session may have tens of thousands of runs, and a few that wait or work: those are what the queue asks for.
CREATE INDEX runs_live ON runs (session_id) WHERE ended_at IS NULL;
CREATE INDEX runs_live_of_chat ON runs (bot, chat_id, topic_id) WHERE ended_at IS NULL;

-- Whose message is it that was changed, or whose button was pressed?
CREATE INDEX runs_by_message ON runs (bot, chat_id, prompt_message_id);
CREATE INDEX prompt_parts_by_run ON prompt_parts (run_id);
CREATE INDEX outbox_by_message ON outbox (bot, chat_id, message_id) WHERE message_id IS NOT NULL;
