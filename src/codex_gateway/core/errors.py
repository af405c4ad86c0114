"""The one tree of errors that cross a room's door; expected ends of a turn are values, not errors.

GatewayError
├── ConfigError             (config/) the configuration has faults; exit code 2
├── LockHeld                (store/)  another gateway holds the lock; exit code 75
├── StoreError              (store/)  the database cannot be opened or is too new; exit code 74
└── ChatError               what a chat answered to a send or an edit
    ├── ChatBusy            it told us to wait
    ├── ChatMoved           it has another id now
    ├── ChatUnreachable     nothing, or a fault of its own: worth trying again
    └── ChatRefused         never, for this message or this chat: trying again is useless
        ├── FormRefused     in this form; there is another one
        ├── MessageGone     the message to edit was deleted, or has become too old
        └── ChatClosed      nothing at all: the person blocked the bot, the group removed it
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_gateway.core.ports import Parcel


class GatewayError(Exception):
    """An expected failure: `str()` of it is a sentence for a person that says what to do."""

    #: What the process exits with when nobody handles it.
    exit_code = 1


class StoreError(GatewayError):
    """The database cannot be used as it is."""

    exit_code = 74


class LockHeld(GatewayError):
    """Another gateway runs on the same lock file."""

    exit_code = 75

    def __init__(self, path: str, *, pid: int | None) -> None:
        holder = f"process {pid}" if pid else "another process"
        super().__init__(
            f"A gateway already runs on this data: {holder} holds {path}. "
            "Stop it first, or give this one its own lock_path and db_path."
        )
        self.pid = pid


class ChatError(GatewayError):
    """What a chat answered to a send or an edit."""


class ChatBusy(ChatError):
    """The chat told us to wait; nothing was sent."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"the chat asks to wait {retry_after_s:.0f} s")
        self.retry_after_s = retry_after_s


class ChatMoved(ChatError):
    """The chat has another id from now on; nothing was sent."""

    def __init__(self, new_id: int) -> None:
        super().__init__(f"the chat has become chat {new_id}")
        self.new_id = new_id


class ChatUnreachable(ChatError):
    """The request failed on the way or on the other side.

    `uncertain` says that it may have been carried out all the same, so that trying again can repeat it.
    """

    def __init__(self, reason: str, *, uncertain: bool) -> None:
        super().__init__(reason)
        self.uncertain = uncertain


class ChatRefused(ChatError):
    """The chat will never take this request."""


class FormRefused(ChatRefused):
    """The chat does not take a message of this form; the parcels `instead` say the same in another one."""

    def __init__(self, reason: str, *, instead: tuple[Parcel, ...]) -> None:
        super().__init__(reason)
        self.instead = instead


class MessageGone(ChatRefused):
    """The message is not there to be edited any more."""


class ChatClosed(ChatRefused):
    """The bot may not write to the chat, until somebody there lets it."""
