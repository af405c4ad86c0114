"""Sends what is in the outbox, in order within a chat, and stores the message that each row became."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from codex_gateway.core.errors import ChatBusy, ChatMoved, ChatRefused, ChatUnreachable, FormRefused
from codex_gateway.core.ids import BotName, ChatRef, MessageRef
from codex_gateway.core.ports import Chat
from codex_gateway.core.retry import Backoff
from codex_gateway.log import Log
from codex_gateway.service.board import Board
from codex_gateway.store.outbox import Due, Kind, Outbox, Parked

_log = Log(__name__)


class Delivery:
    """One worker a chat, for as long as something waits there."""

    def __init__(self, outbox: Outbox, chat: Chat, board: Board, *, clock: Callable[[], float]) -> None:
        self._outbox = outbox
        self._chat = chat
        self._board = board
        self._clock = clock
        self._news: dict[tuple[BotName, int], asyncio.Event] = {}
        self._idle = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        board.served_by(self.wake)

    async def run(self) -> None:
        """Send for ever, beginning with what an earlier life left unsent. Cancel it to end."""
        repeated = await self._outbox.recover()
        if repeated:
            _log.warning("outbox.repeats", rows=repeated)
        for row in await self._outbox.parked(now=self._clock()):
            self._chat.park(ChatRef(row.bot, row.chat_id), row.until)
        async with asyncio.TaskGroup() as self._tasks:
            for place in await self._outbox.chats_with_work():
                self.wake(*place)
            await asyncio.Event().wait()

    def wake(self, bot: BotName, chat_id: int) -> None:
        """Something was put into the outbox for this chat."""
        place = (bot, chat_id)
        news = self._news.get(place)
        if news is not None:
            news.set()
        elif self._tasks is not None:
            self._news[place] = asyncio.Event()
            self._tasks.create_task(self._serve(place), name=f"delivery to {place}")

    async def drain(self) -> None:
        """Wait until nothing is left to send; chats that are parked or out of reach make this long: bound it."""
        while self._news:
            self._idle.clear()
            await self._idle.wait()

    async def _serve(self, place: tuple[BotName, int]) -> None:
        news = self._news[place]
        backoff = Backoff(first_s=0.5, cap_s=30.0)
        try:
            while True:
                news.clear()
                due = await self._outbox.next(*place)
                if due is not None:
                    await self._try_to_deliver(due, backoff)
                elif not news.is_set():
                    return
        finally:
            del self._news[place]  # no await between the last look and this: whoever comes next starts a new worker
            if not self._news:
                self._idle.set()

    async def _try_to_deliver(self, due: Due, backoff: Backoff) -> None:
        try:
            await self._deliver(due, backoff)
        except Exception:  # noqa: BLE001 - a fault in one chat must not end the sending in the others
            wait_s = backoff.next_s()
            _log.exception(
                "delivery.broken", bot=due.chat.bot, chat=due.chat.chat_id, row=due.id, wait=round(wait_s, 1)
            )
            await asyncio.sleep(wait_s)

    async def _deliver(self, due: Due, backoff: Backoff) -> None:
        if due.kind is Kind.VERDICT and due.run_id is not None:
            await self._board.quiet(due.run_id)
        await self._outbox.begin(due.id)
        try:
            message = await self._hand_over(due)
        except ChatBusy as busy:
            until = self._clock() + busy.retry_after_s
            await self._outbox.hold_back(due.id, may_have_arrived=False)
            await self._outbox.park(Parked(due.chat.bot, due.chat.chat_id, until))
            _log.warning("chat.parked", bot=due.chat.bot, chat=due.chat.chat_id, seconds=round(busy.retry_after_s))
            await asyncio.sleep(busy.retry_after_s)
        except ChatMoved as moved:
            await self._outbox.hold_back(due.id, may_have_arrived=False)
            await self._board.moved(due.chat.bot, old_id=due.chat.chat_id, new_id=moved.new_id)
        except ChatUnreachable as error:
            await self._outbox.hold_back(due.id, may_have_arrived=error.uncertain)
            wait_s = backoff.next_s()
            _log.warning(
                "chat.unreachable", bot=due.chat.bot, chat=due.chat.chat_id, error=error, wait=round(wait_s, 1)
            )
            await asyncio.sleep(wait_s)
        except FormRefused as error:
            _log.warning("message.form_refused", bot=due.chat.bot, chat=due.chat.chat_id, row=due.id, error=error)
            await self._outbox.replaced(due, error.instead, error=str(error), now=self._clock())
        except ChatRefused as error:
            _log.error("message.refused", bot=due.chat.bot, chat=due.chat.chat_id, row=due.id, error=error)
            await self._outbox.refused(due.id, error=str(error), now=self._clock())
        else:
            backoff.reset()
            await self._outbox.sent(due.id, message_id=message.message_id, now=self._clock())
            if due.kind is Kind.STATUS and due.run_id is not None:
                self._board.placed(due.run_id, message)

    async def _hand_over(self, due: Due) -> MessageRef:
        if due.edits is None:
            return await self._chat.send(due.chat, due.parcel, reply_to=due.reply_to)
        try:
            await self._chat.edit(due.edits, due.parcel)
        except ChatRefused:  # the status message is gone; the verdict must be seen all the same
            return await self._chat.send(due.chat, due.parcel, reply_to=due.reply_to)
        return due.edits
