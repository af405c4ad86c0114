"""Turns of a Codex, real or scripted, as the tests of this room ask for them."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from codex_gateway.codex.child import proc
from codex_gateway.codex.exec_agent import ExecAgent
from codex_gateway.codex.options import CodexOptions
from codex_gateway.codex.session import locate
from codex_gateway.core import event as ev
from codex_gateway.core.ids import AttemptId, RunId, ThreadId
from codex_gateway.core.outcome import Outcome
from codex_gateway.core.run import Attempt, Turn
from support.real_codex import CURRENT, LEGACY, codex_versions

Of = TypeVar("Of")

SCRIPTED = "scripted"
SCRIPTED_LEGACY = "scripted-legacy"
#: The shapes of Codex whose sessions have a writer lock, and those from before.
WITH_LOCK = (SCRIPTED, pytest.param(CURRENT, marks=pytest.mark.real_codex))
WITHOUT_LOCK = (SCRIPTED_LEGACY, pytest.param(LEGACY, marks=pytest.mark.real_codex))
#: Every shape, the scripted ones and the real ones.
EVERY_SHAPE = (
    *(SCRIPTED, SCRIPTED_LEGACY),
    *(pytest.param(version, marks=pytest.mark.real_codex) for version in codex_versions()),
)


def is_real(shape: str) -> bool:
    return shape in codex_versions()


def version_of(shape: str) -> str:
    """The version that a shape is, or plays."""
    return {SCRIPTED: CURRENT, SCRIPTED_LEGACY: LEGACY}.get(shape, shape)


async def until(condition: Callable[[], bool], *, timeout_s: float = 120.0) -> None:
    """Wait for something that another task or process brings about."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.005)


@dataclass
class Ear:
    """Keeps what an agent emits."""

    heard: list[tuple[ev.Event, int]] = field(default_factory=list)

    async def __call__(self, event: ev.Event, offset_bytes: int) -> None:
        self.heard.append((event, offset_bytes))

    @property
    def events(self) -> list[ev.Event]:
        return [event for event, _ in self.heard]

    def all(self, kind: type[Of]) -> list[Of]:
        return [event for event in self.events if isinstance(event, kind)]

    def has(self, kind: type[Any]) -> bool:
        return bool(self.all(kind))

    @property
    def said(self) -> list[str]:
        return [message.text for message in self.all(ev.Message)]


@dataclass
class Bench:
    """A Codex with a home and a work directory, ready to be asked."""

    options: CodexOptions
    folder: Path
    workdir: Path
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    def agent(self, **changes: Any) -> ExecAgent:
        return ExecAgent(replace(self.options, **changes))

    def turn(self, prompt: str, thread_id: ThreadId | None = None) -> Turn:
        return Turn(thread_id, prompt, self.workdir)

    def attempt(self, agent: ExecAgent, turn: Turn) -> Attempt:
        number = next(self.numbers)
        point = agent.starting_point(turn)
        directory = self.folder / "attempts" / str(number)
        return Attempt(
            AttemptId(number), RunId(number), directory, turn.thread_id, point.session_file, point.offset_bytes
        )

    async def ask(
        self, prompt: str, thread_id: ThreadId | None = None, *, ear: Ear | None = None, **changes: Any
    ) -> Outcome:
        """One turn from its beginning to its end."""
        agent, turn = self.agent(**changes), self.turn(prompt, thread_id)
        async with asyncio.timeout(120):
            return await agent.perform(turn, self.attempt(agent, turn), ear or Ear())

    async def new_session(self) -> ThreadId:
        ear = Ear()
        await self.ask("hello", ear=ear)
        return ear.all(ev.SessionIdentified)[0].thread_id

    def session_text(self, thread_id: ThreadId) -> str:
        [path] = self.options.home.glob(f"sessions/**/*{thread_id}.jsonl")
        return path.read_text("utf-8")

    def is_held(self, thread_id: ThreadId) -> bool:
        return locate.is_open_for_writing(self.options.home, thread_id)

    def left_behind(self) -> list[proc.ProcessId]:
        return processes_of(self.folder)


def processes_of(folder: Path) -> list[proc.ProcessId]:
    """What still runs of anything that was started for an attempt under `folder`."""
    attempts = folder / "attempts"
    tags = [str(path) for path in attempts.iterdir()] if attempts.is_dir() else []
    return [process for tag in tags for process in proc.tagged(tag)]


def recorded(attempt: Attempt, ear: Ear) -> Attempt:
    """The attempt as it stands in our books once its process exists."""
    [started] = ear.all(ev.ProcessStarted)
    return replace(attempt, pid=started.pid, start_ticks=started.start_ticks)


def plain_environment(extra: Mapping[str, str]) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], **extra}
