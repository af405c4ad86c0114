"""Markdown to rich messages, each within Telegram's limits, with the Markdown that each of them shows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from markdown_it.token import Token

from codex_gateway.telegram.markup.clean import clean
from codex_gateway.telegram.markup.entities import is_blank
from codex_gateway.telegram.markup.parser import parser
from codex_gateway.telegram.markup.rich_html import DETAILS_CLOSE, DETAILS_OPEN, RichHtml, rich_html

logger = logging.getLogger(__name__)

# Bot API 10.3, "Rich Message Limits". The tags are counted with the text, and the blocks generously, to be on the safe
# side of what the server counts.
MOST_CHARACTERS = 32_768
MOST_BLOCKS = 500
MOST_LEVELS = 16
MOST_COLUMNS = 20


class RichPart(NamedTuple):
    html: str
    markdown: str


class _Unfit(Exception):
    """The text cannot be shown as rich messages: something in it is too large, too deep or too wide."""


def rich_parts_of(markdown: str) -> list[RichPart] | None:
    """The rich messages in order, [] for a blank text; None where it does not fit into them. Never raises."""
    source = clean(markdown)
    if is_blank(source):
        return []
    try:
        return list(_packed(source.split("\n")))
    except _Unfit:
        return None
    except Exception:
        # The message of text is there in any case, and a person waits for it.
        logger.exception("rich.failed characters=%d", len(source))
        return None


def _packed(lines: Sequence[str]) -> Iterator[RichPart]:
    """Blocks are put together for as long as they fit into one message."""
    gathered: list[tuple[str, RichHtml]] = []
    for unit in _units(lines):
        if gathered and not _fits(_sum([*(rich for _, rich in gathered), unit[1]])):
            yield _together(gathered)
            gathered = []
        gathered.append(unit)
    if gathered:
        yield _together(gathered)


def _together(units: Sequence[tuple[str, RichHtml]]) -> RichPart:
    markdown = "\n".join(text for text, _ in units)
    rich = units[0][1] if len(units) == 1 else _rich(markdown)
    if not _fits(rich):
        raise _Unfit
    return RichPart(rich.html, markdown)


def _sum(parts: Sequence[RichHtml]) -> RichHtml:
    """What they need together; none of the text itself."""
    length = sum(len(part.html) for part in parts)
    blocks = sum(part.blocks for part in parts)
    return RichHtml("".ljust(length), blocks, max(part.levels for part in parts), max(part.columns for part in parts))


def _rich(markdown: str) -> RichHtml:
    return rich_html(parser().parse(markdown), markdown.split("\n"))


def _fits(rich: RichHtml) -> bool:
    return (
        len(rich.html) <= MOST_CHARACTERS
        and rich.blocks <= MOST_BLOCKS
        and rich.levels <= MOST_LEVELS
        and rich.columns <= MOST_COLUMNS
    )


def _units(lines: Sequence[str]) -> Iterator[tuple[str, RichHtml]]:
    """The text in pieces that fit into a message: all of it, else its blocks, divided where they are too large."""
    whole = "\n".join(lines)
    tokens = parser().parse(whole)
    shown = rich_html(tokens, lines)
    if _fits(shown):
        yield whole, shown
        return
    tokens = parser().parse(whole)  # writing takes the boxes off the items of task lists
    for first, last, begin, end in _blocks(tokens, len(lines)):
        block = "\n".join(lines[begin:end])
        shown = _rich(block)
        if _fits(shown):
            yield block, shown
        else:
            yield from _divided(tokens[first : last + 1], lines, begin, end)


def _blocks(tokens: Sequence[Token], line_count: int) -> Iterator[tuple[int, int, int, int]]:
    """First and last token, first line and that after the last of each block; details are one with what they hold."""
    tops = [at for at, token in enumerate(tokens) if token.level == 0 and token.nesting >= 0 and token.map]
    starts: list[int] = []
    depth = 0
    for at in tops:
        inline = tokens[at + 1].content.strip() if tokens[at].type == "paragraph_open" else ""
        closes = depth > 0 and DETAILS_CLOSE.fullmatch(inline) is not None
        if depth == 0:
            starts.append(at)
        depth += 1 if DETAILS_OPEN.fullmatch(inline) else -1 if closes else 0
    for place, at in enumerate(starts):
        following = starts[place + 1] if place + 1 < len(starts) else None
        begin = (tokens[at].map or [0])[0]
        end = line_count if following is None else (tokens[following].map or [line_count])[0]
        yield at, (len(tokens) if following is None else following) - 1, begin, end


def _divided(tokens: Sequence[Token], lines: Sequence[str], begin: int, end: int) -> Iterator[tuple[str, RichHtml]]:
    """A fence by its lines, a table by its rows, a list by its items; nothing else can be divided."""
    match tokens[0].type:
        case "fence":
            mark = tokens[0].markup
            opening, code = lines[begin], tokens[0].content.rstrip("\n").split("\n")
            yield from _shared_out(code, lambda some: "\n".join([opening, *some, mark]))
        case "table_open":
            head, rows = lines[begin : begin + 2], [line for line in lines[begin + 2 : end] if line.strip()]
            yield from _shared_out(rows, lambda some: "\n".join([*head, *some]))
        case "bullet_list_open" | "ordered_list_open":
            starts = [
                token.map[0] for token in tokens if token.type == "list_item_open" and token.level == 1 and token.map
            ]
            items = ["\n".join(lines[a:b]) for a, b in zip(starts, [*starts[1:], end], strict=True)]
            yield from _shared_out(items, "\n".join)
        case _:
            raise _Unfit


def _shared_out(items: Sequence[str], together: Callable[[Sequence[str]], str]) -> Iterator[tuple[str, RichHtml]]:
    """The items in even groups, about as many as it takes."""
    text = together(items)
    shown = _rich(text)
    if _fits(shown):
        yield text, shown
    elif len(items) < 2:
        raise _Unfit
    else:
        groups = max(2, 1 + len(shown.html) // MOST_CHARACTERS, 1 + shown.blocks // MOST_BLOCKS)
        size = -(-len(items) // groups)
        for start in range(0, len(items), size):
            yield from _shared_out(items[start : start + size], together)
