"""What a 400 or a 403 means, told by its text since there is nothing else (Bot API 10.3)."""

from __future__ import annotations

from codex_gateway.core.errors import ChatClosed, ChatRefused, MessageGone


class MessageRefused(ChatRefused):
    """The server does not take the message as it is (400, 413, or a method that it does not know)."""


class MethodUnknown(MessageRefused):
    """The server does not know the method: it is older than we are."""


class EntitiesRefused(MessageRefused):
    """The server did not take the formatting of a message; its text may still be sent plain."""


class NotModified(MessageRefused):
    """The message says exactly this already."""


class TooLong(MessageRefused):
    """The server finds the text too long, though we do not."""


class TopicGone(MessageRefused):
    """The topic was deleted, or nobody may write in it any more; the chat around it is still there."""


#: The first that is found in the text, in small letters, tells.
_MEANINGS: tuple[tuple[str, type[ChatRefused]], ...] = (
    ("message is not modified", NotModified),
    ("message thread not found", TopicGone),
    ("topic_closed", TopicGone),
    ("topic_deleted", TopicGone),
    ("message to edit not found", MessageGone),
    ("message can't be edited", MessageGone),
    ("message_id_invalid", MessageGone),
    ("message is too long", TooLong),
    ("message_too_long", TooLong),
    ("chat not found", ChatClosed),
    ("entit", EntitiesRefused),  # "can't parse entities: …", "ENTITY_BOUNDS_INVALID", "ENTITIES_TOO_LONG"
)


def bad_request(reason: str) -> ChatRefused:
    """The error for a 400."""
    text = reason.lower()
    return next((kind for words, kind in _MEANINGS if words in text), MessageRefused)(reason)


def forbidden(reason: str) -> ChatRefused:
    """The error for a 403: blocked, kicked, the person's account is gone, or only a right is missing in a group."""
    is_a_right = "rights" in reason.lower()
    return ChatRefused(reason) if is_a_right else ChatClosed(reason)
