"""How a turn ended, told from everything that is known of it; pure."""

from __future__ import annotations

from dataclasses import dataclass

from codex_gateway.codex.reading import json_events as js
from codex_gateway.codex.reading.failures import failed_process, failed_turn
from codex_gateway.codex.reading.rollout import TurnAborted, TurnEnded, TurnError
from codex_gateway.codex.reading.turn_reader import TurnReader
from codex_gateway.core.event import Phase
from codex_gateway.core.outcome import Answered, Failed, FailureKind, Outcome


@dataclass(slots=True)
class Evidence:
    """What is known of a turn so far. `status` is the exit code, negative for a signal, None if it cannot be known."""

    reader: TurnReader
    is_gone: bool = False
    status: int | None = None
    stderr: str = ""
    #: Whether the kernel has killed for want of memory meanwhile; None if it does not tell.
    had_oom_kill: bool | None = None
    #: What Codex wrote into the file named by `-o`, which it does at an orderly end.
    last_message: str | None = None
    has_begun: bool = False
    #: Codex has told which thread it is in.
    is_named: bool = False
    is_completed: bool = False
    failure: str | None = None
    last_error: str | None = None
    #: Codex told of an error, be it a passing one.
    has_trouble: bool = False
    said: str | None = None

    def hear(self, event: js.JsonEvent) -> None:
        """Take note of a line of standard output."""
        match event:
            case js.TurnBegan():
                self.has_begun = True
            case js.TurnCompleted():
                self.is_completed = True
            case js.TurnFailed(message):
                self.failure = message or self.last_error or "Codex failed and did not say why."
            case js.ErrorTold(message):
                self.has_trouble = True
                self.last_error = message
            case js.AgentSaid(text):
                self.said = text
            case js.ThreadStarted():
                self.is_named = True
            case js.Warned() | js.Unread():
                pass


def is_misread(known: Evidence) -> bool:
    """Whether the turn is known to have ended, and the session file told it in words that we do not know.

    That it has ended, standard output tells; should that have changed as well, the exit code and the last message do.
    """
    reader = known.reader
    is_silent = not reader.has_begun or (reader.messages == 0 and known.said is not None)
    if known.failure is not None and reader.is_marked and not reader.has_begun:
        return False  # it failed before it took the prompt up, when it had to compact the conversation first, say
    if known.is_completed or known.failure is not None:
        return is_silent and reader.records > 0
    return known.is_gone and known.status == 0 and is_silent and bool(reader.records or known.last_message)


def verdict(evidence: Evidence) -> Outcome | None:
    """The outcome, or None while it is open; never None once the process is gone."""
    return _told(evidence) or (_left(evidence) if evidence.is_gone else None)


def _told(known: Evidence) -> Outcome | None:
    """What Codex itself has said, while it may still be running."""
    match known.reader.end:
        case TurnEnded(error=TurnError() as error):
            return failed_turn(error)
        case TurnEnded(answer=str(answer), names_errors=True) if _is_final(known) and not known.has_trouble:
            return Answered(answer)  # standard output says so 4 to 9 ms later
        case TurnAborted(reason=reason):
            return Failed(FailureKind.KILLED, f"The turn was ended from outside ({reason}).")
        case _:
            pass
    if known.failure is not None:
        return failed_turn(TurnError(known.failure))
    if known.is_completed:
        return Answered(_answer(known))
    return None


def _is_final(known: Evidence) -> bool:
    said = known.reader.last_said
    return said is not None and said.phase is Phase.FINAL_ANSWER


def _answer(known: Evidence) -> str:
    match known.reader.end:
        case TurnEnded(answer=answer) if answer is not None or known.reader.messages:
            return answer or ""
        case _:
            # In a file without marks a second writer's message may come last; standard output is our process's alone.
            said = known.reader.last_said
            return known.said or known.last_message or (said.text if said is not None else "")


def _left(known: Evidence) -> Outcome:
    """What can be told of a process that went away without a word on how the turn ended."""
    if known.status is not None and known.status != 0:
        return _process_failure(known, known.status)
    match known.reader.end:
        case TurnEnded(answer=answer) if answer is not None or known.status == 0:
            return Answered(answer or "")
        case _:
            pass
    if known.last_message:
        return Answered(known.last_message)
    if known.status == 0:
        words = known.stderr.strip()[-500:]
        return Failed(
            FailureKind.NOT_UNDERSTOOD,
            "Codex ended well, but nothing that it wrote was understood." + (f"\n{words}" if words else ""),
        )
    return _vanished(known)


def _vanished(known: Evidence) -> Failed:
    """It ended while nobody looked, and its exit code went with it."""
    if known.had_oom_kill:
        return _process_failure(known, None)
    if known.reader.has_begun or known.has_begun:
        return Failed(FailureKind.LOST, "The gateway was down when Codex ended, and nothing tells how the turn went.")
    failed = _process_failure(known, None)
    if failed.kind is FailureKind.LOST:
        return never_started()
    return failed


def was_refused(evidence: Evidence, outcome: Outcome) -> bool:
    """Whether Codex found somebody else in the session, and so has begun nothing.

    It looks before it says a word (0.147 to 0.169: 60 ms, exit code 1, and not even `thread.started`).
    """
    is_busy = isinstance(outcome, Failed) and outcome.kind is FailureKind.SESSION_BUSY
    return is_busy and not evidence.has_begun and not evidence.is_named and evidence.status in (1, None)


def _process_failure(known: Evidence, status: int | None) -> Failed:
    return failed_process(status, stderr=known.stderr, last_error=known.last_error, had_oom_kill=known.had_oom_kill)


def never_started() -> Failed:
    """The prompt can be run again without any fear of doing it twice."""
    return Failed(FailureKind.NOT_STARTED, "The gateway stopped before Codex had begun: the prompt was not run.")
