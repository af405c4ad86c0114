"""A message as a person reads it: marks for the formatting, one line for each row of buttons."""

from __future__ import annotations

from codex_gateway.telegram.message import Copied, Message

_MARKS = {"code": "`", "bold": "**", "pre": "```", "blockquote": "|", "expandable_blockquote": ">|"}


def shown(message: Message) -> str:
    """The text with `code`, **bold**, |quotes| and >|folding quotes>|, then [buttons]."""
    units = message.formatted.text.encode("utf-16-le")
    marks: list[tuple[int, int, str]] = []
    for rank, entity in enumerate(message.formatted.entities):
        mark = _MARKS.get(entity.type, f"<{entity.type}>")
        marks.append((entity.offset, rank, mark))
        marks.append((entity.offset + entity.length, -rank, mark))
    text, at = "", 0
    for offset, _, mark in sorted(marks, key=lambda mark: (mark[0], mark[1])):
        text += units[at * 2 : offset * 2].decode("utf-16-le") + mark
        at = offset
    text += units[at * 2 :].decode("utf-16-le")
    rows = ["".join(f"[{label} → {_does(data)}]" for label, data in row) for row in message.keyboard]
    return "\n".join([text, *rows])


def _does(data: str | Copied) -> str:
    return f"copies {data.copied}" if isinstance(data, Copied) else data
