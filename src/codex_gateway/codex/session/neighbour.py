"""Whether somebody else is at work in a session of a Codex that keeps no writer locks (before 0.147)."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import signal
from pathlib import Path

from codex_gateway.codex.child import proc

#: How far back a mark is looked for, in bytes; a turn that wrote more since it began is missed.
_LOOK_BACK_BYTES = 256 * 1024
#: What a turn of a file without marks is known by.
UNMARKED = ""
#: Few bytes lie between the two names; without a limit a damaged line could cost seconds.
_MARK = re.compile(
    rb'"type":\s*"(?:(?P<begin>task_started|turn_started)|task_complete|turn_complete|turn_aborted)"[^\n]{0,512}?'
    rb'"turn_id":\s*"(?P<turn>[^"\\]+)"'
)


def turns_under_way(path: Path, *, before_bytes: int) -> frozenset[str]:
    """The turns that another process has begun and not ended before that offset; not for the loop.

    Most of their records do not name their turn, so whoever reads on has to know of them. A turn that is open in the
    file though nobody has the file open was killed.
    """
    under_way = _open_turns(_tail(path, before_bytes))
    return under_way if under_way and _is_written_to(path) else frozenset()


def _is_written_to(path: Path) -> bool:
    """Whether any process has the file open for writing: the kernel grants a read lease on no such file."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # Who opens it in the microseconds of the lease waits for its end, and we are told: by a signal that kills
        # unless it is one of those that do nothing.
        fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        # Not ours to ask, or a file system without leases: then the slow way, through /proc.
        return error.errno == errno.EAGAIN or bool(proc.who_has_open(path))
    finally:
        os.close(file)
    return False


def _open_turns(tail: bytes) -> frozenset[str]:
    marks = list(_MARK.finditer(tail))
    if not marks:
        return frozenset({UNMARKED}) if tail else frozenset()
    open_turns: set[str] = set()
    for mark in marks:
        turn = mark["turn"].decode("utf-8", "replace")
        (open_turns.add if mark["begin"] else open_turns.discard)(turn)
    return frozenset(open_turns)


def _tail(path: Path, end_bytes: int) -> bytes:
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        length = min(end_bytes, _LOOK_BACK_BYTES)
        return os.pread(file, length, end_bytes - length)
    finally:
        os.close(file)
