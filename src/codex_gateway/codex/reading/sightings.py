"""The fold over a session's records that tells what can be seen of its turns, all of them; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import takewhile

from codex_gateway.codex.reading import rollout as ro
from codex_gateway.codex.reading.failures import failed_turn
from codex_gateway.codex.reading.follow import Line
from codex_gateway.codex.reading.kept import forget_oldest
from codex_gateway.core.event import Message
from codex_gateway.core.outcome import Answered
from codex_gateway.core.sighting import (
    Asked,
    BrokenOff,
    Ending,
    Interrupted,
    Sighting,
    TurnMark,
    TurnOver,
)

#: Turns without an end that are remembered, should it come late.
_LATE_ENDS = 8
#: Turns that began and did not end, at most: a session whose turns are all killed must not fill our memory.
_TURNS_KEPT = 64


@dataclass(slots=True, eq=False)
class _Turn:
    mark: TurnMark
    #: Where its first record begins.
    starts_at: int
    last_said: ro.Said | None = None
    #: It seems to be dead: its end may still come, but nothing else is taken to be its.
    is_stale: bool = False


@dataclass(slots=True)
class Sightings:
    """Give it the lines of a session file, in order, from any of them on.

    Of a turn whose beginning was not seen only the end is told. Records that do not name their turn are left out while
    two writers (before Codex 0.147) have one open.
    """

    #: By turn id, the one that began first first; "" is the turn of a file that names none.
    _turns: dict[str, _Turn] = field(default_factory=dict)

    def read(self, line: Line, *, starts_at: int) -> list[Sighting]:
        """What the line tells, which begins at the offset `starts_at`."""
        line = replace(line, content=ro.last_record(line.content))
        if _DULL.match(line.content):
            return []
        told = list(self._read(line, starts_at))
        live = [turn.starts_at for turn in self._turns.values() if not turn.is_stale]
        resume_bytes = min(live, default=line.end)
        return [Sighting(turn.mark, fact, line.end, resume_bytes) for turn, fact in told]

    def _read(self, line: Line, starts_at: int) -> Iterator[tuple[_Turn, Asked | Message | TurnOver]]:
        record = ro.read_line(line.content, line.tail)
        match record:
            case ro.TurnBegan(turn_id):
                for dead in self._overtaken(line):
                    yield dead, TurnOver(BrokenOff())
                self._begin(turn_id, line, starts_at)
            case ro.Prompted(turn_id, text):
                yield self._prompted(turn_id) or self._begin(turn_id or "", line, starts_at), Asked(text)
            case ro.Said() | ro.Called() if (turn := self._of(record.turn_id)) is not None:
                yield from _said(turn, record)
            case ro.TurnEnded() | ro.TurnAborted():
                ended = self._end(record.turn_id, line)
                if ended is not None:
                    yield ended, TurnOver(_ending(record))
            case _:
                pass

    def _begin(self, turn_id: str, line: Line, starts_at: int) -> _Turn:
        self._turns.pop("", None)
        mark = TurnMark(turn_id or None, line.end, _time_of(line.content))
        turn = self._turns[turn_id] = _Turn(mark, starts_at)
        forget_oldest(self._turns, beyond=_TURNS_KEPT)
        return turn

    def _overtaken(self, line: Line) -> list[_Turn]:
        """The turns that are dead since another begins; where a lock keeps second writers out, that proves it."""
        if not _has_ordinal(line.content):
            return []
        dead = [turn for turn in self._turns.values() if not turn.is_stale and turn.mark.turn_id]
        for turn in dead:
            turn.is_stale = True
        return dead

    def _prompted(self, turn_id: str | None) -> _Turn | None:
        """The turn that a prompt belongs to; None: it begins one."""
        if turn_id is not None:
            return self._turns.get(turn_id)
        live = [turn for key, turn in self._turns.items() if key and not turn.is_stale]
        return live[-1] if live else None

    def _of(self, turn_id: str | None) -> _Turn | None:
        if turn_id is not None:
            return self._turns.get(turn_id)
        live = [turn for turn in self._turns.values() if not turn.is_stale]
        return live[0] if len(live) == 1 else None

    def _end(self, turn_id: str | None, line: Line) -> _Turn | None:
        ended = self._of(turn_id)
        if ended is None and turn_id is not None and self._turns.pop("", None) is None:
            # Its beginning was before ours; its answer is news all the same.
            return _Turn(TurnMark(turn_id, line.end, _time_of(line.content)), line.end)
        if ended is None or ended.mark.turn_id is None:
            return None
        earlier = list(takewhile(lambda turn: turn is not ended, self._turns.values()))
        for turn in earlier:
            turn.is_stale = True
        del self._turns[ended.mark.turn_id]
        for turn in earlier[:-_LATE_ENDS]:
            self._turns.pop(turn.mark.turn_id or "", None)
        return ended


def _said(turn: _Turn, record: ro.Said | ro.Called) -> Iterator[tuple[_Turn, Message]]:
    """A stream that broke off and was tried again says its message twice."""
    match record:
        case ro.Called():
            turn.last_said = None  # what is said from now on is no repetition
        case ro.Said(text=text, phase=phase):
            last = turn.last_said
            turn.last_said = record
            if last is None or (last.text, last.phase) != (text, phase):
                yield turn, Message(text, phase)


def _ending(end: ro.TurnEnded | ro.TurnAborted) -> Ending:
    match end:
        case ro.TurnEnded(error=ro.TurnError() as error):
            return failed_turn(error)
        case ro.TurnEnded(answer=answer):
            return Answered(answer or "")
        case ro.TurnAborted():
            return Interrupted()


def _has_ordinal(line: bytes) -> bool:
    """Whether the file is of the kind (from about 0.150) that has one writer at a time."""
    return b'"ordinal"' in line[:100]


def _time_of(line: bytes) -> float | None:
    found = _TIME.match(line)
    try:
        return None if found is None else datetime.fromisoformat(found[1].decode()).timestamp()
    except ValueError:
        return None


_TIME = re.compile(rb'\s*\{\s*"timestamp":\s*"([0-9T:.Z+-]+)"')
#: The bulk of a session: told by its beginning, and passed over without being decoded.
_DULL = re.compile(
    rb'\s*\{\s*"timestamp":\s*"[^"\\]*",\s*(?:"ordinal":\s*\d+,\s*)?"type":\s*"(?:event_msg|response_item)",\s*'
    rb'"payload":\s*\{\s*"type":\s*"(?:function_call_output|custom_tool_call_output|message|token_count|agent_reasoning'
    rb'|item_completed",(?:\s*"[a-z_]+":\s*"[^"\\]*",)*\s*"item":\s*\{\s*"type":\s*"(?!UserMessage|AgentMessage)'
    rb"[A-Za-z]+)\""
)
