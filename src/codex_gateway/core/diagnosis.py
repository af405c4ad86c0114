"""What a turn that says nothing is at, told from evidence; pure, time is passed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from codex_gateway.core.progress import Doing, Progress, Step
from codex_gateway.core.watchdog import Watch

#: A reconnect this many seconds ago, and a connection since: it has worked.
_RECONNECTED_S = 15.0
#: The share of one processor from which on somebody is at work, and not just looking at a clock.
_AT_WORK_SHARE = 0.05


class Cause(StrEnum):
    """Why nothing is heard."""

    #: The prompt has not been taken up yet.
    STARTING = "starting"
    #: The model's service has the request and has not answered yet.
    MODEL = "model"
    #: A command runs, or another tool.
    COMMAND = "command"
    #: A command waits for input, which nobody can give it.
    INPUT = "input"
    #: Most likely the conversation is being compacted: Codex tells only when that is done.
    COMPACTING = "compacting"
    #: Codex tries to reach the model's service.
    RECONNECTING = "reconnecting"
    #: Codex itself computes.
    BUSY = "busy"
    #: The answer is there, Codex is about to end.
    ENDING = "ending"
    #: A process is held by a signal (SIGSTOP, or SIGTTIN for one that reads a terminal in the background).
    HALTED = "halted"
    #: The process is gone.
    GONE = "gone"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a turn is, or was, at; `since_s` is for how many seconds."""

    cause: Cause
    since_s: float
    #: The command it is about, as a person would read it.
    command: str | None = None
    #: The try that Codex is at, of `attempts`, where it counts them.
    attempt: int | None = None
    attempts: int | None = None
    #: The process that is held.
    pid: int | None = None
    #: Whether the command has used a processor lately; None where nobody knows.
    is_at_work: bool | None = None

    def aged(self, by_s: float) -> Diagnosis:
        """The same, that much later."""
        return replace(self, since_s=self.since_s + max(0.0, by_s))


class Life(StrEnum):
    """How a process is, as the machine shows it."""

    ALIVE = "alive"
    #: Stopped by a signal, until it is told to go on.
    HALTED = "halted"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class ToolProcess:
    """A live process that a tool of the turn has started."""

    pid: int
    command: str
    age_s: float
    #: Processor time, with that of its children that have ended.
    cpu_s: float
    #: The call that it was started for, where the agent tells.
    call_id: str | None = None
    is_halted: bool = False
    #: It is blocked reading its standard input, and nothing but the agent could write there.
    awaits_input: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the machine shows of a turn at one moment, `taken_at` on the monotonic clock."""

    taken_at: float
    pid: int
    life: Life
    #: Processor time of the agent itself, tools apart.
    cpu_s: float = 0.0
    #: Established TCP connections of the agent itself.
    connections: int = 0
    tools: tuple[ToolProcess, ...] = ()
    #: How long ago output or session file were last written to; None where there is neither.
    quiet_s: float | None = None


def diagnose(
    progress: Progress, watch: Watch, *, evidence: Evidence | None, now: float, before: Evidence | None = None
) -> Diagnosis:
    """What the turn is at. `before` is the evidence of an earlier look: who has used a processor since?"""
    quiet_s = now - watch.last_sign_at
    if evidence is not None:
        quiet_s = max(quiet_s, evidence.quiet_s or 0.0)
        if evidence.life is Life.GONE:
            return Diagnosis(Cause.GONE, quiet_s, pid=evidence.pid)
        if evidence.life is Life.HALTED:
            return Diagnosis(Cause.HALTED, quiet_s, pid=evidence.pid)
    step = progress.current_step
    if step is not None:
        return _of_step(step, now - watch.running_since(step.call_id, default=now), evidence, before)
    return _of_agent(progress, quiet_s, evidence, before)


def _of_step(step: Step, known_s: float, evidence: Evidence | None, before: Evidence | None) -> Diagnosis:
    tools = () if evidence is None else evidence.tools
    own = [tool for tool in tools if _belongs(tool, step)]
    # what an earlier life of ours saw begin, or the agent waits for once more, is older than its record
    since_s = max([known_s, *(tool.age_s for tool in own)])
    for tool in own or tools:  # which ones are its own is not always told
        if tool.is_halted:
            return Diagnosis(Cause.HALTED, since_s, command=step.text, pid=tool.pid)
        if tool.awaits_input:
            return Diagnosis(Cause.INPUT, since_s, command=step.text, pid=tool.pid)
    return Diagnosis(Cause.COMMAND, since_s, command=step.text, is_at_work=_are_at_work(evidence, before))


def _belongs(tool: ToolProcess, step: Step) -> bool:
    if tool.call_id is not None and tool.call_id == step.call_id:
        return True
    run, shown = " ".join(tool.command.split()), " ".join(step.text.split())
    return bool(run) and bool(shown) and (run in shown or shown in run)


def _of_agent(progress: Progress, quiet_s: float, evidence: Evidence | None, before: Evidence | None) -> Diagnosis:
    is_connected = evidence is not None and evidence.connections > 0
    is_compacting = progress.is_about_to_compact and (is_connected or evidence is None)
    if progress.doing is Doing.STARTING and not is_compacting and progress.reconnect is None:
        return Diagnosis(Cause.STARTING, quiet_s, is_at_work=_is_busy(evidence, before))
    if progress.doing is Doing.ANSWERED:
        return Diagnosis(Cause.ENDING, quiet_s)
    retry = progress.reconnect
    if retry is not None and not (is_connected and quiet_s >= _RECONNECTED_S):
        return Diagnosis(Cause.RECONNECTING, quiet_s, attempt=retry.attempt, attempts=retry.attempts)
    if is_compacting:
        return Diagnosis(Cause.COMPACTING, quiet_s)
    if is_connected:
        return Diagnosis(Cause.MODEL, quiet_s)
    return Diagnosis(Cause.BUSY if _is_busy(evidence, before) else Cause.UNKNOWN, quiet_s)


def _is_busy(evidence: Evidence | None, before: Evidence | None) -> bool | None:
    if evidence is None or before is None:
        return None
    return _is_at_work(evidence.cpu_s - before.cpu_s, evidence.taken_at - before.taken_at)


def _are_at_work(evidence: Evidence | None, before: Evidence | None) -> bool | None:
    if evidence is None or before is None or not evidence.tools:
        return None
    return _is_at_work(_sum(evidence.tools) - _sum(before.tools), evidence.taken_at - before.taken_at)


def _is_at_work(cpu_s: float, elapsed_s: float) -> bool | None:
    return cpu_s / elapsed_s >= _AT_WORK_SHARE if elapsed_s > 0 else None


def _sum(tools: Sequence[ToolProcess]) -> float:
    return sum(tool.cpu_s for tool in tools)
