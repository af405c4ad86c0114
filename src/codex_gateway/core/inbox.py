"""What a door has received and not yet interpreted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RawUpdate:
    """One update as a bot's server sent it: its id, unique for that bot for about a week, and its JSON text."""

    update_id: int
    body: str
