"""An event loop for tests of long waits: where there is nothing to do until the next timer, its clock jumps ahead.

Real sockets, files and threads work as always: before each jump they get a moment to be heard.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

#: How long the loop listens before it jumps, in real seconds: several times what a thread needs for a transaction.
_MOMENT_S = 0.002
#: How far it jumps at most before it listens again, in its own seconds: a thread that is slow costs little time.
_LEAP_S = 0.25


class _Listening(selectors.DefaultSelector):
    ahead_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        heard = super().select(min(timeout, _MOMENT_S))
        if not heard:
            self.ahead_s += max(0.0, min(timeout, _LEAP_S) - _MOMENT_S)
        return heard


class HurryingLoop(asyncio.SelectorEventLoop):
    """Its `time` and `wall` agree, and run ahead of the real ones."""

    def __init__(self) -> None:
        self._listening = _Listening()
        super().__init__(self._listening)

    def time(self) -> float:
        return super().time() + self._listening.ahead_s

    def wall(self) -> float:
        return time.time() + self._listening.ahead_s


def in_a_hurry(work: Coroutine[Any, Any, T]) -> T:
    """Run it to its end on such a loop."""
    with asyncio.Runner(loop_factory=HurryingLoop) as runner:
        return runner.run(work)


def hurrying_loop() -> HurryingLoop:
    """The loop that this runs on."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, HurryingLoop)
    return loop
