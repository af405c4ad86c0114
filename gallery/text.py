"""Text with entities as HTML, as a Telegram client shows it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Protocol

_BLOCKS = frozenset({"pre", "blockquote", "expandable_blockquote"})
_INLINE = {"bold": "b", "italic": "i", "underline": "u", "strikethrough": "s", "code": "code"}
#: What clients find by themselves in text that nobody has marked: file names too, where they end like a domain.
_FOUND = re.compile(
    r"https?://[^\s<>\"'“”]+[^\s<>\"'“”.,;:!?)\]]"
    r"|(?<![\w@./-])(?:[\w-]+\.)+(?:com|org|net|io|dev|ai|py|rs|sh|md|pl|cc|so|zip)\b(?!\.\w)(?:/[^\s<>]*)?"
    r"|(?<![\w.@])[\w.+-]+@[\w-]+\.\w+"
    r"|(?<![\w/<>@])/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?(?![\w/<>@])"
    r"|(?<![\w@/])@[A-Za-z]\w{3,31}"
    r"|(?<![\w#])#\w*[A-Za-z_]\w*",
    re.ASCII,
)


class Entity(Protocol):
    """One formatted part of a text, in UTF-16 code units."""

    @property
    def type(self) -> str: ...
    @property
    def offset(self) -> int: ...
    @property
    def length(self) -> int: ...
    @property
    def url(self) -> str | None: ...
    @property
    def language(self) -> str | None: ...


def marked_up(text: str, entities: Sequence[Entity], *, unfolded: bool = False) -> str:
    """The text as HTML with everything escaped, well-formed as XML too. The entities must nest."""
    units = text.encode("utf-16-le")
    outer_first = sorted(entities, key=lambda entity: (entity.offset, -entity.length))
    return _Writer(units, unfolded).inside(0, len(units) // 2, outer_first, finds=True)


class _Writer:
    def __init__(self, units: bytes, unfolded: bool) -> None:
        self._units = units
        self._unfolded = unfolded

    def inside(self, start: int, end: int, entities: Sequence[Entity], *, finds: bool) -> str:
        written: list[str] = []
        at, after_block = start, False
        while entities:
            entity, *rest = entities
            stop = entity.offset + entity.length
            inner = [other for other in rest if other.offset < stop]
            entities = rest[len(inner) :]
            is_block = entity.type in _BLOCKS
            written.append(self._plain(at, entity.offset, after_block, before_block=is_block, finds=finds))
            finds_inside = finds and entity.type not in {"code", "pre", "text_link"}
            written.append(self._wrapped(entity, self.inside(entity.offset, stop, inner, finds=finds_inside)))
            at, after_block = stop, is_block
        written.append(self._plain(at, end, after_block, before_block=False, finds=finds))
        return "".join(written)

    def _plain(self, start: int, end: int, after_block: bool, *, before_block: bool, finds: bool) -> str:
        """A block stands on lines of its own by itself, so one line end at each of its edges goes."""
        text = self._units[start * 2 : end * 2].decode("utf-16-le")
        if after_block:
            text = text.removeprefix("\n")
        if before_block:
            text = text.removesuffix("\n")
        return _found(text) if finds else escape(text)

    def _wrapped(self, entity: Entity, content: str) -> str:
        if tag := _INLINE.get(entity.type):
            return f"<{tag}>{content}</{tag}>"
        match entity.type:
            case "pre":
                language = f'<span class="language">{escape(entity.language)}</span>' if entity.language else ""
                return f'<span class="pre">{language}<code>{content}</code></span>'
            case "blockquote":
                return f'<span class="quote">{content}</span>'
            case "expandable_blockquote":
                checked = ' checked="checked"' if self._unfolded else ""
                return (
                    f'<label class="quote folds"><input type="checkbox"{checked} />'
                    f'<span class="folded">{content}</span></label>'
                )
            case "text_link":
                return f'<a href="{escape(entity.url or "")}">{content}</a>'
            case _:
                return f'<span class="{escape(entity.type)}">{content}</span>'


def _found(text: str) -> str:
    written, at = [], 0
    for match in _FOUND.finditer(text):
        written += [escape(text[at : match.start()]), f'<span class="found">{escape(match.group())}</span>']
        at = match.end()
    return "".join([*written, escape(text[at:])])
