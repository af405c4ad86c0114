"""Markdown, as Codex writes it, to Telegram messages: text with entities, split within the limits.

Pure functions, safe from any thread. Nothing here raises for what a text contains: a text that cannot be
formatted comes out unformatted. Entities instead of a parse mode, because they cannot fail to parse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_gateway.telegram.markup.clean import clean
from codex_gateway.telegram.markup.entities import Entity, Formatted, formatted, utf16_len
from codex_gateway.telegram.markup.splitting import split_message

if TYPE_CHECKING:
    from codex_gateway.telegram.markup.rich import RichPart

__all__ = ["Entity", "Formatted", "plain", "render", "render_parts", "render_tail", "rich_parts", "split", "utf16_len"]


def render(markdown: str) -> Formatted:
    """The whole text as one message of any length; empty for blank input."""
    # Here, because the Markdown parser takes 60 ms to import and not every command needs it.
    from codex_gateway.telegram.markup.rendering import render_markdown

    return render_markdown(markdown)


def split(message: Formatted, limit: int = 4096) -> list[Formatted]:
    """Parts of at most `limit` UTF-16 code units and 100 entities, in order, each valid by itself.

    Cuts fall between paragraphs, else lines, else words, and inside of a code block only if it is too long for one
    part; it then goes on as a code block of the same language. Put together the parts are the message: only blank
    space at a cut is gone, and inside of a code block only the line end there. [] for a blank message.
    Raises ValueError for a limit under 16.
    """
    return split_message(message, limit)


def render_parts(markdown: str, limit: int = 3500) -> list[Formatted]:
    """`render` and `split` in one; [] for blank input."""
    return split_message(render(markdown), limit)


def render_tail(markdown: str, limit: int) -> Formatted:
    """The end of a text that is still being written: about `limit` characters, at a cost that does not grow with it."""
    from codex_gateway.telegram.markup.tail import render_tail_of

    return render_tail_of(markdown, limit)


def rich_parts(markdown: str) -> list[RichPart] | None:
    """The text as rich messages, each with the Markdown that it shows; None where it does not fit into them."""
    from codex_gateway.telegram.markup.rich import rich_parts_of

    return rich_parts_of(markdown)


def plain(text: str) -> Formatted:
    """The text as it is, without formatting; blank edges and control characters are gone."""
    return formatted(clean(text), ())
