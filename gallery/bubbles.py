"""Messages as the bubbles of a chat."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape

from codex_gateway.demo.bot_api import Draft, Message, StoredFile
from gallery import rich
from gallery.text import marked_up

_REPLY_LENGTH = 60


def bubble(message: Message, *, unfolded: bool = False) -> str:
    """One message with what hangs on it: whom it answers, its file, its time, its buttons."""
    side = "in" if message.is_from_bot else "out"
    parts = [_replied(message.reply_to) if message.reply_to else ""]
    parts.append(_file(message.document) if message.document else "")
    parts.append(_content(message, unfolded=unfolded))
    parts.append(f'<span class="time">{_time(message)}</span>')
    return f'<div class="message {side}"><div class="bubble">{"".join(parts)}</div>{_keyboard(message)}</div>'


def draft(shown: Draft) -> str:
    """A text that is being written, with the Stop button that clients show beside it."""
    stop = '<span class="stop">⏹</span>' if shown.can_stop else ""
    text = f'<span class="text">{marked_up(shown.text, shown.entities)}</span>'
    return f'<div class="message in draft"><div class="bubble">{text}<span class="time">…</span></div>{stop}</div>'


def _content(message: Message, *, unfolded: bool) -> str:
    html = (message.rich or {}).get("html")
    if isinstance(html, str):
        return f'<div class="rich">{rich.drawn(html)}</div>'
    return f'<span class="text">{marked_up(message.text, message.entities, unfolded=unfolded)}</span>'


def _replied(original: Message) -> str:
    who = escape(str(original.sender.to_json()["first_name"]))
    text = " ".join(original.text.split())
    shown = text if len(text) <= _REPLY_LENGTH else text[: _REPLY_LENGTH - 1] + "…"
    return f'<span class="reply"><b>{who}</b><span>{escape(shown)}</span></span>'


def _file(document: StoredFile) -> str:
    size = len(document.data)
    shown = f"{size / 1024:.1f} KB" if size >= 1024 else f"{size} B"
    return f'<span class="file"><b>{escape(document.name or "file")}</b><span>{shown}</span></span>'


def _time(message: Message) -> str:
    return datetime.fromtimestamp(message.date, UTC).strftime("%H:%M")


def _keyboard(message: Message) -> str:
    rows = (message.reply_markup or {}).get("inline_keyboard")
    if not isinstance(rows, list) or not rows:
        return ""
    drawn = []
    for row in rows:
        labels = [str(button["text"]) for button in row if isinstance(button, dict)] if isinstance(row, list) else []
        drawn.append('<div class="row">' + "".join(f"<span>{escape(label)}</span>" for label in labels) + "</div>")
    return f'<div class="keyboard">{"".join(drawn)}</div>'
