"""What characters look like: how wide they are, and where one ends for a reader."""

import re
import unicodedata

_ZWJ = "\u200d"
_WIDE_EMOJI_SIGN = "\ufe0f"
#: The signs of East Asian scripts, their punctuation included, that are written without spaces.
_EAST_ASIAN = re.compile(
    "[\u1100-\u11ff\u2e80-\u312f\u3130-\u318f\u31a0-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff"
    "\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U0001aff0-\U0001b16f\U00020000-\U0003ffff]"
)
#: How far back a boundary is looked for: longer clusters are not text.
_LONGEST_CLUSTER = 64


def is_east_asian(character: str) -> bool:
    return _EAST_ASIAN.match(character) is not None


def display_width(text: str) -> int:
    """Columns the text takes in a phone's monospace font, rounded: emoji two, marks none, three East Asian signs five.

    Their signs come from another font, as wide as they are high, where a letter is 0.6 of that.
    """
    if text.isascii():
        return len(text)
    width = 0
    squares = 0
    last = 0  # the width of the character that marks and joiners belong to
    joined = False
    for character in text:
        if character == _ZWJ:
            joined = True
        elif character == _WIDE_EMOJI_SIGN:
            width += 2 - last if last == 1 else 0
            last = 2
        elif joined or _extends(character):
            joined = False
        elif unicodedata.category(character) != "Cf":
            last = 2 if unicodedata.east_asian_width(character) in "WF" else 1
            width += last
            squares += last == 2 and is_east_asian(character)
    return width - (squares + 1) // 3


def cluster_boundary(text: str, index: int, floor: int) -> int:
    """The last index in (floor, index] that does not cut a character a reader sees as one; else `index`."""
    lowest = max(floor + 1, index - _LONGEST_CLUSTER)
    for candidate in range(index, lowest - 1, -1):
        if not _inside_cluster(text, candidate, floor):
            return candidate
    return index


def _inside_cluster(text: str, index: int, floor: int) -> bool:
    if index >= len(text) or index <= floor:
        return False
    if _extends(text[index]) or text[index] == _ZWJ or text[index - 1] == _ZWJ:
        return True
    if not _is_flag_letter(text[index]):
        return False
    run = 0
    while index - run > floor and run < _LONGEST_CLUSTER and _is_flag_letter(text[index - run - 1]):
        run += 1
    return run % 2 == 1


def _extends(character: str) -> bool:
    """Whether it is drawn onto the character before: marks, variation signs, skin tones, flag tags, jamo."""
    if character < "\u0300":
        return False
    return (
        unicodedata.category(character) in ("Mn", "Me", "Mc")
        or "\U0001f3fb" <= character <= "\U0001f3ff"
        or "\U000e0020" <= character <= "\U000e007f"
        or "\u1160" <= character <= "\u11ff"
    )


def _is_flag_letter(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
