"""What a person gets to see of every way in which a turn can go, on every shape of Codex: one table.

A version that differs from the others says so in its row, with the reason. The scripted Codex plays 0.169 and 0.140, so
its rows are theirs.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

import pytest

from codex.conftest import open_bench
from codex.turns import EVERY_SHAPE, Bench, Ear, is_real, until, version_of
from codex_gateway.codex.child import memory
from codex_gateway.core import event as ev
from codex_gateway.core.ids import ThreadId
from codex_gateway.core.outcome import Answered, Failed, FailureKind, Outcome
from support.real_codex import LEGACY, NAMING_ERRORS, UNMARKED
from support.tui import tui

CANCELLED = "cancelled"
UNKNOWN = ThreadId("01a1f920-e197-7680-af9c-1ed048038c95")
#: All versions before the current one; and those whose sessions have no lock.
OLDER = (NAMING_ERRORS, LEGACY, UNMARKED)


@dataclass(frozen=True, slots=True)
class Expected:
    """`outcome` of a failure holds words that its message has; `seen` are the steps in order (`steps_of`)."""

    outcome: Answered | Failed | str
    seen: tuple[str, ...] = ()
    #: How the notices begin; their place among the steps is left open, as they come by another file.
    notices: tuple[str, ...] = ()
    #: Whether the last step is always told: an interrupt leaves 0.140 the time for it only now and then.
    tells_last: bool = True
    #: Whether what Codex says keeps its place among its calls: where it is known to be ours only once our own process
    #: has told it too, a call that names its turn may be known before it.
    keeps_order: bool = True


@dataclass(slots=True)
class Scene:
    """A session in which the case is about to happen."""

    shape: str
    bench: Bench
    prompt: str
    thread_id: ThreadId
    ear: Ear = field(default_factory=Ear)

    @property
    def gate(self) -> Path:
        return self.bench.workdir / "gate"

    async def turn(self) -> Outcome:
        return await self.bench.ask(self.prompt, self.thread_id, ear=self.ear, lock_patience_s=0.3)

    def begin(self) -> asyncio.Task[Outcome]:
        return asyncio.create_task(self.turn())


Act: TypeAlias = Callable[[Scene], Awaitable[Outcome | str]]


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    #: The last one is the turn in question.
    prompts: tuple[str, ...]
    expected: Expected
    #: For some versions: what they do otherwise, by the reason why.
    differs: Mapping[tuple[tuple[str, ...], str], Expected] = field(default_factory=dict)
    act: Act = Scene.turn
    #: Whether the session answers the next prompt as if nothing had happened.
    goes_on: bool = True

    def on(self, version: str) -> Expected:
        rows = [row for (versions, _), row in self.differs.items() if version in versions]
        assert len(rows) <= 1, "two rows for one version"
        return rows[0] if rows else self.expected


# What happens around the turn.


def cancelled_after(kind: type[ev.Event]) -> Act:
    async def act(scene: Scene) -> str:
        task = scene.begin()
        await until(lambda: scene.ear.has(kind))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return CANCELLED

    return act


def ended_by(number: signal.Signals) -> Act:
    async def act(scene: Scene) -> Outcome:
        task = scene.begin()
        await until(lambda: scene.ear.has(ev.CommandStarted))
        os.kill(scene.ear.all(ev.ProcessStarted)[0].pid, number)
        return await task

    return act


async def out_of_memory(scene: Scene) -> Outcome:
    """The kernel sends SIGKILL and counts it."""
    counter = scene.bench.folder / "proc" / "vmstat"
    counter.parent.mkdir()
    counter.write_text("oom_kill 0\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "_ROOT", scene.bench.folder)
        task = scene.begin()
        await until(lambda: scene.ear.has(ev.CommandStarted))
        counter.write_text("oom_kill 1\n")
        os.kill(scene.ear.all(ev.ProcessStarted)[0].pid, signal.SIGKILL)
        return await task


async def unknown_id(scene: Scene) -> Outcome:
    scene.thread_id = UNKNOWN
    return await scene.turn()


async def no_id(scene: Scene) -> Outcome:
    """Codex takes it for a name, and begins a new session."""
    scene.thread_id = ThreadId("--last")
    return await scene.turn()


async def archived(scene: Scene) -> Outcome:
    [path] = scene.bench.options.home.glob(f"sessions/**/*{scene.thread_id}.jsonl")
    if is_real(scene.shape) and version_of(scene.shape) != UNMARKED:
        words = [scene.bench.options.cli_cmd, "archive", scene.thread_id]
        environ = dict(scene.bench.options.environ)
        subprocess.run(words, env=environ, check=True, capture_output=True, timeout=30)
    else:  # 0.98 and the scripted one have no such command
        (scene.bench.options.home / "archived_sessions").mkdir()
        path.rename(scene.bench.options.home / "archived_sessions" / path.name)
    assert not path.exists()
    return await scene.turn()


async def no_workdir(scene: Scene) -> Outcome:
    scene.bench = replace(scene.bench, workdir=scene.bench.workdir / "gone")
    return await scene.turn()


async def second_of_ours(scene: Scene) -> Outcome:
    """A turn of another agent of ours goes through while ours waits for its gate."""
    task = scene.begin()
    await until(lambda: scene.ear.said == ["from us"])
    other = Ear()
    second = asyncio.create_task(
        scene.bench.ask("@say from the other", scene.thread_id, ear=other, lock_patience_s=0.05)
    )
    await until(lambda: second.done() or other.has(ev.SessionHeld))
    assert second.done() is not has_lock(scene), "with a lock it waits for its turn"
    scene.gate.touch()
    outcome = await task
    assert (await second, other.said) == (Answered("from the other"), ["from the other"])
    return outcome


async def terminal_at_rest(scene: Scene) -> Outcome:
    with terminal(scene):
        await until(lambda: not has_lock(scene) or scene.bench.is_held(scene.thread_id))
        return await unless_held(scene, scene.begin())


async def terminal_at_work(scene: Scene) -> Outcome:
    """A person's turn is under way when ours begins, and ends in the midst of it."""
    between = scene.bench.workdir / "between"
    with terminal(scene, f"@comment from the terminal\n@sh until test -e {between}; do sleep 0.02; done\n@say bye"):
        await until(lambda: "from the terminal" in scene.bench.session_text(scene.thread_id))
        task = scene.begin()
        await until(lambda: task.done() or scene.ear.said == ["from us"] or scene.ear.has(ev.SessionHeld))
        if has_lock(scene):
            outcome = await unless_held(scene, task)
            between.touch()
            return outcome
        between.touch()
        await until(lambda: task.done() or '"bye"' in scene.bench.session_text(scene.thread_id))
        scene.gate.touch()
        outcome = await task
        between.touch()
        return outcome


