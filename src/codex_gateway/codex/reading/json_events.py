"""One line of `codex exec --json`, read: what starts and ends a turn, and what Codex says of its troubles.

Codex 0.80 to 0.169 write it line by line. Only `turn.completed` and `turn.failed` end a turn; `error` also tells of
reconnects that may yet succeed. Under a terminal other text may stand between the lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from codex_gateway.core.event import Reconnect
from codex_gateway.core.ids import ThreadId


@dataclass(frozen=True, slots=True)
class ThreadStarted:
    thread_id: ThreadId


@dataclass(frozen=True, slots=True)
class TurnBegan:
    """Codex took the prompt up."""


@dataclass(frozen=True, slots=True)
class TurnCompleted:
    """It went well."""


@dataclass(frozen=True, slots=True)
class TurnFailed:
    """`message` as it came: the body of the service's answer tells more than the sentence in it."""

    message: str


@dataclass(frozen=True, slots=True)
class ErrorTold:
    """An error that may, or may not, be the end: `is_passing` for one that Codex is about to try again."""

    message: str
    is_passing: bool

    @property
    def reconnect(self) -> Reconnect | None:
        """Which reconnect it tells of, if of one: "Reconnecting... 2/5 (why)", or "... waiting for network (why)"."""
        found = _RECONNECT.match(self.message)
        if found is None:
            return None
        return Reconnect(int(found[1]), int(found[2])) if found[1] else Reconnect()


@dataclass(frozen=True, slots=True)
class Warned:
    message: str


@dataclass(frozen=True, slots=True)
class AgentSaid:
    text: str


@dataclass(frozen=True, slots=True)
class Unread:
    """A line that tells us nothing, JSON or not."""

    text: str


JsonEvent: TypeAlias = ThreadStarted | TurnBegan | TurnCompleted | TurnFailed | ErrorTold | Warned | AgentSaid | Unread


def read_line(line: bytes) -> JsonEvent:
    """What `line` says. Never raises."""
    line = line.strip()
    if _OTHER_ITEM.match(line):
        return Unread("")
    try:
        value = msgspec.json.decode(line) if line.startswith(b"{") else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = None
    match value:
        case {"type": "thread.started", "thread_id": str(thread_id)}:
            return ThreadStarted(ThreadId(thread_id))
        case {"type": "turn.started"}:
            return TurnBegan()
        case {"type": "turn.completed"}:
            return TurnCompleted()
        case {"type": "turn.failed", "error": {"message": str(message)}}:
            return TurnFailed(message)
        case {"type": "turn.failed"}:
            return TurnFailed("")
        case {"type": "error", "message": str(message)}:
            return ErrorTold(plain(message), _PASSING.match(message) is not None)
        case {"type": "item.completed", "item": {"type": "error", "message": str(message)}}:
            return Warned(plain(message))
        case {"type": "item.completed", "item": {"type": "agent_message", "text": str(text)}}:
            return AgentSaid(text)
        case None:
            return Unread(line[:2_000].decode("utf-8", "replace"))
        case _:
            return Unread("")


#: Items that we do not read; the output of a command makes such a line very long.
_OTHER_ITEM = re.compile(
    rb'\{"type":\s*"item\.[a-z]+",\s*"item":\s*\{"id":\s*"[^"\\]*",\s*"type":\s*"(?!agent_message"|error")'
)
_PASSING = re.compile(r"re-?connecting|stream (error|disconnected).*retrying|retrying", re.IGNORECASE | re.DOTALL)

_RECONNECT = re.compile(r"re-?connecting\W*(?:(\d{1,4})\s*/\s*(\d{1,4}))?", re.IGNORECASE)


def plain(message: str) -> str:
    """The sentence in an error: some are the whole JSON body of the service's answer, `{"error": {"message": …}}`."""
    if not message.lstrip().startswith("{"):
        return message
    try:
        value = msgspec.json.decode(message)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return message
    match value:
        case {"error": {"message": str(inner)}} | {"message": str(inner)} | {"detail": str(inner)}:
            return inner
        case _:
            return message
