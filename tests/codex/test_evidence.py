"""What /proc shows of a turn that is silent, on the scripted CLI and the real one, and what is made of it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from codex.turns import Bench, Ear, processes_of, until
from codex_gateway.codex.child import proc
from codex_gateway.codex.child.evidence import gather
from codex_gateway.codex.exec_agent import ExecAgent
from codex_gateway.codex.options import CodexOptions
from codex_gateway.core import event as ev
from codex_gateway.core.diagnosis import Cause, Diagnosis, Evidence, Life, diagnose
from codex_gateway.core.progress import Progress, advance
from codex_gateway.core.run import Attempt
from codex_gateway.core.watchdog import Watch
from support.real_codex import UNMARKED, codex_versions, real_codex


@pytest.fixture(params=codex_versions())
async def real(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    """Only a real Codex speaks to a model."""
    workdir = tmp_path / "work"
    workdir.mkdir()
    async with real_codex(tmp_path, version=str(request.param)) as codex:
        options = CodexOptions(home=codex.home, environ=codex.environment, cli_cmd=str(codex.binary))
        yield Bench(options, tmp_path, workdir)


@dataclass
class Watched(Ear):
    """A turn at work, and what somebody who watches it knows."""

    agent: ExecAgent | None = None
    attempt: Attempt | None = None
    progress: Progress = field(default_factory=Progress)
    watch: Watch = field(default_factory=lambda: Watch.begin(asyncio.get_running_loop().time()))
    evidence: Evidence | None = None

    async def __call__(self, event: ev.Event, offset_bytes: int) -> None:
        await super().__call__(event, offset_bytes)
        self.progress = advance(self.progress, event)
        self.watch = self.watch.after(event, now=asyncio.get_running_loop().time())

    async def look(self) -> Diagnosis:
        assert self.agent is not None and self.attempt is not None
        before, self.evidence = self.evidence, await self.agent.evidence(self.attempt)
        now = asyncio.get_running_loop().time()
        return diagnose(self.progress, self.watch, evidence=self.evidence, before=before, now=now)

    async def shows(self, cause: Cause) -> Diagnosis:
        """Wait until that is the diagnosis."""
        async with asyncio.timeout(30):
            while (diagnosis := await self.look()).cause is not cause:
                await asyncio.sleep(0.05)
        return diagnosis


@asynccontextmanager
async def at_work(bench: Bench, prompt: str, thread_id: str | None = None) -> AsyncIterator[Watched]:
    """A turn that is stopped when the block ends, and of which nothing is left then."""
    agent, turn = bench.agent(), bench.turn(prompt, thread_id)
    ear = Watched(agent=agent, attempt=bench.attempt(agent, turn))
    assert ear.attempt is not None
    performing = asyncio.create_task(agent.perform(turn, ear.attempt, ear))
    try:
        yield ear
    finally:
        performing.cancel()
        await asyncio.gather(performing, return_exceptions=True)
    assert processes_of(bench.folder) == []
    assert await agent.evidence(ear.attempt) is None


@pytest.mark.real_codex
async def test_a_model_that_does_not_answer(real: Bench) -> None:
    real.options = replace(real.options, sync_interval_s=1.0)
    async with at_work(real, "@hang") as turn:
        await turn.shows(Cause.MODEL)
        await asyncio.sleep(real.options.sync_interval_s + 0.5)  # looked at once more, with nothing new
        assert not turn.has(ev.OutputSeen), "what was heard in the first moment is no later sign of life"


@pytest.mark.real_codex
async def test_a_compaction_within_a_turn_that_hangs(real: Bench) -> None:
    async with at_work(real, "@compact hang\n@sh echo hi\n@say never") as turn:
        await turn.shows(Cause.COMPACTING)


@pytest.mark.real_codex
async def test_a_compaction_before_a_turn_that_hangs(real: Bench) -> None:
    ear = Ear()
    await real.ask("@compact hang\n@say the window is full now", ear=ear)
    async with at_work(real, "next", ear.all(ev.SessionIdentified)[0].thread_id) as turn:
        # 0.98 writes nothing at all before it is done with that
        await turn.shows(Cause.STARTING if f"/{UNMARKED}/" in real.options.cli_cmd else Cause.COMPACTING)
        assert not any(isinstance(event, ev.Compacted) for event in turn.events)


@pytest.mark.real_codex
async def test_a_reconnect_is_counted(real: Bench) -> None:
    async with at_work(real, "@status 500 2\n@hang") as turn:
        diagnosis = await turn.shows(Cause.RECONNECTING)
        assert (diagnosis.attempt, diagnosis.attempts) == (1, 1)


async def test_a_command_that_runs(bench: Bench) -> None:
    async with at_work(bench, "@sh sleep 600 | cat") as turn:
        await until(lambda: turn.has(ev.CommandStarted))
        diagnosis = await turn.shows(Cause.COMMAND)
        assert diagnosis.command == "sleep 600 | cat"
        async with asyncio.timeout(30):
            while turn.evidence is None or not {"sleep 600", "cat"} <= {tool.command for tool in turn.evidence.tools}:
                await turn.look()
            while (await turn.look()).is_at_work is not False:
                await asyncio.sleep(0.2)
        assert not any(tool.awaits_input for tool in turn.evidence.tools), "a pipeline feeds itself"


async def test_a_command_that_computes(bench: Bench) -> None:
    async with at_work(bench, "@sh while :; do :; done") as turn:
        await turn.shows(Cause.COMMAND)
        async with asyncio.timeout(30):
            while not (await turn.look()).is_at_work:
                await asyncio.sleep(0.2)


async def test_a_command_that_waits_for_input(bench: Bench) -> None:
    program = f"{sys.executable} -c \"import pty; pty.spawn(['cat'])\""
    async with at_work(bench, f"@sh {program}") as turn:
        diagnosis = await turn.shows(Cause.INPUT)
        assert diagnosis.command == program
        assert diagnosis.pid is not None and proc.command_line(diagnosis.pid) == ("cat",)


async def test_a_command_that_asks_its_terminal_whatever_its_input_is(bench: Bench) -> None:
    """As ssh, sudo and git do for a password."""
    asks = bench.workdir / "asks.py"
    asks.write_text("import os\nos.read(os.open('/dev/tty', os.O_RDONLY), 1)\n")
    inner = f"exec {sys.executable} {asks} </dev/null"
    async with at_work(bench, f"@sh {sys.executable} -c \"import pty; pty.spawn(['sh', '-c', '{inner}'])\"") as turn:
        diagnosis = await turn.shows(Cause.INPUT)
        assert diagnosis.pid is not None and proc.command_line(diagnosis.pid) == (sys.executable, str(asks))


async def test_a_codex_that_is_halted_is_told_and_can_be_stopped(bench: Bench) -> None:
    async with at_work(bench, "@comment here\n@hang") as turn:
        await until(lambda: turn.has(ev.Message))
        [started] = turn.all(ev.ProcessStarted)
        os.kill(started.pid, signal.SIGSTOP)
        assert (await turn.shows(Cause.HALTED)).pid == started.pid
    [named, *_] = turn.all(ev.SessionIdentified)
    assert "turn_aborted" in bench.session_text(named.thread_id), "it is let go on to hear that it is to stop"


async def test_a_command_that_is_halted(bench: Bench) -> None:
    async with at_work(bench, "@sh kill -STOP $$; echo never") as turn:
        await until(lambda: turn.has(ev.CommandStarted))
        diagnosis = await turn.shows(Cause.HALTED)
        assert diagnosis.command == "kill -STOP $$; echo never"


async def test_a_terminals_holder_is_no_tool(bench: Bench) -> None:
    bench.options = replace(bench.options, use_pty=True)
    async with at_work(bench, "@hang") as turn:
        await until(lambda: turn.has(ev.TurnStarted))
        await turn.look()
        assert turn.evidence is not None and turn.evidence.tools == () and turn.evidence.life is Life.ALIVE


def test_a_process_that_is_gone(tmp_path: Path) -> None:
    evidence = gather(proc.ProcessId(2**22 - 1, 1), tag=str(tmp_path), thread_id=None, outputs=[tmp_path / "none"])
    assert (evidence.life, evidence.quiet_s, evidence.tools) == (Life.GONE, None, ())
