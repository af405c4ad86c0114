"""A million damaged lines of real sessions through everything that reads them: `python tests/codex/fuzz_million.py`.

No line may be an exception, none may make a turn end that it does not end, and memory may not grow with their number.
What a line really says is asked of another JSON reader. Each line goes to a reader of one turn, which has a new one
begin every now and then, and, with names that were never met before, to readers that go on for ever: that of a turn
without an end, and the mirror's. The seed is printed; give it back as the second argument, after the number of lines.
"""

from __future__ import annotations

import json
import random
import re
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from codex.tellings import SAMPLES, session_samples
from codex_gateway.codex.reading import json_events as js
from codex_gateway.codex.reading import rollout as ro
from codex_gateway.codex.reading.follow import Line
from codex_gateway.codex.reading.sightings import Sightings
from codex_gateway.codex.reading.steps import Steps
from codex_gateway.codex.reading.turn_reader import TurnReader
from codex_gateway.codex.verdict import Evidence, verdict
from codex_gateway.core.outcome import Answered, Failed
from codex_gateway.core.sighting import BrokenOff, Interrupted, TurnOver

_SESSIONS = [path.read_bytes().splitlines() for path in session_samples()]
_OUTPUTS = [line for path in sorted(SAMPLES.glob("exec-json/*.jsonl")) for line in path.read_bytes().splitlines()]
_ENDS = {"task_complete", "turn_complete", "turn_aborted"}
_BEGINNINGS = {"task_started", "turn_started"}
#: The names of calls, turns and messages, up to their last character.
_NAMES = re.compile(rb'"(?:call_id|turn_id|id|session_id|message|text|last_agent_message)": ?"[^"\\]*')
#: How many lines one reader is given at most.
_TURN_LINES = 500
#: How much a reader may remember, whatever it reads.
KEPT = 1_000
_BITS = (
    *(b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\n", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\\ud800", b"null"),
    *(b"1e999", b"-", b'"type":', b'"task_complete"', b'"turn_id":', b'"turn.completed"', b"[" * 3000, b"9" * 400),
)


@dataclass(slots=True)
class Endless:
    """Readers that never end; every line has them meet names that they do not know."""

    #: How many turns the mirror has seen the end of.
    ends: int = 0
    _names: int = 0
    _offset: int = 0
    _sightings: Sightings = field(default_factory=Sightings)
    #: A turn that no line ends; what is said in it is in doubt, since another writer is at work.
    _reader: TurnReader = field(default_factory=TurnReader)
    _steps: Steps = field(default_factory=Steps)

    def __post_init__(self) -> None:
        self._reader.read(ro.TurnBegan("endless"))
        self._reader.foreign.add("")

    def read(self, line: bytes) -> None:
        self._names += 1
        line = _NAMES.sub(rb"\g<0>%x" % self._names, line)
        record = ro.read_line(line)
        self._reader.read(record)
        self._reader.heard(f"message {self._names}")
        match record:
            case ro.Called():
                list(self._steps.called(record))
            case ro.Returned():
                list(self._steps.returned(record))
            case ro.Executed():
                list(self._steps.executed(record))
            case ro.Wrote():
                list(self._steps.wrote(record))
            case _:
                pass
        self._see(line)

    @property
    def remembered(self) -> int:
        """The number of things in the largest of all collections that the readers keep."""
        readers = (self._reader, self._steps, self._reader._steps, self._sightings)
        values = (getattr(reader, each.name) for reader in readers for each in fields(reader))
        return max(len(value) for value in values if isinstance(value, dict | set | list))

    def _see(self, line: bytes) -> None:
        starts_at, self._offset = self._offset, self._offset + len(line) + 1
        for sighting in self._sightings.read(Line(line, self._offset), starts_at=starts_at):
            assert 0 <= sighting.resume_bytes <= sighting.offset_bytes <= self._offset, line
            match sighting.fact:
                case TurnOver(ending=BrokenOff()):
                    # Where a lock keeps second writers out; elsewhere the other turn may go on.
                    records = [each for each in _records_in(line) if _kind_in(each) in _BEGINNINGS]
                    assert any("ordinal" in each for each in records), line
                case TurnOver(ending=ending):
                    self.ends += 1
                    end = end_in(line)
                    assert end is not None, f"ended by {line!r}"
                    assert (end["type"] == "turn_aborted") == isinstance(ending, Interrupted), line
                case _:
                    pass


