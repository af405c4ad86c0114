"""Keeps the place of each waiting run in its status message, whenever the queue moves and the chat has room."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from codex_gateway.core.errors import ChatBusy, ChatError
from codex_gateway.core.ids import BotName, MessageRef, RunId
from codex_gateway.core.ports import Chat
from codex_gateway.core.reply import QueuedCard
from codex_gateway.log import Log
from codex_gateway.store.outbox import Outbox, Parked
from codex_gateway.store.queue import Place, Queue

_log = Log(__name__)
#: How soon to look again after a fault, in seconds.
_RETRY_S = 5.0


class Places:
    """Repaints are droppable and the latest place wins; nothing is painted of a run that has left the queue.

    Whoever writes into a status message after this must `leave` first, and await `quiet`.
    """

    def __init__(self, queue: Queue, chat: Chat, outbox: Outbox, *, clock: Callable[[], float]) -> None:
        self._queue = queue
        self._chat = chat
        self._outbox = outbox
        self._clock = clock
        self._news = asyncio.Event()
        self._ahead: dict[RunId, int] = {}
        self._shown: dict[RunId, int] = {}
        #: Each run whose repaint could overtake what is sent next, and what is set once it can't.
        self._under_way: dict[RunId, asyncio.Event] = {}
        #: Runs that have left while the queue was being read.
        self._left: set[RunId] = set()
        self._tasks: dict[tuple[BotName, int], asyncio.Task[None]] = {}
        #: Chats with something newer than what their task is at.
        self._again: set[tuple[BotName, int]] = set()

    def wake(self) -> None:
        """The queue may have changed, or a status message was sent."""
        self._news.set()

    def leave(self, run_id: RunId) -> None:
        """The run waits no more."""
        self._left.add(run_id)
        self._ahead.pop(run_id, None)
        self._shown.pop(run_id, None)

    async def quiet(self, run_id: RunId) -> None:
        """Wait until no repaint of this run is on its way to the chat."""
        under_way = self._under_way.get(run_id)
        if under_way is not None:
            await under_way.wait()

    async def run(self) -> None:
        """Follow the queue for ever. Cancel it to end."""
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                try:
                    await self._look()
                except Exception:  # noqa: BLE001 - the database may be out of order for a moment
                    _log.exception("places.broken")
                    await asyncio.sleep(_RETRY_S)
                    self._news.set()
        finally:
            tasks = [*self._tasks.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self) -> None:
        self._left.clear()
        places = [place for place in await self._queue.places() if place.ahead and place.run_id not in self._left]
        self._ahead = {place.run_id: place.ahead for place in places}
        self._shown = {run_id: ahead for run_id, ahead in self._shown.items() if run_id in self._ahead}
        by_chat: dict[tuple[BotName, int], list[Place]] = {}
        for place in places:
            if self._shown.get(place.run_id) != place.ahead:
                by_chat.setdefault((place.chat.bot, place.chat.chat_id), []).append(place)
        for key, moved in by_chat.items():
            if key in self._tasks:
                self._again.add(key)
            else:
                self._tasks[key] = asyncio.create_task(self._show(key, moved), name=f"places of {key}")

    async def _show(self, key: tuple[BotName, int], moved: list[Place]) -> None:
        """Repaint what has moved in one chat, one message after another."""
        try:
            for place in moved:
                message = await self._outbox.status_message(place.run_id)
                if message is not None:
                    await self._repaint(place.run_id, message)
        except Exception:  # noqa: BLE001 - a place that is not shown must not end anything
            _log.exception("places.broken", bot=key[0], chat=key[1])
            await asyncio.sleep(_RETRY_S)
        finally:
            del self._tasks[key]
            if key in self._again:
                self._again.discard(key)
                self._news.set()

    async def _repaint(self, run_id: RunId, message: MessageRef) -> None:
        quiet = asyncio.Event()

        def draw() -> QueuedCard | None:
            ahead = self._ahead.get(run_id)
            if ahead is None:
                return None
            self._under_way[run_id] = quiet
            self._shown[run_id] = ahead
            return QueuedCard(run_id, ahead)

        try:
            await self._chat.repaint(message, draw)
        except ChatBusy as busy:
            place = message.chat
            await self._outbox.park(Parked(place.bot, place.chat_id, self._clock() + busy.retry_after_s))
            await asyncio.sleep(busy.retry_after_s)
            self._shown.pop(run_id, None)
            self._news.set()
        except ChatError as error:  # the message may be gone; the next place is tried again
            _log.debug("place.not_painted", message=message.message_id, error=error)
        finally:
            quiet.set()
            self._under_way.pop(run_id, None)
