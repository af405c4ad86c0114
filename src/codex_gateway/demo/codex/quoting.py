"""How Codex shows a command: quoted as the Rust crate shlex 1.3 does it, which is not how Python's shlex does."""

from __future__ import annotations

_PLAIN = frozenset("+-./:@]_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_NOT_IN_SINGLE = frozenset("'^\\")
_NOT_IN_DOUBLE = frozenset("`$!^")


def quoted(word: str) -> str:
    """``word`` as a shell would read it back: in as few pieces as go without quotes, in single or in double ones."""
    pieces = []
    while word:
        length, style = _longest(word)
        pieces.append(style + _escaped(word[:length], style) + style)
        word = word[length:]
    return "".join(pieces) or "''"


def _longest(word: str) -> tuple[int, str]:
    """The longest beginning of ``word`` that one style can hold, and that style's quote."""
    plain = single = double = True
    length = 0
    if word[0] == "^":
        # Some shells take it for a history reference anywhere but at the start of single quotes.
        plain = double = False
        length = 1
    for letter in word[length:]:
        fits = (
            plain and letter in _PLAIN,
            single and letter not in _NOT_IN_SINGLE,
            double and letter not in _NOT_IN_DOUBLE,
        )
        if not any(fits):
            break
        plain, single, double = fits
        length += 1
    return length, "" if plain else "'" if single else '"'


def _escaped(piece: str, style: str) -> str:
    if style != '"':
        return piece
    return "".join("\\" + letter if letter in '$`"\\' else letter for letter in piece)
