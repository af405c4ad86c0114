"""A message as Telegram takes it: text, and entities counted in UTF-16 code units."""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

_ASTRAL = re.compile("[\U00010000-\U0010ffff]")

#: Entities that hold nothing; quotes may hold `code`, and nothing else holds either.
LITERAL_TYPES = frozenset({"pre", "code"})
QUOTES = frozenset({"blockquote", "expandable_blockquote"})


@dataclass(frozen=True, slots=True)
class Entity:
    """One formatted stretch of a message, named as the Bot API names it (10.3, MessageEntity)."""

    type: str
    #: UTF-16 code units from the start of the text.
    offset: int
    #: UTF-16 code units.
    length: int
    #: Only for `pre`.
    language: str | None = None
    #: Only for `text_link`.
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Formatted:
    """Text with its entities, outer ones before the inner ones that start at the same place."""

    text: str
    entities: tuple[Entity, ...] = ()


class Span(NamedTuple):
    """An entity while we work on it: its ends are Python string indices."""

    type: str
    start: int
    end: int
    language: str | None = None
    url: str | None = None


def utf16_len(text: str) -> int:
    """Length in UTF-16 code units, which is how Telegram counts; a lone surrogate counts as one."""
    if text.isascii():
        return len(text)
    return len(text) + sum(1 for _ in _ASTRAL.finditer(text))


class Utf16Ruler:
    """Translates between Python string indices and UTF-16 offsets of one text, in O(log n) a question."""

    __slots__ = ("_astral", "_astral_utf16", "_length")

    def __init__(self, text: str) -> None:
        self._length = len(text)
        self._astral = [] if text.isascii() else [match.start() for match in _ASTRAL.finditer(text)]
        self._astral_utf16 = [index + rank for rank, index in enumerate(self._astral)]

    def offset(self, index: int) -> int:
        """The UTF-16 offset of a string index."""
        return index + bisect_left(self._astral, index) if self._astral else index

    def index(self, offset: int) -> int:
        """The largest string index whose offset is at most `offset`; never beyond the text."""
        if not self._astral:
            return min(offset, self._length)
        # Each character above U+FFFF that ends at or before the offset took one unit more than one index.
        whole = bisect_left(self._astral_utf16, offset - 1)
        inside = whole < len(self._astral_utf16) and self._astral_utf16[whole] == offset - 1
        return min(offset - whole - inside, self._length)


def formatted(text: str, spans: Iterable[Span]) -> Formatted:
    """Trim the message and its spans, drop what formats nothing, count in UTF-16.

    Blank space of a code block stays, be it at an edge of the message; Telegram keeps the indentation there too.
    """
    spans = list(spans)
    end = len(text.rstrip())
    start = min(len(text) - len(text.lstrip()), end)
    for span in spans:
        if span.type == "pre" and span.start < start < span.end:
            start = span.start
        if span.type == "pre" and span.start < end < span.end:
            end = span.end
    kept = []
    for span in spans:
        low, high = max(span.start, start), min(span.end, end)
        if span.type not in LITERAL_TYPES:
            low, high = _without_edges(text, low, high)
        if low < high and not is_blank(text[low:high]):
            kept.append(Span(span.type, low - start, high - start, span.language, span.url))
    kept.sort(key=_outer_first)
    text = text[start:end]
    ruler = Utf16Ruler(text)
    entities = []
    for kind, low, high, language, url in kept:
        offset = ruler.offset(low)
        entities.append(Entity(kind, offset, ruler.offset(high) - offset, language, url))
    return Formatted(text, tuple(entities))


def spans_of(message: Formatted) -> list[Span]:
    """The message's entities as spans, sorted; those outside of the text are cut or dropped."""
    ruler = Utf16Ruler(message.text)
    spans = []
    for entity in message.entities:
        low = ruler.index(max(entity.offset, 0))
        high = ruler.index(max(entity.offset + entity.length, 0))
        if low < high:
            spans.append(Span(entity.type, low, high, entity.language, entity.url))
    spans.sort(key=_outer_first)
    return spans


def _outer_first(span: Span) -> tuple[int, int, bool]:
    """A quote that is nothing but code begins and ends with it."""
    return span.start, -span.end, span.type in LITERAL_TYPES


_SURELY_VISIBLE = re.compile(r"[!-~\u00a1-\u00ac\u4e00-\u9fff]")
#: Fillers and variation signs, which show nothing though they count as letters and marks.
_FILLERS = re.compile(r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0]")


def is_blank(text: str) -> bool:
    """Whether nobody would see anything; Telegram refuses such a message as empty."""
    if _SURELY_VISIBLE.search(text):
        return False
    return all(
        sign.isspace() or unicodedata.category(sign) in ("Cc", "Cf", "Cs") or _FILLERS.match(sign) for sign in text
    )


def _without_edges(text: str, low: int, high: int) -> tuple[int, int]:
    while low < high and text[low].isspace():
        low += 1
    while low < high and text[high - 1].isspace():
        high -= 1
    return low, high
