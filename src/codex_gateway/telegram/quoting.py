"""What a reply quotes of the message that it replies to; pure."""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct

#: Characters of a quote; what is beyond says an ellipsis.
LONGEST = 1000

#: How our status messages begin: they say how a run goes, not what somebody said.
_STATUS = ("⏳", "⏸", "⚙️", "✅", "❌", "⏹", "💭")


class _Text(Struct):
    message_id: int = 0
    text: str | None = None
    caption: str | None = None
    forum_topic_created: Raw = Raw()


class _Quote(Struct):
    text: str


def quoted(fields: dict[str, Raw], *, our_id: int, topic_id: int) -> str:
    """The words that a message with these fields is about: those its sender selected, else all of what it replies to.

    Empty where it is no reply, or to a status message of ours. Raises msgspec's errors.
    """
    if "quote" in fields:
        return _short(msgspec.json.decode(fields["quote"], type=_Quote).text)
    if "reply_to_message" not in fields:
        return ""
    original = msgspec.json.decode(fields["reply_to_message"], type=_Text)
    if original.forum_topic_created or (topic_id and original.message_id == topic_id):
        return ""  # in a topic everything is a reply to the message that opened it
    words = original.text if original.text is not None else original.caption or ""
    is_ours = _sender_of(fields["reply_to_message"]) == our_id
    return "" if is_ours and words.startswith(_STATUS) else _short(words)


class _Sender(Struct):
    id: int = 0


class _Sent(Struct, rename={"sender": "from"}):
    sender: _Sender | None = None


def _sender_of(message: Raw) -> int:
    sender = msgspec.json.decode(message, type=_Sent).sender
    return sender.id if sender else 0


def _short(words: str) -> str:
    words = words.replace("\0", "").strip()
    return words if len(words) <= LONGEST else words[: LONGEST - 1].rstrip() + "…"
