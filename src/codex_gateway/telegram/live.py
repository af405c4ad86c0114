"""The draft of a run at work: what Codex has said that no message tells yet, and what it is at."""

from __future__ import annotations

from codex_gateway.core.reply import LiveCard
from codex_gateway.telegram.cards import now
from codex_gateway.telegram.markup import render_tail
from codex_gateway.telegram.message import Message
from codex_gateway.telegram.page import Page
from codex_gateway.telegram.units import duration

#: Characters. The end of what is said is what is new, and the whole of it comes as a message.
_WORDS_LIMIT = 600


def live(card: LiveCard) -> Message:
    """A few lines: they stand at the bottom of the screen."""
    page = Page()
    if card.words:
        page.rendered(render_tail(card.words, _WORDS_LIMIT)).line()
    page.say(f"⚙️ {duration(card.elapsed_s)} · ")
    now(page, card.progress, card.diagnosis)
    return page.done()
