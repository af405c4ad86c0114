"""Inline rules for markdown-it-py that read an agent's prose: whatever is not surely markup stays as written.

Each rule follows markdown-it's contract: at `state.pos`, return False, or move `state.pos` on and return True;
with `silent` no token may be made.
"""

import re

from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline import image as commonmark_image
from markdown_it.rules_inline import link as commonmark_link
from markdown_it.rules_inline.state_inline import Delimiter

from codex_gateway.telegram.markup.flanking import DUNDER_NAME, flanks

#: What makes the text rule stop; far fewer places than markdown-it's own, which must think of plugins.
STOPS = re.compile(r"[\n!$*<\[\]\\_`~]|://")

#: A longer run of markers is a drawn line, not emphasis.
_LONGEST_RUN = 16
#: A backslash before one of these is the author's escape; before others (`C:\Users`, `\d+`, `\"`) it is text.
_ESCAPABLE = frozenset("*_`~#>$<")
_MATH_CLOSERS = {"(": "\\)", "[": "\\]"}
_LONGEST_MATH = 2000
_LONGEST_WORD = 256
_LATEX_SIGN = re.compile(r"[\\^_{}]")
_DISPLAY_MATH = re.compile(r"\$\$(?!\$)((?:[^$]|\$(?!\$)){1,2000}?)\$\$")
#: `$n$`, `$k = 3$`, `$O(n)$`: letters that stand alone, with numbers and signs between them. `$HOME` is none.
_PLAIN_MATH = re.compile(
    r"(?<![\w$])\$(?=[A-Za-z(])((?:[A-Za-z](?![A-Za-z])|\d|[-+*/=<>≤≥≈(), .!|'])+)(?<=[\w)!'])\$(?![\w$])"
)
_INLINE_MATH = re.compile(r"\$(?=[^\s$])([^$\n`]{0,300})(?<=[^\s\\])\$(?!\d)")
_URL_REST = re.compile(r"://(?:(?!\*\*)[!#$%&*+,\-./0-9:;=?@A-Z^_a-z{}~])+")
_ADDRESS = re.compile(r"<((?:https?|tg):[^\s<>]+)>", re.IGNORECASE)
_CLEAR_TARGET = re.compile(r"\]\(\s*<?(?:https?:|tg:|mailto:|file:|/|\./|\.\./|~/)", re.IGNORECASE)
_DRIVE = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]:\\")
#: A place that no text has, in markdown-it's own memory of places.
_LAST_TARGET = -1
_ORDINAL = re.compile(r"\d{1,9}")


def escape(state: StateInline, silent: bool) -> bool:
    src, pos = state.src, state.pos
    if src[pos] != "\\":
        return False
    after = src[pos + 1] if pos + 1 < state.posMax else ""
    if after == "\n" and pos > 0 and not src[pos - 1].isspace():
        # `cmd \` with a space is a shell line that goes on and keeps its backslash.
        if not silent:
            state.push("hardbreak", "br", 0)
        state.pos = _skip_blanks(src, pos + 2, state.posMax)
        return True
    if after in _MATH_CLOSERS:
        closer = _MATH_CLOSERS[after]
        end = src.find(closer, pos + 2, min(state.posMax, pos + _LONGEST_MATH))
        return _keep(state, silent, pos + 2) if end < 0 else _keep(state, silent, end + 2, kind="math")
    if after and (after in _ESCAPABLE or _at_line_start(src, pos, after)) and not _in_windows_path(src, pos):
        if not silent:
            token = state.push("text_special", "", 0)
            token.content = after
            token.markup = "\\" + after
            token.info = "escape"
        state.pos = pos + 2
        return True
    return _keep(state, silent, pos + 2 if after == "\\" else pos + 1)


def _at_line_start(src: str, pos: int, after: str) -> bool:
    """Whether the backslash keeps a line from becoming a list: `\\- x`, `1\\. x`."""
    start = src.rfind("\n", max(0, pos - _LONGEST_WORD), pos) + 1
    lead = src[start:pos].strip()
    return not lead if after in "-+" else after in ".)" and _ORDINAL.fullmatch(lead) is not None


def _in_windows_path(src: str, pos: int) -> bool:
    word = src[max(0, pos - _LONGEST_WORD) : pos]
    word = word[max(word.rfind(" "), word.rfind("\n")) + 1 :]
    return word.lstrip("([\"'").startswith("\\\\") or _DRIVE.search(word + "\\") is not None


