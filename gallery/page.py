"""All rooms as one HTML page that needs nothing else, each chapter as wide as a phone."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from gallery.bubbles import bubble, draft
from gallery.staging import Hanging, Room

_STYLE = Path(__file__).with_name("phone.css")
#: A quote that is no longer than what is shown of it does not fold. No character here needs escaping in XML.
_SCRIPT = """
for (const inner of document.querySelectorAll(".folds input:not(:checked) ~ .folded"))
  inner.parentElement.classList.toggle("short", inner.scrollHeight === inner.clientHeight);
"""


def page(rooms: Sequence[Room]) -> str:
    """The page; well-formed as XML, so that a test can read it strictly."""
    links = "".join(f'<a href="#{escape(room.chapter.name)}">{escape(room.chapter.title)}</a>' for room in rooms)
    phones = "".join(_phone(room) for room in rooms)
    return (
        '<!DOCTYPE html>\n<html lang="en" xmlns="http://www.w3.org/1999/xhtml"><head><meta charset="utf-8" />'
        '<meta name="viewport" content="width=device-width" /><title>Gallery</title>'
        f"<style>{_STYLE.read_text('utf-8')}</style></head>"
        f"<body><nav>{links}</nav><main>{phones}</main><script>{_SCRIPT}</script></body></html>\n"
    )


def _phone(room: Room) -> str:
    hangings = "".join(_hanging(room, hanging) for hanging in room.hangings)
    title = escape(room.chapter.title)
    return f'<section class="phone" id="{escape(room.chapter.name)}"><h1>{title}</h1>{hangings}</section>'


def _hanging(room: Room, hanging: Hanging) -> str:
    exhibit = hanging.exhibit
    shown = [*(bubble(message) for message in hanging.messages), *(draft(text) for text in hanging.drafts)]
    if exhibit.is_shown_unfolded:
        shown += ["<h3>unfolded</h3>", *(bubble(m, unfolded=True) for m in hanging.messages if m.is_from_bot)]
    name = escape(f"{room.chapter.name}.{exhibit.name}")
    return f'<article class="exhibit" id="{name}"><h2>{escape(exhibit.title)}</h2>{"".join(shown)}</article>'