@dataclass(slots=True)
class Fuzz:
    seed: int
    lines: int = 0
    #: How many turns came to their end: by none the oracle would never have been asked.
    ends: int = 0
    endless: Endless = field(default_factory=Endless)
    _random: random.Random = field(init=False)
    _session: list[bytes] = field(init=False)
    _turn_id: str | None = field(init=False, default=None)
    _known: Evidence = field(init=False)
    _left: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._begin()

    def run(self, count: int) -> None:
        for _ in range(count):
            self.lines += 1
            if self._random.random() < 0.15:
                self._one_of_output()
            else:
                self._one_of_session()
            self._left -= 1
            if self._left <= 0 or verdict(self._known) is not None:
                self._begin()

    def _begin(self) -> None:
        """A turn of one of the sessions, whose id its lines know."""
        self._session = self._random.choice(_SESSIONS)
        ids = [
            end["turn_id"] for line in self._session if (end := end_in(line)) and isinstance(end.get("turn_id"), str)
        ]
        self._turn_id = self._random.choice(ids) if ids else None
        reader = TurnReader()
        reader.read(ro.Prompted(None, "x") if self._turn_id is None else ro.TurnBegan(self._turn_id))
        self._known = Evidence(reader)
        self._left = self._random.randint(1, _TURN_LINES)

    def _one_of_session(self) -> None:
        line = self._damaged(self._random.choice(self._session))
        self.endless.read(line)
        reader = self._known.reader
        had_ended = reader.end is not None
        if self._random.random() < 0.05:
            at = self._random.randint(0, len(line))
            head, tail = line[:at], line[at:][-100:] or b"}"
            record, is_end = ro.read_line(head, tail), self._may_end(head) and tail.rstrip().endswith(b"}")
        else:
            record, is_end = ro.read_line(line), self._ends_ours(line)
        for event in reader.read(record):
            repr(event)
        if reader.end is not None and not had_ended:
            assert is_end, f"ended by {line!r}, which is no end of turn {self._turn_id}"
            self.ends += 1
        self._check(verdict(self._known), line)

    def _one_of_output(self) -> None:
        line = self._damaged(self._random.choice(_OUTPUTS))
        event = js.read_line(line)
        self._known.hear(event)
        match event:
            case js.TurnCompleted():
                assert _object(line.strip())["type"] == "turn.completed", line
            case js.TurnFailed():
                assert _object(line.strip())["type"] == "turn.failed", line
            case js.AgentSaid(text):
                self._known.reader.heard(text)
            case _:
                pass
        self._check(verdict(self._known), line)

    def _check(self, outcome: object, line: bytes) -> None:
        known = self._known
        match outcome:
            case Answered():
                assert known.is_completed or known.reader.end is not None, line
            case Failed():
                assert known.failure is not None or known.reader.end is not None, line
            case _:
                assert not known.is_completed and known.failure is None, line

    def _ends_ours(self, line: bytes) -> bool:
        end = end_in(line)
        if end is None:
            return False
        told = end.get("turn_id")
        return (told if isinstance(told, str) else None) == self._turn_id

    def _may_end(self, head: bytes) -> bool:
        """A line that was cut: its beginning has to say so."""
        is_named = self._turn_id is None or self._turn_id.encode() in head
        return is_named and re.search(rb"t(?:ask|urn)_(?:complete|aborted)", head) is not None

    def _damaged(self, line: bytes) -> bytes:
        damage = self._random.choice(_DAMAGES)
        for _ in range(self._random.randint(1, 3)):
            line = damage(self._random, line)
        return line


def end_in(line: bytes) -> dict[str, Any] | None:
    """What a line says that ends a turn, as the standard library reads it."""
    if not any(end.encode() in line for end in _ENDS) and b"\\u" not in line:
        return None
    return next((each["payload"] for each in _records_in(line) if _kind_in(each) in _ENDS), None)