def math(state: StateInline, silent: bool) -> bool:
    """Formulas stay as written, their underscores and stars included."""
    if state.src[state.pos] != "$":
        return False
    match = _DISPLAY_MATH.match(state.src, state.pos) or _INLINE_MATH.match(state.src, state.pos)
    if match is not None and not _LATEX_SIGN.search(match[1]):
        match = _PLAIN_MATH.match(state.src, state.pos)
    if match is None or match.end() > state.posMax:
        return False
    return _keep(state, silent, match.end(), kind="math")


def address(state: StateInline, silent: bool) -> bool:
    """The rest of a bare address after its scheme, so that an underscore in it never becomes emphasis."""
    match = _URL_REST.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    return _keep(state, silent, state.pos + len(match[0].rstrip("*_~.,;:!?")))


def autolink(state: StateInline, silent: bool) -> bool:
    """Only `<https://…>` and `<tg:…>`: `<std::string>`, `<div>` and `<me@example.org>` are text."""
    if state.src[state.pos] != "<":
        return False
    match = _ADDRESS.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    if not silent:
        state.push("link_open", "a", 1).attrs = {"href": match[1]}
        state.push("text", "", 0).content = match[1]
        state.push("link_close", "a", -1)
    state.pos = match.end()
    return True


def link(state: StateInline, silent: bool) -> bool:
    """CommonMark's link, but `handlers[i](event)`, `[x]()` and `[](x)` are text."""
    start = state.pos
    if state.src[start] != "[" or start > _last_target(state):
        return False
    before = state.src[start - 1] if start else ""
    if not commonmark_link(state, True):
        return False
    end = state.pos
    source = state.src[start:end]
    indexed = before.isascii() and (before.isalnum() or before in ("_", ")", "]"))
    doubtful = indexed or source.startswith("[](")
    if source.endswith("]()") or (doubtful and not _CLEAR_TARGET.search(source)):
        state.pos = start
        return False
    if not silent:
        state.pos = start
        commonmark_link(state, False)
    return True


def image(state: StateInline, silent: bool) -> bool:
    """CommonMark's image."""
    return (
        state.src.startswith("![", state.pos) and state.pos <= _last_target(state) and commonmark_image(state, silent)
    )


def _last_target(state: StateInline) -> int:
    """Where the last `](` stands: no link begins behind it, and 100,000 brackets need not be paired to find out."""
    if _LAST_TARGET not in state.cache:
        state.cache[_LAST_TARGET] = state.src.rfind("](")
    return state.cache[_LAST_TARGET]


def emphasis(state: StateInline, silent: bool) -> bool:
    """Make each `*` and `_` of a run a delimiter; markdown-it pairs them afterwards."""
    src, start = state.src, state.pos
    marker = src[start]
    if silent or marker not in ("*", "_"):
        return False
    end = start + 1
    while end < state.posMax and src[end] == marker:
        end += 1
    count = end - start
    if count > _LONGEST_RUN:
        return _keep(state, silent, end)
    before = src[start - 1] if start else ""
    if marker == "_" and count == 2 and not before.isalnum():
        name = DUNDER_NAME.match(src, start, state.posMax)
        if name is not None:
            return _keep(state, silent, name.end())
    after = src[end] if end < state.posMax else ""
    may_open, may_close = flanks(marker, count, before, after)
    if may_close and marker == "_" and after == "." and src[end + 1 : end + 2].isalnum():
        may_close = False  # `_name_.py`
    if not (may_open or may_close):
        return _keep(state, silent, end)
    for _ in range(count):
        token = state.push("text", "", 0)
        token.content = marker
        delimiter = Delimiter(ord(marker), count, len(state.tokens) - 1, -1, may_open, may_close)
        state.delimiters.append(delimiter)
    state.pos = end
    return True


def _keep(state: StateInline, silent: bool, end: int, *, kind: str = "text") -> bool:
    """Take the source up to `end` as it stands."""
    if not silent:
        state.push(kind, "", 0).content = state.src[state.pos : end]
    state.pos = end
    return True


def _skip_blanks(src: str, pos: int, end: int) -> int:
    while pos < end and src[pos] in " \t":
        pos += 1
    return pos
