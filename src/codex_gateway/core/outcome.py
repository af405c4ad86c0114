"""How a turn can end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class FailureKind(StrEnum):
    """Why a turn failed; the word in the row, from which the sentence for the person is made."""

    #: The model's service answered with an error that no retry cured.
    MODEL_ERROR = "model_error"
    #: The model's service does not take the request as it is: an unknown model, a setting that it does not know.
    REFUSED = "refused"
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
    #: The model's service knows the account and does not let it do this.
    FORBIDDEN = "forbidden"
    #: Codex went on in another session than the one asked for.
    WRONG_SESSION = "wrong_session"
    #: No session of this id exists where Codex looks.
    UNKNOWN_SESSION = "unknown_session"
    #: Somebody else has the session open for writing.
    SESSION_BUSY = "session_busy"
    #: Codex wants a git repository for its work directory.
    GIT_CHECK = "git_check"
    #: Codex did not understand how we called it.
    USAGE = "usage"
    #: Codex does not know options that every version from the oldest supported one on knows.
    TOO_OLD = "too_old"
    #: Codex cannot read its own configuration.
    CODEX_CONFIG = "codex_config"
    #: Codex's configuration names a variable that is not set.
    MISSING_VARIABLE = "missing_variable"
    #: There is no such program.
    NOT_INSTALLED = "not_installed"
    #: The program is there, and may not be executed.
    NOT_EXECUTABLE = "not_executable"
    #: The work directory does not exist.
    NO_WORKDIR = "no_workdir"
    #: The program could not be started for any other reason.
    CANNOT_START = "cannot_start"
    #: The process was ended by a signal that was not ours.
    KILLED = "killed"
    #: The system ended the process because the memory was full.
    OUT_OF_MEMORY = "out_of_memory"
    #: The gateway was down when the turn ended, and nothing tells how.
    LOST = "lost"
    #: The gateway died before Codex had begun: the prompt has not been run.
    NOT_STARTED = "not_started"
    #: Codex ended well and nothing of what it wrote was understood.
    NOT_UNDERSTOOD = "not_understood"
    #: A file that came with the prompt could not be had, or no words understood in it.
    ATTACHMENT = "attachment"
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
        FailureKind.OUT_OF_MEMORY,
        FailureKind.LOST,
        FailureKind.NOT_STARTED,
        FailureKind.ATTACHMENT,
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
    """The turn ended badly. `message` is what Codex said, for the person to read.

    `resets_at` is when a limit that was hit begins anew, in Unix seconds, where Codex says.
    """

    kind: FailureKind
    message: str
    resets_at: float | None = None

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
