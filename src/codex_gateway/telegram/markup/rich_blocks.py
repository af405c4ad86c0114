"""One block of a text as rich HTML, in as many pieces as it takes: code by lines, tables by rows, lists by items."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

from markdown_it.token import Token

from codex_gateway.telegram.markup.rich_html import Need, RichHtml, RichWriter, rich_html

# Bot API 10.3, "Rich Message Limits". The tags are counted with the text, and the blocks generously, to be on the safe
# side of what the server counts.
MOST_CHARACTERS = 32_768
MOST_BLOCKS = 500
MOST_LEVELS = 16
MOST_COLUMNS = 20

NOTHING = Need(0, 0, 0, 0)


class Piece(NamedTuple):
    rich: RichHtml
    #: The lines of the source that it shows.
    markdown: str


class Unfit(Exception):
    """The text cannot be shown as rich messages: something in it is too large, too deep or too wide."""


def fits(need: Need) -> bool:
    """Whether one message may hold as much."""
    return (
        need.length <= MOST_CHARACTERS
        and need.blocks <= MOST_BLOCKS
        and need.levels <= MOST_LEVELS
        and need.columns <= MOST_COLUMNS
    )


def pieces_of(tokens: Sequence[Token], lines: Sequence[str], begin: int, end: int) -> Iterator[Piece]:
    """The block whose tokens and lines (from `begin` to before `end`) these are; each piece fits into one message.

    Raises Unfit where it can't be divided.
    """
    match tokens[0].type:
        case "table_open":
            yield from _table(tokens, lines, begin, end)
        case "bullet_list_open" | "ordered_list_open":
            yield from _list(tokens, lines, begin, end)
        case kind:
            whole = rich_html(tokens, lines)
            if fits(whole.need):
                yield Piece(whole, "\n".join(lines[begin:end]))
            elif kind == "fence":
                yield from _fence(tokens[0], lines[begin])
            else:
                raise Unfit


def _table(tokens: Sequence[Token], lines: Sequence[str], begin: int, end: int) -> Iterator[Piece]:
    """A table that is divided repeats its head."""
    writer = RichWriter(lines)
    body = next(at for at, token in enumerate(tokens) if token.type == "thead_close")
    writer.write(tokens[:body])
    head = writer.taken()
    rows: list[Piece] = []
    first = body
    for at in range(body, len(tokens)):
        token = tokens[at]
        if token.type == "tr_open":
            first = at
        elif token.type == "tr_close":
            writer.write(tokens[first : at + 1])
            line = (tokens[first].map or [begin])[0]
            rows.append(Piece(writer.taken(), lines[line]))
    heading = lines[begin : begin + 2]
    groups = list(_groups(rows, head, "</table>"))
    if len(groups) == 1:
        yield Piece(groups[0][0], "\n".join(lines[begin:end]))
        return
    for rich, group in groups:
        # The empty line keeps the next table from being more rows of this one.
        yield Piece(rich, "\n".join([*heading, *(row.markdown for row in group), ""]))


def _list(tokens: Sequence[Token], lines: Sequence[str], begin: int, end: int) -> Iterator[Piece]:
    writer = RichWriter(lines)
    writer.write(tokens[:1])
    opening = writer.taken()
    items: list[Piece] = []
    starts = [at for at, token in enumerate(tokens) if token.type == "list_item_open" and token.level == 1]
    line_starts = [(tokens[at].map or [begin])[0] for at in starts]
    token_ends, line_ends = [*starts[1:], len(tokens) - 1], [*line_starts[1:], end]
    for first, last, line, line_end in zip(starts, token_ends, line_starts, line_ends, strict=True):
        writer.write(tokens[first:last])
        items.append(Piece(writer.taken(), "\n".join(lines[line:line_end])))
    closing = "</ul>" if tokens[0].type == "bullet_list_open" else "</ol>"
    for rich, group in _groups(items, opening, closing):
        yield Piece(rich, "\n".join(item.markdown for item in group))


def _fence(fence: Token, opening: str) -> Iterator[Piece]:
    code = [Piece(RichHtml(f"{escape(line, quote=False)}\n", 0, 0, 0), line) for line in fence.content.split("\n")]
    frame = rich_html([fence.copy(content="x")], [])
    for _, group in _groups(code, frame, ""):
        text = "\n".join(line.markdown for line in group)
        yield Piece(rich_html([fence.copy(content=text)], []), "\n".join([opening, text, fence.markup]))


def _groups(items: Sequence[Piece], opening: RichHtml, closing: str) -> Iterator[tuple[RichHtml, Sequence[Piece]]]:
    """The items, as many at a time as fit between opening and closing. Raises Unfit where one alone does not."""
    group: list[Piece] = []
    frame = need = opening.need.and_(Need(len(closing), 0, 0, 0))
    for item in items:
        more = need.and_(item.rich.need)
        if group and not fits(more):
            yield _framed(opening, group, closing), group
            group, more = [], frame.and_(item.rich.need)
        if not fits(more):
            raise Unfit
        group.append(item)
        need = more
    if not fits(need):
        raise Unfit
    yield _framed(opening, group, closing), group


def _framed(opening: RichHtml, group: Sequence[Piece], closing: str) -> RichHtml:
    parts = [opening, *(item.rich for item in group)]
    return RichHtml(
        "".join(part.html for part in parts) + closing,
        sum(part.blocks for part in parts),
        max(part.levels for part in parts),
        max(part.columns for part in parts),
    )
