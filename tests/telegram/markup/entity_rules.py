"""What Telegram allows in a message, written without a look at the code under test, and a compact way to draw one.

Sources: Bot API 10.3, "Formatting options" and MessageEntity; tdlib's MessageEntity.cpp and LinkManager.cpp.
"""

import re
import unicodedata
from collections import Counter
from typing import Protocol

MOST_ENTITIES = 100
_HOLD_NOTHING = {"pre", "code"}
_QUOTES = {"blockquote", "expandable_blockquote"}
_KNOWN = {"bold", "italic", "underline", "strikethrough", "spoiler", "text_link"} | _HOLD_NOTHING | _QUOTES
_LINK = re.compile(
    r"tg://\w+|https?://(?:[^/?#]*@)?(?:\[[0-9a-f:.]+\]|[^/?#:]*[^/?#:.]\.[^/?#:]*[^/?#:.])\.?(?:[:/?#]|$)", re.I
)


class Entity(Protocol):
    @property
    def type(self) -> str: ...
    @property
    def offset(self) -> int: ...
    @property
    def length(self) -> int: ...
    @property
    def language(self) -> str | None: ...
    @property
    def url(self) -> str | None: ...


class Message(Protocol):
    @property
    def text(self) -> str: ...
    @property
    def entities(self) -> tuple[Entity, ...]: ...


def units(text: str) -> bytes:
    """Two bytes a UTF-16 unit; raises for a lone surrogate."""
    return text.encode("utf-16-le")


def faults(message: Message, limit: int | None = None) -> list[str]:
    """Everything Telegram would refuse, ignore or repair; with a limit, the message must be one to send."""
    text = message.text
    try:
        encoded = units(text)
    except UnicodeEncodeError as error:
        return [f"not encodable: {error}"]
    found = []
    found += [
        f"control character {sign!r}" for sign in set(text) if unicodedata.category(sign) == "Cc" and sign not in "\n\t"
    ]
    if limit is not None:
        if len(encoded) // 2 > limit:
            found.append(f"{len(encoded) // 2} units, more than {limit}")
        if not any(_shows(sign) for sign in text):
            found.append("nothing to see")
        if len(message.entities) > MOST_ENTITIES:
            found.append(f"{len(message.entities)} entities")
    for entity in message.entities:
        found += [f"{fault}: {entity}" for fault in _own_faults(entity, encoded)]
    order = [(entity.offset, -entity.length) for entity in message.entities]
    if order != sorted(order):
        found.append("entities out of order")
    open_entities: list[Entity] = []
    for entity in sorted(message.entities, key=lambda entity: (entity.offset, -entity.length)):
        while open_entities and open_entities[-1].offset + open_entities[-1].length <= entity.offset:
            open_entities.pop()
        for outer in open_entities:
            found += [f"{fault}: {entity} in {outer}" for fault in _mutual_faults(outer, entity)]
        open_entities.append(entity)
    return found


def _own_faults(entity: Entity, encoded: bytes) -> list[str]:
    if entity.type not in _KNOWN:
        return ["unknown type"]
    if entity.offset < 0 or entity.length <= 0 or 2 * (entity.offset + entity.length) > len(encoded):
        return ["out of bounds or empty"]
    found = []
    try:
        inside = encoded[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le")
        if not inside.strip():
            found.append("only blank space")
    except UnicodeDecodeError:
        found.append("cuts a surrogate pair")
    if entity.language is not None and (entity.type != "pre" or not entity.language.strip()):
        found.append("language where none belongs")
    if (entity.type == "text_link") != (entity.url is not None):
        found.append("address where none belongs, or none where one does")
    if entity.url is not None and not _LINK.match(entity.url):
        found.append("address that Telegram does not take")
    return found


def _mutual_faults(outer: Entity, inner: Entity) -> list[str]:
    found = []
    if inner.offset + inner.length > outer.offset + outer.length:
        found.append("partial overlap")
    if outer.type in _HOLD_NOTHING or (inner.type in _HOLD_NOTHING and outer.type not in _QUOTES):
        found.append("code holds nothing and is in nothing but quotations")
    if {outer.type, inner.type} <= _QUOTES:
        found.append("nested quotation")
    if outer.type == inner.type:
        found.append("the same twice")
    return found


def _shows(sign: str) -> bool:
    return not sign.isspace() and unicodedata.category(sign) not in ("Cf", "Cc", "Zs", "Zl", "Zp")


def draw(message: Message) -> str:
    """The text with each entity as `{type|text}`: `{pre py|print(1)}`, `{text_link http://a.b|here}`."""
    encoded = units(message.text)
    marks: list[tuple[int, int, str]] = []
    for rank, entity in enumerate(message.entities):
        details = " ".join(filter(None, (entity.type, entity.language, entity.url)))
        marks.append((entity.offset, rank + 1, f"{{{details}|"))
        marks.append((entity.offset + entity.length, -rank - 1, "}"))
    pieces, last = [], 0
    for place, _, mark in sorted(marks, key=lambda entry: (entry[0], entry[1])):
        pieces += [encoded[2 * last : 2 * place].decode("utf-16-le"), mark]
        last = place
    return "".join(pieces) + encoded[2 * last :].decode("utf-16-le")


_MARKER = re.compile(r"^((?:[ \t>]|[-*+](?=[ \t]|$))*)(\d{1,9})[.)](?=[ \t]|$)", re.MULTILINE)
_BREAK_IN_TABLE = re.compile(r"^.*\|.*$", re.MULTILINE)
_TASK = re.compile(r"((?:^|[ \t>])(?:[-*+]|\d{1,9}[.)])\s+)\[[xX]\](?=\s|$)", re.MULTILINE)


def lost(markdown: str, message: Message) -> Counter[str]:
    """Letters, digits and emoji of the source that are neither in the text nor in an address or a language.

    Numbers of lists may change, a task's x becomes a box, a <br> in a table a line break; whatever is punctuation may
    have been markup.
    """
    source = _BREAK_IN_TABLE.sub(lambda line: re.sub("<br ?/?>", "", line[0], flags=re.I), markdown)
    source = _TASK.sub(r"\1", source)
    while source != (shorter := _MARKER.sub(r"\1", source)):
        source = shorter
    kept = Counter(message.text)
    for entity in message.entities:
        kept.update(entity.url or "")
        kept.update(entity.language or "")
    return Counter(sign for sign in source if unicodedata.category(sign)[0] in "LNM" or sign > "\U00010000") - kept
