"""A run, our durable record of one prompt, and its attempts, one for each process started for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from codex_gateway.core.diagnosis import Diagnosis
from codex_gateway.core.event import Context, Tokens, Window
from codex_gateway.core.ids import AttemptId, ChatRef, RunId, SessionId, ThreadId, UserId
from codex_gateway.core.outcome import FailureKind, StopReason


class RunState(StrEnum):
    """Where a run stands."""

    #: Waits for its session to be free.
    QUEUED = "queued"
    #: Has the session; a process works or is about to.
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"

    @property
    def is_final(self) -> bool:
        return not LEGAL_MOVES[self]


#: From each state, the states a run may move to. A retry is a new run. RUNNING → QUEUED: it was claimed and nothing
#: was started.
LEGAL_MOVES: dict[RunState, frozenset[RunState]] = {
    RunState.QUEUED: frozenset({RunState.RUNNING, RunState.FAILED, RunState.STOPPED}),
    RunState.RUNNING: frozenset({RunState.QUEUED, RunState.SUCCEEDED, RunState.FAILED, RunState.STOPPED}),
    RunState.SUCCEEDED: frozenset(),
    RunState.FAILED: frozenset(),
    RunState.STOPPED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Session:
    """A Codex conversation. `thread_id` is None until Codex has named it.

    `forked_from` is the conversation it goes on from, if it is not one of its own.
    """

    id: SessionId
    codex_home: Path
    thread_id: ThreadId | None
    forked_from: ThreadId | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One prompt and what became of it. Times are Unix seconds."""

    id: RunId
    session: Session
    chat: ChatRef
    user_id: UserId
    prompt_message_id: int
    prompt: str
    workdir: Path
    state: RunState
    queued_at: float
    started_at: float | None = None
    ended_at: float | None = None
    retry_of: RunId | None = None
    stop_reason: StopReason | None = None
    failure_kind: FailureKind | None = None
    #: What went wrong, in Codex's words.
    error: str | None = None
    #: Markdown.
    answer: str | None = None
    #: What this turn alone cost.
    tokens: Tokens | None = None
    #: How many commands it ran.
    steps: int = 0
    #: How many files it changed.
    files: int = 0
    #: What it was at when it was stopped.
    diagnosis: Diagnosis | None = None
    #: How full the model's window was at its end.
    context: Context | None = None
    #: How much of the account's allowance was used at its end, as far as Codex said.
    windows: tuple[Window, ...] = ()
    #: When the limit that it hit begins anew.
    resets_at: float | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One request to an agent. `thread_id` None asks for a new conversation, a fork of `fork_of` if that is given."""

    thread_id: ThreadId | None
    prompt: str
    workdir: Path
    images: tuple[Path, ...] = ()
    fork_of: ThreadId | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One process for a run: enough to find it, and what it wrote, after we died.

    `directory` holds its output files and is ours to create and remove. `offset_bytes` is the size of `session_file`
    before the turn; a new session has no file yet. `pid` and `start_ticks` are None until the process exists.
    """

    id: AttemptId
    run_id: RunId
    directory: Path
    thread_id: ThreadId | None
    session_file: Path | None
    offset_bytes: int
    pid: int | None = None
    start_ticks: int | None = None
    #: The turn it was, in Codex's words and by the offset just past the record that began it, once known.
    turn_id: str | None = None
    turn_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class StartingPoint:
    """Where a turn's records will begin: the session file (None for a new session) and its size in bytes now."""

    session_file: Path | None
    offset_bytes: int
