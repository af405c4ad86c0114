"""What a person wants to know of a turn while it runs: a fold over its events."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from codex_gateway.core import event as ev

#: How many of the latest steps are kept for the log in the status message.
LAST_STEPS = 8


class Doing(StrEnum):
    """What the turn is at."""

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
    reasoning: str | None = None
    compactions: int = 0
    thread_before: ev.Tokens | None = None
    usage: ev.Usage | None = None
    #: Set when all this tells less than was done.
    misread: ev.Misread | None = None

    @property
    def current_step(self) -> Step | None:
        """The oldest step that still runs."""
        return next((step for step in self.steps if not step.is_done), None)

    @property
    def tokens(self) -> ev.Tokens | None:
        """What this turn alone has cost."""
        if self.usage is None or self.thread_before is None:
            return None
        return self.usage.thread_total - self.thread_before


def advance(progress: Progress, event: ev.Event) -> Progress:
    """The progress after `event`; the same object when nothing a person would see has changed."""
    match event:
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
            before = progress.thread_before or event.thread_total - event.last
            return replace(progress, usage=event, thread_before=before)
        case ev.Notice(text=text):
            return replace(progress, notice=text)
        case ev.Misread():
            return replace(progress, misread=event)
        case ev.ProcessStarted() | ev.SessionIdentified() | ev.OutputSeen() | ev.Concluded():
            return progress


def _busy_or_thinking(progress: Progress) -> Doing:
    return Doing.RUNNING_COMMAND if progress.current_step else Doing.THINKING


def _step_started(progress: Progress, step: Step) -> Progress:
    if any(known.call_id == step.call_id for known in progress.steps):
        return progress
    return replace(
        progress,
        doing=Doing.RUNNING_COMMAND,
        steps=_kept((*progress.steps, step)),
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


def _kept(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The latest steps, and every one that still runs."""
    surplus = len(steps) - LAST_STEPS
    return tuple(step for index, step in enumerate(steps) if index >= surplus or not step.is_done)
