"""What the hall tells a person; the door turns it into sentences."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from codex_gateway.core.diagnosis import Diagnosis
from codex_gateway.core.event import Context, Event, Misread, Tokens, Window
from codex_gateway.core.holder import Holder
from codex_gateway.core.ids import BotName, ChatRef, RunId, ThreadId, UserId
from codex_gateway.core.manner import Choice
from codex_gateway.core.outcome import Failed, FailureKind, StopReason
from codex_gateway.core.progress import Progress, Step
from codex_gateway.core.request import Misspoken
from codex_gateway.core.run import RunState
from codex_gateway.core.saved import DirectoryFault, SavedPage, SavedSession
from codex_gateway.core.sighting import BrokenOff, Interrupted


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
    #: What it is at, once it has been silent for a while.
    diagnosis: Diagnosis | None = None
    #: It is being stopped.
    is_stopping: bool = False


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
    #: What it was at when it was stopped.
    diagnosis: Diagnosis | None = None
    #: The last steps of a run that was stopped.
    steps: tuple[Step, ...] = ()
    #: Processes that it had left behind and that were ended with it.
    ended: tuple[str, ...] = ()
    context: Context | None = None
    #: How much of the account's allowance is used, as far as it was told.
    windows: tuple[Window, ...] = ()
    #: When the limit that was hit begins anew, in Unix seconds.
    resets_at: float | None = None
    #: Set when Codex did more than could be shown.
    misread: Misread | None = None
    #: The conversation it was in, as far as it got one.
    thread_id: ThreadId | None = None


Card: TypeAlias = QueuedCard | RunningCard | SettledCard


@dataclass(frozen=True, slots=True)
class LiveCard:
    """What a run is at this moment, for a draft: gone in half a minute, and replaced by real messages."""

    run_id: RunId
    elapsed_s: float
    progress: Progress
    diagnosis: Diagnosis | None = None
    #: What Codex has said and no message tells yet, Markdown.
    words: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What Codex answered to the prompt, Markdown, whole."""

    run_id: RunId
    markdown: str
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class Commentary:
    """What Codex said on the way, Markdown."""

    run_id: RunId
    markdown: str


@dataclass(frozen=True, slots=True)
class StillRunning:
    """A command of this run has been at it for long: go on waiting, or stop?"""

    run_id: RunId
    diagnosis: Diagnosis


@dataclass(frozen=True, slots=True)
class NothingRuns:
    """There is nothing to stop."""


@dataclass(frozen=True, slots=True)
class Stopping:
    """The runs named are being stopped, or will not be started; `waiting` more stay queued."""

    run_id: RunId
    was_queued: bool
    waiting: int
    #: The last prompt that this very chat has waiting there.
    last_waiting: RunId | None = None


@dataclass(frozen=True, slots=True)
class NothingToRetry:
    """There was no prompt yet."""


@dataclass(frozen=True, slots=True)
class StillAtIt:
    """That prompt is queued or running already; a retry would do it twice."""

    run_id: RunId


@dataclass(frozen=True, slots=True)
class NotWaiting:
    """That run does not wait for its session (any more), so there is nothing to fork or to end."""

    run_id: RunId


@dataclass(frozen=True, slots=True)
class EndingHolder:
    """The process that the run waits for is being ended."""

    run_id: RunId
    holder: Holder


