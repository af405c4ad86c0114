-- What a run leaves of the model's window and of the account's allowance, and when a limit that it hit begins anew.
ALTER TABLE runs ADD COLUMN context_used INTEGER;
ALTER TABLE runs ADD COLUMN context_size INTEGER;
-- A list of {"used_percent", "window_s", "resets_at"}, as far as Codex said; times are Unix seconds.
ALTER TABLE runs ADD COLUMN windows TEXT;
ALTER TABLE runs ADD COLUMN resets_at REAL;
