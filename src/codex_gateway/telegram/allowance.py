"""How much a chat, or a bot, may send: a number of tokens that come back with time; pure, time is passed in.

Telegram counts a send when it gets it, which is somewhere between our sending and its answer. A token therefore is gone
from the sending on and begins to come back at the answer, so that requests are never closer together there than here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` tokens, each back `refill_s` seconds after it was spent or, `in_turn`, after the one before it."""

    burst: int
    refill_s: float
    #: Tokens that only results may take.
    reserve: int
    in_turn: bool = False


@dataclass(frozen=True, slots=True)
class Rates:
    """What Telegram tolerates, by default (Bots FAQ, "My bot is hitting limits")."""

    #: About one message a second in a chat of two, with short bursts.
    private: Rate = Rate(burst=3, refill_s=1.0, reserve=2, in_turn=True)
    #: 20 in any minute in a group.
    group: Rate = Rate(burst=20, refill_s=60.0, reserve=6)
    #: About 30 in any second over all chats.
    bot: Rate = Rate(burst=30, refill_s=1.0, reserve=6)


@dataclass(slots=True)
class Allowance:
    """The tokens of one chat or one bot. Times are of one monotonic clock, in seconds."""

    rate: Rate
    _in_flight: int = 0
    #: When each token that was spent is back, in order.
    _back_at: list[float] = field(default_factory=list)

    def free_at(self, *, reserve: int) -> float:
        """When a token is to be had with `reserve` more left untouched; infinity if only an answer can bring it."""
        lacking = reserve + 1 - (self.rate.burst - self._in_flight - len(self._back_at))
        if lacking <= 0:
            return -math.inf
        return self._back_at[lacking - 1] if lacking <= len(self._back_at) else math.inf

    def take(self) -> None:
        """A request leaves."""
        self._in_flight += 1

    def settle(self, now: float, *, was_sent: bool) -> None:
        """The request has its answer, or was never sent, which costs nothing."""
        self._in_flight -= 1
        if was_sent:
            latest = self._back_at[-1] if self.rate.in_turn and self._back_at else now
            self._back_at.append(max(now, latest) + self.rate.refill_s)

    def tick(self, now: float) -> None:
        """Tokens that are back are back."""
        while self._back_at and self._back_at[0] <= now:
            self._back_at.pop(0)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is remembered that could matter."""
        return not self._in_flight and not self._back_at
