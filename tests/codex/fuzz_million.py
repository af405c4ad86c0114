"""A million damaged lines of real sessions through everything that reads them: `python tests/codex/fuzz_million.py`.

No line may be an exception, none may make a turn end that it does not end, and memory may not grow with their number.
What a line really says is asked of another JSON reader. The seed is printed; give it back as the second argument, after
the number of lines.
"""

from __future__ import annotations

import json
import random
import re
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from codex.tellings import SAMPLES, session_samples
from codex_gateway.codex import json_events as js
from codex_gateway.codex import rollout as ro
from codex_gateway.codex.turn_reader import TurnReader
from codex_gateway.codex.verdict import Evidence, verdict
from codex_gateway.core.outcome import Answered, Failed

_SESSIONS = [path.read_bytes().splitlines() for path in session_samples()]
_OUTPUTS = [line for path in sorted(SAMPLES.glob("exec-json/*.jsonl")) for line in path.read_bytes().splitlines()]
_ENDS = {"task_complete", "turn_complete", "turn_aborted"}
#: How many lines one reader is given at most.
_TURN_LINES = 500
_BITS = (
    *(b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\n", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\\ud800", b"null"),
    *(b"1e999", b"-", b'"type":', b'"task_complete"', b'"turn_id":', b'"turn.completed"', b"[" * 3000, b"9" * 400),
)


@dataclass(slots=True)
class Fuzz:
    seed: int
    lines: int = 0
    #: How many turns came to their end: by none the oracle would never have been asked.
    ends: int = 0
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
        reader = self._known.reader
        had_ended = reader.end is not None
        if self._random.random() < 0.05:
            at = self._random.randint(0, len(line))
            record, is_end = ro.read_line(line[:at], line[at:][-100:] or b"}"), self._may_end(line[:at])
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
    match _object(line.removeprefix(b"\xef\xbb\xbf")):
        case {"type": "event_msg", "payload": {"type": str(kind)} as payload} if kind in _ENDS:
            return payload
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
    print(f"{fuzz.lines:,} lines, {fuzz.ends:,} ends of turns, {seconds:.0f} s; memory grew by {grown_kb:,} KB")
    assert fuzz.ends > count / 1000, "too few turns came to an end to prove anything"
    assert grown_kb < 32 * 1024, "memory grows with the number of lines"


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000,
        int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(1 << 32),
    )
