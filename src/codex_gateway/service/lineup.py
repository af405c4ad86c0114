"""What a person does about the queue of a session: take a prompt out of it, move one up, clear it."""

from __future__ import annotations

from collections.abc import Callable

from codex_gateway.core.ids import RunId
from codex_gateway.core.reply import NextAlready, NotQueued, QueueCleared
from codex_gateway.service.errand import Counter, Errand
from codex_gateway.service.queries import Queries
from codex_gateway.service.scheduler import Scheduler
from codex_gateway.store.queue import Queue


class Lineup:
    """The wishes Drop, MoveUp and ClearQueue; the list whose button was pressed shows what became of it."""

    def __init__(
        self,
        queue: Queue,
        counter: Counter,
        *,
        queries: Queries,
        scheduler: Scheduler,
        clock: Callable[[], float],
    ) -> None:
        self._queue = queue
        self._counter = counter
        self._queries = queries
        self._scheduler = scheduler
        self._clock = clock

    async def drop(self, errand: Errand, run_id: RunId) -> None:
        """Take a run out of the queue."""
        compose = self._counter.compose(errand)
        if await self._queue.drop(errand.inbox_id, errand.chat, run_id, compose=compose, now=self._clock()):
            await self._show(errand)
        else:
            await self._counter.answer(errand, NotQueued())

    async def move_up(self, errand: Errand, run_id: RunId) -> None:
        """Let a run wait one place less."""
        match await self._queue.move_up(errand.inbox_id, errand.chat, run_id, now=self._clock()):
            case None:
                await self._counter.answer(errand, NotQueued())
            case False:
                await self._counter.answer(errand, NextAlready())
            case True:
                await self._show(errand)

    async def clear(self, errand: Errand, last: RunId) -> None:
        """Take out what the chat had waiting when it was asked whether it wants that."""
        compose = self._counter.compose(errand)
        count = await self._queue.clear(errand.inbox_id, errand.chat, last, compose=compose, now=self._clock())
        if count:
            await self._counter.show(errand, QueueCleared(count))
            self._scheduler.wake()
        else:
            await self._counter.answer(errand, QueueCleared(0))

    async def _show(self, errand: Errand) -> None:
        await self._counter.show(errand, await self._queries.queue(errand.chat))
        self._scheduler.wake()
