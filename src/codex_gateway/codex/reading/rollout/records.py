"""What a line of a session file can tell, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from codex_gateway.codex.reading import tools
from codex_gateway.core.event import Phase, Usage, Window


@dataclass(frozen=True, slots=True)
class TurnBegan:
    turn_id: str


@dataclass(frozen=True, slots=True)
class TurnError:
    """Why a turn failed: Codex's sentence and, where it has one, its word for the kind."""

    message: str
    info: str | None = None


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """`answer` is the last message of the agent.

    Before 0.145 a failed turn leaves no `error`: only a record that `names_errors` is good when it has none.
    """

    turn_id: str | None
    answer: str | None
    error: TurnError | None
    names_errors: bool = False


@dataclass(frozen=True, slots=True)
class TurnAborted:
    turn_id: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Prompted:
    """What the person said. `turn_id` is None in records that do not tell their turn, here and below."""

    turn_id: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Said:
    turn_id: str | None
    text: str
    phase: Phase


@dataclass(frozen=True, slots=True)
class Thought:
    turn_id: str | None
    summary: str


@dataclass(frozen=True, slots=True)
class Called:
    """The model called a tool."""

    turn_id: str | None
    call_id: str
    call: tools.Call


@dataclass(frozen=True, slots=True)
class Returned:
    """A tool gave its result back to the model."""

    turn_id: str | None
    call_id: str
    result: tools.Result


@dataclass(frozen=True, slots=True)
class Executed:
    """A command ended. In code mode `call_id` is its own one, not that of the script which ran it."""

    turn_id: str | None
    call_id: str
    command: str
    exit_code: int | None


@dataclass(frozen=True, slots=True)
class Wrote:
    turn_id: str | None
    call_id: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Counted:
    usage: Usage


@dataclass(frozen=True, slots=True)
class ThreadForked:
    """The thread goes on from another one; in the legacy format a copy of that one's records follows."""

    thread_id: str


@dataclass(frozen=True, slots=True)
class Limited:
    """How much of the account's allowance is used, and nothing else: before the first answer of the model."""

    windows: tuple[Window, ...]


@dataclass(frozen=True, slots=True)
class HistoryCompacted:
    """Written once for each compaction, when it is done, beside two other records that say the same."""


@dataclass(frozen=True, slots=True)
class Replied:
    """The model's service answered something that is told by another record, or by none."""


@dataclass(frozen=True, slots=True)
class Noise:
    """A record of no interest here."""

    kind: str


@dataclass(frozen=True, slots=True)
class Garbage:
    """No record: torn by a crash, or damaged."""


Record: TypeAlias = (
    TurnBegan
    | TurnEnded
    | TurnAborted
    | Prompted
    | Said
    | Thought
    | Called
    | Returned
    | Executed
    | Wrote
    | Counted
    | Limited
    | HistoryCompacted
    | ThreadForked
    | Replied
    | Noise
    | Garbage
)
