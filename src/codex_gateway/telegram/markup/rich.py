"""Markdown to rich messages, each within Telegram's limits, with the Markdown that each of them shows."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from markdown_it.token import Token

from codex_gateway.telegram.markup.clean import clean
from codex_gateway.telegram.markup.entities import is_blank
from codex_gateway.telegram.markup.parser import parser
from codex_gateway.telegram.markup.rich_blocks import NOTHING, Piece, Unfit, fits, pieces_of
from codex_gateway.telegram.markup.rich_html import DETAILS_CLOSE, DETAILS_OPEN

logger = logging.getLogger(__name__)


class RichPart(NamedTuple):
    html: str
    markdown: str


def rich_parts_of(markdown: str) -> list[RichPart] | None:
    """The rich messages in order, [] for a blank text; None where it does not fit into them. Never raises."""
    source = clean(markdown)
    if is_blank(source):
        return []
    try:
        return list(_packed(source))
    except Unfit:
        return None
    except Exception:
        # The message of text is there in any case, and a person waits for it.
        logger.exception("rich.failed characters=%d", len(source))
        return None


def _packed(source: str) -> Iterator[RichPart]:
    """Blocks are put together for as long as they fit into one message."""
    gathered: list[Piece] = []
    need = NOTHING
    for piece in _pieces(source):
        more = need.and_(piece.rich.need)
        if gathered and not fits(more):
            yield _together(gathered)
            gathered, more = [], piece.rich.need
        gathered.append(piece)
        need = more
    if gathered:
        yield _together(gathered)


def _together(pieces: Sequence[Piece]) -> RichPart:
    return RichPart("".join(piece.rich.html for piece in pieces), "\n".join(piece.markdown for piece in pieces))


def _pieces(source: str) -> Iterator[Piece]:
    """The text's blocks, divided where they are too large; it is parsed and written once, whatever its size."""
    lines = source.split("\n")
    tokens = parser().parse(source)
    for first, last, begin, end in _blocks(tokens, len(lines)):
        yield from pieces_of(tokens[first : last + 1], lines, begin, end)


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
