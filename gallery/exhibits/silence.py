"""What a silent run is said to be at, while it runs and once it was stopped."""

from __future__ import annotations

from typing import assert_never

from codex_gateway.core import event as ev
from codex_gateway.core.diagnosis import Cause, Diagnosis
from codex_gateway.core.progress import Progress
from codex_gateway.core.reply import RunningCard, StillRunning
from gallery.exhibit import Chapter, Exhibit
from gallery.exhibits.status import ASKED, RUN, at_work, seen

_COMMAND = "npm test -- --runInBand --verbose"


def of(cause: Cause) -> Diagnosis:
    """An example of each cause."""
    match cause:
        case Cause.COMMAND:
            return Diagnosis(cause, 372, command=_COMMAND, is_at_work=True)
        case Cause.INPUT:
            return Diagnosis(cause, 95, command="npm init")
        case Cause.HALTED:
            return Diagnosis(cause, 64, command="vim notes.txt", pid=31337)
        case Cause.RECONNECTING:
            return Diagnosis(cause, 48, attempt=3, attempts=5)
        case Cause.GONE:
            return Diagnosis(cause, 31, pid=4711)
        case Cause.STARTING | Cause.MODEL | Cause.COMPACTING | Cause.BUSY | Cause.ENDING | Cause.UNKNOWN:
            return Diagnosis(cause, 75)
        case _:
            assert_never(cause)


def chapter() -> Chapter:
    shown = [
        Exhibit(cause.value, f"Silent: {cause.value}", ASKED, (RunningCard(RUN, 431, _progress(of(cause)), of(cause)),))
        for cause in Cause
    ]
    agent_halted = Diagnosis(Cause.HALTED, 40, pid=4242)
    shown.append(
        Exhibit("agent-halted", "Codex itself is halted", ASKED, (RunningCard(RUN, 99, seen(), agent_halted),))
    )
    questions = (
        ("asks-at-work", "Asks about a long command", Diagnosis(Cause.COMMAND, 600, _COMMAND, is_at_work=True)),
        ("asks-idle", "One that does nothing", Diagnosis(Cause.COMMAND, 600, "tail -f app.log", is_at_work=False)),
        ("asks-unknown", "One that nobody knows of", Diagnosis(Cause.COMMAND, 3_600, "web.search codex exec resume")),
        ("asks-input", "One that waits for input", of(Cause.INPUT)),
        ("asks-halted", "One that is halted", of(Cause.HALTED)),
    )
    asked = [Exhibit(name, title, ASKED, (StillRunning(RUN, diagnosis),)) for name, title, diagnosis in questions]
    return Chapter("silence", "Silence", (*shown, *asked))


def _progress(diagnosis: Diagnosis) -> Progress:
    match diagnosis.cause:
        case Cause.STARTING:
            return Progress()
        case Cause.ENDING:
            return at_work(ev.Message("Done.", ev.Phase.FINAL_ANSWER))
        case Cause.RECONNECTING:
            return at_work(ev.Notice("Reconnecting... 3/5", ev.Reconnect(3, 5)))
        case _ if diagnosis.command is not None:
            return at_work(ev.CommandStarted("now", diagnosis.command))
        case _:
            return at_work()
