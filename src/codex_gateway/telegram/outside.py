"""Messages about what goes on in a session outside of the chat: they make no sound."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import assert_never

from codex_gateway.core.outcome import Failed
from codex_gateway.core.reply import OutsideEnd, OutsidePrompt
from codex_gateway.core.sighting import BrokenOff, Interrupted
from codex_gateway.telegram.message import Message
from codex_gateway.telegram.page import Page
from codex_gateway.telegram.tongue import _
from codex_gateway.telegram.units import clipped, one_line
from codex_gateway.telegram.verdicts import failure

#: Characters, each up to two UTF-16 units: they fit into one message with what stands around them.
_PROMPT_LIMIT = 1500
_ERROR_LIMIT = 200


def outside(reply: OutsidePrompt | OutsideEnd) -> Message:
    """The one message that says it."""
    match reply:
        case OutsidePrompt(bot=bot, text=text):
            page = Page().say(_("🖥 In the terminal:") if bot is None else _("🖥 Through {bot}:").format(bot=bot))
            return page.quote(clipped(text, _PROMPT_LIMIT) or _("(no text)"), folds=True).done()
        case OutsideEnd(how=how):
            return Page().say(f"🖥 {_end(how)}").done()
        case _:
            assert_never(reply)


def silently(messages: Iterable[Message]) -> list[Message]:
    return [replace(m, is_silent=True, instead=tuple(silently(m.instead))) for m in messages]


def _end(how: Failed | Interrupted | BrokenOff | None) -> str:
    match how:
        case None:
            return _("Codex finished there without saying anything.")
        case Failed(kind=kind, message=message):
            error = one_line(message, _ERROR_LIMIT)
            return _("It failed there: {cause}").format(cause=failure(kind).cause) + (f" {error}" if error else "")
        case Interrupted():
            return _("It was stopped there.")
        case BrokenOff():
            return _("It broke off there: nothing tells how it ended.")
        case _:
            assert_never(how)
