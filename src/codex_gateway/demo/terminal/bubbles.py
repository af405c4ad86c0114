"""A chat's messages as lines: who speaks in a narrow column, what is said beside it, buttons in brackets."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from codex_gateway.demo.bot_api import Button, Content, Message, utf16_length
from codex_gateway.demo.terminal.formatting import formatted
from codex_gateway.demo.terminal.lines import Line, Piece, Style, line, shortened, width, wrapped
from codex_gateway.demo.terminal.width import harmless

#: Columns for who speaks.
MARGIN = 5
_CLOCK = re.compile(r"\d+:\d\d")

#: How a button is shown.
Label = Callable[[Message, Button], str]


def plain_label(_: Message, button: Button) -> str:
    return f"[{harmless(button.text)}]"


def bubble(message: Message, content: Content, *, columns: int, label: Label = plain_label) -> list[Line]:
    """The message as it was, or is, with this content."""
    room = columns - MARGIN
    lines = formatted(content.text, content.entities, width=room) if content.text else []
    if message.document is not None:
        lines.insert(0, line(f"📎 {harmless(message.document.name or 'a file')}", Style.BOLD))
    lines = _with_buttons(lines, [label(message, button) for button in content.buttons], room)
    if (asked := _answers_an_earlier(message)) is not None:
        lines.insert(0, shortened(line(f"↳ {harmless(' '.join(asked.text.split()))}", Style.DIM), room))
    if message.is_from_bot:
        return beside("bot", lines, style=Style.BOLD | Style.CODE)
    return beside("you", lines, style=Style.BOLD | Style.ACCENT)


def edit(message: Message, content: Content, *, columns: int, style: Style, label: Label = plain_label) -> list[Line]:
    """An edit in short: its lines joined to one, without what it quotes; wrapped, not cut."""
    said = " · ".join(row for row in _rows_outside_quotes(content) if row.strip())
    lines = list(wrapped([(char, style) for char in harmless(said)], columns - MARGIN))
    if style is not Style.DIM:
        lines = _with_buttons(lines, [label(message, button) for button in content.buttons], columns - MARGIN)
    return beside(" ↻", lines, style=Style.DIM)


def history(message: Message, *, columns: int) -> list[Line]:
    """The message as it came, and below it, in short, what its edits made of it."""
    first, *edits = _without_mere_ticks(message)
    lines = bubble(message, first, columns=columns)
    for content in edits:
        style = Style.PLAIN if content is edits[-1] else Style.DIM
        lines += edit(message, content, columns=columns, style=style)
    return lines


def beside(who: str, lines: Sequence[Line], *, style: Style = Style.PLAIN) -> list[Line]:
    """The lines with `who` in the margin of the first."""
    first, *others = lines or [()]
    head = (Piece(who, style), Piece(" " * (MARGIN - len(who))), *first)
    return [head, *((Piece(" " * MARGIN), *pieces) if pieces else () for pieces in others)]


def _with_buttons(lines: list[Line], labels: Sequence[str], room: int) -> list[Line]:
    """The buttons at the end of the first line if there is room, else below."""
    if not labels:
        return lines
    shown = line(" ".join(labels), Style.ACCENT)
    if lines and width(lines[0]) + 2 + width(shown) <= room:
        return [(*lines[0], Piece("  "), *shown), *lines[1:]]
    return [*lines, *wrapped([(char, Style.ACCENT) for char in " ".join(labels)], room)]


def _answers_an_earlier(message: Message) -> Message | None:
    """What it replies to, if that is not the last thing that was asked before it."""
    timeline = message.chat.timeline
    before = [each for each in timeline[: timeline.index(message)] if not each.is_from_bot]
    if message.reply_to is None or (before and before[-1] is message.reply_to):
        return None
    return message.reply_to


def _rows_outside_quotes(content: Content) -> list[str]:
    quotes = [entity for entity in content.entities if entity.type in ("blockquote", "expandable_blockquote")]
    rows, at = [], 0
    for row in content.text.split("\n"):
        if not any(quote.offset <= at < quote.end for quote in quotes):
            rows.append(row)
        at += utf16_length(row) + 1
    return rows


def _without_mere_ticks(message: Message) -> list[Content]:
    """Its versions without those in which nothing but the clock went on; the last one stays."""
    kept: list[Content] = []
    for version in message.versions:
        if len(kept) > 1 and _timeless(kept[-1]) == _timeless(version.content):
            kept.pop()
        kept.append(version.content)
    return kept


def _timeless(content: Content) -> str:
    return _CLOCK.sub("", " ".join(_rows_outside_quotes(content)))
