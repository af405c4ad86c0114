"""Processes as /proc tells of them: which one is which, and which ones belong to an attempt. Linux only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from codex_gateway.codex.child.environment import TAG, THREAD_TAG

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class ProcessId:
    """One process for as long as the machine is up: `start_ticks` is field 22 of /proc/PID/stat."""

    pid: int
    start_ticks: int


def identify(pid: int) -> ProcessId | None:
    """The process that has this pid now; None when there is none."""
    stat = look(pid)
    return None if stat is None else ProcessId(pid, stat.start_ticks)


def is_alive(process: ProcessId) -> bool:
    """Whether it still runs: a zombie does not."""
    stat = look(process.pid)
    return stat is not None and stat.start_ticks == process.start_ticks and stat.state not in "ZX"


def tagged(tag: str) -> list[ProcessId]:
    """Every live process that was started with our tag, the oldest first. Takes milliseconds: not for the loop."""
    mark = f"{TAG}={tag}".encode()
    return _sorted(process for process, environ in _live_processes() if mark in environ)


def left_behind(tag: str, *, thread_id: str | None, since_ticks: int) -> list[ProcessId]:
    """Every live process that an attempt has started, the oldest first. Takes milliseconds: not for the loop."""
    return _sorted(process for process, _ in family(tag, thread_id=thread_id, since_ticks=since_ticks))


def family(tag: str, *, thread_id: str | None, since_ticks: int) -> list[tuple[ProcessId, frozenset[bytes]]]:
    """Every live process that an attempt has started, with its environment, in no order. Not for the loop either.

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

    return [(process, environ) for process, environ in _live_processes() if belongs(process, environ)]


def command_line(pid: int) -> tuple[str, ...]:
    """The words that a process was started with, as far as it has not changed them; empty when it is gone."""
    try:
        content = (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return ()
    return tuple(word.decode("utf-8", "replace") for word in content.rstrip(b"\0").split(b"\0")) if content else ()


def writes_to(process: ProcessId, path: Path) -> bool:
    """Whether the process's standard output is that file."""
    try:
        return (_PROC / str(process.pid) / "fd/1").samefile(path)
    except OSError:
        return False


def descendants(process: ProcessId) -> list[ProcessId]:
    """Every live process that it, or one of its children, has started and that has a parent still; the oldest first."""
    stats = {pid: stat for pid in _pids() if (stat := look(pid)) is not None and stat.state not in "ZX"}
    found: dict[int, ProcessId] = {}
    generation = {process.pid}
    while generation := {pid for pid, stat in stats.items() if stat.parent in generation} - found.keys():
        found |= {pid: ProcessId(pid, stats[pid].start_ticks) for pid in generation}
    return _sorted(iter(found.values()))


def terminal_of(pid: int) -> str | None:
    """Where a person would look for the process: "pts/3", "tty1"; None without a terminal."""
    stat = look(pid)
    if stat is None or stat.terminal == 0:
        return None
    # As proc(5) has it: the minor number is in bits 31 to 20 and 7 to 0, the major one in bits 15 to 8.
    major, minor = stat.terminal >> 8 & 0xFFF, stat.terminal & 0xFF | stat.terminal >> 12 & 0xFFF00
    if 136 <= major <= 143:
        return f"pts/{(major - 136) * 256 + minor}"
    if major == 4:
        return f"tty{minor}" if minor < 64 else f"ttyS{minor - 64}"
    return None


def words_of(pid: int) -> list[str]:
    """The command line of a process; empty when it is gone."""
    try:
        line = (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return []
    return [word.decode("utf-8", "replace") for word in line.rstrip(b"\0").split(b"\0") if word]


def tag_of(pid: int) -> str | None:
    """The attempt that the process was started for; None as well where we may not look."""
    try:
        environ = (_PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return None
    mark = f"{TAG}=".encode()
    return next((one[len(mark) :].decode() for one in environ.split(b"\0") if one.startswith(mark)), None)


def has_open(pid: int, file: os.stat_result) -> bool:
    """Whether the process has that file open; False as well where we may not look."""
    try:
        descriptors = list((_PROC / str(pid) / "fd").iterdir())
    except OSError:
        return False
    return any(_is_file(descriptor, file) for descriptor in descriptors)


def _is_file(descriptor: Path, file: os.stat_result) -> bool:
    try:
        return os.path.samestat(descriptor.stat(), file)
    except OSError:  # closed meanwhile, or a socket
        return False


def who_has_open(path: Path) -> list[int]:
    """The pids of other processes of our user that have the file open. Takes milliseconds: not for the loop."""
    try:
        file = path.stat()
    except OSError:
        return []
    return [pid for pid in _pids() if pid != os.getpid() and has_open(pid, file)]


@dataclass(frozen=True, slots=True)
class Stat:
    """What /proc/PID/stat tells: the letter of its state, and times in clock ticks (`start_ticks` since the boot)."""

    state: str
    parent: int
    #: The device number of its terminal, 0 for none.
    terminal: int
    start_ticks: int
    cpu_ticks: int
    #: Of its children that have ended and were waited for.
    children_cpu_ticks: int


def look(pid: int) -> Stat | None:
    """The process as it is now; None when it is gone."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text[text.rindex(")") + 2 :].split()  # the name before may hold blanks and brackets
    user, system, children_user, children_system = (int(field) for field in fields[11:15])
    return Stat(
        state=fields[0],
        parent=int(fields[1]),
        terminal=int(fields[4]),
        start_ticks=int(fields[19]),
        cpu_ticks=user + system,
        children_cpu_ticks=children_user + children_system,
    )


def _pids() -> list[int]:
    return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]


def _live_processes() -> Iterator[tuple[ProcessId, frozenset[bytes]]]:
    """Those of our user; a process's environment is what it was started with."""
    for pid in _pids():
        if pid == os.getpid():
            continue
        try:
            environ = (_PROC / str(pid) / "environ").read_bytes()
        except OSError:
            continue
        stat = look(pid) if environ else None
        if stat is not None and stat.state not in "ZX":
            yield ProcessId(pid, stat.start_ticks), frozenset(environ.split(b"\0"))


def _sorted(processes: Iterator[ProcessId]) -> list[ProcessId]:
    return sorted(processes, key=lambda process: (process.start_ticks, process.pid))
