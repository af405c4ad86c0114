"""How many columns text takes in a terminal."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

#: What would steer the terminal, or turn the writing direction of all that follows.
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@lru_cache(maxsize=4096)
def columns_of(char: str) -> int:
    """0, 1 or 2: a combining mark takes none, a Chinese character and most emoji take two."""
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def columns(text: str) -> int:
    return sum(map(columns_of, text))


def harmless(text: str) -> str:
    """The text with nothing in it that a terminal would obey; line breaks stay, tabs become blanks."""
    return "".join(_harmless(char) for char in text.replace("\t", "    ").replace("\r", ""))


def _harmless(char: str) -> str:
    if char in _BIDI:
        return ""
    return "�" if char != "\n" and unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") else char
