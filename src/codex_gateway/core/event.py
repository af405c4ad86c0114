"""The facts inside a turn, in the words of the house."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from codex_gateway.core.holder import Holder
from codex_gateway.core.ids import ThreadId
from codex_gateway.core.outcome import Outcome


class Phase(StrEnum):
    """What a message of the agent is for."""

    COMMENTARY = "commentary"
    FINAL_ANSWER = "final_answer"
    #: Codex before ~0.130 does not say; the last one of a turn is the answer.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SessionHeld:
    """Somebody else has the session open: the turn waits, and nothing of it has begun.

    Told again when the holder changes; None where nothing tells who it is. `can_fork`: this Codex can go on from the
    session in a new one meanwhile.
    """

    holder: Holder | None
    can_fork: bool = False


@dataclass(frozen=True, slots=True)
class SessionFree:
    """The wait is over and the turn is about to begin; its records will lie behind `offset_bytes`."""

    session_file: Path | None
    offset_bytes: int


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
class CompactionExpected:
    """The context is most likely about to be compacted; that it was is told only at its end."""


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
class Window:
    """A stretch of time for which an account has an allowance: 5 hours, 7 days.

    `window_s` is its length in seconds, `resets_at` when the next one begins, in Unix seconds.
    """

    used_percent: float
    window_s: float | None = None
    resets_at: float | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """How much of the model's window the conversation fills, in tokens."""

    used: int
    size: int

    @property
    def left_percent(self) -> int:
        """What is left of the window in whole percent, rounded down."""
        return max(0, min(100, 100 * (self.size - self.used) // self.size))


@dataclass(frozen=True, slots=True)
class Usage:
    """What the model's service counted.

    `thread_total` is cumulative over the whole thread, `last` is the latest request alone, which fills the
    `context_window` (in tokens; None where Codex does not say). `thread_before` is what the thread had cost before this
    turn, where that is known.
    """

    thread_total: Tokens
    last: Tokens
    context_window: int | None = None
    #: What fills the window where that is not the latest request: after a compaction.
    context_used: int | None = None
    thread_before: Tokens | None = None
    #: Empty where the account has none, or Codex does not say.
    windows: tuple[Window, ...] = ()

    @property
    def context(self) -> Context | None:
        used = self.last.total if self.context_used is None else self.context_used
        return Context(used, self.context_window) if self.context_window and used else None


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Codex tries once more to reach the model: try number `attempt` of `attempts`, where it counts them."""

    attempt: int | None = None
    attempts: int | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something Codex wants the person to know that ends nothing: a warning, a reconnect."""

    text: str
    reconnect: Reconnect | None = None


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
class ProcessesEnded:
    """Processes that the turn had left behind were ended; their command lines."""

    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Concluded:
    """The outcome is certain, although the process may take a moment more to go away.

    At most once a turn; `Agent.perform` then returns the same outcome.
    """

    outcome: Outcome


Event: TypeAlias = (
    SessionHeld
    | SessionFree
    | ProcessStarted
    | SessionIdentified
    | TurnStarted
    | Message
    | Reasoning
    | CommandStarted
    | CommandFinished
    | FileChanged
    | CompactionExpected
    | Compacted
    | Usage
    | Notice
    | Misread
    | OutputSeen
    | ProcessesEnded
    | Concluded
)
