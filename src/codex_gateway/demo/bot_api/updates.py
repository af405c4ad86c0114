"""The updates that wait for one bot: kept until an offset confirms them, as getUpdates promises."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Collection

from codex_gateway.demo.bot_api.schema_check import update_types
from codex_gateway.demo.bot_api.wire import JsonObject

#: Sent only to a bot that names them (getUpdates, Bot API 10.3).
NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})


class UpdateQueue:
    """Update ids start at random and grow by one. `waiting` holds (id, update) in order."""

    def __init__(self, seed: random.Random) -> None:
        self._next_id = seed.randrange(100_000_000, 900_000_000)
        self._waiting: deque[tuple[int, JsonObject]] = deque()
        self._arrived = asyncio.Event()
        #: None until a bot names types: then the defaults hold.
        self.allowed: frozenset[str] | None = None

    @property
    def waiting(self) -> tuple[JsonObject, ...]:
        return tuple(update for _, update in self._waiting)

    def put(self, kind: str, body: JsonObject) -> int | None:
        """Queue an update of a kind the bot listens to; return its id, or None if it does not listen."""
        if not self.listens_to(kind):
            return None
        return self.put_raw({kind: body})

    def put_raw(self, fields: JsonObject) -> int:
        """Queue an update with any content; an `update_id` of its own is kept."""
        update_id = self._next_id
        own_id = fields.get("update_id")
        if isinstance(own_id, int) and not isinstance(own_id, bool):
            update_id = own_id
        self._next_id = max(self._next_id, update_id) + 1
        self._waiting.append((update_id, {"update_id": update_id, **fields}))
        self._arrived.set()
        return update_id

    def listens_to(self, kind: str) -> bool:
        return kind not in NOT_BY_DEFAULT if self.allowed is None else kind in self.allowed

    def allow(self, kinds: Collection[str]) -> None:
        """Remember the kinds for updates to come; none named means the defaults."""
        self.allowed = frozenset(kinds) & frozenset(update_types()) if kinds else None

    def take(self, *, offset: int, limit: int) -> list[JsonObject]:
        """Forget what the offset confirms and return what comes next.

        A negative offset counts from the end and forgets all before it; 0 confirms nothing.
        """
        if offset < 0:
            while len(self._waiting) > -offset:
                self._waiting.popleft()
        elif offset > 0:
            while self._waiting and self._waiting[0][0] < offset:
                self._waiting.popleft()
        return [update for _, (_, update) in zip(range(limit), self._waiting, strict=False)]

    def clear(self) -> None:
        self._waiting.clear()

    def next_arrival(self) -> asyncio.Event:
        """Return an event that the next update queued sets. There is one waiter at a time."""
        self._arrived = asyncio.Event()
        return self._arrived
