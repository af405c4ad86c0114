"""What an answer of Codex becomes in a chat: messages, or past a limit the first of them and the whole as a file."""

from __future__ import annotations

import re

from codex_gateway.core.ids import RunId
from codex_gateway.core.manner import Form
from codex_gateway.telegram.markup import Formatted, plain, render_parts, rich_parts, split
from codex_gateway.telegram.message import Document, Message
from codex_gateway.telegram.page import Page
from codex_gateway.telegram.tongue import _
from codex_gateway.telegram.units import size

#: Characters of a rich message (Bot API 10.3).
RICH_LIMIT = 32_768

_NAME_LIMIT = 40
#: Rich messages an answer may be where the number of messages has no limit.
_MOST_RICH = 4

#: Characters, some twenty messages. The tokens of a megabyte would fill 1 GB, and the search for what of it is garbage
#: would hold the interpreter for seconds, be it in a thread.
_MOST_FORMATTED = 64_000

#: Half a character, which no file and no request can hold.
_SURROGATE = re.compile("[\ud800-\udfff]")
_BETWEEN_WORDS = re.compile(r"[\W_]+")


def answer(
    markdown: str,
    *,
    limit: int,
    most_messages: int = 0,
    form: Form = Form.TEXT,
    file: str = "answer.md",
) -> list[Message]:
    """The messages that show an answer, in order; [] for a blank one.

    Those of text are at most `limit` UTF-16 units long. Of more than `most_messages` (0: never) only the first is sent,
    and the whole as a document of the name `file`; where the chat takes no documents the other messages come after all.
    Rich messages carry the messages of text that are sent where the chat does not take them.
    """
    rich = None
    if form is Form.RICH and len(markdown) <= (most_messages or _MOST_RICH) * RICH_LIMIT:
        rich = rich_parts(markdown)
    if rich is None or 0 < most_messages < len(rich):
        return _of_text(markdown, limit, most_messages, file)
    return [
        Message(Formatted(""), rich=part.html, instead=tuple(_of_text(part.markdown, limit, most_messages, file)))
        for part in rich
    ]


def _of_text(markdown: str, limit: int, most_messages: int, file: str) -> list[Message]:
    formatted, rest = _divided(markdown)
    parts = [Message(part) for part in (*render_parts(formatted, limit), *split(plain(rest), limit))]
    if not most_messages or len(parts) <= most_messages:
        return parts
    text = _SURROGATE.sub("\ufffd", markdown)  # all else is as Codex wrote it, to the byte
    caption = _("📄 The whole answer, {size}. The message above is how it begins.").format(
        size=size(len(text.encode()))
    )
    message = Page().say(caption).done()
    return [parts[0], Message(message.formatted, document=Document(file, text=text), instead=tuple(parts[1:]))]


def _divided(markdown: str) -> tuple[str, str]:
    """What is formatted, and what comes after it as it is written, if there is more than anybody reads in a chat."""
    if len(markdown) <= _MOST_FORMATTED:
        return markdown, ""
    ends = (markdown.rfind(mark, _MOST_FORMATTED // 2, _MOST_FORMATTED) for mark in ("\n\n", "\n", " "))
    cut = next((end for end in ends if end > 0), _MOST_FORMATTED)
    return markdown[:cut], markdown[cut:]


def file_name(prompt: str, run_id: RunId | None) -> str:
    """run-7-fix-the-flaky-test.md: a name that is found again among downloads."""
    words = _BETWEEN_WORDS.sub("-", prompt[:200].lower()).strip("-")[:_NAME_LIMIT].rstrip("-")
    return "-".join(["answer" if run_id is None else f"run-{run_id}", *([words] if words else [])]) + ".md"
