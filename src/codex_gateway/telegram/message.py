"""One message as it will stand in a chat: text with its formatting, buttons, maybe a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from codex_gateway.telegram.markup import Formatted


@dataclass(frozen=True, slots=True)
class Copied:
    """What a button puts into the person's clipboard, 1 to 256 characters (`copy_text`, Bot API 7.11)."""

    copied: str


#: A label, and the data that comes back when it is pressed (at most 64 bytes) or what a press copies.
Button: TypeAlias = tuple[str, str | Copied]
#: Rows of buttons.
Keyboard: TypeAlias = tuple[tuple[Button, ...], ...]

#: Telegram's own limit of a message, in UTF-16 units (Bot API 10.3).
MESSAGE_LIMIT = 4096
#: And of what is written below a file.
CAPTION_LIMIT = 1024


@dataclass(frozen=True, slots=True)
class Document:
    """A file to send: its name as people see it, and what is in it or, for one that lies on disk, its path."""

    name: str
    text: str | None = None
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One message, ready but for being packed. With a document, the text is its caption."""

    formatted: Formatted
    keyboard: Keyboard = ()
    #: It arrives without a sound.
    is_silent: bool = False
    document: Document | None = None
    #: A rich message (Bot API 10.1) in its HTML form; the text is empty then.
    rich: str | None = None
    #: What says the same, or the rest of it, where the chat does not take this message.
    instead: tuple[Message, ...] = ()
