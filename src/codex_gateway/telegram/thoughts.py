"""Summaries of what the model thinks: Codex hands out a heading in Markdown, and a text below it."""

from __future__ import annotations

import re

from codex_gateway.telegram.page import Page
from codex_gateway.telegram.tongue import _
from codex_gateway.telegram.units import one_line

#: Characters of what a status message shows.
_HEADING_LIMIT, _TEXT_LIMIT = 60, 240
_HEADING = re.compile(r"\A\s*\*\*(.+?)\*\*[ \t]*\n*(.*)\Z", re.DOTALL)


def heading_and_text(summary: str) -> tuple[str, str]:
    """The heading, or "", and what stands below it, or ""; neither with its Markdown."""
    found = _HEADING.match(summary)
    heading, text = (found[1], found[2]) if found else ("", summary)
    return heading.replace("**", "").strip(), text.replace("**", "").strip()


def thought(summary: str) -> str:
    """The summary as text: `heading:`, and what stands below it on further lines."""
    heading, text = heading_and_text(summary)
    return f"{heading}:\n{text}" if heading and text else heading or text


def say_thought(page: Page, summary: str) -> None:
    """One line that says what the model is at; that it thinks, where there is no summary."""
    heading, text = heading_and_text(summary)
    if not heading and not text:
        page.say(_("Thinking…"))
        return
    page.say("💭 ").bold(one_line(heading, _HEADING_LIMIT))
    page.say(" " if heading and text else "").say(one_line(text, _TEXT_LIMIT))
