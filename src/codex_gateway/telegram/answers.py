"""What an answer of Codex becomes in a chat: messages, or past a limit the first of them and the whole as a file."""

from __future__ import annotations

import re

from codex_gateway.core.ids import RunId
from codex_gateway.telegram.markup import render_parts
from codex_gateway.telegram.markup.clean import clean
from codex_gateway.telegram.message import Document, Message
from codex_gateway.telegram.page import Page
from codex_gateway.telegram.tongue import _
from codex_gateway.telegram.units import size

_NAME_LIMIT = 40
_BETWEEN_WORDS = re.compile(r"[\W_]+")


def answer(
    markdown: str,
    *,
    limit: int,
    most_messages: int = 0,
    file: str = "answer.md",
) -> list[Message]:
    """The messages that show an answer, in order; [] for a blank one.

    Each is at most `limit` UTF-16 units long. Of more than `most_messages` (0: never) only the first is sent, and the
    whole as a document of the name `file`; where the chat takes no documents the other messages come after all.
    """
    parts = [Message(part) for part in render_parts(markdown, limit)]
    if not most_messages or len(parts) <= most_messages:
        return parts
    text = clean(markdown)
    caption = _("📄 The whole answer, {size}. The message above is how it begins.").format(
        size=size(len(text.encode()))
    )
    message = Page().say(caption).done()
    return [parts[0], Message(message.formatted, document=Document(file, text=text), instead=tuple(parts[1:]))]


def file_name(prompt: str, run_id: RunId | None) -> str:
    """run-7-fix-the-flaky-test.md: a name that is found again among downloads."""
    words = _BETWEEN_WORDS.sub("-", prompt[:200].lower()).strip("-")[:_NAME_LIMIT].rstrip("-")
    return "-".join(["answer" if run_id is None else f"run-{run_id}", *([words] if words else [])]) + ".md"
