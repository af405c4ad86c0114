"""What a person wants to know of a turn while it runs: a fold over its events."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from codex_gateway.core import event as ev
from codex_gateway.core.holder import Holder

#: How many of the latest steps are kept for the log in the status message.
LAST_STEPS = 60
#: Codex compacts from this share of the model's window on, unless it is configured otherwise (0.140, 0.169).
COMPACTION_SHARE = 0.9


class Doing(StrEnum):
    """What the turn is at."""

    #: Somebody else has the session open, and nothing has begun.
    WAITING_FOR_SESSION = "waiting_for_session"
    STARTING = "starting"
    THINKING = "thinking"
    RUNNING_COMMAND = "running_command"
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class Step:
    """A command or a file change. `exit_code` is None while it runs and where Codex does not tell."""

    call_id: str
    text: str
    is_done: bool = False
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """A turn so far. `thread_before` is what the thread had cost before this turn, once known."""

    doing: Doing = Doing.STARTING
    steps: tuple[Step, ...] = ()
    step_count: int = 0
    files: frozenset[str] = frozenset()
    #: The latest thing Codex warned of, such as a reconnect; gone with the next sign of progress.
    notice: str | None = None
    #: The reconnect that `notice` tells of, if it tells of one.
    noticed_reconnect: ev.Reconnect | None = None
    reasoning: str | None = None
    compactions: int = 0
    #: The next thing to happen is most likely a compaction.
    is_about_to_compact: bool = False
    thread_before: ev.Tokens | None = None
    usage: ev.Usage | None = None
    #: Processes that were ended because the turn had left them behind.
    ended: tuple[str, ...] = ()
    #: Set when all this tells less than was done.
    misread: ev.Misread | None = None

    @property
    def reconnect(self) -> ev.Reconnect | None:
        """The reconnect that is the latest thing heard of Codex."""
        return None if self.notice is None else self.noticed_reconnect

    #: Who has the session open while the turn waits for it, as far as that is known.
    holder: Holder | None = None
    #: Whether a turn that waits could go on in a fork of its session.
    can_fork: bool = False

    @property
    def is_waiting(self) -> bool:
        """Nothing of the turn has begun: it waits for its session."""
        return self.doing is Doing.WAITING_FOR_SESSION

    @property
    def current_step(self) -> Step | None:
        """The oldest step that still runs."""
        return next((step for step in self.steps if not step.is_done), None)

    @property
    def tokens(self) -> ev.Tokens | None:
        """What this turn alone has cost."""
        if self.usage is None or self.thread_before is None:
            return None
        spent = self.usage.thread_total - self.thread_before
        return spent if min(spent.input, spent.output) >= 0 else self.usage.last  # the thread was wound back meanwhile

    @property
    def context(self) -> ev.Context | None:
        """How full the model's window is."""
        return None if self.usage is None else self.usage.context

    @property
    def windows(self) -> tuple[ev.Window, ...]:
        """How much of the account's allowance is used, as far as this turn was told."""
        return () if self.usage is None else self.usage.windows


def advance(progress: Progress, event: ev.Event) -> Progress:
    """The progress after `event`; the same object when nothing a person would see has changed."""
    expects = _expects_compaction(progress, event)
    if expects is not progress.is_about_to_compact:
        progress = replace(progress, is_about_to_compact=expects)
    match event:
        case ev.SessionHeld(holder=holder, can_fork=can_fork):
            return Progress(doing=Doing.WAITING_FOR_SESSION, holder=holder, can_fork=can_fork)
        case ev.SessionFree():
            return Progress()
        case ev.TurnStarted():
            return replace(progress, doing=Doing.THINKING)
        case ev.Message(phase=ev.Phase.FINAL_ANSWER):
            return replace(progress, doing=Doing.ANSWERED, notice=None)
        case ev.Message():
            return replace(progress, doing=_busy_or_thinking(progress), notice=None)
        case ev.Reasoning(summary=summary):
            return replace(progress, doing=_busy_or_thinking(progress), reasoning=summary or None, notice=None)
        case ev.CommandStarted(call_id=call_id, command=command):
            return _step_started(progress, Step(call_id=call_id, text=command))
        case ev.CommandFinished():
            return _step_finished(progress, event)
        case ev.FileChanged(paths=paths):
            return replace(progress, files=progress.files | set(paths), notice=None)
        case ev.Compacted():
            return replace(progress, compactions=progress.compactions + 1, notice=None)
        case ev.Usage():
            before = progress.thread_before or event.thread_before or event.thread_total - event.last
            usage = replace(event, windows=event.windows or progress.windows)
            return replace(progress, usage=usage, thread_before=before)
        case ev.Notice(text=text, reconnect=reconnect):
            return replace(progress, notice=text, noticed_reconnect=reconnect)
        case ev.ProcessesEnded(commands=commands):
            return replace(progress, ended=progress.ended + commands)
        case ev.Misread():
            return replace(progress, misread=event)
        case ev.CompactionExpected():
            # The prompt is written after it, but it has been taken up.
            return replace(progress, doing=Doing.THINKING) if progress.doing is Doing.STARTING else progress
        case ev.ProcessStarted() | ev.SessionIdentified() | ev.OutputSeen() | ev.Concluded():
            return progress


def _expects_compaction(progress: Progress, event: ev.Event) -> bool:
    match event:
        case ev.CompactionExpected():
            return True
        case ev.Usage(last=last, context_window=window):
            return window is not None and last.total >= window * COMPACTION_SHARE
        case ev.TurnStarted() | ev.Message() | ev.Reasoning() | ev.CommandStarted() | ev.Compacted():
            return False
        case _:
            return progress.is_about_to_compact


def _busy_or_thinking(progress: Progress) -> Doing:
    return Doing.RUNNING_COMMAND if progress.current_step else Doing.THINKING


def _step_started(progress: Progress, step: Step) -> Progress:
    if any(known.call_id == step.call_id for known in progress.steps):
        return progress
    return replace(
        progress,
        doing=Doing.RUNNING_COMMAND,
        steps=latest((*progress.steps, step), LAST_STEPS),
        step_count=progress.step_count + 1,
        notice=None,
    )


def _step_finished(progress: Progress, event: ev.CommandFinished) -> Progress:
    if not any(step.call_id == event.call_id for step in progress.steps):
        progress = _step_started(progress, Step(call_id=event.call_id, text=event.command))
    steps = tuple(
        replace(step, is_done=True, exit_code=event.exit_code, text=event.command or step.text)
        if step.call_id == event.call_id
        else step
        for step in progress.steps
    )
    progress = replace(progress, steps=steps, notice=None)
    return replace(progress, doing=_busy_or_thinking(progress))


def latest(steps: tuple[Step, ...], most: int) -> tuple[Step, ...]:
    """The latest `most` steps, and every one that still runs."""
    surplus = len(steps) - most
    return tuple(step for index, step in enumerate(steps) if index >= surplus or not step.is_done)
