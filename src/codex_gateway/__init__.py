"""Codex on your phone, and nothing ever lost: a self-hosted gateway to Codex CLI sessions."""

__version__ = "0.1.0"
