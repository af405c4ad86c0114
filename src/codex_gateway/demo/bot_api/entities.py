"""Text as Telegram counts it: UTF-16 lengths, the trimming of blanks, and the rules for entities.

Sources: "Formatting options" and MessageEntity of Bot API 10.3. The real server repairs overlapping and
wrongly nested entities without a word; the stand-in refuses them, because the loss would be invisible.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from codex_gateway.demo.bot_api.errors import RuleBroken
from codex_gateway.demo.bot_api.wire import Fields, JsonObject

#: They hold nothing, and quotes alone hold them (tdlib's MessageEntity.cpp, are_entities_valid).
_CODE = frozenset({"pre", "code"})
#: They do not hold each other.
_QUOTES = frozenset({"blockquote", "expandable_blockquote"})
#: They hold, and are held by, anything but code. Entities of no kind named here do not hold each other.
_STYLES = frozenset({"bold", "italic", "underline", "strikethrough", "spoiler"})
_COMMAND = re.compile(r"(?<![\w/<>@])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/<>@])")
_MENTION = re.compile(r"(?<![\w@/])@[A-Za-z][A-Za-z0-9_]{3,31}(?!\w)")


@dataclass(frozen=True, slots=True)
class Entity:
    """One formatted part of a text. Offset and length count UTF-16 code units."""

    type: str
    offset: int
    length: int
    url: str | None = None
    language: str | None = None
    custom_emoji_id: str | None = None
    user_id: int | None = None

    @property
    def end(self) -> int:
        return self.offset + self.length

    @classmethod
    def from_json(cls, raw: JsonObject) -> Entity:
        fields = Fields(raw)
        user = fields.object("user")
        return cls(
            type=fields.text("type"),
            offset=fields.integer("offset") or 0,
            length=fields.integer("length") or 0,
            url=fields.text("url") or None,
            language=fields.text("language") or None,
            custom_emoji_id=fields.text("custom_emoji_id") or None,
            user_id=None if user is None else Fields(user).integer("id"),
        )

    def to_json(self) -> JsonObject:
        raw: JsonObject = {"offset": self.offset, "length": self.length, "type": self.type}
        for name in ("url", "language", "custom_emoji_id"):
            value = getattr(self, name)
            if value is not None:
                raw[name] = value
        return raw


def utf16_length(text: str) -> int:
    """Return the length of the text in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def utf16_slice(text: str, entity: Entity) -> str:
    """Return the part of the text that the entity covers."""
    units = text.encode("utf-16-le", "surrogatepass")
    return units[entity.offset * 2 : entity.end * 2].decode("utf-16-le", "surrogatepass")


def check_entities(text: str, entities: Sequence[Entity], *, path: str) -> None:
    """Raise RuleBroken, in the real server's words where it has some, unless all rules hold."""
    if not entities:
        return
    units = text.encode("utf-16-le", "surrogatepass")
    for index, entity in enumerate(entities):
        _check_bounds(units, entity, path=f"{path}[{index}]")
    open_entities: list[tuple[int, Entity]] = []
    outer_first = sorted(enumerate(entities), key=lambda pair: (pair[1].offset, -pair[1].length))
    for index, entity in outer_first:
        while open_entities and open_entities[-1][1].end <= entity.offset:
            open_entities.pop()
        for outer_index, outer in open_entities:
            _check_nesting(entity, outer, path=f"{path}[{index}]", outer_path=f"{path}[{outer_index}]")
        open_entities.append((index, entity))


def _check_bounds(units: bytes, entity: Entity, *, path: str) -> None:
    size = len(units) // 2
    if entity.type == "text_link" and not entity.url:
        raise RuleBroken(path, "a text_link needs a url", description=_unparsable('Can\'t find field "url"'))
    if entity.offset < 0:
        said = f"Bad Request: receive an entity with incorrect offset {entity.offset}"
        raise RuleBroken(path, "the offset is negative", description=said)
    if entity.length <= 0:
        said = f"Bad Request: receive an entity with incorrect length {entity.length}"
        raise RuleBroken(path, "the length is not positive", description=said)
    if entity.offset >= size:
        said = f"Bad Request: entity begins after the end of the text at UTF-16 offset {entity.offset}"
        raise RuleBroken(path, f"begins at {entity.offset} in a text of {size}", description=said)
    if entity.end > size:
        said = (
            f"Bad Request: entity beginning at UTF-16 offset {entity.offset} "
            f"ends after the end of the text at UTF-16 offset {entity.end}"
        )
        raise RuleBroken(path, f"ends at {entity.end} in a text of {size}", description=said)
    if _splits_a_pair(units, entity.offset):
        said = f"Bad Request: entity begins in a middle of a UTF-16 symbol at UTF-16 offset {entity.offset}"
        raise RuleBroken(path, f"splits the surrogate pair at {entity.offset}", description=said)
    if _splits_a_pair(units, entity.end):
        said = (
            f"Bad Request: entity beginning at UTF-16 offset {entity.offset} "
            f"ends in a middle of a UTF-16 symbol at UTF-16 offset {entity.end}"
        )
        raise RuleBroken(path, f"splits the surrogate pair at {entity.end}", description=said)


def _unparsable(reason: str) -> str:
    return f"Bad Request: can't parse MessageEntity: {reason}"


def _splits_a_pair(units: bytes, position: int) -> bool:
    """Whether the unit at the position is the second half of a pair (DC00-DFFF)."""
    at = position * 2
    return at < len(units) and 0xDC <= units[at + 1] <= 0xDF and at > 0 and 0xD8 <= units[at - 1] <= 0xDB


def _check_nesting(entity: Entity, outer: Entity, *, path: str, outer_path: str) -> None:
    if entity.end > outer.end:
        said = (
            f"Bad Request: entity beginning at UTF-16 offset {entity.offset} "
            f"ends after the end of the text at UTF-16 offset {entity.end}"
        )
        raise RuleBroken(path, f"overlaps {outer_path} without being inside it", description=said)
    if entity.type in _QUOTES and outer.type in _QUOTES:
        raise RuleBroken(path, f"a block quote inside the block quote {outer_path}")
    free = _STYLES | _QUOTES
    if entity.type in _CODE and outer.type in _QUOTES:
        return
    if {entity.type, outer.type} & _CODE or (entity.type not in free and outer.type not in free):
        raise RuleBroken(path, f"{entity.type} inside the {outer.type} {outer_path}")


def trim(text: str, entities: Sequence[Entity]) -> tuple[str, tuple[Entity, ...]]:
    """Cut blanks off both ends as the real server does; entities shrink, move or vanish with them.

    At the front only spaces and line breaks before the first entity go.
    """
    kept = text.rstrip(" \n\t\r")
    first = min((entity.offset for entity in entities), default=len(kept))
    lead = 0
    while lead < first and lead < len(kept) and kept[lead] in " \n":  # blanks are one unit each
        lead += 1
    kept = kept[lead:]
    size = utf16_length(kept)
    moved = (
        replace(entity, offset=entity.offset - lead, length=min(entity.length, size - entity.offset + lead))
        for entity in entities
    )
    return kept, tuple(entity for entity in moved if entity.length > 0)


def found_in(text: str) -> tuple[Entity, ...]:
    """Return the commands and mentions that Telegram marks in what a person types."""
    found = [
        Entity(kind, utf16_length(text[: match.start()]), utf16_length(match.group()))
        for kind, pattern in (("bot_command", _COMMAND), ("mention", _MENTION))
        for match in pattern.finditer(text)
    ]
    return tuple(sorted(found, key=lambda entity: entity.offset))
