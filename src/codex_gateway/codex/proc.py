"""Processes as /proc tells of them: which one is which, and which ones belong to an attempt. Linux only."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from codex_gateway.codex.environment import TAG, THREAD_TAG

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class ProcessId:
    """One process for as long as the machine is up: `start_ticks` is field 22 of /proc/PID/stat."""

    pid: int
    start_ticks: int


def identify(pid: int) -> ProcessId | None:
    """The process that has this pid now; None when there is none."""
    stat = _stat(pid)
    return None if stat is None else ProcessId(pid, stat.start_ticks)


def is_alive(process: ProcessId) -> bool:
    """Whether it still runs: a zombie does not."""
    stat = _stat(process.pid)
    return stat is not None and stat.start_ticks == process.start_ticks and stat.state not in "ZX"


def tagged(tag: str) -> list[ProcessId]:
    """Every live process that was started with our tag, the oldest first. Takes milliseconds: not for the loop."""
    mark = f"{TAG}={tag}".encode()
    return _sorted(process for process, environ in _live_processes() if mark in environ)


def left_behind(tag: str, *, thread_id: str | None, since_ticks: int) -> list[ProcessId]:
    """Every live process that an attempt has started, the oldest first. Takes milliseconds: not for the loop.

    Those are the tagged ones and, should the user's `shell_environment_policy` take the tag away, those that Codex has
    marked with the thread and that are no older than the attempt's process.
    """
    mark = f"{TAG}={tag}".encode()
    other = TAG.encode() + b"="
    thread = f"{THREAD_TAG}={thread_id}".encode()

    def belongs(process: ProcessId, environ: frozenset[bytes]) -> bool:
        if mark in environ:
            return True
        is_marked = thread_id is not None and thread in environ and not any(one.startswith(other) for one in environ)
        return is_marked and process.start_ticks >= since_ticks

    return _sorted(process for process, environ in _live_processes() if belongs(process, environ))


def writes_to(process: ProcessId, path: Path) -> bool:
    """Whether the process's standard output is that file."""
    try:
        return (_PROC / str(process.pid) / "fd/1").samefile(path)
    except OSError:
        return False


def has_open(path: Path) -> list[int]:
    """The pids of other processes of our user that have the file open. Takes milliseconds: not for the loop."""
    return [pid for pid in _pids() if pid != os.getpid() and str(path) in _open_files(pid)]


def _open_files(pid: int) -> set[str]:
    folder = _PROC / str(pid) / "fd"
    found = set()
    try:
        for entry in folder.iterdir():
            with contextlib.suppress(OSError):  # closed this very moment
                found.add(str(entry.readlink()))
    except OSError:  # gone, or not ours
        pass
    return found


def _pids() -> list[int]:
    return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]


@dataclass(frozen=True, slots=True)
class _Stat:
    state: str
    start_ticks: int


def _stat(pid: int) -> _Stat | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text[text.rindex(")") + 2 :].split()  # the name before may hold blanks and brackets
    return _Stat(state=fields[0], start_ticks=int(fields[19]))


def _live_processes() -> Iterator[tuple[ProcessId, frozenset[bytes]]]:
    """Those of our user; a process's environment is what it was started with."""
    for pid in _pids():
        if pid == os.getpid():
            continue
        try:
            environ = (_PROC / str(pid) / "environ").read_bytes()
        except OSError:
            continue
        stat = _stat(pid) if environ else None
        if stat is not None and stat.state not in "ZX":
            yield ProcessId(pid, stat.start_ticks), frozenset(environ.split(b"\0"))


def _sorted(processes: Iterator[ProcessId]) -> list[ProcessId]:
    return sorted(processes, key=lambda process: (process.start_ticks, process.pid))
