"""How a turn can end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class FailureKind(StrEnum):
    """Why a turn failed; the word in the row, from which the sentence for the person is made."""

    #: The model's service answered with an error that no retry cured.
    MODEL_ERROR = "model_error"
    #: Too many requests for the moment.
    RATE_LIMITED = "rate_limited"
    #: The account's allowance is used up.
    QUOTA = "quota"
    #: The conversation no longer fits into the model's window.
    CONTEXT_FULL = "context_full"
    #: The model's service could not be reached.
    NETWORK = "network"
    #: Codex is not logged in, or its login is no longer valid.
    UNAUTHORIZED = "unauthorized"
    #: Codex went on in another session than the one asked for.
    WRONG_SESSION = "wrong_session"
    #: No session of this id exists where Codex looks.
    UNKNOWN_SESSION = "unknown_session"
    #: Somebody else has the session open for writing.
    SESSION_BUSY = "session_busy"
    #: Codex wants a git repository for its work directory.
    GIT_CHECK = "git_check"
    #: Codex did not understand how we called it, or its own configuration.
    USAGE = "usage"
    #: The program is missing, not executable, or its work directory is.
    CANNOT_START = "cannot_start"
    #: The process was ended by a signal that was not ours.
    KILLED = "killed"
    #: The gateway was down when the turn ended, and nothing tells how.
    LOST = "lost"
    #: The gateway died before Codex had begun: the prompt has not been run.
    NOT_STARTED = "not_started"
    #: Codex ended well and nothing of what it wrote was understood.
    NOT_UNDERSTOOD = "not_understood"
    #: Anything else; the message says what.
    OTHER = "other"


#: The kinds after which the same prompt may well succeed.
RETRYABLE = frozenset(
    {
        FailureKind.MODEL_ERROR,
        FailureKind.RATE_LIMITED,
        FailureKind.NETWORK,
        FailureKind.SESSION_BUSY,
        FailureKind.KILLED,
        FailureKind.LOST,
        FailureKind.NOT_STARTED,
    }
)


class StopReason(StrEnum):
    """Why a turn was stopped; recorded before the stop."""

    USER = "user"
    RUN_TIMEOUT = "run_timeout"
    #: Neither output nor session file said anything for too long.
    SILENCE = "silence"
    #: The same, after the context was compacted.
    STUCK_AFTER_COMPACTION = "stuck_after_compaction"
    #: The final answer was there and the turn did not end.
    STUCK_AFTER_ANSWER = "stuck_after_answer"
    SHUTDOWN = "shutdown"


@dataclass(frozen=True, slots=True)
class Answered:
    """The turn ended well. `text` is Markdown as the model wrote it; it may be empty."""

    text: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The turn ended badly. `message` is what Codex said, for the person to read."""

    kind: FailureKind
    message: str

    @property
    def is_retryable(self) -> bool:
        return self.kind in RETRYABLE


@dataclass(frozen=True, slots=True)
class Stopped:
    """The turn was ended before its time."""

    reason: StopReason


@dataclass(frozen=True, slots=True)
class Detached:
    """We let go of a turn that goes on without us; `Agent.reattach` picks it up again."""


#: How a turn ended, as far as it did.
Outcome: TypeAlias = Answered | Failed | Stopped | Detached