async def unless_held(scene: Scene, task: asyncio.Task[Outcome]) -> Outcome:
    """How the turn ends; one that is told to wait for its session would do so for as long as that is held."""
    await until(lambda: task.done() or scene.ear.has(ev.SessionHeld))
    if task.done():
        return await task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return Failed(FailureKind.SESSION_BUSY, "waits for its session")


def has_lock(scene: Scene) -> bool:
    return version_of(scene.shape) not in OLDER


@contextmanager
def terminal(scene: Scene, prompt: str | None = None) -> Iterator[None]:
    """Codex's own terminal program in the session; for the scripted one a lock, or a bare process, has to do."""
    options, bench = scene.bench.options, scene.bench
    environ = dict(options.environ)
    if is_real(scene.shape):
        words = () if prompt is None else (prompt,)
        codex = Path(options.cli_cmd)
        with tui(codex, scene.thread_id, *words, home=options.home, cwd=bench.workdir, environ=environ):
            yield
    elif prompt is None:
        with held(scene) if has_lock(scene) else nullcontext():
            yield
    else:
        words = ("exec", "resume", "--skip-git-repo-check", scene.thread_id, prompt)
        with subprocess.Popen(
            [options.cli_cmd, *words],
            env=environ,
            cwd=bench.workdir,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                yield
                process.wait(timeout=30)
            finally:
                process.kill()


@contextmanager
def held(scene: Scene) -> Iterator[None]:
    folder = scene.bench.options.home / "thread-writer-locks"
    folder.mkdir(exist_ok=True)
    with (folder / f"{scene.thread_id}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


# The table.

WORK = ("comment: note", "$ echo hi", "$ echo hi → 0")
AT_WORK = "@comment note\n@sh echo hi\n"
RETRIED = ("Reconnecting... 1/1",)
BROKEN_OFF = "stream disconnected before completion"
HEADS_UP = ("Heads up: Long threads and multiple compactions",)
SLEEPER = "@comment note\n@sh setsid sleep 1000 & sleep 1000"
SLEEPING = ("comment: note", "$ setsid sleep 1000 & sleep 1000")
GATED = "@comment from us\n@sh until test -e {gate}; do sleep 0.02; done\n@say bye from us"
BUSY = Expected(Failed(FailureKind.SESSION_BUSY, "waits for its session"))
GATED_STEPS = ("comment: from us", "$ until gate", "$ until gate → 0", "answer: bye from us")

CASES = (
    Case("ok", ("hello",), Expected(Answered("echo: hello"), ("answer: echo: hello",))),
    Case(
        "tools",
        ("@sh echo hi; exit 3\n@patch made.txt content\n@say Made it.",),
        Expected(
            Answered("Made it."),
            (
                *("$ echo hi; exit 3", "$ echo hi; exit 3 → 3"),
                *("$ apply_patch made.txt", "wrote made.txt", "$ apply_patch made.txt → 0"),
                "answer: Made it.",
            ),
        ),
    ),
    Case(
        "tools side by side",
        ("@par until test -e {gate}; do sleep 0.02; done || touch {gate}\n@say Both.",),
        Expected(
            Answered("Both."),
            ("$ until gate", "$ touch gate", "$ touch gate → 0", "$ until gate → 0", "answer: Both."),
        ),
        {
            (OLDER, "the legacy format tells of no command's end before all that ran beside it have ended"): Expected(
                Answered("Both."),
                ("$ until gate", "$ touch gate", "$ until gate → 0", "$ touch gate → 0", "answer: Both."),
            ),
        },
    ),
    Case(
        "commentary",
        ("@reason **Plan**\n@comment I look around.\n@sh echo hi\n@comment Nearly there.\n@sh echo ho\n@say Here.",),
        Expected(
            Answered("Here."),
            (
                *("thinks: **Plan**", "comment: I look around.", "$ echo hi", "$ echo hi → 0"),
                *("comment: Nearly there.", "$ echo ho", "$ echo ho → 0", "answer: Here."),
            ),
        ),
    ),
    Case(
        "400",
        (AT_WORK + "@status 400",),
        Expected(Failed(FailureKind.REFUSED, "The scripted model answers 400."), WORK),
    ),
    Case(
        "401",
        (AT_WORK + "@status 401",),
        Expected(Failed(FailureKind.UNAUTHORIZED, "401 Unauthorized"), WORK, RETRIED),
    ),
    Case(
        "429",
        (AT_WORK + "@status 429",),
        Expected(Failed(FailureKind.RATE_LIMITED, "429 Too Many Requests"), WORK),
    ),
    Case(
        "500",
        (AT_WORK + "@status 500",),
        Expected(Failed(FailureKind.MODEL_ERROR, "experiencing high demand"), WORK, RETRIED),
    ),
    Case(
        "500, but once",
        ("@status 500 1\n@say fin",),
        Expected(Answered("fin"), ("answer: fin",)),
    ),
    Case(
        "stream cut",
        (AT_WORK + "@say part\n@cut",),
        Expected(Failed(FailureKind.NETWORK, BROKEN_OFF), (*WORK, "answer: part"), RETRIED),
    ),
    Case(
        "stream cut, but once",
        ("@say made it\n@cut 1",),
        Expected(Answered("made it"), ("answer: made it",), RETRIED),
    ),
    Case(
        "stream hung",
        ("@comment note\n@hang",),
        Expected(CANCELLED, ("comment: note",)),
        act=cancelled_after(ev.Message),
    ),
    Case(
        "compaction before the turn",
        ("@tokens 250000\n@say big", "@say fin"),
        Expected(Answered("fin"), ("compacted", "answer: fin")),
        {(OLDER, "they warn of every compaction"): Expected(Answered("fin"), ("compacted", "answer: fin"), HEADS_UP)},
    ),
    Case(
        "compaction within the turn",
        ("@compact\n@sh echo hi\n@say fin",),
        Expected(Answered("fin"), ("$ echo hi", "$ echo hi → 0", "compacted", "answer: fin")),
        {
            (OLDER, "they warn of every compaction"): Expected(
                Answered("fin"), ("$ echo hi", "$ echo hi → 0", "compacted", "answer: fin"), HEADS_UP
            ),
        },
    ),
    Case(
        "compaction hung",
        ("@comment note\n@compact hang\n@sh echo hi\n@say fin",),
        Expected(CANCELLED, WORK),
        act=cancelled_after(ev.CommandFinished),
        goes_on=False,  # the next turn begins with the same compaction, which hangs again
    ),
    Case(
        "compaction failed",
        ("@compact fail\n@sh echo hi\n@say fin",),
        Expected(Failed(FailureKind.MODEL_ERROR, "experiencing high demand"), ("$ echo hi", "$ echo hi → 0"), RETRIED),
        {
            ((UNMARKED,), "it goes on with the turn and calls it a failure all the same"): Expected(
                Failed(FailureKind.MODEL_ERROR, "experiencing high demand"),
                ("$ echo hi", "$ echo hi → 0", "answer: fin"),
                RETRIED,
            ),
        },
        goes_on=False,
    ),
    Case(
        "compaction before the turn failed",
        ("@compact fail\n@say big", "@say fin"),
        Expected(Failed(FailureKind.MODEL_ERROR, "experiencing high demand"), (), RETRIED),
        {
            ((UNMARKED,), "it goes on with the turn and calls it a failure all the same"): Expected(
                Failed(FailureKind.MODEL_ERROR, "experiencing high demand"), ("answer: fin",), RETRIED
            ),
        },
        goes_on=False,
    ),
    Case(
        "allowance used up",
        ("@status usage-limit",),
        Expected(Failed(FailureKind.QUOTA, "ve hit your usage limit. Try again later.")),
    ),
    Case(
        "no credit left",
        ("@status quota",),
        Expected(Failed(FailureKind.QUOTA, "Quota exceeded. Check your plan and billing details.")),
        {
            (OLDER, "they know a 429 when they see one, but not its reason"): Expected(
                Failed(FailureKind.RATE_LIMITED, "429 Too Many Requests")
            ),
        },
    ),
    Case(
        "context full",
        ("@status context-window",),
        Expected(Failed(FailureKind.CONTEXT_FULL, "ran out of room in the model's context window")),
        {
            (OLDER, "they pass on what the service says, whose code tells it"): Expected(
                Failed(FailureKind.CONTEXT_FULL, "The scripted model answers 400.")
            ),
        },
    ),
    Case(
        "SIGINT",
        (SLEEPER,),
        Expected(
            Failed(FailureKind.KILLED, "The turn was ended from outside (interrupted)."),
            (*SLEEPING, SLEEPING[-1] + " → None"),
        ),
        {
            ((LEGACY,), "an interrupt does not always leave it the time for its last record"): Expected(
                Failed(FailureKind.KILLED, "The turn was ended from outside (interrupted)."),
                (*SLEEPING, SLEEPING[-1] + " → None"),
                tells_last=False,
            ),
        },
        act=ended_by(signal.SIGINT),
    ),
    Case(
        "SIGTERM",
        (SLEEPER,),
        Expected(Failed(FailureKind.KILLED, "Codex was ended from outside (SIGTERM)."), SLEEPING),
        act=ended_by(signal.SIGTERM),
    ),
    Case(
        "SIGKILL",
        (SLEEPER,),
        Expected(Failed(FailureKind.KILLED, "Codex was ended from outside (SIGKILL)"), SLEEPING),
        act=ended_by(signal.SIGKILL),
    ),
    Case(
        "out of memory",
        (SLEEPER,),
        Expected(
            Failed(FailureKind.OUT_OF_MEMORY, "The system killed Codex because memory was full (SIGKILL)."), SLEEPING
        ),
        act=out_of_memory,
    ),
    Case(
        "unknown id",
        ("hello",),
        Expected(Failed(FailureKind.UNKNOWN_SESSION, f"There is no session {UNKNOWN} in ")),
        act=unknown_id,
        goes_on=False,
    ),
    Case(
        "no id at all",
        ("hello",),
        Expected(Failed(FailureKind.UNKNOWN_SESSION, "--last is not the id of a session.")),
        act=no_id,
        goes_on=False,
    ),
    Case(
        "archived session",
        ("hello",),
        Expected(Failed(FailureKind.UNKNOWN_SESSION, "is archived.")),
        act=archived,
        goes_on=False,
    ),
    Case(
        "missing work directory",
        ("hello",),
        Expected(Failed(FailureKind.NO_WORKDIR, "gone does not exist.")),
        act=no_workdir,
        goes_on=False,
    ),
    Case(
        "second writer, ours",
        (GATED,),
        Expected(Answered("bye from us"), GATED_STEPS),
        {
            (
                (UNMARKED,),
                "nothing marks the other's end: from its prompt on only messages can be told apart",
            ): Expected(Answered("bye from us"), ("comment: from us", "$ until gate", "answer: bye from us")),
        },
        act=second_of_ours,
    ),
    Case(
        "second writer, a terminal at rest",
        ("hello",),
        BUSY,
        {
            (OLDER, "they keep no lock"): Expected(Answered("echo: hello"), ("answer: echo: hello",)),
        },
        act=terminal_at_rest,
    ),
    Case(
        "second writer, a terminal at work",
        (GATED,),
        BUSY,
        {
            ((NAMING_ERRORS,), "it keeps no lock; its calls name their turn"): Expected(
                Answered("bye from us"), GATED_STEPS, keeps_order=False
            ),
            ((LEGACY, UNMARKED), "they keep no lock, and nothing tells whose a call is"): Expected(
                Answered("bye from us"), ("comment: from us", "answer: bye from us")
            ),
        },
        act=terminal_at_work,
    ),
)


@pytest.fixture(params=EVERY_SHAPE)
async def shaped(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[str, Bench]]:
    shape = str(request.param)
    async with open_bench(shape, tmp_path) as bench:
        yield shape, bench


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_what_a_person_sees(shaped: tuple[str, Bench], case: Case) -> None:
    shape, bench = shaped
    version = version_of(shape)
    *before, prompt = (prompt.replace("{gate}", str(bench.workdir / "gate")) for prompt in case.prompts)
    thread_id = await bench.new_session()
    for earlier in before:
        assert isinstance(await bench.ask(earlier, thread_id), Answered)
    scene = Scene(shape, bench, prompt, thread_id)
    expected = case.on(version)
    outcome = await case.act(scene)
    match expected.outcome, outcome:
        case Failed(kind, words), Failed(found, message):
            assert (found, words in message) == (kind, True), outcome
        case wanted, _:
            assert outcome == wanted
    assert not scene.ear.has(ev.Misread), "every version of the table is understood"
    steps = tuple(_unphased(step, version) for step in expected.seen)
    seen = steps_of(scene.ear)
    if not expected.keeps_order:
        seen, steps = tuple(sorted(seen)), tuple(sorted(steps))
    assert seen in ((steps,) if expected.tells_last else (steps, steps[:-1]))
    notices = [notice.text for notice in scene.ear.all(ev.Notice)]
    assert len(notices) == len(expected.notices), notices
    assert all(notice.startswith(words) for notice, words in zip(notices, expected.notices, strict=True)), notices
    await until(
        lambda: not bench.left_behind()
    )  # a Codex that fails at once leaves its first look at the shell running
    if case.goes_on:
        assert await bench.ask("again", thread_id) == Answered("echo: again")


def steps_of(ear: Ear) -> tuple[str, ...]:
    """What a person reads while the turn goes on, one line a step."""
    return tuple(step for event in ear.events if (step := _step(event)))


def _step(event: ev.Event) -> str | None:
    match event:
        case ev.Message(text, ev.Phase.COMMENTARY):
            return f"comment: {text}"
        case ev.Message(text, ev.Phase.FINAL_ANSWER):
            return f"answer: {text}"
        case ev.Message(text):
            return f"says: {text}"
        case ev.Reasoning(summary):
            return f"thinks: {summary}"
        case ev.CommandStarted(_, command):
            return f"$ {_short(command)}"
        case ev.CommandFinished(_, command, exit_code):
            return f"$ {_short(command)} → {exit_code}"
        case ev.FileChanged(paths):
            return "wrote " + " ".join(Path(path).name for path in paths)
        case ev.Compacted():
            return "compacted"
        case _:
            return None


def _short(command: str) -> str:
    """Without the machine's own paths."""
    if command.endswith("/gate; do sleep 0.02; done"):
        return "until gate"
    return "touch gate" if command.endswith("/gate") else command


def _unphased(step: str, version: str) -> str:
    """0.98 does not say what a message is for."""
    words = ("comment: ", "answer: ")
    return "says: " + step.partition(": ")[2] if version == UNMARKED and step.startswith(words) else step
