"""Codex's own terminal program, run by nobody: what a person has open beside the gateway."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import signal
import struct
import termios
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

#: What the program asks its terminal, and what a terminal answers; without an answer it does not start.
_ANSWERS = {
    b"\x1b[6n": b"\x1b[1;1R",
    b"\x1b[c": b"\x1b[?1;2c",
    b"]10;?": b"\x1b]10;rgb:ffff/ffff/ffff\x1b\\",
    b"]11;?": b"\x1b]11;rgb:0000/0000/0000\x1b\\",
}


@dataclass(slots=True)
class Tui:
    pid: int
    _terminal: int
    _answered: set[bytes] = field(default_factory=set)
    screen: bytearray = field(default_factory=bytearray)

    def read(self) -> None:
        try:
            self.screen += os.read(self._terminal, 65536)
        except OSError:  # it has ended
            asyncio.get_running_loop().remove_reader(self._terminal)
            return
        for question, answer in _ANSWERS.items():
            if question in self.screen and (question not in self._answered or question == b"\x1b[6n"):
                self._answered.add(question)
                os.write(self._terminal, answer)


@contextmanager
def tui(codex: Path, thread_id: str, *prompt: str, home: Path, cwd: Path, environ: Mapping[str, str]) -> Iterator[Tui]:
    """`codex resume THREAD_ID [PROMPT]` in a terminal, in a work directory that it trusts; killed at the end."""
    _see_to_it(home / "config.toml", f'[projects."{cwd}"]', 'trust_level = "trusted"')
    # 0.169 offers a newer model before anything else, unless it did so before.
    _see_to_it(home / "config.toml", "[notice.model_migrations]", '"gpt-5.5" = "gpt-6-sol"')
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        # 0.169 would leave a server of its own behind, with a copy of the program; older ones do not know the feature.
        words = [str(codex), "-c", "features.daemon_auto_start=false", "resume", thread_id, *prompt]
        os.execve(codex, words, {**environ, "TERM": "xterm-256color"})
    program = Tui(pid, terminal)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    loop = asyncio.get_running_loop()
    loop.add_reader(terminal, program.read)
    try:
        yield program
    finally:
        loop.remove_reader(terminal)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)


def _see_to_it(config: Path, table: str, line: str) -> None:
    if table not in (text := config.read_text("utf-8")):  # `codex exec` may have written it
        config.write_text(f"{text}\n{table}\n{line}\n", "utf-8")