def _records_in(line: bytes) -> list[dict[str, Any]]:
    """What it may mean: itself, or what a crash has left and the whole record behind that."""
    line = line.removeprefix(b"\xef\xbb\xbf")
    behind = line.rfind(b'{"timestamp":')
    return [_object(line), *([_object(line[behind:])] if behind > 0 else [])]


def _kind_in(record: dict[str, Any]) -> str | None:
    match record:
        case {"type": "event_msg", "payload": {"type": str(kind)}}:
            return kind
        case _:
            return None


def _object(line: bytes) -> dict[str, Any]:
    try:  # lenient with what stands in strings, as a reader may be that does not look at all of them
        value = json.loads(line.decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


# Damages.


def _none(_: random.Random, line: bytes) -> bytes:
    return line


def _flipped(dice: random.Random, line: bytes) -> bytes:
    damaged = bytearray(line)
    for _ in range(dice.randint(1, 4)):
        if damaged:
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
    return bytes(damaged)


def _shortened(dice: random.Random, line: bytes) -> bytes:
    at, length = dice.randint(0, len(line)), dice.randint(1, 40)
    return line[:at] + line[at + length :]


def _torn(dice: random.Random, line: bytes) -> bytes:
    return line[: dice.randint(0, len(line))]


def _stuffed(dice: random.Random, line: bytes) -> bytes:
    at = dice.randint(0, len(line))
    return line[:at] + dice.choice(_BITS) + line[at:]


def _repeated(dice: random.Random, line: bytes) -> bytes:
    at, length = dice.randint(0, len(line)), dice.randint(1, 200)
    return line[: at + length] + line[at:]


def _spliced(dice: random.Random, line: bytes) -> bytes:
    """The beginning of one line and the end of another, as a crash leaves them."""
    other = dice.choice(dice.choice(_SESSIONS))
    return line[: dice.randint(0, len(line))] + other[dice.randint(0, len(other)) :]


def _mistyped(dice: random.Random, line: bytes) -> bytes:
    """One value replaced by one of another type, dropped, or put under another name."""
    value = _object(line)
    node: Any = value
    while isinstance(node, dict | list) and node:
        key: Any = dice.choice(list(node)) if isinstance(node, dict) else dice.randrange(len(node))
        if not isinstance(node[key], dict | list) or not node[key] or dice.random() < 0.3:
            match dice.randrange(4):
                case 0 if isinstance(node, dict):
                    del node[key]
                case 1 if isinstance(node, dict):
                    node[dice.choice(("type", "turn_id", "item", "x" * 5000))] = node.pop(key)
                case 2:
                    node[key] = dice.choice(list(_ENDS))
                case _:
                    node[key] = dice.choice(
                        (None, True, 7, -1, 1.5, 10**30, "", "x", [], {}, [[]], {"type": []}, [None])
                    )
            break
        node = node[key]
    return json.dumps(value, ensure_ascii=dice.random() < 0.5, separators=(",", ":")).encode("utf-8", "replace")


_DAMAGES: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    *(_none, _flipped, _shortened, _torn, _stuffed, _repeated, _spliced),
    *(_mistyped, _mistyped),
)


def main(count: int, seed: int) -> None:
    fuzz = Fuzz(seed)
    print(f"seed {seed}")
    fuzz.run(count // 10)  # what is loaded and kept once for all
    before_kb, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    fuzz.run(count - count // 10)
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb
    seconds = time.perf_counter() - began
    ends, mirrored, peak_mb = fuzz.ends, fuzz.endless.ends, (before_kb + grown_kb) // 1024
    print(f"{fuzz.lines:,} damaged lines in {seconds:.0f} s, none an exception, no turn ended by what is no end of it")
    print(f"{ends:,} turns came to their end, and {mirrored:,} as the mirror sees them")
    print(f"memory grew by {grown_kb:,} KB over the last nine tenths of them, to {peak_mb:,} MB")
    assert min(ends, mirrored) > count / 1000, "too few turns came to an end to prove anything"
    assert grown_kb < 8 * 1024, "memory grows with the number of lines"
    assert fuzz.endless.remembered <= KEPT, "a reader remembers all that it has met"


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000,
        int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(1 << 32),
    )
