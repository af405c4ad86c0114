"""The facts inside a turn, in the words of the house."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from codex_gateway.core.ids import ThreadId
from codex_gateway.core.outcome import Outcome


class Phase(StrEnum):
    """What a message of the agent is for."""

    COMMENTARY = "commentary"
    FINAL_ANSWER = "final_answer"
    #: Codex before ~0.130 does not say; the last one of a turn is the answer.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ProcessStarted:
    """The agent's process exists.

    `start_ticks` is field 22 of /proc/PID/stat: with the pid it names one process for as long as the machine is up.
    """

    pid: int
    start_ticks: int


@dataclass(frozen=True, slots=True)
class SessionIdentified:
    """Codex told which thread this turn is in, and perhaps where its session file lies."""

    thread_id: ThreadId
    session_file: Path | None = None


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """The agent took the prompt up."""

    turn_id: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """Markdown that the agent says to the person."""

    text: str
    phase: Phase


@dataclass(frozen=True, slots=True)
class Reasoning:
    """A summary of what the model thinks, as far as it is shown."""

    summary: str


@dataclass(frozen=True, slots=True)
class CommandStarted:
    """A tool began to run; `command` is what a person would read, on one or several lines."""

    call_id: str
    command: str


@dataclass(frozen=True, slots=True)
class CommandFinished:
    """A tool ended. `exit_code` is None where the record does not tell."""

    call_id: str
    command: str
    exit_code: int | None


@dataclass(frozen=True, slots=True)
class FileChanged:
    """Files were written; absolute or relative paths, as Codex names them."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compacted:
    """The context was compacted."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A count of tokens; `cached` is part of `input`, `reasoning` part of `output`."""

    input: int = 0
    cached: int = 0
    output: int = 0
    reasoning: int = 0

    @property
    def total(self) -> int:
        return self.input + self.output

    def __sub__(self, other: Tokens) -> Tokens:
        return Tokens(
            input=self.input - other.input,
            cached=self.cached - other.cached,
            output=self.output - other.output,
            reasoning=self.reasoning - other.reasoning,
        )


@dataclass(frozen=True, slots=True)
class Usage:
    """What the model's service counted.

    `thread_total` is cumulative over the whole thread, `last` is the latest request alone, whose input fills the
    `context_window` (in tokens; None where Codex does not say).
    """

    thread_total: Tokens
    last: Tokens
    context_window: int | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something Codex wants the person to know that ends nothing: a warning, a reconnect."""

    text: str


@dataclass(frozen=True, slots=True)
class Misread:
    """Codex wrote `records` into its session file in this turn, and none of them told us what it did.

    Its answer comes by another way, its steps by none. `version` is what Codex calls itself, None if it does not say.
    """

    records: int
    version: str | None


@dataclass(frozen=True, slots=True)
class OutputSeen:
    """The process wrote something we do not read for content: it is alive."""


@dataclass(frozen=True, slots=True)
class Concluded:
    """The outcome is certain, although the process may take a moment more to go away.

    At most once a turn; `Agent.perform` then returns the same outcome.
    """

    outcome: Outcome


Event: TypeAlias = (
    ProcessStarted
    | SessionIdentified
    | TurnStarted
    | Message
    | Reasoning
    | CommandStarted
    | CommandFinished
    | FileChanged
    | Compacted
    | Usage
    | Notice
    | Misread
    | OutputSeen
    | Concluded
)
