"""What a thread had cost before a turn: the last count in its session file before the turn's offset."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from codex_gateway.codex.reading import rollout
from codex_gateway.core.event import Tokens

#: How far it is looked back, in bytes: Codex writes a count next to the end of every turn that had an answer.
_LOOK_BACK_BYTES = 1 << 20
_MARK = b'"token_count"'


def spent_before(path: Path, offset_bytes: int) -> Tokens | None:
    """What the thread had cost; None when that cannot be told without reading on and on. Takes about a millisecond."""
    start = max(0, offset_bytes - _LOOK_BACK_BYTES)
    try:
        with path.open("rb") as file:
            file.seek(start)
            text = file.read(offset_bytes - start)
    except OSError:
        return None
    for line in _counts(text):
        match rollout.read_line(line):
            case rollout.Counted(usage):
                return usage.thread_total
            case _:
                pass
    return None if start else Tokens()


def _counts(text: bytes) -> Iterator[bytes]:
    """The lines that look like counts, the latest first; the first line of all may lack its beginning."""
    found = len(text)
    while (found := text.rfind(_MARK, 0, found)) >= 0:
        begin = text.rfind(b"\n", 0, found) + 1
        end = text.find(b"\n", found)
        yield text[begin : end if end >= 0 else len(text)]
        found = begin
