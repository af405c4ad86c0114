"""The status message while a run lives, and that nothing of it is painted afterwards."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from codex_gateway.core.errors import ChatBusy
from codex_gateway.core.ids import MessageRef, RunId
from codex_gateway.core.policy import Pace
from codex_gateway.core.reply import Card, QueuedCard
from codex_gateway.service.board import Board
from codex_gateway.store.database import Database
from codex_gateway.store.outbox import Outbox, Parked
from support.hall import BOT, CHAT, KeptChat, until

RUN = RunId(1)
MESSAGE = MessageRef(CHAT, 5)
PACE = Pace(flush_interval_s=0.0, tick_interval_s=0.0)


class SlowChat(KeptChat):
    """Its repaints wait for `gate` once their turn has come, or for their turn if `is_full`."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.under_way = 0
        self.painted = 0
        self.is_full = False
        self.busy_s: float | None = None

    async def repaint(self, message: MessageRef, draw: Callable[[], Card | None]) -> None:
        if self.is_full:
            await asyncio.Event().wait()
        if draw() is None:
            return
        self.under_way += 1
        if self.busy_s is not None:
            raise ChatBusy(self.busy_s)
        await self.gate.wait()
        self.painted += 1


@asynccontextmanager
async def board(folder: Path, chat: KeptChat) -> AsyncIterator[tuple[Board, Outbox]]:
    async with Database.open(folder / "app.db") as database:
        outbox = Outbox(database)
        yield Board(chat, outbox, clock=time.time), outbox


def card() -> Card:
    return QueuedCard(RUN, 0)


async def test_a_repaint_on_its_way_is_waited_for(tmp_path: Path) -> None:
    chat = SlowChat()
    async with board(tmp_path, chat) as (it, _):
        async with it.showing(RUN, draw=card, pace=PACE, message=MESSAGE):
            it.touch(RUN)
            await until(lambda: chat.under_way == 1)
            waiting = asyncio.ensure_future(it.quiet(RUN))
            await asyncio.sleep(0)
            assert not waiting.done()
            chat.gate.set()
            await waiting
        assert chat.painted == 1


async def test_a_repaint_that_waits_for_its_turn_holds_nobody_up(tmp_path: Path) -> None:
    chat = SlowChat()
    chat.is_full = True
    async with board(tmp_path, chat) as (it, _), asyncio.timeout(60):
        async with it.showing(RUN, draw=card, pace=PACE, message=MESSAGE):
            it.touch(RUN)
            await asyncio.sleep(0)
            await it.quiet(RUN)
        assert chat.painted == 0


async def test_a_chat_that_asks_to_wait_is_kept_and_holds_no_run_up(tmp_path: Path) -> None:
    chat = SlowChat()
    chat.busy_s = 300.0
    async with board(tmp_path, chat) as (it, outbox), asyncio.timeout(60):
        async with it.showing(RUN, draw=card, pace=PACE, message=MESSAGE):
            it.touch(RUN)
            await until(lambda: chat.under_way == 1)
            await it.quiet(RUN)
        parked = await outbox.parked(now=time.time())
        assert [(row.bot, row.chat_id) for row in parked] == [(BOT, CHAT.chat_id)]
        assert parked[0].until > time.time() + 250 and isinstance(parked[0], Parked)


async def test_the_message_may_come_to_be_known_later(tmp_path: Path) -> None:
    chat = SlowChat()
    chat.gate.set()
    async with (
        board(tmp_path, chat) as (it, _),
        it.showing(RUN, draw=card, pace=PACE, message=None),
    ):
        it.touch(RUN)
        it.placed(RUN, MESSAGE)
        await until(lambda: chat.painted == 1)
    it.placed(RUN, MESSAGE)
    it.touch(RUN)
    await it.quiet(RUN)
