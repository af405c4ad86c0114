"""What to send instead where a chat takes a message neither at its place nor in its length."""

from __future__ import annotations

from dataclasses import replace

from codex_gateway.telegram.markup import plain, split, utf16_len
from codex_gateway.telegram.message import Message
from codex_gateway.telegram.tongue import _

#: UTF-16 units. A text this short is refused for something else than its length.
_SHORT_UNITS = 64


def topic_gone() -> Message:
    """Said in the chat around a topic, before what belongs into that."""
    return Message(plain(_("The topic that this belongs to was deleted or closed, so it goes on here.")))


def halves(message: Message) -> tuple[Message, ...]:
    """The same in parts of half the length, the buttons under the last; nothing where that would not help."""
    length = utf16_len(message.formatted.text)
    if length < _SHORT_UNITS or message.document is not None or message.rich is not None:
        return ()
    parts = split(message.formatted, length // 2 + 1)
    messages = [Message(part, is_silent=message.is_silent) for part in parts]
    return (*messages[:-1], replace(messages[-1], keyboard=message.keyboard))
