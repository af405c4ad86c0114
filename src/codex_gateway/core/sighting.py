"""What can be seen of any turn of a session, whoever asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from codex_gateway.core.event import Message
from codex_gateway.core.outcome import Answered, Failed


@dataclass(frozen=True, slots=True)
class TurnMark:
    """Tells a turn from all others of its session.

    `began_bytes` is the offset just past the record that began it. `turn_id` is None in the files of a Codex that names
    no turns (before ~0.100); nothing tells where such a turn ends. `began_at` is in Unix seconds, if the record has it.
    """

    turn_id: str | None
    began_bytes: int
    began_at: float | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """The prompt, or one more that was put into the turn while it ran."""

    text: str


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Whoever had asked for it stopped it."""


@dataclass(frozen=True, slots=True)
class BrokenOff:
    """Nothing tells how it ended, but another turn has begun."""


Ending: TypeAlias = Answered | Failed | Interrupted | BrokenOff


@dataclass(frozen=True, slots=True)
class TurnOver:
    """The turn has ended."""

    ending: Ending


@dataclass(frozen=True, slots=True)
class Sighting:
    """One fact of a turn. `offset_bytes` is the place just past its record.

    Who has told this one, and wants to go on in a later life, begins to read at `resume_bytes`: there the oldest turn
    begins that was open then. What lies between the two is seen a second time.
    """

    turn: TurnMark
    fact: Asked | Message | TurnOver
    offset_bytes: int
    resume_bytes: int
