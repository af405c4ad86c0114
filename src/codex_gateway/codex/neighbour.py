"""Whether somebody else is at work in a session of a Codex that keeps no writer locks (before 0.147)."""

from __future__ import annotations

import os
import re
from pathlib import Path

from codex_gateway.codex import proc

#: How far back a mark is looked for, in bytes; a turn that wrote more since it began is missed.
_LOOK_BACK_BYTES = 256 * 1024
#: What a turn of a file without marks is known by.
UNMARKED = ""
_MARK = re.compile(
    rb'"type":\s*"(?:(?P<begin>task_started|turn_started)|task_complete|turn_complete|turn_aborted)"[^\n]*?'
    rb'"turn_id":\s*"(?P<turn>[^"\\]+)"'
)


def turns_under_way(path: Path, *, before_bytes: int) -> frozenset[str]:
    """The turns that another process has begun and not ended before that offset; not for the loop.

    Most of their records do not name their turn, so whoever reads on has to know of them. A turn that is open in the
    file though nobody has the file open was killed.
    """
    under_way = _open_turns(_tail(path, before_bytes))
    return under_way if under_way and proc.who_has_open(path) else frozenset()


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
