"""The places of waiting runs, in a chat that is slow: nothing of them is painted over what has been said since."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from codex_gateway.core import request as rq
from codex_gateway.core.ids import MessageRef, RunId
from codex_gateway.core.reply import Card
from codex_gateway.service.places import Places
from codex_gateway.store.outbox import Outbox
from codex_gateway.store.queue import Place, Queue
from support.hall import Hall, KeptChat, PlayedAgent, hall, playing, until

WAITS = RunId(2)


class SlowChat(KeptChat):
    """A repaint waits for its turn until `turn`, and is on its way until `arrival`."""

    def __init__(self) -> None:
        super().__init__()
        self.turn, self.arrival = asyncio.Event(), asyncio.Event()
        self.waiting = 0
        self.drawn: list[Card | None] = []

    async def repaint(self, message: MessageRef, draw: Callable[[], Card | None]) -> None:
        self.waiting += 1
        await self.turn.wait()
        self.drawn.append(draw())
        await self.arrival.wait()


class SlowQueue(Queue):
    """Its answer is an old one by the time it comes: `gate` lets it go."""

    def __init__(self, queue: Queue) -> None:
        self._read = queue
        self.gate = asyncio.Event()
        self.reads = 0

    async def places(self) -> list[Place]:
        found = await self._read.places()
        self.reads += 1
        await self.gate.wait()
        return found


@asynccontextmanager
async def waiting(folder: Path) -> AsyncIterator[Hall]:
    """A hall with one run at work and one that waits behind it."""
    agent = PlayedAgent(plays={"first": playing(gate=asyncio.Event())})
    async with hall(folder, agent=agent) as it:
        await it.say("first")
        await it.say("second")
        await until(lambda: len(it.chat.sent) == 2 and len(agent.turns) == 1)
        yield it


@asynccontextmanager
async def following(places: Places) -> AsyncIterator[None]:
    task = asyncio.create_task(places.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_run_that_leaves_while_its_place_waits_for_the_chat_is_not_painted(tmp_path: Path) -> None:
    async with waiting(tmp_path) as it:
        chat = SlowChat()
        places = Places(Queue(it.database), chat, Outbox(it.database), clock=time.time)
        async with following(places):
            places.wake()
            await until(lambda: chat.waiting == 1)
            places.leave(WAITS)
            chat.turn.set()
            await until(lambda: len(chat.drawn) == 1)
            assert chat.drawn == [None]


async def test_a_run_that_leaves_while_the_queue_is_read_is_not_painted(tmp_path: Path) -> None:
    async with waiting(tmp_path) as it:
        await it.say("third")
        chat, queue = SlowChat(), SlowQueue(Queue(it.database))
        chat.turn.set()
        chat.arrival.set()
        places = Places(queue, chat, Outbox(it.database), clock=time.time)
        async with following(places):
            places.wake()
            await until(lambda: queue.reads == 1)
            await it.say(rq.Drop(WAITS))
            places.leave(WAITS)
            queue.gate.set()
            await until(lambda: any(card is not None and card.run_id == RunId(3) for card in chat.drawn))
            assert not any(card is not None and card.run_id == WAITS for card in chat.drawn)


async def test_whoever_writes_there_next_waits_for_a_place_that_is_on_its_way(tmp_path: Path) -> None:
    async with waiting(tmp_path) as it:
        chat = SlowChat()
        places = Places(Queue(it.database), chat, Outbox(it.database), clock=time.time)
        async with following(places):
            places.wake()
            chat.turn.set()
            await until(lambda: len(chat.drawn) == 1)
            places.leave(WAITS)
            quiet = asyncio.create_task(places.quiet(WAITS))
            await asyncio.sleep(0)
            assert not quiet.done()
            chat.arrival.set()
            await quiet
