"""A message being written: text piece by piece, with the formatting of each, and the buttons below."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from string import Formatter

from codex_gateway.telegram.markup.clean import clean
from codex_gateway.telegram.markup.entities import Formatted, Span, formatted, spans_of
from codex_gateway.telegram.markup.names import names_as_code
from codex_gateway.telegram.markup.splitting import MOST_ENTITIES
from codex_gateway.telegram.message import Keyboard, Message


class Code(str):
    """A part of a sentence that a tap copies."""

    __slots__ = ()


class Bold(str):
    """A part of a sentence that stands out."""

    __slots__ = ()


@dataclass(slots=True)
class Page:
    """Grows by `say`, `prose`, `line`, `code`, `bold`, `quote` and `weave`; each returns the page."""

    _text: str = ""
    _spans: list[Span] = field(default_factory=list)

    def say(self, text: str) -> Page:
        """Go on with plain text."""
        self._text += clean(text)
        return self

    def prose(self, sentence: str) -> Page:
        """Go on with a sentence of ours, in which `backticks` stand around code."""
        for index, piece in enumerate(sentence.split("`")):
            if index % 2:
                self.code(piece)
            else:
                self.say(piece)
        return self

    def bold(self, text: str) -> Page:
        return self._marked("bold", text)

    def code(self, text: str) -> Page:
        """Go on with text that a tap copies."""
        return self._marked("code", text)

    def weave(self, template: str, **parts: str) -> Page:
        """Go on with a sentence whose {parts} are plain text, `Code` or `Bold`, in the order of its language.

        As in `prose`, what stands between backticks in one piece of the sentence is code.
        """
        for text, name, _spec, _conversion in Formatter().parse(template):
            self.prose(text)
            if name is None:
                continue
            match parts[name]:
                case Code() as part:
                    self.code(part)
                case Bold() as part:
                    self.bold(part)
                case part:
                    self.say(part)
        return self

    def rendered(self, part: Formatted) -> Page:
        """Go on with text that has its formatting already."""
        start = len(self._text)
        self._text += part.text
        self._spans += [span._replace(start=span.start + start, end=span.end + start) for span in spans_of(part)]
        return self

    def quote(self, text: str, *, folds: bool = False) -> Page:
        """Go on with a block quote on lines of its own."""
        with self.quoted(folds=folds):
            return self.say(text)

    @contextmanager
    def quoted(self, *, folds: bool = False) -> Iterator[None]:
        """What is written in the block is a block quote; one that folds shows its first three lines until tapped."""
        self._new_line()
        start = len(self._text)
        yield
        self._spans.append(Span("expandable_blockquote" if folds else "blockquote", start, len(self._text)))
        self._new_line()

    def line(self, text: str = "") -> Page:
        """Begin a new line, with `text` on it."""
        self._new_line()
        return self.say(text)

    def done(self, keyboard: Keyboard = ()) -> Message:
        spans = names_as_code(self._text, self._spans)
        # What comes after the hundredth is ignored, and what was meant here comes first.
        return Message(formatted(self._text, spans if len(spans) <= MOST_ENTITIES else self._spans), keyboard)

    def _new_line(self) -> None:
        if self._text and not self._text.endswith("\n"):
            self._text += "\n"

    def _marked(self, kind: str, text: str) -> Page:
        start = len(self._text)
        self.say(text)
        self._spans.append(Span(kind, start, len(self._text)))
        return self
