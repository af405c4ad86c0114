"""Whether the system has killed a process for want of memory: what tells such a kill from any other. Linux only.

The kernel's log says it for sure, where it may be read. Else a counter tells that it happened to some process.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

#: Counts every such kill on the machine, those for the limit of a control group included (Linux 4.13 and newer).
_COUNTER = Path("/proc/vmstat")
#: The kernel's log, one record a read: "6,339,5140900,-;text" with microseconds since boot (Documentation/ABI).
_LOG = Path("/dev/kmsg")
_KILL = re.compile(rb"^\d+,\d+,(?P<us>\d+),[^;]*;.*\bKilled process (?P<pid>\d+) \((?P<name>[^)]*)\)")
#: How many records are read at most: more than the log holds unless it is written to without end.
_LONGEST = 100_000


def note_memory(note: Path) -> None:
    """Write down how things stand before a process is started, for whoever looks after it later; raises OSError."""
    note.write_text(f"{_kills_so_far()} {time.monotonic()}", encoding="ascii")


def was_killed_for_memory(pid: int, note: Path) -> bool:
    """Whether the process, which has died of a SIGKILL, was killed for want of memory since that note was made."""
    try:
        before, since_s = note.read_text(encoding="ascii").split()
        began_s = float(since_s)
    except (OSError, ValueError):
        return False
    try:
        return any(_is_it(kill, pid, began_s) for kill in _kills_in_log())
    except OSError:  # not for our eyes
        now = _kills_so_far()
        return now is not None and before.isdigit() and now > int(before)


def _is_it(kill: re.Match[bytes], pid: int, began_s: float) -> bool:
    """Within a container the log has other pids than we have; the name is the same."""
    is_named = int(kill["pid"]) == pid or kill["name"].startswith(b"codex")
    return is_named and int(kill["us"]) / 1e6 >= began_s - 1.0


def _kills_in_log() -> Iterator[re.Match[bytes]]:
    log = os.open(_LOG, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        for _ in range(_LONGEST):
            try:
                record = os.read(log, 8192)
            except BrokenPipeError:  # overwritten before it was read
                continue
            except BlockingIOError:
                return
            if (kill := _KILL.match(record)) is not None:
                yield kill
            elif not record:
                return
    finally:
        os.close(log)


def _kills_so_far() -> int | None:
    try:
        lines = _COUNTER.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), None)
