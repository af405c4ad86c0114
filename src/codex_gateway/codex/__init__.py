"""Codex: one turn of `codex exec`, from its command line to its outcome."""
