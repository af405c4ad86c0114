"""The terminal itself: keys come one by one while the chat lasts, and everything is put back after it."""

from __future__ import annotations

import os
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from codex_gateway.demo.terminal.keys import PASTE_OFF, PASTE_ON

#: Indices into what tcgetattr gives.
_IFLAG, _LFLAG, _CC = 0, 3, 6


@contextmanager
def keys_one_by_one(fd: int) -> Iterator[None]:
    """No echo, no line editing, no keys with a meaning of their own; undone when the block is left."""
    before = termios.tcgetattr(fd)
    ours = termios.tcgetattr(fd)
    ours[_IFLAG] &= ~(termios.ICRNL | termios.IXON)
    ours[_LFLAG] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG)
    ours[_CC][termios.VMIN], ours[_CC][termios.VTIME] = 1, 0
    termios.tcsetattr(fd, termios.TCSADRAIN, ours)
    try:
        write(PASTE_ON)
        yield
    finally:
        with suppress(OSError, termios.error):  # a terminal that was closed has nothing to restore
            write(f"{PASTE_OFF}\x1b[?25h")
            termios.tcsetattr(fd, termios.TCSADRAIN, before)


def write(text: str) -> None:
    """Write to the terminal, all of it. Raises OSError once the terminal is gone."""
    data = text.encode("utf-8", "replace")
    while data:
        data = data[os.write(sys.stdout.fileno(), data) :]


def size() -> os.terminal_size:
    """Columns and lines."""
    with suppress(OSError):
        found = os.get_terminal_size(sys.stdout.fileno())
        if found.columns > 0 and found.lines > 0:
            return found
    return os.terminal_size((80, 24))
