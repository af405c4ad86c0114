"""Where text and formatting are laid down in order, such that entities can only come out well nested."""

from codex_gateway.telegram.markup.entities import QUOTES, Formatted, Span, formatted
from codex_gateway.telegram.markup.names import names_as_code


class _Open:
    """A stretch of formatting that has begun; `muted` when the same formatting holds already."""

    __slots__ = ("muted", "start", "type", "url")

    def __init__(self, kind: str, start: int, *, url: str | None, muted: bool) -> None:
        self.type = kind
        self.start = start
        self.url = url
        self.muted = muted


class Canvas:
    """Text that grows at its end, with the formatting that is open there."""

    __slots__ = ("_open", "_pieces", "length", "spans")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._open: list[_Open] = []
        #: Characters written.
        self.length = 0
        self.spans: list[Span] = []

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def write(self, text: str) -> None:
        self._pieces.append(text)
        self.length += len(text)

    def open(self, kind: str, *, url: str | None = None) -> None:
        muted = any(entry.type == kind for entry in self._open)
        self._open.append(_Open(kind, self.length, url=url, muted=muted))

    def close(self) -> None:
        """End what was opened last."""
        self._end_span(self._open.pop())

    def is_open(self, kind: str) -> bool:
        return any(entry.type == kind for entry in self._open)

    def literal(self, kind: str, text: str, *, language: str | None = None) -> None:
        """Write code, which Telegram allows in quotes alone: what else is open ends before it and goes on after it.

        A block of code ends quotes too: not every app draws it in one.
        """
        around = [entry for entry in self._open if kind == "pre" or entry.type not in QUOTES]
        for entry in around:
            self._end_span(entry)
        start = self.length
        self.write(text)
        self.spans.append(Span(kind, start, self.length, language))
        for entry in around:
            entry.start = self.length

    def formula(self, source: str) -> None:
        """A formula, which messages of text show as it is written."""
        self.write(source)

    def finished(self) -> Formatted:
        return formatted(self.text, names_as_code(self.text, self.spans))

    def _end_span(self, entry: _Open) -> None:
        if not entry.muted and entry.start < self.length:
            self.spans.append(Span(entry.type, entry.start, self.length, None, entry.url))
