"""What a door brings in: who wants what, and where to answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from codex_gateway.core.attachment import Attachment
from codex_gateway.core.ids import ChatRef, RunId, UserId
from codex_gateway.core.manner import Choice, Setting


class Shape(StrEnum):
    """What the form of a message tells of the prompt that it is, or is a part of."""

    WHOLE = "whole"
    #: As long as a message can be: the rest probably follows.
    CUT = "cut"
    #: One of several files that were sent together.
    ALBUM = "album"
    #: Somebody else's words, or the person's own of another time: something to look at, never a wish.
    FORWARDED = "forwarded"


@dataclass(frozen=True, slots=True)
class Ask:
    """Give this prompt to Codex, with these files; without words it is about the files alone."""

    prompt: str
    attachments: tuple[Attachment, ...] = ()
    #: What it replies to.
    quoted: str = ""
    shape: Shape = Shape.WHOLE
    #: Names the album, for one.
    album: str = ""
    #: False: said in a group to nobody. It counts only as a part of what is said to us.
    is_addressed: bool = True


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop a run: the one named, or whatever runs in this chat's session."""

    run_id: RunId | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """Ask the last prompt of this chat, or the one of the run named, once more."""

    run_id: RunId | None = None


@dataclass(frozen=True, slots=True)
class KeepWaiting:
    """Let the long command of this run go on."""

    run_id: RunId


@dataclass(frozen=True, slots=True)
class Fork:
    """Do not wait for the session of this run: go on in a new one, forked from it."""

    run_id: RunId


@dataclass(frozen=True, slots=True)
class EndHolder:
    """End the process that this run waits for, if an earlier run of ours has left it behind."""

    run_id: RunId


@dataclass(frozen=True, slots=True)
class AskStatus:
    """What is going on?"""


@dataclass(frozen=True, slots=True)
class AskLastResult:
    """Say the last answer again."""


@dataclass(frozen=True, slots=True)
class AskQueue:
    """What waits?"""


@dataclass(frozen=True, slots=True)
class AskSession:
    """Which session is this chat bound to?"""


@dataclass(frozen=True, slots=True)
class AskWho:
    """Who am I, to you?"""


@dataclass(frozen=True, slots=True)
class AskHelp:
    """What can I say?"""


@dataclass(frozen=True, slots=True)
class SendFile:
    """Send a file of the work directory; an empty path says that none was named."""

    path: str


@dataclass(frozen=True, slots=True)
class Diff:
    """Show what differs from the last commit in the work directory, of this chat or of the run named."""

    run_id: RunId | None = None


@dataclass(frozen=True, slots=True)
class Amend:
    """The message of this request was changed: its prompt is now this one."""

    ask: Ask


class MisspokenReason(StrEnum):
    """Why nothing can be done with a message."""

    UNKNOWN_COMMAND = "unknown_command"
    #: `/new` with nothing behind it.
    EMPTY_PROMPT = "empty_prompt"
    #: A sticker, a poll, a place …
    UNSUPPORTED_CONTENT = "unsupported_content"
    #: A button that this version does not have, or that nobody ever had.
    UNKNOWN_BUTTON = "unknown_button"
    #: More than the chat lets us download.
    FILE_TOO_LARGE = "file_too_large"
    #: Spoken words, and nothing is configured that understands them.
    VOICE_NOT_CONFIGURED = "voice_not_configured"
    #: A message was changed that is the prompt of no run, or into a command.
    EDITED = "edited"


@dataclass(frozen=True, slots=True)
class Misspoken:
    """It was meant for us and is nothing we can act on."""

    reason: MisspokenReason
    #: The word or the kind of content it is about, e.g. "/stpo" or "voice".
    about: str


@dataclass(frozen=True, slots=True)
class AskChoice:
    """What is chosen here, and what is there to choose from? `unknown` is a word that was none of it."""

    setting: Setting
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class Choose:
    """From now on, do it so in this chat."""

    choice: Choice


@dataclass(frozen=True, slots=True)
class ShowLog:
    """Tell what a run did, step by step."""

    run_id: RunId


@dataclass(frozen=True, slots=True)
class Drop:
    """Take this run out of the queue."""

    run_id: RunId


@dataclass(frozen=True, slots=True)
class MoveUp:
    """Let this run wait one place less."""

    run_id: RunId


@dataclass(frozen=True, slots=True)
class ClearQueue:
    """Take out of the queue what this chat has waiting in the session of a run, up to that run."""

    last: RunId


@dataclass(frozen=True, slots=True)
class AskSessions:
    """Which conversations are there? From the place `skip` on; `in_place`: a list that is shown goes on."""

    skip: int = 0
    in_place: bool = False


@dataclass(frozen=True, slots=True)
class Bind:
    """Let this chat speak to the session of that id, or with that in its title; work in that directory."""

    session: str | None
    workdir: str | None = None


@dataclass(frozen=True, slots=True)
class Unbind:
    """Let this chat speak to the bot's own session again."""


@dataclass(frozen=True, slots=True)
class NewSession:
    """Let the next prompt begin a conversation, in that directory."""

    workdir: str | None = None


@dataclass(frozen=True, slots=True)
class ForkSession:
    """Let the next prompt go on in a fork of this chat's session."""


Wish: TypeAlias = (
    Ask
    | Cancel
    | Retry
    | KeepWaiting
    | Fork
    | EndHolder
    | AskStatus
    | AskLastResult
    | AskQueue
    | AskSession
    | AskWho
    | AskHelp
    | Misspoken
    | AskChoice
    | Choose
    | SendFile
    | Diff
    | Amend
    | ShowLog
    | Drop
    | MoveUp
    | ClearQueue
    | AskSessions
    | Bind
    | Unbind
    | NewSession
    | ForkSession
)


@dataclass(frozen=True, slots=True)
class Request:
    """A wish with its origin. `message_id` is what the answer replies to; `is_private` is a chat of two.

    `language` is the IETF tag of the person's language, if the door knows it. `sent_at` is when it was said by the
    chat's own clock, a Unix time.
    """

    chat: ChatRef
    user_id: UserId
    message_id: int
    is_private: bool
    wish: Wish
    language: str | None = None
    sent_at: int | None = None
