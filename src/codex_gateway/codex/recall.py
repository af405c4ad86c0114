"""What a session file still tells of a turn that has been: its events once more, with the times of their records."""

from __future__ import annotations

import re
from collections import deque
from datetime import datetime
from pathlib import Path

from codex_gateway.codex.reading.follow import Tail
from codex_gateway.codex.reading.rollout import last_record, read_line
from codex_gateway.codex.reading.turn_reader import TurnReader
from codex_gateway.codex.session.locate import find_session
from codex_gateway.core.reply import Moment
from codex_gateway.core.run import Attempt
from codex_gateway.log import Log

_LOG = Log(__name__)
#: How much of a file is read for one turn. A longer turn is told from its beginning.
_LIMIT_BYTES = 64 * 1024 * 1024
#: Every record begins so (0.80 to 0.169); of a damaged one no time is told.
_TIMESTAMP = re.compile(rb'\s*\{\s*"timestamp":\s*"([^"\\]{1,64})"')


def recall(attempt: Attempt, *, home: Path, at_most: int) -> tuple[list[Moment], int]:
    """The latest `at_most` events of the attempt's turn, and how many came before them. Blocks; never raises.

    By what was noted when Codex took the prompt up; before that, and in formats that do not mark their turns, the first
    turn behind the attempt's offset is taken for its own.
    """
    path = attempt.session_file
    if (path is None or not path.is_file()) and attempt.thread_id is not None:
        path = find_session(home, attempt.thread_id) or _archived(home, attempt)
    if path is None:
        return [], 0
    if attempt.turn_id is not None and attempt.turn_bytes is not None:
        reader = TurnReader(turn_id=attempt.turn_id, has_begun=True, is_marked=True)
        tail = Tail(path, attempt.turn_bytes)
    else:
        reader = TurnReader()
        tail = Tail(path, attempt.offset_bytes)
    try:
        return _told(reader, tail, at_most)
    except OSError as error:
        _LOG.warning("recall.unreadable", path=path, reason=error)
        return [], 0
    finally:
        tail.close()


def _told(reader: TurnReader, tail: Tail, at_most: int) -> tuple[list[Moment], int]:
    kept: deque[Moment] = deque(maxlen=at_most)
    count = 0
    begin = tail.offset
    more = True
    while more and tail.offset - begin < _LIMIT_BYTES:
        lines, more = tail.read()
        if tail.breaks:  # not the file that it was: offsets mean nothing in it
            return [], 0
        for line in lines:
            for event in reader.read(read_line(line.content, line.tail)):
                kept.append(Moment(_written_at(line.content), event))
                count += 1
            if reader.end is not None:
                return list(kept), count - len(kept)
    return list(kept), count - len(kept)


def _written_at(line: bytes) -> float | None:
    found = _TIMESTAMP.match(last_record(line) if b'{"timestamp":' in line[1:] else line)
    try:
        return None if found is None else datetime.fromisoformat(found[1].decode()).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _archived(home: Path, attempt: Attempt) -> Path | None:
    """`codex archive` moves the file; its content stays what it was."""
    name = None if attempt.session_file is None else attempt.session_file.name
    return None if name is None else next((home / "archived_sessions").glob(f"**/{name}"), None)
