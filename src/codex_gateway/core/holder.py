"""Who has a session open, so that nobody else can write to it."""

from __future__ import annotations

from dataclasses import dataclass

from codex_gateway.core.ids import AttemptId


@dataclass(frozen=True, slots=True)
class Holder:
    """One process. `command` is its program with its subcommands, never its arguments: they may hold secrets.

    `terminal` is where a person would look for it, such as "pts/3"; None for a process without one. `attempt` is the
    attempt of ours that it was started for, None for everybody else's.
    """

    pid: int
    command: str
    terminal: str | None = None
    attempt: AttemptId | None = None

    @property
    def is_ours(self) -> bool:
        return self.attempt is not None
