"""What was typed: bytes from a terminal as text and keys."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum, auto
from typing import TypeAlias


class Key(StrEnum):
    """Keys that mean something here; others are dropped."""

    ENTER = auto()
    #: A line break in the message: Alt+Enter, or one that was pasted.
    NEW_LINE = auto()
    BACKSPACE = auto()
    DELETE = auto()
    LEFT = auto()
    RIGHT = auto()
    HOME = auto()
    END = auto()
    UP = auto()
    DOWN = auto()
    ERASE_WORD = auto()
    ERASE_BEFORE = auto()
    ERASE_AFTER = auto()
    #: Ctrl-D: the end, or what DELETE does.
    END_OF_INPUT = auto()
    INTERRUPT = auto()
    REDRAW = auto()


@dataclass(frozen=True, slots=True)
class Typed:
    text: str


Input: TypeAlias = Key | Typed

#: What terminals ask for and switch on with "bracketed paste" (xterm); a paste cannot press Enter then.
PASTE_ON, PASTE_OFF = "\x1b[?2004h", "\x1b[?2004l"

_CONTROL = {
    "\r": Key.ENTER,
    "\n": Key.ENTER,
    "\x7f": Key.BACKSPACE,
    "\x08": Key.BACKSPACE,
    "\x01": Key.HOME,
    "\x02": Key.LEFT,
    "\x03": Key.INTERRUPT,
    "\x04": Key.END_OF_INPUT,
    "\x05": Key.END,
    "\x06": Key.RIGHT,
    "\x0b": Key.ERASE_AFTER,
    "\x0c": Key.REDRAW,
    "\x0e": Key.DOWN,
    "\x10": Key.UP,
    "\x15": Key.ERASE_BEFORE,
    "\x17": Key.ERASE_WORD,
}
#: By the end of a control sequence, and by its number where it ends with a tilde (xterm).
_SEQUENCE = {
    "A": Key.UP,
    "B": Key.DOWN,
    "C": Key.RIGHT,
    "D": Key.LEFT,
    "H": Key.HOME,
    "F": Key.END,
    "1~": Key.HOME,
    "3~": Key.DELETE,
    "4~": Key.END,
    "7~": Key.HOME,
    "8~": Key.END,
}
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O[@-~]|[^\[O])", re.DOTALL)
#: An escape sequence of which more may be on its way.
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|O)?\Z")
_PASTE = re.compile(r"\x1b\[200~(.*?)\x1b\[201~", re.DOTALL)


@dataclass(slots=True)
class Keyboard:
    """Understands bytes in whatever pieces they come."""

    _decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")(errors="replace")
    )
    _rest: str = ""

    def read(self, data: bytes) -> Iterator[Input]:
        """What these bytes complete. A lone Escape waits for the next key, which it takes along."""
        text = self._rest + self._decoder.decode(data)
        self._rest = ""
        while text:
            if text.startswith("\x1b[200~"):
                paste = _PASTE.match(text)
                if paste is None:
                    self._rest = text
                    return
                yield from _pasted(paste[1])
                text = text[paste.end() :]
            elif text[0] == "\x1b":
                if _UNFINISHED.match(text):
                    self._rest = text
                    return
                sequence = _ESCAPE.match(text)
                yield from _escaped(sequence[0] if sequence else text[0])
                text = text[sequence.end() if sequence else 1 :]
            else:
                plain = re.match(r"[^\x00-\x1f\x7f]+", text)
                if plain is None:
                    yield from (key for key in (_CONTROL.get(text[0]),) if key is not None)
                    text = text[1:]
                else:
                    yield Typed(plain[0])
                    text = text[plain.end() :]


def _pasted(text: str) -> Iterator[Input]:
    for number, row in enumerate(re.split(r"\r\n|\r|\n", text)):
        if number:
            yield Key.NEW_LINE
        if row:
            yield Typed(row)


def _escaped(sequence: str) -> Iterator[Input]:
    if sequence in ("\x1b\r", "\x1b\n"):
        yield Key.NEW_LINE
        return
    # A letter at the end is the key, whatever numbers stand before it: they tell of Shift and Control.
    key = _SEQUENCE.get(sequence[2:] if sequence.endswith("~") else sequence[-1])
    if key is not None and len(sequence) > 2:
        yield key
