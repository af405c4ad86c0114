"""The draft of each live run: what it is at, below everything else in a chat of two, as long as it is at it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from codex_gateway.core.errors import ChatBusy, ChatError
from codex_gateway.core.ids import RunId
from codex_gateway.core.policy import BotPolicy
from codex_gateway.core.ports import Chat
from codex_gateway.core.reply import LiveCard
from codex_gateway.core.run import Run
from codex_gateway.log import Log
from codex_gateway.store.outbox import Outbox, Parked

_log = Log(__name__)
#: A draft lives for 30 s (Bot API 10.3) and is shown anew before that, whatever happens.
_REFRESH_S = 20.0


class Drafts:
    """Droppable, the latest state wins. Nothing is kept: a draft that we leave behind goes away by itself."""

    def __init__(self, chat: Chat, outbox: Outbox, *, clock: Callable[[], float]) -> None:
        self._chat = chat
        self._outbox = outbox
        self._clock = clock
        self._news: dict[RunId, asyncio.Event] = {}

    @asynccontextmanager
    async def showing(self, run: Run, *, draw: Callable[[], LiveCard | None], policy: BotPolicy) -> AsyncIterator[None]:
        """Keep a run's draft up to date while the block runs, where the bot's owner and the chat have drafts."""
        if not policy.shows_drafts:
            yield
            return
        self._news[run.id] = asyncio.Event()
        drafting = asyncio.create_task(self._draft(run, draw, policy), name=f"draft of run {run.id}")
        try:
            yield
        finally:
            drafting.cancel()
            await asyncio.gather(drafting, return_exceptions=True)
            del self._news[run.id]

    def touch(self, run_id: RunId) -> None:
        """Something a person would see has changed."""
        if (news := self._news.get(run_id)) is not None:
            news.set()

    async def _draft(self, run: Run, draw: Callable[[], LiveCard | None], policy: BotPolicy) -> None:
        news = self._news[run.id]
        refresh_s = min(_REFRESH_S, policy.pace.tick_interval_s or _REFRESH_S)
        while True:
            await asyncio.sleep(policy.pace.flush_interval_s)
            try:
                async with asyncio.timeout(refresh_s):
                    await news.wait()
            except TimeoutError:
                pass  # it would be gone soon, and the elapsed time is news as well
            news.clear()
            try:
                if not await self._chat.show_draft(run.chat, draw):
                    return
            except ChatBusy as busy:
                until = self._clock() + busy.retry_after_s
                await self._outbox.park(Parked(run.chat.bot, run.chat.chat_id, until))
                await asyncio.sleep(busy.retry_after_s)
            except ChatError as error:
                _log.debug("draft.not_shown", run=run.id, error=error)
