"""Others who have a session open: a person's `codex exec`, their terminal, or any process that holds the lock."""

from __future__ import annotations

import asyncio
import os
import re
import struct
import sys
import termios
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from fcntl import ioctl
from pathlib import Path

from codex_gateway.codex.child.environment import TAG
from support.codex_lab import until
from support.house import LIMIT_S, House

_HOLD = "import fcntl, sys, time; lock = open(sys.argv[1], 'wb'); fcntl.flock(lock, fcntl.LOCK_EX); time.sleep(1000)"
#: Makes its standard input its terminal, then becomes the program.
_UNDER_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)


def lock_file(it: House, bot: str = "alpha") -> Path:
    return it.home / "thread-writer-locks" / f"{it.bot(bot).resume_id}.lock"


@asynccontextmanager
async def idle_process(it: House) -> AsyncIterator[asyncio.subprocess.Process]:
    """A program that has the session of a bot open and does nothing with it."""
    lock_file(it).parent.mkdir(exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _HOLD, lock_file(it), env=it.environment, stdin=asyncio.subprocess.DEVNULL
    )
    try:
        await until(lambda: is_locked(it))
        yield process
    finally:
        await _ended(process)


@asynccontextmanager
async def persons_turn(
    it: House, prompt: str, *, bot: str = "alpha", attempt: Path | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`codex exec resume` in the session of a bot; `attempt` makes it look like one that a gateway has started."""
    environment: Mapping[str, str] = it.environment | {"CODEX_HOME": str(it.home)}
    if attempt is not None:
        environment = {**environment, TAG: str(attempt)}
    words = ("exec", "-s", "danger-full-access", "--skip-git-repo-check", "resume", it.bot(bot).resume_id, "-")
    process = await asyncio.create_subprocess_exec(
        it.codex,
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=it.bot(bot).workdir,
        env=environment,
        start_new_session=True,
    )
    assert process.stdin is not None
    process.stdin.write(prompt.encode())
    process.stdin.close()
    try:
        await until(lambda: is_locked(it, bot))
        yield process
    finally:
        await _ended(process)


@dataclass(slots=True)
class Terminal:
    """A person's terminal with Codex in it."""

    process: asyncio.subprocess.Process
    name: str
    master: int
    shown: bytearray = field(default_factory=bytearray)

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def read(self) -> None:
        """What a terminal does: shows what comes, and answers what it is asked."""
        try:
            self.shown += os.read(self.master, 65536)
        except OSError:  # nobody has the other end open any more
            asyncio.get_running_loop().remove_reader(self.master)
            return
        for asked, answer in _QUERIES.items():
            if asked in self.shown:
                self.shown[:] = self.shown.replace(asked, b"")
                self.type(answer)

    @property
    def words(self) -> bytes:
        """Everything shown so far, a blank for each movement of the cursor."""
        return re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b" ", bytes(self.shown))

    async def ask(self, prompt: str) -> None:
        """Type a prompt; what comes all at once, the return key too, would be taken for a paste."""
        self.type(prompt)
        await asyncio.sleep(0.5)
        self.type("\r")

    async def close(self) -> None:
        """As a person does: Ctrl-C, and once more if that only cleared the line."""
        while self.process.returncode is None:
            self.type("\x03")
            await asyncio.sleep(0.2)


#: What Codex 0.169 asks a terminal before it shows anything.
_QUERIES = {
    b"\x1b[6n": "\x1b[1;1R",
    b"\x1b[c": "\x1b[?1;2c",
    b"\x1b]10;?": "\x1b]10;rgb:ff/ff/ff\x1b\\",
}


@asynccontextmanager
async def terminal(it: House) -> AsyncIterator[Terminal]:
    """Codex's own interface on the session of a bot, without the background server that it starts otherwise."""
    master, slave = os.openpty()
    ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    name = os.ttyname(slave).removeprefix("/dev/")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _UNDER_TERMINAL, it.codex, "--no-daemon", "resume", it.bot().resume_id),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=it.bot().workdir,
        env=it.environment | {"CODEX_HOME": str(it.home), "TERM": "xterm-256color"},
        start_new_session=True,
    )
    os.close(slave)
    screen = Terminal(process, name, master)
    asyncio.get_running_loop().add_reader(master, screen.read)
    try:
        async with asyncio.timeout(LIMIT_S):
            while not is_locked(it):
                await asyncio.sleep(0.2)
                if (
                    b"Use existing" in screen.words
                ):  # it asks whether to go on with another model, and forgets early keys
                    screen.type("2")
        yield screen
    finally:
        await _ended(process)
        asyncio.get_running_loop().remove_reader(master)
        os.close(master)


def is_locked(it: House, bot: str = "alpha") -> bool:
    """Whether a process has the session open, as the kernel's list tells."""
    try:
        inode = lock_file(it, bot).stat().st_ino
    except OSError:
        return False
    return any(line.split()[5].endswith(f":{inode}") for line in Path("/proc/locks").read_text("ascii").splitlines())


async def _ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()
