"""Lines for a terminal: pieces of text with a style each, wrapped at words and written with colour or without."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Flag, auto
from itertools import groupby
from typing import TypeAlias

from codex_gateway.demo.terminal.width import columns, columns_of


class Style(Flag):
    """How a piece looks; they add up."""

    PLAIN = 0
    BOLD = auto()
    DIM = auto()
    ITALIC = auto()
    UNDERLINE = auto()
    STRUCK = auto()
    CODE = auto()
    ACCENT = auto()


#: Select Graphic Rendition parameters (ECMA-48).
_SGR = {
    Style.BOLD: "1",
    Style.DIM: "2",
    Style.ITALIC: "3",
    Style.UNDERLINE: "4",
    Style.STRUCK: "9",
    Style.CODE: "36",
    Style.ACCENT: "33",
}


@dataclass(frozen=True, slots=True)
class Piece:
    text: str
    style: Style = Style.PLAIN


Line: TypeAlias = tuple[Piece, ...]
#: One character and how it looks.
Cell: TypeAlias = tuple[str, Style]


def line(text: str, style: Style = Style.PLAIN) -> Line:
    return (Piece(text, style),) if text else ()


def width(pieces: Line) -> int:
    """In columns."""
    return sum(columns(piece.text) for piece in pieces)


def written(pieces: Line, *, colour: bool) -> str:
    """The line as a terminal wants it, or as plain text; blanks at its end are left out."""
    if not colour:
        return "".join(piece.text for piece in pieces).rstrip()
    return "".join(_sgr(piece) for piece in pieces)


def _sgr(piece: Piece) -> str:
    codes = ";".join(code for style, code in _SGR.items() if style in piece.style)
    return f"\x1b[{codes}m{piece.text}\x1b[0m" if codes else piece.text


def cells(pieces: Line) -> list[Cell]:
    return [(char, piece.style) for piece in pieces for char in piece.text]


def joined(run: Iterable[Cell]) -> Line:
    """Cells as the fewest pieces."""
    return tuple(
        Piece("".join(char for char, _ in group), style) for style, group in groupby(run, key=lambda cell: cell[1])
    )


def wrapped(run: Sequence[Cell], limit: int, *, at_words: bool = True) -> Iterator[Line]:
    """Lines of at most `limit` columns; a word that is longer is broken. At least one line, if only an empty one."""
    limit = max(2, limit)
    rest = list(run)
    while True:
        fits = _fitting(rest, limit)
        if fits == len(rest):
            yield joined(rest)
            return
        cut = _break(rest, fits) if at_words else fits
        yield joined(_without_last_blanks(rest[:cut]))
        rest = rest[cut:]
        while at_words and len(rest) > 1 and rest[0][0] == " ":
            rest.pop(0)


def shortened(pieces: Line, limit: int) -> Line:
    """The line in at most `limit` columns; an ellipsis stands for what is left out."""
    if width(pieces) <= limit:
        return pieces
    run = cells(pieces)
    kept = _without_last_blanks(run[: _fitting(run, limit - 1)])
    return (*joined(kept), Piece("…", run[0][1]))


def _fitting(run: Sequence[Cell], limit: int) -> int:
    used = 0
    for index, (char, _) in enumerate(run):
        used += columns_of(char)
        if used > limit:
            return index
    return len(run)


def _break(run: Sequence[Cell], fits: int) -> int:
    """Where to break, at `fits` or before: at a blank or beside a wide character."""
    for cut in range(fits, 0, -1):
        before, after = run[cut - 1][0], run[cut][0]
        if columns_of(after) and (" " in (before, after) or 2 in (columns_of(before), columns_of(after))):
            return cut
    return fits


def _without_last_blanks(run: Sequence[Cell]) -> Sequence[Cell]:
    end = len(run)
    while end and run[end - 1][0] == " ":
        end -= 1
    return run[:end]
