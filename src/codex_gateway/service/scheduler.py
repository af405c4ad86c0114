"""Gives each free session the first of its waiting runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from codex_gateway.core.ids import SessionId
from codex_gateway.core.run import Attempt, Run
from codex_gateway.log import Log
from codex_gateway.service.executor import Executor
from codex_gateway.store.runs import Runs

_log = Log(__name__)


class Scheduler:
    """One run at a time in a session, in the order of its queue; sessions side by side."""

    def __init__(
        self,
        runs: Runs,
        executor: Executor,
        *,
        clock: Callable[[], float],
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_change` is called whenever a run may have another place in its queue."""
        self._runs = runs
        self._executor = executor
        self._clock = clock
        self._on_change = on_change
        self._news = asyncio.Event()
        #: Sessions whose process may still be going away, though the run is settled.
        self._busy: set[SessionId] = set()
        #: Sessions from which nothing is taken for the moment.
        self._paused: set[SessionId] = set()
        self._is_open = True

    def wake(self) -> None:
        """The queue was changed."""
        self._news.set()
        self._on_change()

    def close(self) -> None:
        """Start nothing more; `run` returns once what works has ended or was let go."""
        self._is_open = False
        self._news.set()

    @contextmanager
    def pausing(self, session_id: SessionId) -> Iterator[None]:
        """Take no run of a session while the block runs; one that works goes on."""
        self._paused.add(session_id)
        try:
            yield
        finally:
            self._paused.discard(session_id)
            self.wake()

    async def run(self) -> None:
        """Take up what an earlier life left, then serve until closed."""
        async with asyncio.TaskGroup() as tasks:
            left = await self._runs.running()
            await self._executor.sweep([attempt for _, attempt in left if attempt is not None])
            for run, attempt in left:
                if attempt is None:  # claimed, and nothing was started
                    await self._runs.requeue(run.id, now=self._clock())
                else:
                    self._busy.add(run.session.id)
                    tasks.create_task(self._work(run, attempt), name=f"run {run.id}")
            self.wake()
            while self._is_open:
                await self._news.wait()
                self._news.clear()
                while self._is_open and (claimed := await self._claim()) is not None:
                    self._busy.add(claimed.session.id)
                    self._on_change()
                    tasks.create_task(self._work(claimed, None), name=f"run {claimed.id}")

    async def _claim(self) -> Run | None:
        return await self._runs.claim(except_sessions=self._busy | self._paused, now=self._clock())

    async def _work(self, run: Run, attempt: Attempt | None) -> None:
        try:
            if attempt is None:
                await self._executor.execute(run)
            else:
                await self._executor.resume(run, attempt)
        except Exception as error:  # noqa: BLE001 - one run's fault must not end the others
            _log.exception("run.broken", run=run.id)
            await self._executor.give_up(run, error)
        finally:
            self._busy.discard(run.session.id)
            self.wake()
