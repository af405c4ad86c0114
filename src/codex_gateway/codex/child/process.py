"""A process that outlives us: started apart from us, watched, and stopped with everything it has started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from codex_gateway.codex.child import let_go, proc
from codex_gateway.codex.child.proc import ProcessId
from codex_gateway.log import Log

_LOG = Log(__name__)
#: How long each signal is given before the next, harsher one; in seconds.
_PATIENCE_S = ((signal.SIGINT, 2.0), (signal.SIGTERM, 2.0), (signal.SIGKILL, 2.0))
#: The same for what it leaves behind, which is looked for again before each.
_ORPHAN_PATIENCE_S = ((signal.SIGTERM, 1.0), *((signal.SIGKILL, 0.5),) * 6)
#: How many of those are waited for at a time; each takes two descriptors.
_WAITED_FOR = 64


@dataclass(frozen=True, slots=True)
class Files:
    """What an attempt's process reads and writes; the folder is made for its owner alone."""

    directory: Path

    @property
    def prompt(self) -> Path:
        return self.directory / "prompt"

    @property
    def stdout(self) -> Path:
        return self.directory / "stdout"

    @property
    def stderr(self) -> Path:
        return self.directory / "stderr"

    @property
    def last_message(self) -> Path:
        return self.directory / "last-message"

    @property
    def oom_kills(self) -> Path:
        """How often the system had killed for want of memory when the process was started."""
        return self.directory / "oom-kills"

    @property
    def tag(self) -> str:
        """Names the attempt in its processes' environment."""
        return str(self.directory.absolute())

    def make(self) -> None:
        """Raises OSError."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.directory.chmod(0o700)


class Process:
    """One process, ours or one that an earlier life of ours has started."""

    def __init__(self, identity: ProcessId, pidfd: int) -> None:
        self.identity = identity
        self._pidfd = pidfd
        #: Its exit code, negative for a signal; None while it runs, and for ever where it is nobody's child of ours.
        self.status: int | None = None
        self.has_exited = False

    @classmethod
    def start(
        cls,
        argv: tuple[str, ...],
        *,
        files: Files,
        prompt: str,
        reads_prompt: bool,
        workdir: Path,
        environ: Mapping[str, str],
    ) -> Self:
        """Start `argv` in its own session, with files for its output and, if it reads it, its prompt; raises OSError.

        Files, because a turn whose output nobody reads any more must go on (Codex 0.169 panics when a pipe is closed).
        """
        let_go.reap()
        files.make()
        _write_private(files.prompt, prompt.encode("utf-8", "replace"))
        with (
            (files.prompt if reads_prompt else Path(os.devnull)).open("rb") as source,
            open(files.stdout, "ab", opener=_private) as stdout,
            open(files.stderr, "ab", opener=_private) as stderr,
        ):
            child = subprocess.Popen(
                argv,
                stdin=source,
                stdout=stdout,
                stderr=stderr,
                cwd=workdir,
                env=dict(environ),
                start_new_session=True,
                close_fds=True,
            )
        try:
            pidfd = os.pidfd_open(child.pid)
        except OSError:  # no descriptors left: it must not run where nobody watches
            child.kill()
            child.wait()
            raise
        # From here on the pidfd is what we wait with: Popen would warn of, and reap, a process that is let go of.
        child.returncode = 0
        identity = proc.identify(child.pid)
        assert identity is not None, "a child is at least a zombie until it is waited for"
        return cls(identity, pidfd)

    @classmethod
    def find(cls, identity: ProcessId) -> Self | None:
        """The running process of that identity; None when it is gone."""
        try:
            pidfd = os.pidfd_open(identity.pid)
        except OSError:
            return None
        if proc.identify(identity.pid) != identity:
            os.close(pidfd)
            return None
        return cls(identity, pidfd)

    def on_exit(self, call: Callable[[], None]) -> None:
        """Have `call` called in the running loop once the process is gone; it is reaped and its status known then."""

        def note() -> None:
            self.poll()
            call()

        asyncio.get_running_loop().add_reader(self._pidfd, note)

    def poll(self) -> bool:
        """Whether the process is gone; reaps it if it is ours to reap."""
        if self.has_exited:
            return True
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        if not poll.poll(0):
            return False
        self.has_exited = True
        asyncio.get_running_loop().remove_reader(self._pidfd)
        try:
            waited = os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED | os.WNOHANG)
        except ChildProcessError:
            return True  # it was started by an earlier life of ours
        if waited is not None:
            self.status = waited.si_status if waited.si_code == os.CLD_EXITED else -waited.si_status
        return True

    def send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            signal.pidfd_send_signal(self._pidfd, number)

    async def wait(self, *, at_most_s: float) -> bool:
        """Whether the process is gone within that time."""
        return await _until_gone([self._pidfd], at_most_s) and self.poll()

    async def stop(self) -> None:
        """End it: asked politely, then ordered, then killed. Takes at most about six seconds."""
        for number, patience_s in _PATIENCE_S:
            if self.poll():
                return
            self.send(number)
            self.send(signal.SIGCONT)  # one that is held would not hear the others until it goes on
            if await self.wait(at_most_s=patience_s):
                return
        _LOG.error("process.immortal", pid=self.identity.pid)

    def close(self) -> None:
        """Let go of it; it may still run."""
        if self._pidfd >= 0:
            asyncio.get_running_loop().remove_reader(self._pidfd)
            let_go.let_go(self._pidfd)
            self._pidfd = -1


async def stop_left_behind(tag: str, *, thread_id: str | None, since_ticks: int) -> tuple[str, ...]:
    """End whatever an attempt has started and that still lives; their command lines. Takes at most about four seconds.

    Each tool of Codex runs in a session of its own, so no process group holds them all; and what is being killed may
    just be starting another one, or be between two programs, where it has no environment to be known by. So it is
    looked again until two looks in a row find nothing.
    """
    ended: dict[ProcessId, str] = {}
    is_clear = False
    for number, patience_s in _ORPHAN_PATIENCE_S:
        found = await asyncio.to_thread(proc.left_behind, tag, thread_id=thread_id, since_ticks=since_ticks)
        if found:
            pids = ",".join(str(process.pid) for process in found[:_WAITED_FOR])
            _LOG.info("process.left_behind", count=len(found), pids=pids, signal=number.name)
            fresh = [process for process in found[:_WAITED_FOR] if process not in ended]
            ended |= {process: " ".join(proc.command_line(process.pid)) for process in fresh}
            await _signal_all(found, number, patience_s)
        elif is_clear:
            break
        is_clear = not found
    if not is_clear:
        _LOG.error("process.immortal", tag=tag)
    return tuple(line for line in ended.values() if line)


async def end_all(processes: Iterable[ProcessId]) -> None:
    """End those of the processes that still live. Takes at most about four seconds."""
    left = list(processes)
    for number, patience_s in _ORPHAN_PATIENCE_S:
        left = [process for process in left if proc.is_alive(process)]
        if left:
            await _signal_all(left, number, patience_s)


async def _signal_all(processes: Iterable[ProcessId], number: signal.Signals, patience_s: float) -> None:
    """Signal all, and wait for the first of them."""
    pidfds: list[int] = []
    try:
        for identity in processes:
            process = Process.find(identity)
            if process is not None:
                process.send(number)
                if len(pidfds) < _WAITED_FOR:
                    pidfds.append(process._pidfd)
                else:
                    os.close(process._pidfd)
        await _until_gone(pidfds, patience_s)
    finally:
        for pidfd in pidfds:
            os.close(pidfd)


async def _until_gone(pidfds: list[int], at_most_s: float) -> bool:
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    waiting = {os.dup(pidfd) for pidfd in pidfds}  # dup: a loop keeps one reader for each descriptor

    def note(pidfd: int) -> None:
        loop.remove_reader(pidfd)
        os.close(pidfd)
        waiting.discard(pidfd)
        if not waiting:
            gone.set()

    try:
        for pidfd in tuple(waiting):
            loop.add_reader(pidfd, note, pidfd)
        async with asyncio.timeout(at_most_s):
            if waiting:
                await gone.wait()
        return True
    except TimeoutError:
        return False
    finally:
        for pidfd in waiting:
            loop.remove_reader(pidfd)
            os.close(pidfd)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def _write_private(path: Path, content: bytes) -> None:
    with open(path, "wb", opener=_private) as file:
        file.write(content)
