"""The status message of a run in every state that comes before its verdict."""

from __future__ import annotations

from codex_gateway.core import event as ev
from codex_gateway.core.holder import Holder
from codex_gateway.core.ids import AttemptId, RunId
from codex_gateway.core.progress import Progress, advance
from codex_gateway.core.reply import LiveCard, QueuedCard, RunningCard
from gallery.exhibit import Chapter, Exhibit

RUN = RunId(42)
ASKED = "The test of the retry is flaky. Find out why and fix it."

#: What the turn has cost so far.
USAGE = ev.Usage(
    thread_total=ev.Tokens(input=61_200, cached=48_000, output=3_900, reasoning=1_100),
    last=ev.Tokens(input=40_800, cached=38_000, output=900, reasoning=300),
    context_window=128_000,
    windows=(ev.Window(34.0, 18_000.0, 1_763_680_800.0), ev.Window(61.0, 604_800.0, 1_764_054_000.0)),
)

_DONE = (
    ("rg -n 'sleep\\(' tests", 0),
    ("sed -n 1,80p tests/test_retry.py", 0),
    ("python -m pytest -q tests/test_retry.py --count 20", 1),
    ("git log --oneline -5 -- src/retry.py", 0),
)


def seen(*events: ev.Event) -> Progress:
    """The progress after these events, as the executor folds them."""
    progress = Progress()
    for event in (ev.TurnStarted("turn-1"), *events):
        progress = advance(progress, event)
    return progress


def steps(*commands: tuple[str, int]) -> tuple[ev.Event, ...]:
    """Commands that were run, with how each exited."""
    return tuple(
        event
        for number, (command, code) in enumerate(commands)
        for event in (
            ev.CommandStarted(f"done-{number}", command),
            ev.CommandFinished(f"done-{number}", command, code),
        )
    )


def at_work(*more: ev.Event) -> Progress:
    """A turn that has done something already."""
    return seen(*steps(*_DONE), ev.FileChanged(("src/retry.py", "tests/test_retry.py")), USAGE, *more)


def running(progress: Progress, *, elapsed_s: float = 83, is_stopping: bool = False) -> RunningCard:
    return RunningCard(RUN, elapsed_s, progress, is_stopping=is_stopping)


def held(holder: Holder | None, *, can_fork: bool = False) -> Progress:
    """A turn that waits for its session."""
    return advance(Progress(), ev.SessionHeld(holder, can_fork))


def chapter() -> Chapter:
    thinking = ev.Reasoning("**Comparing clocks**\n\nThe test sleeps for 0.1 s and expects less than 0.15 s to pass.")
    tests = ev.CommandStarted("now", "python -m pytest -q -x tests/test_retry.py --count 200 -p no:randomly")
    second = ev.CommandStarted("now-2", "npm run build --workspace web")
    many = tuple((f"sed -n {n},{n + 60}p src/gateway/{n}_module_with_a_long_name_for_a_phone.py", 0) for n in range(12))
    script = "python - <<'EOF'\nimport time, statistics\nruns = [timeit() for _ in range(500)]\nprint(max(runs))\nEOF"
    drawn = (
        ("queued", "First in the queue", QueuedCard(RUN, 0)),
        ("queued-behind", "Behind others", QueuedCard(RUN, 2)),
        ("starting", "Codex is starting", running(Progress(), elapsed_s=1)),
        ("thinking", "Thinking, and nothing is shown of it", running(seen(), elapsed_s=6)),
        ("reasoning", "Thinking aloud", running(seen(thinking), elapsed_s=14)),
        ("command", "A command runs", running(at_work(tests))),
        ("commands", "Two at once", running(at_work(tests, second))),
        ("script", "A command of many lines", running(at_work(ev.CommandStarted("now", script)))),
        ("many-steps", "After many steps", running(seen(*steps(*many), USAGE, tests), elapsed_s=3_725)),
        ("compacted", "After a compaction", running(at_work(ev.Compacted(), thinking), elapsed_s=912)),
        (
            "notice",
            "Codex warns",
            running(at_work(ev.Notice("Reconnecting... 2/5 (stream disconnected)", ev.Reconnect(2, 5)))),
        ),
        ("finishing", "The answer is there", running(at_work(ev.Message("Done.", ev.Phase.FINAL_ANSWER)))),
        ("stopping", "Being stopped", running(at_work(tests), is_stopping=True)),
        ("waiting", "The session is open somewhere", running(held(None), elapsed_s=4)),
        (
            "waiting-terminal",
            "It is open in a terminal",
            running(held(Holder(4242, "codex resume", "pts/3"), can_fork=True), elapsed_s=4),
        ),
        (
            "waiting-leftover",
            "An earlier run has left something behind",
            running(held(Holder(5151, "node server.js", None, AttemptId(7))), elapsed_s=4),
        ),
        (
            "waiting-server",
            "Codex’s own server has it open",
            running(held(Holder(777, "codex app-server"), can_fork=True), elapsed_s=4),
        ),
    )
    exhibits = tuple(
        Exhibit(name, title, ASKED, (card,), is_shown_unfolded=name in {"command", "many-steps"})
        for name, title, card in drawn
    )
    return Chapter("status", "The status message", (*exhibits, *_drafts()))


def _drafts() -> tuple[Exhibit, ...]:
    """What is shown for a moment below everything else, where the chat has drafts."""
    words = "I’ve found it: `test_retry_waits` compares **wall-clock** times. Next I’ll give it a clock of its own."
    tests = ev.CommandStarted("now", "python -m pytest -q tests/test_retry.py --count 200")
    return (
        Exhibit("draft", "A draft", ASKED, (LiveCard(RUN, 83, at_work(tests)),)),
        Exhibit("draft-words", "A draft with words", ASKED, (LiveCard(RUN, 83, at_work(tests), None, words),)),
    )
