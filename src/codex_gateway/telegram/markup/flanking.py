"""Where `*` and `_` may open or close emphasis: CommonMark's rules, kinder to East Asian text, stricter with code."""

import re
import unicodedata
from typing import NamedTuple

from codex_gateway.telegram.markup.characters import is_east_asian

#: `__init__`, `__FILE__`: names, not emphasis, whatever stands behind them.
DUNDER_NAME = re.compile(r"__(?:[a-z0-9]+(?:_[a-z0-9]+)*|[A-Z0-9]+(?:_[A-Z0-9]+)*)__(?![A-Za-z0-9_])")


class Flanks(NamedTuple):
    may_open: bool
    may_close: bool


_NEITHER = Flanks(False, False)


def flanks(marker: str, count: int, before: str, after: str) -> Flanks:
    """What a run of `count` markers between two characters may do; "" stands for the text's edge."""
    space_before, space_after = not before or before.isspace(), not after or after.isspace()
    if space_before and space_after:
        return _NEITHER
    mark_before = not space_before and _separates(before)
    mark_after = not space_after and _separates(after)
    east_before = bool(before) and is_east_asian(before)
    east_after = bool(after) and is_east_asian(after)
    # As https://github.com/tats-u/markdown-cjk-friendly amends CommonMark: East Asian text has no spaces,
    # so its punctuation does not count as punctuation, and its letters count as an edge.
    left = not space_after and (not mark_after or east_after or space_before or mark_before or east_before)
    right = not space_before and (not mark_before or east_before or space_after or mark_after or east_after)
    left, right = left and after not in _NOT_FIRST, right and before not in _NOT_LAST
    if marker == "_":
        opens = left and (not right or mark_before) and before not in _GLUE_BEFORE_NAME
        closes = right and (not left or mark_after) and after not in _GLUE_AFTER_NAME
        return Flanks(opens, closes)
    return _stars(count, before, after, left=left, right=right)


# `(*)`, `[_]`, `*,`: what opens emphasis stands before its first word, what closes it after its last.
_NOT_FIRST = frozenset(")]}>,;）」』】》，；")
_NOT_LAST = frozenset("([{<,（「『【《，")

# `self._x_`, `$_y_`, `/_build_/`, `_f_(x)`: an underscore there belongs to a name or a path.
_GLUE_BEFORE_NAME = frozenset("/\\.$@=&%+-")
_GLUE_AFTER_NAME = frozenset("/\\=([")


def _stars(count: int, before: str, after: str, *, left: bool, right: bool) -> Flanks:
    """Keep products (2*3*4), powers (2**3), wildcards (src/*.py), comments (/*x*/) and `count(*)` as they are."""
    if _in_word(before) and _in_word(after):
        return Flanks(False, right and count > 1 and after.isalpha())
    if before == "/" and after and after in _PATH_AFTER_STAR:
        return _NEITHER
    if count == 1:
        return Flanks(left and before != "/" and after != ".", right and before != "/" and after != "/")
    return Flanks(left, right)


_PATH_AFTER_STAR = frozenset("./*")


def _in_word(character: str) -> bool:
    return (character.isalnum() or character == "_") and not is_east_asian(character)


def _separates(character: str) -> bool:
    return unicodedata.category(character)[0] in "PS"
