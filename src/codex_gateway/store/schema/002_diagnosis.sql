-- What a run was at when it was stopped, as JSON: {"cause": …, "since_s": …} and what else is known.
ALTER TABLE runs ADD COLUMN diagnosis TEXT;
