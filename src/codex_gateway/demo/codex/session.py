"""Session files of Codex as it keeps them: where they lie, who may write, and what a resume has to know from them.

Both formats: *paginated* (new sessions of 0.169; every line has an ordinal) and *legacy* (0.140 and older). A file
keeps its format for ever.
"""


# Importing pathlib takes a tenth of the time that a whole turn has.

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Usage:
    """Tokens, summed up over one reply, one turn or one thread."""

    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    reasoning_output_tokens: int = 0

    def add(self, other: Usage) -> None:
        self.input_tokens += other.input_tokens
        self.cached_input_tokens += other.cached_input_tokens
        self.output_tokens += other.output_tokens
        self.reasoning_output_tokens += other.reasoning_output_tokens

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    @staticmethod
    def of_reply(tokens: int) -> Usage:
        """What the scripted model reports for a reply of ``tokens``: 20 were written, the rest was read."""
        return Usage(tokens - 20, (tokens - 20) // 2, 20, 5)


@dataclass(slots=True)
class Session:
    """An open session; append only."""

    thread_id: str
    path: str
    paginated: bool
    #: False: the records of 0.140, which has fewer of them.
    modern: bool = True
    ordinal: int = 0
    thread_usage: Usage = field(default_factory=Usage)
    #: Tokens of the last request: what decides about a compaction.
    last_tokens: int = 0
    last_prompt: str = ""
    #: Whether the file has a world_state, which 0.169 writes once and again after each compaction.
    knows_world: bool = False
    #: Pause in the middle of every line; 0 writes a line at once, as Codex does with most.
    torn_s: float = 0.0
    #: Records are named as no Codex has named them yet.
    from_the_future: bool = False
    #: Kept open from the first line on, as the real one does.
    _descriptor: int = -1

    @property
    def is_new(self) -> bool:
        return not os.path.exists(self.path)

    def append(self, record: tuple[str, dict[str, object]]) -> None:
        """Writes one line, a kind with its payload; with ``torn_s`` a reader sees its first half first."""
        line: dict[str, object] = {"timestamp": timestamp()}
        if self.paginated:
            line["ordinal"] = self.ordinal
            self.ordinal += 1
        line["type"], line["payload"] = _renamed(*record) if self.from_the_future else record
        encoded = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        if self._descriptor < 0:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            self._descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if self.torn_s:
            half = len(encoded) // 2
            os.write(self._descriptor, encoded[:half])
            time.sleep(self.torn_s)
            encoded = encoded[half:]
        while encoded:
            encoded = encoded[os.write(self._descriptor, encoded) :]


def _renamed(kind: str, payload: dict[str, object]) -> tuple[str, dict[str, object]]:
    if kind == "session_meta":  # where a reader could learn of it
        return kind, payload
    return f"{kind}_v2", {f"{name}_v2": value for name, value in payload.items()}


def create(home: str, thread_id: str, *, paginated: bool, modern: bool, torn_s: float) -> Session:
    """A new session. Its file appears with its first line; the name carries the local time, as Codex has it."""
    now = time.localtime()
    folder = time.strftime("sessions/%Y/%m/%d", now)
    name = f"rollout-{time.strftime('%Y-%m-%dT%H-%M-%S', now)}-{thread_id}.jsonl"
    path = os.path.join(home, folder, name)
    return Session(thread_id, path, paginated=paginated, modern=modern, torn_s=torn_s)


def load(home: str, thread_id: str, *, modern: bool, torn_s: float) -> Session | None:
    """The session with this id and what its file says about it; None when there is none, or only an archived one."""
    path = next((path for path in session_paths(home) if path.endswith(f"-{thread_id}.jsonl")), None)
    if path is None:
        return None
    session = Session(thread_id, path, paginated=False, modern=modern, torn_s=torn_s)
    with open(path, "rb") as file:
        for line in file:
            _learn(session, line)
    return session


def latest(home: str, *, cwd: str | None) -> str | None:
    """The id of the session that was written to last, of those that began in ``cwd`` unless that is None."""
    for path in sorted(session_paths(home), key=os.path.getmtime, reverse=True):
        with open(path, "rb") as file:
            first = _decoded(file.readline())
        payload = first.get("payload")
        if isinstance(payload, dict) and (cwd is None or payload.get("cwd") == cwd):
            return str(payload.get("id"))
    return None


def session_paths(home: str) -> Iterator[str]:
    for folder, _, names in os.walk(os.path.join(home, "sessions")):
        for name in names:
            if name.startswith("rollout-") and name.endswith(".jsonl"):
                yield os.path.join(folder, name)


def _learn(session: Session, line: bytes) -> None:
    session.ordinal += 1
    # A cheap test first: session files reach hundreds of megabytes, and few of their lines matter here.
    if not any(word in line for word in _TELLING):
        return
    match _decoded(line):
        case {"type": "session_meta", "payload": {**meta}}:
            session.paginated = meta.get("history_mode") == "paginated"
        case {"payload": {"type": "token_count", "info": {"total_token_usage": total, "last_token_usage": last}}}:
            session.thread_usage = _usage(total)
            session.last_tokens = _count(last, "total_tokens")
        case {"type": "world_state"}:
            session.knows_world = True
        case {"payload": {"type": "user_message", "message": str(text)}}:
            session.last_prompt = text
        case {"payload": {"item": {"type": "UserMessage", "content": [{"text": str(text)}, *_]}}}:
            session.last_prompt = text
        case _:
            pass


def _usage(counts: object) -> Usage:
    names = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens")
    return Usage(*(_count(counts, name) for name in names))


def _count(counts: object, name: str) -> int:
    value = counts.get(name) if isinstance(counts, dict) else None
    return value if isinstance(value, int) else 0


_TELLING = (b'"session_meta"', b'"world_state"', b'"token_count"', b'"UserMessage"', b'"user_message"')


def _decoded(line: bytes) -> dict[str, object]:
    # A line torn by a crash stays in the file as garbage, and Codex goes on after it.
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def uuid7() -> str:
    """A UUID that begins with the time, as Codex names threads, turns and items."""
    milliseconds = time.time_ns() // 1_000_000
    value = (
        milliseconds << 80 | 0x7 << 76 | int.from_bytes(os.urandom(10), "big") & ~(0xF << 76) & ~(0x3 << 62) | 0x2 << 62
    )
    return _dashed(f"{value:032x}")


def as_uuid(text: str) -> str | None:
    """A UUID as Codex writes it, with or without dashes in ``text``; None if it is none, and so a name."""
    digits = text.replace("-", "").lower()
    if len(digits) != 32 or any(digit not in "0123456789abcdef" for digit in digits):
        return None
    return _dashed(digits)


def timestamp() -> str:
    now = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03d}Z"


def _dashed(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
