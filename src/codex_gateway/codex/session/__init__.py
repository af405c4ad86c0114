"""The sessions in a CODEX_HOME: where they lie, who has one open, which of them may be had."""
