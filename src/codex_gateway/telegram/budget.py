"""The one throttle: who may send next, so that no chat and no bot goes over its allowance.

In a chat one request is under way at a time, results in the order in which they came; a repaint waits until nothing
else does and leaves a reserve. A chat that told us to wait is left alone until then.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from codex_gateway.core.errors import ChatBusy
from codex_gateway.telegram.allowance import Allowance, Rates

#: A penalty up to this long is waited out; of a longer one the caller hears at once. In seconds.
PATIENCE_S = 30.0

#: Chats remembered before those with nothing to remember are forgotten.
_CHATS_KEPT = 1024


@dataclass(slots=True, eq=False)
class Turn:
    """The right to send one request."""

    chat_id: int
    is_urgent: bool
    was_sent: bool = True
    granted: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def is_granted(self) -> bool:
        return self.granted.done() and not self.granted.cancelled() and self.granted.exception() is None

    def waive(self) -> None:
        """Nothing is sent after all."""
        self.was_sent = False


@dataclass(slots=True)
class _Lane:
    """One chat."""

    allowance: Allowance
    is_busy: bool = False
    parked_until: float = -math.inf


class Budget:
    """One bot's sends. `monotonic` and `wall` tell the time in seconds; tests bring their own."""

    def __init__(
        self,
        rates: Rates | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._rates = rates or Rates()
        self._monotonic = monotonic
        self._wall = wall
        self._bot = Allowance(self._rates.bot)
        self._lanes: dict[int, _Lane] = {}
        self._waiting: list[Turn] = []
        self._alarm: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def turn(self, chat_id: int, *, is_urgent: bool) -> AsyncIterator[Turn]:
        """Wait until one request may go to the chat; it is counted when the block ends.

        Raises ChatBusy at once while the chat is parked for longer than `PATIENCE_S`, and when it comes to be so during
        the wait. Cancelling gives the place up.
        """
        self._refuse_if_parked(chat_id)
        turn = Turn(chat_id, is_urgent)
        self._waiting.append(turn)
        self.serve()
        try:
            await turn.granted
        except BaseException:
            if turn in self._waiting:
                self._waiting.remove(turn)
                self.serve()
            elif turn.is_granted:
                turn.waive()  # granted and cancelled in one breath
                self._settle(turn)
            raise
        try:
            yield turn
        finally:
            self._settle(turn)

    def park(self, chat_id: int, until: float) -> None:
        """Leave the chat alone until a time of the wall clock, in Unix seconds; a later one already known stays."""
        self.pause(chat_id, until - self._wall())

    def pause(self, chat_id: int, rest_s: float) -> None:
        """Leave the chat alone for so many seconds."""
        lane = self._lane(chat_id)
        lane.parked_until = max(lane.parked_until, self._monotonic() + rest_s)
        if rest_s > PATIENCE_S:
            for turn in [turn for turn in self._waiting if turn.chat_id == chat_id and not turn.granted.done()]:
                self._waiting.remove(turn)
                turn.granted.set_exception(ChatBusy(rest_s))
        self.serve()

    def parked_s(self, chat_id: int) -> float:
        """For how many seconds more the chat is left alone; 0 when it is not."""
        lane = self._lanes.get(chat_id)
        return max(0.0, lane.parked_until - self._monotonic()) if lane else 0.0

    def serve(self) -> None:
        """Grant what may go now and set the alarm for what may go next."""
        now = self._monotonic()
        self._bot.tick(now)
        later = math.inf
        blocked: set[int] = set()  # chats in which somebody earlier, or more urgent, waits still
        for turn in sorted(self._waiting, key=lambda turn: not turn.is_urgent):
            if turn.chat_id in blocked or turn.granted.done():  # done: cancelled, and about to leave
                continue
            ready_at = self._ready_at(turn, now)
            if ready_at <= now:
                self._grant(turn)
            else:
                later = min(later, ready_at)
            blocked.add(turn.chat_id)
        self._set_alarm(later - now)

    def _ready_at(self, turn: Turn, now: float) -> float:
        lane = self._lane(turn.chat_id)
        lane.allowance.tick(now)
        if lane.is_busy:
            return math.inf
        return max(
            lane.parked_until,
            *(a.free_at(reserve=0 if turn.is_urgent else a.rate.reserve) for a in (lane.allowance, self._bot)),
        )

    def _grant(self, turn: Turn) -> None:
        lane = self._lane(turn.chat_id)
        self._waiting.remove(turn)
        lane.is_busy = True
        lane.allowance.take()
        self._bot.take()
        turn.granted.set_result(None)

    def _settle(self, turn: Turn) -> None:
        now = self._monotonic()
        lane = self._lane(turn.chat_id)
        lane.is_busy = False
        lane.allowance.settle(now, was_sent=turn.was_sent)
        self._bot.settle(now, was_sent=turn.was_sent)
        self.serve()

    def _refuse_if_parked(self, chat_id: int) -> None:
        if (rest_s := self.parked_s(chat_id)) > PATIENCE_S:
            raise ChatBusy(rest_s)

    def _lane(self, chat_id: int) -> _Lane:
        lane = self._lanes.get(chat_id)
        if lane is None:
            self._forget_idle_lanes()
            lane = self._lanes[chat_id] = _Lane(Allowance(self._rates.private if chat_id > 0 else self._rates.group))
        return lane

    def _forget_idle_lanes(self) -> None:
        if len(self._lanes) < _CHATS_KEPT:
            return
        now = self._monotonic()
        for chat_id, lane in list(self._lanes.items()):
            lane.allowance.tick(now)
            if lane.allowance.is_idle and not lane.is_busy and lane.parked_until <= now:
                del self._lanes[chat_id]

    def _set_alarm(self, delay_s: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if delay_s < math.inf:
            self._alarm = asyncio.get_running_loop().call_later(delay_s, self.serve)
