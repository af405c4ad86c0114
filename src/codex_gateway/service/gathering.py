"""Waits for the rest of a prompt that came in parts; any other prompt goes its way at once."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from codex_gateway.core.gathering import belongs, gathered, is_unfinished, is_wish, may_be_late
from codex_gateway.core.ids import BotName, ChatRef, InboxId, UserId
from codex_gateway.core.reply import ForwardedAlone
from codex_gateway.core.request import Ask, Shape
from codex_gateway.log import Log
from codex_gateway.service.delivery import Delivery
from codex_gateway.service.errand import Counter, Errand
from codex_gateway.service.latecomers import Latecomers, said_at
from codex_gateway.service.prompts import Prompts
from codex_gateway.store.inbox import Fate, Inbox

_log = Log(__name__)

#: Messages that are gathered for one prompt; a person who sends more is not pasting.
_MOST = 100

#: How long after a fault of the database it is tried again, in seconds.
_AGAIN_S = 1.0

_Voice: TypeAlias = tuple[ChatRef, UserId]


@dataclass(slots=True)
class _Heap:
    """What one person has sent so far, in order. `due` is on the loop's clock, in seconds."""

    due: float
    parts: list[tuple[Errand, Ask]] = field(default_factory=list)

    @property
    def asks(self) -> list[Ask]:
        return [ask for _, ask in self.parts]


class Gathering:
    """The parts wait in memory and their updates stay open: after a restart they come, and are gathered, again.

    `turns` are the locks under which a bot's updates are acted on; every method but `run` is called under them.
    """

    def __init__(
        self,
        prompts: Prompts,
        latecomers: Latecomers,
        counter: Counter,
        inbox: Inbox,
        delivery: Delivery,
        *,
        turns: Mapping[BotName, asyncio.Lock],
        clock: Callable[[], float],
    ) -> None:
        self._prompts = prompts
        self._latecomers = latecomers
        self._counter = counter
        self._inbox = inbox
        self._delivery = delivery
        self._turns = turns
        self._clock = clock
        self._heaps: dict[_Voice, _Heap] = {}
        self._news = asyncio.Event()

    def has(self, inbox_id: InboxId) -> bool:
        """Whether this update waits for others."""
        return any(errand.inbox_id == inbox_id for heap in self._heaps.values() for errand, _ in heap.parts)

    async def take(self, errand: Errand, ask: Ask) -> None:
        """A prompt, or a part of one."""
        voice, window_s = _voice(errand), errand.policy.paste_window_s
        heap = self._heaps.get(voice)
        if heap is not None and not (belongs(heap.asks, ask) and len(heap.parts) < _MOST):
            await self._close_up(voice)
            heap = None
        if heap is None and may_be_late(ask) and await self._latecomers.joined(errand, ask):
            return
        if heap is None and not (window_s and is_unfinished([ask])):
            await self._pass_on([(errand, ask)])
            return
        if heap is None:
            heap = self._heaps[voice] = _Heap(0.0)
        heap.parts.append((errand, ask))
        if not is_unfinished(heap.asks):
            await self._close_up(voice)
            return
        heap.due = asyncio.get_running_loop().time() + window_s
        self._news.set()

    async def close_up(self, errand: Errand) -> None:
        """The person has said something else: what they had begun is finished, and comes first."""
        await self._close_up(_voice(errand))

    async def run(self) -> None:
        """Finish for ever what nothing more has come for. Cancel it to end."""
        loop = asyncio.get_running_loop()
        while True:
            self._news.clear()
            for voice, heap in list(self._heaps.items()):
                if heap.due <= loop.time():
                    await self._finish(voice, heap)
            soonest = min((heap.due for heap in self._heaps.values()), default=None)
            try:
                async with asyncio.timeout_at(soonest):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def _finish(self, voice: _Voice, heap: _Heap) -> None:
        chat, _ = voice
        async with self._turns[chat.bot]:
            if self._heaps.get(voice) is not heap or heap.due > asyncio.get_running_loop().time():
                return  # something came while we waited for our turn
            try:
                await self._close_up(voice)
            except sqlite3.Error:
                _log.exception("prompt.not_kept", bot=chat.bot, chat=chat.chat_id)
            except Exception as error:  # noqa: BLE001 - one prompt must not keep the others from being finished
                _log.exception("update.dead", bot=chat.bot, chat=chat.chat_id)
                await self._give_up(heap, repr(error))
        self._delivery.wake(chat.bot, chat.chat_id)

    async def _give_up(self, heap: _Heap, note: str) -> None:
        try:
            for errand, _ in heap.parts:
                await self._inbox.close(errand.inbox_id, Fate.DEAD, note=note, now=self._clock())
        except sqlite3.Error:  # what stays open comes again after a restart
            _log.exception("update.not_closed", bot=heap.parts[0][0].chat.bot)

    async def _close_up(self, voice: _Voice) -> None:
        heap = self._heaps.pop(voice, None)
        if heap is None:
            return
        try:
            await self._pass_on(heap.parts)
        except sqlite3.Error:  # not the prompt's fault: it is tried again
            heap.due = asyncio.get_running_loop().time() + _AGAIN_S
            self._heaps[voice] = heap
            self._news.set()
            raise

    async def _pass_on(self, parts: list[tuple[Errand, Ask]]) -> None:
        asks = [ask for _, ask in parts]
        if all(may_be_late(ask) for ask in asks) and await self._latecomers.settled(parts):
            return
        if not is_wish(asks):
            await self._turn_down(parts)
            return
        own = [(errand, ask) for errand, ask in parts if ask.shape is not Shape.FORWARDED]
        first = next(errand for errand, ask in own if ask.is_addressed)
        also = tuple((errand.inbox_id, errand.request.message_id) for errand, _ in parts if errand is not first)
        ask = asks[0] if len(asks) == 1 else gathered(asks)
        album = next((ask.album for ask in asks if ask.album), "")
        await self._prompts.take(first, ask, also=also, asked_at=said_at(own), album=album)

    async def _turn_down(self, parts: list[tuple[Errand, Ask]]) -> None:
        """Somebody else's words are no wish of the person's; of what was said to nobody nothing is said."""
        (first, ask), *others = parts
        for errand, _ in others:
            await self._counter.close(errand)
        if ask.is_addressed:
            await self._counter.answer(first, ForwardedAlone())
        else:
            await self._inbox.close(first.inbox_id, Fate.IGNORED, note=None, now=self._clock())


def _voice(errand: Errand) -> _Voice:
    return errand.chat, errand.request.user_id
