"""The screen: what is settled scrolls away above, what lives is redrawn in place below, the writing line last.

Only the main screen is used, so that the talk stays in the terminal's own scrollback. The control sequences are those
of ECMA-48 that every terminal knows, and synchronised output, which does no harm where it is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codex_gateway.demo.terminal.lines import Line, width, written

_BEGIN, _END = "\x1b[?2026h\x1b[?25l", "\x1b[?25h\x1b[?2026l"
_CLEAR_BELOW = "\x1b[J"
_PROMPT = "› "


@dataclass(slots=True)
class Screen:
    """What was drawn last, so that it can be drawn over. Methods return what is to be written to the terminal."""

    #: Widths of the live lines as they were drawn, the writing line last.
    _drawn: Sequence[int] = ()
    _cursor_column: int = 0

    def draw(
        self, settled: Sequence[Line], live: Sequence[Line], writing: tuple[str, int], *, columns: int, rows: int
    ) -> str:
        """Draw `settled` once, above; then `live` and the writing line, cut to what the screen has room for."""
        fitting = list(live)[-max(0, rows - 2) :] if rows > 2 else []
        text, cursor = writing
        parts = [_BEGIN, self._back_to_start(columns)]
        parts += [f"{written(pieces, colour=True)}\r\n" for pieces in (*settled, *fitting)]
        parts += [f"{_PROMPT}{text}\r", _right(cursor + len(_PROMPT)), _END]
        self._drawn = [*(width(pieces) for pieces in fitting), len(_PROMPT) + cursor]
        return "".join(parts)

    def finish(self, settled: Sequence[Line], *, columns: int) -> str:
        """Draw `settled` in place of all that lives; nothing is drawn over after that."""
        parts = [self._back_to_start(columns), *(f"{written(pieces, colour=True)}\r\n" for pieces in settled)]
        self._drawn = ()
        return "".join(parts)

    def _back_to_start(self, columns: int) -> str:
        """Up to the first live line, and clear from there. Terminals that got narrower have wrapped the lines anew."""
        if not self._drawn:
            return _CLEAR_BELOW
        *lines, cursor = self._drawn
        up = sum(max(1, -(-each // columns)) for each in lines) + cursor // columns
        return "\r" + (f"\x1b[{up}A" if up else "") + _CLEAR_BELOW


def room_for_writing(columns: int) -> int:
    """Columns for the text on the writing line, the cursor behind it included."""
    return max(4, columns - len(_PROMPT) - 1)


def _right(columns: int) -> str:
    return f"\x1b[{columns}C" if columns else ""
