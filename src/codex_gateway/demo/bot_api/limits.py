"""The published sending limits, off unless a server is started with them.

About one message a second in a private chat with short bursts, 20 a minute in a group, 30 a second for a
bot (Bots FAQ, "My bot is hitting limits"); edits and drafts count as sends.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

_COUNTED = ("send", "edit", "copy", "forward")
_FREE = frozenset({"sendChatAction"})


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` at once, refilled evenly at `per_s`."""

    burst: int
    per_s: float


@dataclass(frozen=True, slots=True)
class RateLimits:
    """What a server enforces. A penalty lasts at least `penalty_s` seconds."""

    private: Rate = Rate(burst=3, per_s=1.0)
    group: Rate = Rate(burst=20, per_s=20 / 60)
    bot: Rate = Rate(burst=30, per_s=30.0)
    penalty_s: float = 1.0


class _Budget:
    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._tokens = float(rate.burst)
        self._at = now
        self.penalty_until = -math.inf

    def shortage_s(self, now: float) -> float:
        """Seconds until one more send is in the budget; 0 if it is now."""
        self._tokens = min(self._rate.burst, self._tokens + (now - self._at) * self._rate.per_s)
        self._at = now
        return 0.0 if self._tokens > 1 - 1e-9 else (1 - self._tokens) / self._rate.per_s

    def spend(self) -> None:
        self._tokens -= 1


@dataclass(frozen=True, slots=True)
class Flood:
    """A send beyond the limits. `in_penalty`: it came while an earlier one's penalty was running."""

    retry_after_s: int
    in_penalty: bool


class Limiter:
    """Budgets by bot and by chat; `clock` is monotonic, in seconds."""

    def __init__(self, limits: RateLimits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._budgets: dict[tuple[str, int | None], _Budget] = {}

    def charge(self, *, bot: str, method: str, chat_id: int) -> Flood | None:
        """Take one send from the budgets, or say why not. A chat with a negative id is a group."""
        if method in _FREE or not method.startswith(_COUNTED):
            return None
        now = self._clock()
        chat_rate = self._limits.private if chat_id > 0 else self._limits.group
        budgets = (
            self._budgets.setdefault((bot, None), _Budget(self._limits.bot, now)),
            self._budgets.setdefault((bot, chat_id), _Budget(chat_rate, now)),
        )
        for budget in budgets:
            if now < budget.penalty_until:
                return Flood(math.ceil(budget.penalty_until - now), in_penalty=True)
        for budget in budgets:
            if shortage_s := budget.shortage_s(now):
                retry_after_s = math.ceil(max(shortage_s, self._limits.penalty_s))
                budget.penalty_until = now + retry_after_s
                return Flood(retry_after_s, in_penalty=False)
        for budget in budgets:
            budget.spend()
        return None
