"""Leaving in order: the signals that end a program become a cancellation, so that everything is tidied up."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signalled(Exception):
    """A signal ended it, after everything was tidied up."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.strsignal(number))
        self.number = number

    @property
    def is_interrupt(self) -> bool:
        """Whether it was Ctrl-C."""
        return self.number == signal.SIGINT


def run(main: Coroutine[None, None, None]) -> None:
    """Run `main` to its end; SIGINT, SIGTERM and SIGHUP cancel it, each time that they come, and raise Signalled."""
    asyncio.run(_listening(main))


async def _listening(main: Coroutine[None, None, None]) -> None:
    loop = asyncio.get_running_loop()
    work = asyncio.create_task(main)
    received: list[int] = []

    def leave(number: int) -> None:
        received.append(number)
        work.cancel()

    for number in _SIGNALS:
        loop.add_signal_handler(number, leave, number)
    try:
        await work
    except asyncio.CancelledError:
        if received:
            raise Signalled(received[0]) from None
        raise
