"""What the hall tells a person; the door turns it into sentences."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from codex_gateway.core.event import Misread, Tokens
from codex_gateway.core.ids import ChatRef, RunId, ThreadId, UserId
from codex_gateway.core.outcome import FailureKind, StopReason
from codex_gateway.core.progress import Progress
from codex_gateway.core.request import Misspoken
from codex_gateway.core.run import RunState


@dataclass(frozen=True, slots=True)
class QueuedCard:
    """The status message of a run that waits. `ahead` runs of its session come first."""

    run_id: RunId
    ahead: int


@dataclass(frozen=True, slots=True)
class RunningCard:
    """The status message of a run at work."""

    run_id: RunId
    elapsed_s: float
    progress: Progress


@dataclass(frozen=True, slots=True)
class SettledCard:
    """The status message of a run that has ended: its verdict. `elapsed_s` is None when it never ran."""

    run_id: RunId
    state: RunState
    elapsed_s: float | None
    step_count: int
    file_count: int
    tokens: Tokens | None
    stop_reason: StopReason | None
    failure_kind: FailureKind | None
    error: str | None
    #: Set when Codex did more than could be shown.
    misread: Misread | None = None


Card: TypeAlias = QueuedCard | RunningCard | SettledCard


@dataclass(frozen=True, slots=True)
class Answer:
    """What Codex answered, Markdown, whole."""

    run_id: RunId
    markdown: str


@dataclass(frozen=True, slots=True)
class Commentary:
    """What Codex said on the way, Markdown."""

    run_id: RunId
    markdown: str


@dataclass(frozen=True, slots=True)
class NothingRuns:
    """There is nothing to stop."""


@dataclass(frozen=True, slots=True)
class Stopping:
    """The runs named are being stopped, or will not be started; `waiting` more stay queued."""

    run_id: RunId
    was_queued: bool
    waiting: int


@dataclass(frozen=True, slots=True)
class NothingToRetry:
    """There was no prompt yet."""


@dataclass(frozen=True, slots=True)
class StillAtIt:
    """That prompt is queued or running already; a retry would do it twice."""

    run_id: RunId


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run in a list. `elapsed_s` is how long it has waited (queued) or worked."""

    run_id: RunId
    state: RunState
    prompt: str
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class StatusReport:
    """What is going on in this chat's session, and how it went before."""

    bot: str
    thread_id: ThreadId | None
    running: RunLine | None
    progress: Progress | None
    waiting: int
    last: SettledCard | None
    #: Sentences about what is not well, such as a chat that asked us to wait.
    troubles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LastResult:
    """The last answer, Markdown; None when there was none."""

    run_id: RunId | None
    markdown: str | None


@dataclass(frozen=True, slots=True)
class QueueReport:
    """What waits in this chat's session, in order."""

    running: RunLine | None
    waiting: tuple[RunLine, ...]


@dataclass(frozen=True, slots=True)
class SessionReport:
    """Which session this chat is bound to."""

    bot: str
    thread_id: ThreadId | None
    workdir: Path
    codex_home: Path
    runs: int


@dataclass(frozen=True, slots=True)
class WhoReport:
    """Who is talking to whom."""

    chat: ChatRef
    user_id: UserId


@dataclass(frozen=True, slots=True)
class Help:
    """What can be said here."""


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """Nothing can be done with this message, and why."""

    misspoken: Misspoken


Reply: TypeAlias = (
    Card
    | Answer
    | Commentary
    | NothingRuns
    | Stopping
    | NothingToRetry
    | StillAtIt
    | StatusReport
    | LastResult
    | QueueReport
    | SessionReport
    | WhoReport
    | Help
    | NotUnderstood
)
