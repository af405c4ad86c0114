"""The end of a text that is still being written, rendered without what comes before it."""

from __future__ import annotations

import re

from codex_gateway.telegram.markup.clean import clean
from codex_gateway.telegram.markup.entities import Formatted
from codex_gateway.telegram.markup.rendering import render_markdown

_FENCE = re.compile(r"^[ \t>]*(`{3,}|~{3,})(.*)$", re.MULTILINE)


def render_tail_of(markdown: str, limit: int) -> Formatted:
    """The last `limit` characters of the source at most, from the start of a line if there is one among them.

    The cost does not grow with what comes before, but for a look for code that is still open.
    """
    if len(markdown) <= limit:
        return render_markdown(markdown)
    start = len(markdown) - limit
    line = markdown.find("\n", start, len(markdown) - limit // 3) + 1
    start = line or start
    opening = _open_fence(markdown, start)
    return render_markdown("…\n" + (f"{opening}\n" if opening else "") + clean(markdown[start:]))


def _open_fence(markdown: str, end: int) -> str:
    """The line that opened the code in which the text before `end` ends, or ""."""
    opening, mark = "", ""
    for found in _FENCE.finditer(markdown, 0, end):
        if not mark:
            opening, mark = found[1] + found[2], found[1]
        elif found[1].startswith(mark) and not found[2].strip():
            opening, mark = "", ""
    return opening
