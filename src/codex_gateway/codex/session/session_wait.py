"""The wait of one turn for its session, while somebody else has it open."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from codex_gateway.codex.session.holder import end_holder, find_holder, is_held
from codex_gateway.core import event as ev
from codex_gateway.core.holder import Holder
from codex_gateway.core.ids import ThreadId
from codex_gateway.core.ports import Emit

#: How often the lock is looked at, in seconds: at first, for a process that is about to go away, and then.
_EAGER_S = 0.01
_PATIENT_S = 0.25


@dataclass(slots=True, eq=False)
class SessionWait:
    """Waits without limit. Where Codex keeps no lock (before 0.147) a session always looks free."""

    home: Path
    thread_id: ThreadId
    attempts_dir: Path
    #: How long a held session goes without mention, in seconds: our own last turn takes 20 ms after its answer.
    patience_s: float
    #: Whether this Codex can fork a session; asked once, when there is somebody to wait for.
    can_fork: Callable[[], Awaitable[bool]]
    is_released: Callable[[], bool]
    emit: Emit
    _has_waited: bool = False
    #: What was told of this wait, while it lasts.
    _told: ev.SessionHeld | None = None
    _to_end: Holder | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Have a look at once."""
        self._news.set()

    def oust(self, holder: Holder) -> None:
        """End the holder, if it is one of ours and still the one."""
        self._to_end = holder
        self._news.set()

    async def until_free(self) -> bool:
        """Return once nobody has the session open, or when we are released; whether anybody had."""
        since = time.monotonic()
        while is_held(self.home, self.thread_id) and not self.is_released():
            is_eager = time.monotonic() - since < self.patience_s and self._told is None
            if not is_eager:
                await self._tell(find_holder(self.home, self.thread_id, attempts_dir=self.attempts_dir))
            self._has_waited = True
            await self._pause(_EAGER_S if is_eager else _PATIENT_S)
            await self._end_holder()
        has_waited, self._has_waited, self._told = self._has_waited, False, None
        return has_waited

    def is_seen(self) -> bool:
        """Codex has found somebody else there: whether we see that too."""
        self._has_waited = True
        return is_held(self.home, self.thread_id)

    async def blindly(self, pause_s: float) -> None:
        """Wait a while for somebody whom we do not see."""
        self._has_waited = True
        await self._tell(None)
        await self._pause(pause_s)

    async def _tell(self, holder: Holder | None) -> None:
        told = ev.SessionHeld(holder, can_fork=await self.can_fork())
        if told != self._told:
            self._told = told
            await self.emit(told, 0)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            pass
        self._news.clear()

    async def _end_holder(self) -> None:
        holder, self._to_end = self._to_end, None
        if holder is not None:
            await end_holder(self.home, self.thread_id, holder, attempts_dir=self.attempts_dir)
