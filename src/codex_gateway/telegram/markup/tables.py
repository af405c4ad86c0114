"""A table on a phone: aligned columns while they fit, else a card for each row."""

import re
from collections.abc import Sequence

from markdown_it.token import Token

from codex_gateway.telegram.markup.canvas import Canvas
from codex_gateway.telegram.markup.characters import display_width
from codex_gateway.telegram.markup.inline import InlineWriter, plain_text

#: Columns of a block of code on a phone held upright, 390 points wide, at the usual text size. Such a block leaves
#: about 278 points for its text; a character takes 0.6 of the size, which is 11 to 14 points in Telegram for Android
#: (smaller for longer code) and up to 15 in others: 278 / (0.602 * 15) = 30.8. A row that wraps is worse than cards.
WIDEST_TABLE = 30

#: What stands between two columns, and in the rule below the head: with some air, else without.
_GUTTERS = ((" | ", "-+-"), ("|", "+"))
_BETWEEN_HEADS = " | "
_CLICKABLE = frozenset({"link_open", "image"})
_SPACES = re.compile(r"\s+")


class Table:
    """The cells of one table, from its tokens (`table_open` to `table_close`)."""

    __slots__ = ("_alignments", "_head", "_rows")

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._head: list[Sequence[Token]] = []
        self._alignments: list[str] = []
        self._rows: list[list[Sequence[Token]]] = []
        in_head = True
        for token in tokens:
            match token.type:
                case "thead_close":
                    in_head = False
                case "th_open":
                    self._alignments.append(str(token.attrs.get("style", "")).removeprefix("text-align:"))
                case "tr_open" if not in_head:
                    self._rows.append([])
                case "inline":
                    (self._head if in_head else self._rows[-1]).append(token.children or [])
                case _:
                    pass

    def aligned(self) -> str | None:
        """The table as monospace lines; None when it is too wide or holds links, which code cannot hold."""
        if any(token.type in _CLICKABLE for row in (self._head, *self._rows) for cell in row for token in cell):
            return None
        head = [_flat(cell) for cell in self._head]
        rows = [[_flat(cell) for cell in row] for row in self._rows]
        widths = [0] * len(head)
        for row in (head, *rows):
            for column, cell in enumerate(row):
                widths[column] = max(widths[column], display_width(cell), 1)
            if sum(widths) + len(widths) - 1 > WIDEST_TABLE:
                return None
        free = WIDEST_TABLE - sum(widths)
        between, crossing = next(pair for pair in _GUTTERS if len(pair[0]) * (len(widths) - 1) <= free)
        rule = crossing.join("-" * width for width in widths)
        lines = [self._line(head, widths, between), rule, *(self._line(row, widths, between) for row in rows)]
        return "\n".join(lines)

    def _line(self, row: Sequence[str], widths: Sequence[int], between: str) -> str:
        cells = []
        for cell, width, alignment in zip(row, widths, self._alignments, strict=True):
            room = width - display_width(cell)
            left = {"right": room, "center": room // 2}.get(alignment, 0)
            cells.append(" " * left + cell + " " * (room - left))
        return between.join(cells).rstrip()

    def write_cards(self, canvas: Canvas, *, newline: str) -> None:
        """Each row as `header: value` lines, the first value in bold, with an empty line between the rows.

        Empty cells are left out, but each header is shown at least once.
        """
        writer = InlineWriter(canvas, newline=newline)
        if not self._rows:
            self._write_head(canvas, writer)
            return
        unused = self._headers_without_values()
        for number, row in enumerate(self._rows):
            if number:
                canvas.write(newline.rstrip(" ") + newline)
            first_line = True
            for column, cell in enumerate(row):
                if not cell and not (number == 0 and column in unused):
                    continue
                if not first_line:
                    canvas.write(newline)
                first_line = False
                if self._head[column]:
                    writer.write(self._head[column])
                    canvas.write(": ")
                _write_value(canvas, writer, cell, bold=column == 0)

    def _write_head(self, canvas: Canvas, writer: InlineWriter) -> None:
        for column, cell in enumerate(self._head):
            if column:
                canvas.write(_BETWEEN_HEADS)
            _write_value(canvas, writer, cell, bold=True)

    def _headers_without_values(self) -> set[int]:
        used = {column for row in self._rows for column, cell in enumerate(row) if cell}
        return {column for column, cell in enumerate(self._head) if cell and column not in used}


def _write_value(canvas: Canvas, writer: InlineWriter, cell: Sequence[Token], *, bold: bool) -> None:
    if bold:
        canvas.open("bold")
    writer.write(cell)
    if bold:
        canvas.close()
    if not cell:
        canvas.write("–")


def _flat(cell: Sequence[Token]) -> str:
    return _SPACES.sub(" ", plain_text(cell)).strip()
