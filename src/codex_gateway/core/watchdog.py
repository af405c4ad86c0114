"""When a turn has been silent, or at work, for too long; pure, time is passed in."""

from __future__ import annotations

from dataclasses import dataclass, replace

from codex_gateway.core import event as ev
from codex_gateway.core.outcome import StopReason


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a turn may take in all and be silent, in seconds; 0 switches a limit off."""

    run_timeout_s: float = 900.0
    silence_s: float = 900.0
    after_compaction_s: float = 60.0
    after_answer_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Watch:
    """What a watchdog has to remember of a turn. Times are of one monotonic clock, in seconds."""

    started_at: float
    last_sign_at: float
    #: The calls that run, each with the time of its start.
    commands: tuple[tuple[str, float], ...] = ()
    is_compacted: bool = False
    is_answered: bool = False

    @classmethod
    def begin(cls, now: float) -> Watch:
        return cls(started_at=now, last_sign_at=now)

    def after(self, event: ev.Event, *, now: float) -> Watch:
        """The watch once `event` was seen at `now`."""
        seen = replace(self, last_sign_at=now)
        match event:
            case ev.OutputSeen() | ev.Usage() | ev.ProcessesEnded() | ev.TurnStarted() | ev.Notice(reconnect=None):
                # What follows a compaction or an answer and is no progress beyond it: accounting, warnings (0.145 and
                # older warn of every compaction), and the prompt itself, if the compaction came before it.
                return seen
            case ev.Compacted():
                return replace(seen, is_compacted=True)
            case ev.Message(phase=ev.Phase.FINAL_ANSWER):
                return replace(seen, is_compacted=False, is_answered=True)
            case ev.CommandStarted(call_id=call_id):
                return replace(seen, is_compacted=False, is_answered=False, commands=self._with(call_id, now))
            case ev.CommandFinished(call_id=call_id):
                return replace(seen, is_compacted=False, commands=self._without(call_id))
            case _:
                return replace(seen, is_compacted=False)

    def running_since(self, call_id: str, *, default: float) -> float:
        """When a call began that still runs."""
        return next((since for known, since in self.commands if known == call_id), default)

    def _with(self, call_id: str, now: float) -> tuple[tuple[str, float], ...]:
        return (*self._without(call_id), (call_id, self.running_since(call_id, default=now)))

    def _without(self, call_id: str) -> tuple[tuple[str, float], ...]:
        return tuple(command for command in self.commands if command[0] != call_id)

    def deadlines(self, limits: Limits) -> list[tuple[float, StopReason]]:
        """When each limit that applies now runs out, soonest first."""
        silence = [
            (limits.after_answer_s, StopReason.STUCK_AFTER_ANSWER, self.is_answered),
            (limits.after_compaction_s, StopReason.STUCK_AFTER_COMPACTION, self.is_compacted),
            (limits.silence_s, StopReason.SILENCE, True),
        ]
        due = [(self.started_at + limits.run_timeout_s, StopReason.RUN_TIMEOUT)] if limits.run_timeout_s else []
        if not self.commands:  # a command that runs is not silence of the model
            due += [(self.last_sign_at + limit, reason) for limit, reason, applies in silence if applies and limit]
        return sorted(due, key=lambda deadline: deadline[0])
