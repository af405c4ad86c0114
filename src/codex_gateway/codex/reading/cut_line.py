"""A line too long to be kept whole, read from its beginning and its end; pure.

Such a line is long because of one string in it: what a command printed, an image. Its beginning is made a whole record
again by closing what is open where it was cut; what stands behind the gap is looked for in the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec


def completed(head: bytes) -> bytes:
    """The JSON object that begins with `head`, as short as it can be; `head` as it is where that cannot be done."""
    return next((whole for whole in _candidates(head) if _is_json(whole)), head)


def number_in(tail: bytes, key: str) -> int | None:
    """The number under `key`, whichever object of the end of the line has it."""
    found = re.search(rb'(?<!\\)"' + key.encode() + rb'":\s*(-?\d{1,15})\s*[,}]', tail)
    return int(found[1]) if found else None


def word_in(tail: bytes, key: str) -> str | None:
    """The short text under `key`, whichever object of the end of the line has it."""
    found = re.search(rb'(?<!\\)"' + key.encode() + rb'":\s*"([\w.:-]{1,100})"', tail)
    return found[1].decode("utf-8", "replace") if found else None


#: Whole strings, brackets, commas, and the quote of a string that does not end any more.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[{}\[\],"]', re.DOTALL)
#: What cannot stand at the end of a string: part of an escape, or the first half of a pair.
_HALF = re.compile(rb"(?<!\\)(?:\\\\)*(\\(?:u[0-9a-fA-F]{0,3}|u[dD][89abAB][0-9a-fA-F]{2})?)$")
_CLOSES = {b"{": b"}", b"[": b"]"}


def _candidates(head: bytes) -> Iterator[bytes]:
    open_brackets: list[bytes] = []
    last_whole = 0
    for token in _TOKEN.finditer(head):
        match token[0]:
            case b"{" | b"[":
                open_brackets.append(token[0])
                last_whole = token.end()
            case b"}" | b"]" if open_brackets:
                open_brackets.pop()
                last_whole = token.end()
            case b",":
                last_whole = token.start()
            case b'"':
                string = _without_half(head)
                yield string + b'"' + _closing(open_brackets)
                break  # it may have been the name of something
            case _:
                pass
    yield head + _closing(open_brackets)
    yield head[:last_whole] + _closing(open_brackets)


def _closing(open_brackets: list[bytes]) -> bytes:
    return b"".join(_CLOSES[bracket] for bracket in reversed(open_brackets))


def _without_half(string: bytes) -> bytes:
    if (half := _HALF.search(string[-12:])) is not None:
        string = string[: len(string) - len(half[1])]
    return string.decode("utf-8", "ignore").encode()


def _is_json(text: bytes) -> bool:
    try:
        msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
