"""A message's text and entities as lines for a terminal: bold is bold, a code block stands in a frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from codex_gateway.demo.bot_api import Entity, utf16_length
from codex_gateway.demo.terminal.lines import Cell, Line, Piece, Style, line, wrapped
from codex_gateway.demo.terminal.width import harmless

_STYLES = {
    "bold": Style.BOLD,
    "italic": Style.ITALIC,
    "underline": Style.UNDERLINE,
    "strikethrough": Style.STRUCK,
    "spoiler": Style.DIM,
    "code": Style.CODE,
    "pre": Style.CODE,
    "text_link": Style.UNDERLINE,
    "url": Style.UNDERLINE,
    "bot_command": Style.ACCENT,
    "mention": Style.ACCENT,
}
_BLOCKS = frozenset({"pre", "blockquote", "expandable_blockquote"})


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the text, and the block that it begins in."""

    cells: list[Cell]
    block: Entity | None


def formatted(text: str, entities: Sequence[Entity], *, width: int) -> list[Line]:
    """The text in lines of at most `width` columns. Entities count UTF-16 units, as Telegram does."""
    lines: list[Line] = []
    for block, rows in groupby(_rows(text, entities), key=lambda row: row.block):
        lines += _shown(block, [row.cells for row in rows], width)
    return lines


def _rows(text: str, entities: Sequence[Entity]) -> Iterator[_Row]:
    blocks = sorted((entity for entity in entities if entity.type in _BLOCKS), key=lambda entity: entity.length)
    links = {entity.end: entity.url for entity in entities if entity.type == "text_link"}
    at = 0
    for written in text.split("\n"):
        block = next((block for block in blocks if block.offset <= at < block.end), None)
        run: list[Cell] = []
        for char in written:
            style = _style_at(entities, at)
            at += utf16_length(char)
            run += ((shown, style) for shown in harmless(char))
            if (url := links.get(at)) is not None and not written.endswith(url):
                run += ((shown, Style.DIM) for shown in harmless(f" ({url})"))
        at += 1  # the line break
        yield _Row(run, block)


def _style_at(entities: Sequence[Entity], at: int) -> Style:
    style = Style.PLAIN
    for entity in entities:
        if entity.offset <= at < entity.end:
            style |= _STYLES.get(entity.type, Style.PLAIN)
    return style


def _shown(block: Entity | None, rows: list[list[Cell]], width: int) -> Iterator[Line]:
    if block is None:
        for run in rows:
            yield from wrapped(run, width)
        return
    is_code = block.type == "pre"
    bar = Piece("│ " if is_code else "▏ ", Style.DIM)
    if is_code:
        yield line(f"┌ {harmless(block.language)}" if block.language else "┌", Style.DIM)
    for run in rows:
        yield from ((bar, *pieces) for pieces in wrapped(run, width - 2, at_words=not is_code))
    if is_code:
        yield line("└", Style.DIM)
