"""The chat on a real pseudo-terminal: typing, answers, the status in place, and leaving without a trace."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from support.codex_lab import until

#: Makes the terminal on its standard input the controlling one, as a terminal window would.
_START = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
LIMIT_S = 60.0


@dataclass
class Person:
    """Somebody at a terminal."""

    fd: int
    process: subprocess.Popen[bytes]
    _seen: bytearray = field(default_factory=bytearray)

    @property
    def seen(self) -> str:
        """All that was written to the terminal, without colours."""
        return re.sub(r"\x1b\[[0-9;]*m", "", self._seen.decode("utf-8", "replace"))

    def read(self) -> None:
        try:
            self._seen += os.read(self.fd, 1 << 16)
        except OSError:  # the other end is closed
            asyncio.get_running_loop().remove_reader(self.fd)

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())

    async def sees(self, text: str) -> None:
        await until(lambda: text in self.seen)

    async def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def has_line_mode(self) -> bool:
        flags = termios.tcgetattr(self.fd)[3]
        return bool(flags & termios.ICANON and flags & termios.ECHO and flags & termios.ISIG)

    async def gone(self) -> int:
        return await asyncio.to_thread(self.process.wait, LIMIT_S)


@asynccontextmanager
async def at_a_terminal(ground, *words: str) -> AsyncIterator[Person]:
    ours, theirs = pty.openpty()
    person = Person(
        ours,
        subprocess.Popen(
            [sys.executable, "-c", _START, sys.executable, "-m", "codex_gateway", "demo", *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env={**os.environ, "TMPDIR": str(ground.folder), "TERM": "xterm-256color"},
        ),
    )
    await person.resize(100, 30)
    os.close(theirs)
    asyncio.get_running_loop().add_reader(ours, person.read)
    try:
        yield person
    finally:
        asyncio.get_running_loop().remove_reader(ours)
        with contextlib.suppress(OSError):
            os.close(ours)
        person.process.kill()
        person.process.wait()


async def test_a_person_talks_and_leaves_in_the_middle_of_a_turn_with_ctrl_c(ground) -> None:
    async with at_a_terminal(ground) as person:
        await person.sees("Ctrl-C leaves.")
        await person.sees("› ")
        assert not person.has_line_mode()
        person.type("which python does it need\r")
        await person.sees("you  which python does it need")
        await person.sees("bot  Python 3.11 or newer")
        person.type("/help\r")
        await person.sees("/lastresult – Say the last answer again")
        person.type("@sh sleep 600\r")
        await person.sees("▸ sleep 600")
        await until(lambda: ground.processes("sleep 600"))
        await person.resize(50, 20)
        person.type("half a line")
        await person.sees("half a line")
        person.type("\x03")
        assert await person.gone() == 0
        assert person.has_line_mode()
        assert "Traceback" not in person.seen
    ground.assert_clean()


async def test_a_button_is_pressed_by_its_number_and_quit_leaves(ground) -> None:
    async with at_a_terminal(ground) as person:
        await person.sees("› ")
        person.type("@sh sleep 600\r")
        await person.sees("[⏹ Stop #1]")
        person.type("#7\r")
        await person.sees("There is no button #7 now.")
        person.type("#1\r")
        await person.sees("[🔁 Retry #2]")
        person.type("/quit\r")
        assert await person.gone() == 0
    ground.assert_clean()


async def test_a_terminal_that_is_closed_in_the_middle_of_a_turn_leaves_nothing(ground) -> None:
    async with at_a_terminal(ground) as person:
        await person.sees("› ")
        person.type("@sh sleep 600\r")
        await until(lambda: ground.processes("sleep 600"))
        asyncio.get_running_loop().remove_reader(person.fd)
        os.close(person.fd)
        await person.gone()
    ground.assert_clean()


async def test_ctrl_d_leaves_an_empty_line_only(ground) -> None:
    async with at_a_terminal(ground) as person:
        await person.sees("› ")
        person.type("ab\x1b[D\x1b[D\x04c")
        await person.sees("› cb")
        person.type("\x05\x15\x04")
        assert await person.gone() == 0
        assert person.has_line_mode()
    ground.assert_clean()
