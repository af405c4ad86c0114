"""The two tools of a turn: a shell with a session of its own, and a file writer."""

# Importing pathlib takes a tenth of the time that a whole turn has.

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from dataclasses import dataclass, field

from codex_gateway.demo.codex.records import Ran

#: From <linux/prctl.h>: the signal a process gets when the thread that started it dies.
_PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class Running:
    """A shell command under way."""

    call_id: str
    #: The tool call that waits for its output: the one that started it, or a later one that asks for the rest.
    asked_by: str
    command: str
    process_id: int
    #: The reading end of what it prints, stdout and stderr as they come; background children may hold the other end.
    reader: int
    started_at: float = field(default_factory=time.time)
    output: bytearray = field(default_factory=bytearray)
    #: How much of the output the model has seen.
    seen_bytes: int = 0

    def kill(self) -> Ran:
        """Kills the shell and what it started, unless that went into a session of its own."""
        with contextlib.suppress(ProcessLookupError):  # before it has called setsid
            os.killpg(self.process_id, signal.SIGKILL)
        os.kill(self.process_id, signal.SIGKILL)
        os.waitpid(self.process_id, 0)
        self._read_what_is_there()
        return self._ran(-1)

    def ended(self) -> Ran | None:
        """How it went, once the shell has exited; None before.

        As with Codex, what the shell left behind in its process group is killed then.
        """
        pid, status = os.waitpid(self.process_id, os.WNOHANG)
        if pid == 0:
            return None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process_id, signal.SIGKILL)
        self._read_what_is_there()
        return self._ran(os.waitstatus_to_exitcode(status))

    def read(self) -> bool:
        """Takes what it printed; False when nobody can print any more."""
        try:
            data = os.read(self.reader, 1 << 16)
        except BlockingIOError:
            return True
        self.output += data
        return bool(data)

    def _read_what_is_there(self) -> None:
        while select.select([self.reader], [], [], 0)[0]:
            if not self.read():
                break
        os.close(self.reader)

    def look(self) -> str:
        """What was printed since the last look."""
        unseen = self.output[self.seen_bytes :].decode("utf-8", "replace")
        self.seen_bytes = len(self.output)
        return unseen

    def _ran(self, exit_code: int) -> Ran:
        return Ran(
            call_id=self.call_id,
            asked_by=self.asked_by,
            command=self.command,
            process_id=self.process_id,
            output=self.output.decode("utf-8", "replace"),
            unseen=self.look(),
            exit_code=exit_code,
            started_at=self.started_at,
            ended_at=time.time(),
        )


def start_shell(call_id: str, command: str, *, cwd: str, thread_id: str) -> Running:
    """Starts ``/bin/bash -lc COMMAND`` in its own session; the shell dies with this process, its children do not."""
    import ctypes

    prctl = ctypes.CDLL(None, use_errno=True).prctl
    reader, writer = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(reader, False)
    environment = {**os.environ, "CODEX_THREAD_ID": thread_id, "CODEX_CI": "1"}
    child = os.fork()
    if child:
        os.close(writer)
        return Running(call_id, call_id, command, child, reader)
    try:
        os.setsid()
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        for number in (signal.SIGPIPE, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        os.chdir(cwd)
        with open(os.devnull, "rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        os.dup2(writer, 1)
        os.dup2(writer, 2)
        os.execve("/bin/bash", ["/bin/bash", "-lc", command], environment)  # noqa: S606 - it is the shell
    finally:
        os._exit(127)


def write_file(path: str, content: str) -> None:
    """Applies the patch: ``path`` holds ``content`` afterwards; its folders are made."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(content)
