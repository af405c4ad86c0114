"""The line that a person writes on: text, cursor, and what was written before."""

from __future__ import annotations

from dataclasses import dataclass, field

from codex_gateway.demo.terminal.keys import Input, Key, Typed
from codex_gateway.demo.terminal.width import columns, columns_of, harmless


@dataclass(slots=True)
class Pen:
    """A line editor. `text` may hold line breaks."""

    text: str = ""
    cursor: int = 0
    _before: list[str] = field(default_factory=list)
    #: Which of the earlier lines is shown; their number when it is none.
    _at: int = 0

    def take(self, typed: Input) -> str | None:
        """Take a key; the message if this one sends it."""
        match typed:
            case Typed(text):
                self._insert(text)
            case Key.NEW_LINE:
                self._insert("\n")
            case Key.ENTER:
                return self._sent()
            case Key.BACKSPACE:
                self._erase(self.cursor - 1, self.cursor)
            case Key.DELETE | Key.END_OF_INPUT:
                self._erase(self.cursor, self.cursor + 1)
            case Key.ERASE_WORD:
                self._erase(self._word_start(), self.cursor)
            case Key.ERASE_BEFORE:
                self._erase(0, self.cursor)
            case Key.ERASE_AFTER:
                self._erase(self.cursor, len(self.text))
            case Key.LEFT:
                self.cursor = max(0, self.cursor - 1)
            case Key.RIGHT:
                self.cursor = min(len(self.text), self.cursor + 1)
            case Key.HOME:
                self.cursor = 0
            case Key.END:
                self.cursor = len(self.text)
            case Key.UP:
                self._recall(self._at - 1)
            case Key.DOWN:
                self._recall(self._at + 1)
            case Key.INTERRUPT | Key.REDRAW:
                pass
        return None

    def shown(self, room: int) -> tuple[str, int]:
        """The part around the cursor in at most `room` columns, and the cursor's column in it."""
        text = "".join(map(_shown, self.text))
        start = 0
        while columns(text[start : self.cursor]) >= room:
            start += 1
        end, used = start, 0
        while end < len(text) and used + columns_of(text[end]) < room:
            used += columns_of(text[end])
            end += 1
        return text[start:end], columns(text[start : self.cursor])

    def _insert(self, text: str) -> None:
        self.text = self.text[: self.cursor] + text + self.text[self.cursor :]
        self.cursor += len(text)

    def _erase(self, start: int, end: int) -> None:
        start = max(0, start)
        self.text = self.text[:start] + self.text[end:]
        self.cursor = start

    def _word_start(self) -> int:
        return self.text[: self.cursor].rstrip().rfind(" ") + 1

    def _recall(self, at: int) -> None:
        if 0 <= at <= len(self._before):
            self._at = at
            self.text = self._before[at] if at < len(self._before) else ""
            self.cursor = len(self.text)

    def _sent(self) -> str:
        text, self.text, self.cursor = self.text, "", 0
        if text.strip() and self._before[-1:] != [text]:
            self._before.append(text)
        self._at = len(self._before)
        return text


def _shown(char: str) -> str:
    """Exactly one character for each, lest the cursor stand elsewhere."""
    return {"\n": "⏎", "\t": " "}.get(char) or harmless(char) or "�"