@dataclass(frozen=True, slots=True)
class SessionForked:
    """From now on the chat speaks to a new session that begins where the old one stood."""

    run_id: RunId
    forked_from: ThreadId
    thread_id: ThreadId


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run in a list. `elapsed_s` is how long it has waited (queued) or worked.

    `is_waiting`: it would run, but somebody else has its session open.
    """

    run_id: RunId
    state: RunState
    prompt: str
    elapsed_s: float
    is_waiting: bool = False
    #: It was asked for in the chat that is told of it.
    is_own: bool = False


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
    #: What the run is at, once it has been silent for a while.
    diagnosis: Diagnosis | None = None
    #: The account's allowance as it was told last, but for windows that have begun anew since.
    windows: tuple[Window, ...] = ()
    #: What this chat has at work in sessions that it has left.
    elsewhere: tuple[RunLine, ...] = ()


@dataclass(frozen=True, slots=True)
class LastResult:
    """The last answer, Markdown, and its prompt; None when there was none."""

    run_id: RunId | None
    markdown: str | None
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class QueueReport:
    """What waits in this chat's session, in order, and what the chat has left in others."""

    running: RunLine | None
    waiting: tuple[RunLine, ...]
    #: At work in sessions that this chat has left.
    elsewhere: tuple[RunLine, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionReport:
    """Which session this chat is bound to."""

    bot: str
    thread_id: ThreadId | None
    workdir: Path
    codex_home: Path
    runs: int
    #: The chat is bound to it by itself; else by its bot.
    is_own: bool = False
    #: What its next prompt forks it from.
    fork_of: ThreadId | None = None
    #: What its file tells; None if there is none.
    saved: SavedSession | None = None
    #: What the installed Codex calls itself.
    codex_version: str | None = None
    #: Somebody has it open, and who, as far as that can be known.
    is_held: bool = False
    holder: Holder | None = None


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


@dataclass(frozen=True, slots=True)
class OutsidePrompt:
    """A prompt that the session was given elsewhere: through another bot, or (None) in a terminal."""

    bot: BotName | None
    text: str


@dataclass(frozen=True, slots=True)
class OutsideWords:
    """What Codex said to such a prompt, on the way or as its answer, Markdown."""

    markdown: str


@dataclass(frozen=True, slots=True)
class OutsideEnd:
    """Such a turn ended without an answer; `how` None: there was nothing to say."""

    how: Failed | Interrupted | BrokenOff | None


@dataclass(frozen=True, slots=True)
class ChoiceReport:
    """What is chosen in this chat, since now (`is_new`) or before; `unknown` is a word that is no choice."""

    choice: Choice
    is_new: bool = False
    unknown: str = ""


class FileRefusal(StrEnum):
    """Why a file is not sent."""

    #: No path was given.
    UNNAMED = "unnamed"
    MISSING = "missing"
    #: It is not in the work directory.
    OUTSIDE = "outside"
    #: It is a symbolic link, or lies behind one.
    LINK = "link"
    #: It may hold passwords or keys.
    CONFIDENTIAL = "confidential"
    DIRECTORY = "directory"
    #: A pipe, a socket, a device.
    SPECIAL = "special"
    UNREADABLE = "unreadable"
    EMPTY = "empty"
    TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file of the work directory. `kept` holds its bytes and is ours, `path` is how it was asked for."""

    path: str
    kept: Path


@dataclass(frozen=True, slots=True)
class FileRefused:
    """Why a file is not sent; `entries` is what is in a directory."""

    path: str
    reason: FileRefusal
    entries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DiffReport:
    """What differs from the last commit. `text` is the diff, or None when it is long: then it lies in `kept`."""

    files: int
    added: int
    removed: int
    text: str | None = None
    kept: Path | None = None
    #: Files that git does not know.
    untracked: tuple[str, ...] = ()
    #: Changed files that may hold secrets: they are left out.
    secret: tuple[str, ...] = ()


class DiffRefusal(StrEnum):
    """Why no diff is shown."""

    #: There is no git here.
    NO_GIT = "no_git"
    NO_REPOSITORY = "no_repository"
    NO_WORKDIR = "no_workdir"
    #: It belongs to another account, and git reads it only once that is allowed.
    NOT_TRUSTED = "not_trusted"
    TIMEOUT = "timeout"
    TOO_LARGE = "too_large"
    #: git itself failed; its words say why.
    FAILED = "failed"
    #: The run named is none of this chat's.
    UNKNOWN_RUN = "unknown_run"


@dataclass(frozen=True, slots=True)
class DiffRefused:
    """Why no diff is shown; `words` are git's own, or the directory that is not trusted."""

    reason: DiffRefusal
    words: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """What was understood of a voice message: these words are the prompt."""

    run_id: RunId
    words: str


@dataclass(frozen=True, slots=True)
class NoSuchRun:
    """The chat had no run of that number: the button is somebody else's, or of a gateway that was set up anew."""

    run_id: RunId


@dataclass(frozen=True, slots=True)
class Moment:
    """One event of a turn, and when it was written down, in Unix seconds; None where that is not told."""

    at: float | None
    event: Event


@dataclass(frozen=True, slots=True)
class RunLog:
    """What a run did, in order, as its session file tells it. `left_out` moments before these are not part of it."""

    run_id: RunId
    state: RunState
    started_at: float | None
    moments: tuple[Moment, ...]
    left_out: int = 0
    #: What went wrong, in Codex's words.
    error: str | None = None


@dataclass(frozen=True, slots=True)
class NotQueued:
    """That run does not wait in this chat's queue (any more), so it cannot be moved or taken out."""


@dataclass(frozen=True, slots=True)
class NextAlready:
    """That run is the next one; nothing waits before it."""


@dataclass(frozen=True, slots=True)
class QueueCleared:
    """So many prompts of this chat were taken out of the queue."""

    count: int


@dataclass(frozen=True, slots=True)
class PromptChanged:
    """The prompt of a run that waits is now the changed one."""

    run_id: RunId


@dataclass(frozen=True, slots=True)
class TooLateToChange:
    """The prompt that was changed is at work already, or done with."""

    run_id: RunId
    is_over: bool


@dataclass(frozen=True, slots=True)
class ForwardedAlone:
    """Forwarded messages came without a word of the person's own, and start nothing."""


@dataclass(frozen=True, slots=True)
class PromptInParts:
    """One message of a prompt that came in several was changed, which changes nothing."""

    run_id: RunId


@dataclass(frozen=True, slots=True)
class SessionList:
    """The conversations there are, and which of them this chat speaks to. `now` is a Unix time."""

    page: SavedPage
    bound: ThreadId | None
    now: float


@dataclass(frozen=True, slots=True)
class Bound:
    """This chat speaks to that session from now on, and works in that directory."""

    session: SavedSession
    workdir: Path
    #: Where the session was begun, if nobody may work there.
    elsewhere: Path | None = None


@dataclass(frozen=True, slots=True)
class WorkdirChanged:
    """This chat speaks to the same session as before, and works in that directory."""

    workdir: Path


@dataclass(frozen=True, slots=True)
class SessionToBegin:
    """The next prompt begins a conversation, a fork of `fork_of` if that is given."""

    workdir: Path
    fork_of: ThreadId | None = None


@dataclass(frozen=True, slots=True)
class Unbound:
    """This chat speaks to the bot's own session again."""

    thread_id: ThreadId | None
    workdir: Path


class BindFault(StrEnum):
    """Why a chat cannot be bound as it was asked."""

    #: `/bind` with nothing behind it.
    NOTHING_NAMED = "nothing_named"
    NO_SUCH_SESSION = "no_such_session"
    ARCHIVED = "archived"
    #: There is no conversation yet that could be forked.
    NOTHING_TO_FORK = "nothing_to_fork"
    CANNOT_FORK = "cannot_fork"
    #: It speaks to the bot's own session already.
    NOT_BOUND = "not_bound"


@dataclass(frozen=True, slots=True)
class NotBound:
    """Nothing was changed, and why; `about` is what was named, or what Codex calls itself."""

    why: BindFault
    about: str = ""


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several conversations have those words in their titles."""

    words: str
    sessions: tuple[SavedSession, ...]
    now: float


@dataclass(frozen=True, slots=True)
class NoWorkdir:
    """Nobody may work in the directory named; `base` is where relative ones begin."""

    words: str
    why: DirectoryFault
    base: Path


Reply: TypeAlias = (
    Card
    | Answer
    | Commentary
    | StillRunning
    | NothingRuns
    | Stopping
    | NothingToRetry
    | StillAtIt
    | NotWaiting
    | EndingHolder
    | SessionForked
    | StatusReport
    | LastResult
    | QueueReport
    | SessionReport
    | WhoReport
    | Help
    | NotUnderstood
    | OutsidePrompt
    | OutsideWords
    | OutsideEnd
    | ChoiceReport
    | SentFile
    | FileRefused
    | DiffReport
    | DiffRefused
    | Heard
    | PromptChanged
    | TooLateToChange
    | ForwardedAlone
    | PromptInParts
    | NoSuchRun
    | RunLog
    | NotQueued
    | NextAlready
    | QueueCleared
    | SessionList
    | Bound
    | WorkdirChanged
    | SessionToBegin
    | Unbound
    | NotBound
    | Ambiguous
    | NoWorkdir
    | LiveCard
)
