"""What lies where an agent keeps its conversations, as people choose among it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from codex_gateway.core.ids import ThreadId


class SessionFormat(StrEnum):
    """How Codex keeps a conversation; decided when it begins."""

    #: Up to about 0.150, and for good in conversations of that age.
    LEGACY = "legacy"
    PAGINATED = "paginated"


@dataclass(frozen=True, slots=True)
class SavedSession:
    """One conversation on disk; what its file does not tell is None."""

    thread_id: ThreadId
    #: When something was last written, a Unix time.
    changed_at: float
    #: The first thing a person asked, on one line.
    title: str | None = None
    #: Where it was begun.
    workdir: Path | None = None
    #: The Codex that began it.
    version: str | None = None
    format: SessionFormat = SessionFormat.LEGACY
    #: Put away: Codex does not resume it.
    is_archived: bool = False


@dataclass(frozen=True, slots=True)
class SavedPage:
    """Some of the conversations, at most `limit`, the one changed last first; `skipped` come before, of `total`."""

    sessions: tuple[SavedSession, ...]
    skipped: int
    total: int
    limit: int


class DirectoryFault(StrEnum):
    """Why nobody may work in a directory."""

    NOT_THERE = "not_there"
    NOT_A_DIRECTORY = "not_a_directory"
    NOT_ALLOWED = "not_allowed"
