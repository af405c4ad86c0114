"""The status message of each live run, repainted as often as the chat allows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from codex_gateway.core.errors import ChatBusy, ChatClosed, ChatError, ChatMoved, MessageGone
from codex_gateway.core.ids import BotName, MessageRef, RunId
from codex_gateway.core.policy import Pace
from codex_gateway.core.ports import Chat
from codex_gateway.core.reply import Card
from codex_gateway.log import Log
from codex_gateway.service.places import Places
from codex_gateway.store.outbox import Outbox, Parked

_log = Log(__name__)

#: How long a chat that takes nothing is left alone, in seconds.
_CLOSED_REST_S = 300.0


@dataclass(slots=True)
class _Painting:
    """One run's status message while it lives."""

    message: asyncio.Future[MessageRef]
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    #: Set while no request is under way that could overtake what is sent next.
    quiet: asyncio.Event = field(default_factory=asyncio.Event)


class Board:
    """Repaints are droppable and the latest state wins; once a run is off the board, nothing of it is painted."""

    def __init__(self, chat: Chat, outbox: Outbox, *, clock: Callable[[], float], places: Places | None = None) -> None:
        self._chat = chat
        self._outbox = outbox
        self._clock = clock
        self._places = places
        self._paintings: dict[RunId, _Painting] = {}
        self._wake: Callable[[BotName, int], None] = lambda *_: None

    def served_by(self, wake: Callable[[BotName, int], None]) -> None:
        """Whom to tell that something of ours was put into the outbox for a chat."""
        self._wake = wake

    @asynccontextmanager
    async def showing(
        self, run_id: RunId, *, draw: Callable[[], Card | None], pace: Pace, message: MessageRef | None
    ) -> AsyncIterator[None]:
        """Keep a run's status message up to date while the block runs. `message` is None if it is yet to be sent.

        `draw` says what is true now; None from it, that there is nothing to show any more.
        """
        painting = _Painting(message=asyncio.get_running_loop().create_future())
        painting.quiet.set()
        if message is not None:
            painting.message.set_result(message)
        self._paintings[run_id] = painting
        if self._places is not None:
            self._places.leave(run_id)
        painter = asyncio.create_task(self._paint(run_id, painting, draw, pace), name=f"painter of run {run_id}")
        try:
            yield
        finally:
            painter.cancel()
            await asyncio.gather(painter, return_exceptions=True)
            del self._paintings[run_id]

    def placed(self, run_id: RunId, message: MessageRef) -> None:
        """The status message of a run was sent."""
        painting = self._paintings.get(run_id)
        if painting is not None:
            if painting.message.done():  # it was sent anew, in the chat that has taken the place of its own
                painting.message = asyncio.get_running_loop().create_future()
            painting.message.set_result(message)
        if self._places is not None:
            self._places.wake()

    async def moved(self, bot: BotName, *, old_id: int, new_id: int) -> None:
        """A chat has another id: everything goes along, and the status messages there are sent anew."""
        await self._outbox.moved(bot, old_id=old_id, new_id=new_id)
        _log.warning("chat.moved", bot=bot, old=old_id, new=new_id, hint="put the new id into allowed_chat_ids")
        self._wake(bot, new_id)

    def touch(self, run_id: RunId) -> None:
        """Something a person would see has changed."""
        painting = self._paintings.get(run_id)
        if painting is not None:
            painting.changed.set()

    async def quiet(self, run_id: RunId) -> None:
        """Wait until no repaint of this run is on its way to the chat."""
        painting = self._paintings.get(run_id)
        if painting is not None:
            await painting.quiet.wait()
        if self._places is not None:
            self._places.leave(run_id)
            await self._places.quiet(run_id)

    async def _paint(self, run_id: RunId, painting: _Painting, draw: Callable[[], Card | None], pace: Pace) -> None:
        message = await painting.message
        if self._places is not None:
            await self._places.quiet(run_id)

        def draw_now() -> Card | None:
            painting.quiet.clear()
            return draw()

        while True:
            message = await painting.message  # it may be another one by now
            # The first wait keeps a turn that is over in a moment from spending the chat's budget on its progress.
            await asyncio.sleep(pace.flush_interval_s)
            await _either(painting.changed, pace.tick_interval_s)
            painting.changed.clear()
            request = asyncio.ensure_future(self._repaint(message, draw_now))
            try:
                rest_s = await asyncio.shield(request)
            except MessageGone:
                if not await self._renew(run_id, painting, message, draw):
                    return
                rest_s = 0.0
            except asyncio.CancelledError:
                if painting.quiet.is_set():  # still waiting for its turn: nobody will miss it
                    request.cancel()
                await asyncio.gather(request, return_exceptions=True)
                raise
            finally:
                painting.quiet.set()
            await asyncio.sleep(rest_s)

    async def _renew(
        self, run_id: RunId, painting: _Painting, message: MessageRef, draw: Callable[[], Card | None]
    ) -> bool:
        """Somebody has deleted the message, or it has become too old: send it anew, once.

        False: it has been renewed before. Whoever deletes it twice does not want it; the verdict comes all the same.
        """
        card = draw()
        if card is None:
            return False
        [parcel] = self._chat.compose(message.chat, card)
        painting.message = asyncio.get_running_loop().create_future()  # before somebody may send it
        if not await self._outbox.renew_status(run_id, parcel):
            return False
        _log.info("status.renewed", run=run_id, message=message.message_id)
        self._wake(message.chat.bot, message.chat.chat_id)
        return True

    async def _repaint(self, message: MessageRef, draw: Callable[[], Card | None]) -> float:
        """Paint once; returns for how long the chat wants to be left alone, in seconds."""
        try:
            await self._chat.repaint(message, draw)
        except ChatBusy as busy:
            place = message.chat
            await self._outbox.park(Parked(place.bot, place.chat_id, self._clock() + busy.retry_after_s))
            return busy.retry_after_s
        except MessageGone:
            raise
        except ChatMoved as moved:
            await self.moved(message.chat.bot, old_id=message.chat.chat_id, new_id=moved.new_id)
        except ChatClosed as closed:
            _log.info("status.not_painted", message=message.message_id, error=closed)
            return _CLOSED_REST_S
        except ChatError as error:
            _log.debug("status.not_painted", message=message.message_id, error=error)
        return 0.0


async def _either(changed: asyncio.Event, tick_s: float) -> None:
    try:
        async with asyncio.timeout(tick_s or None):
            await changed.wait()
    except TimeoutError:
        pass  # the tick: elapsed time is news as well
