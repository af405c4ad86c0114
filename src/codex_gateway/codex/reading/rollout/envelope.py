"""The envelope of a line: what kind of record it is, and whether its payload is worth being read."""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from codex_gateway.codex.reading.cut_line import completed, number_in, word_in
from codex_gateway.codex.reading.rollout import calls, events, items
from codex_gateway.codex.reading.rollout.payload import Kind, Payload, PayloadReader, turn_of_item
from codex_gateway.codex.reading.rollout.records import Garbage, HistoryCompacted, Noise, Record, ThreadForked


def read_line(line: bytes, tail: bytes = b"") -> Record:
    """The record in `line`, with or without its line break. Never raises.

    With `tail` the line was too long: `line` is its beginning and `tail` its end.
    """
    if tail and not _is_whole(tail):
        return Garbage()
    line = line.removeprefix(_BYTE_ORDER_MARK) if tail else last_record(line)
    try:
        return _by_its_head(line, tail or line) or _decoded(line, tail)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # the last one by whatever looks into the payload
        return Garbage()


def last_record(line: bytes) -> bytes:
    """The line without a torn one before it, if there is: up to 0.140 Codex goes on in the line that a crash has torn.

    A record that merely holds another one is told from that by what follows the inner one: nothing may.
    """
    line = line.removeprefix(_BYTE_ORDER_MARK)
    begin = line.rfind(_BEGINNING, 1)
    if begin < 0:
        return line
    try:
        _DECODER.decode(line[begin:])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return line
    return line[begin:]


def _decoded(line: bytes, tail: bytes) -> Record:
    """Raises msgspec.DecodeError, UnicodeDecodeError or RecursionError."""
    record = _DECODER.decode(completed(line) if tail else line)
    if tail:
        _fill_up(record.payload, tail)
    inner = record.payload.get("type")
    kind = (record.type, inner if isinstance(inner, str) else "")
    if kind == _COUNT:
        return events.token_count(record.payload, record.timestamp) or Noise(_name(kind))
    reader = _READERS.get(kind) or _READERS.get((record.type, ""))
    return (reader(record.payload) if reader else None) or Noise(_name(kind))


def _fill_up(payload: Payload, tail: bytes) -> None:
    """What stands behind the gap, in the shapes of 0.169."""
    item = payload.get("item")
    if isinstance(item, dict):
        found = {"exit_code": number_in(tail, "exit_code"), "status": word_in(tail, "status")}
        item.update((key, value) for key, value in found.items() if key not in item and value is not None)
    turn_id = word_in(tail, "turn_id")
    if turn_id is not None and turn_of_item(payload) is None:
        payload.setdefault("internal_chat_message_metadata_passthrough", {"turn_id": turn_id})


def _by_its_head(line: bytes, tail: bytes) -> Record | None:
    """Lines of no interest, and compactions, can be tens of megabytes: their beginning tells enough."""
    head = _HEAD.match(line)
    return None if head is None or not _is_whole(tail) else _told_by_head(*head.groups())


def _is_whole(end: bytes) -> bool:
    return end[-8:].rstrip().endswith(b"}")


@lru_cache(maxsize=256)
def _told_by_head(outer_name: bytes, inner_name: bytes | None) -> Record | None:
    outer, inner = outer_name.decode(), (inner_name or b"").decode()
    if outer == "compacted":
        return HistoryCompacted()
    if outer in _TYPED and not inner:
        return None  # its keys stand in another order
    return None if (outer, inner) in _READERS else Noise(_name((outer, inner)))


class _Line(msgspec.Struct):
    type: str
    payload: dict[str, object]
    timestamp: object = None


_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
#: Every record's; the quotes of one in a string would be escaped.
_BEGINNING = b'{"timestamp":'
_DECODER = msgspec.json.Decoder(_Line)
#: How Codex writes every line; one that begins otherwise is decoded to be known.
_HEAD = re.compile(
    rb'\s*\{\s*"timestamp":\s*"[^"\\]*",\s*(?:"ordinal":\s*\d+,\s*)?'
    rb'"type":\s*"([a-z_]{1,64})",\s*"payload":\s*\{\s*(?:"type":\s*"([a-z_]{1,64})")?'
)
#: The lines whose payload says what it is.
_TYPED = frozenset({"event_msg", "response_item"})

_LONGEST_NAME = 64
_COUNT = ("event_msg", "token_count")


def _name(kind: Kind) -> str:
    return "/".join(part[:_LONGEST_NAME] for part in kind if part)


def _session_meta(payload: Payload) -> Record | None:
    match payload:
        case {"id": str(thread_id), "forked_from_id": str()}:
            return ThreadForked(thread_id)
        case _:
            return None


def _compacted(_: Payload) -> Record | None:
    return HistoryCompacted()


_READERS: dict[Kind, PayloadReader] = {
    ("session_meta", ""): _session_meta,
    ("compacted", ""): _compacted,
    _COUNT: events.token_count,
    **events.READERS,
    **items.READERS,
    **calls.READERS,
}
