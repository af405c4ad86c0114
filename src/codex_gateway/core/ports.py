"""What the hall asks of the plural world: agents that perform turns, chats that reach people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NewType, Protocol, TypeAlias

from codex_gateway.core.diagnosis import Evidence
from codex_gateway.core.event import Event
from codex_gateway.core.holder import Holder
from codex_gateway.core.ids import BotName, ChatRef, MessageRef, ThreadId
from codex_gateway.core.outcome import Outcome
from codex_gateway.core.reply import Card, LiveCard, Moment, Reply
from codex_gateway.core.run import Attempt, Session, StartingPoint, Turn
from codex_gateway.core.saved import DirectoryFault, SavedPage, SavedSession
from codex_gateway.core.sighting import Sighting

#: Called with each event, in order, and the offset in bytes just past its record in the session file (0 for an event
#: that came from elsewhere). Awaiting it is the back-pressure.
Emit: TypeAlias = Callable[[Event, int], Awaitable[None]]

#: One message, ready to go, in the chat's own form: text for us to keep in a row, for the chat alone to read.
Parcel = NewType("Parcel", str)


class Agent(Protocol):
    """Performs turns. Never raises for the agent's faults: they are outcomes.

    Cancelling `perform` or `reattach` stops everything that was started for the turn, then re-raises; it takes at most
    about ten seconds, for a process that ignores signals.
    """

    def starting_point(self, turn: Turn) -> StartingPoint:
        """Where the records of this turn will begin; to be kept before `perform`."""
        ...

    async def perform(self, turn: Turn, attempt: Attempt, emit: Emit) -> Outcome:
        """Run one turn to its end; on return nothing of it is left, but for `Detached`.

        While somebody else has the session open it waits, for as long as that takes: `SessionHeld` says so, and
        `SessionFree` that the wait is over. Cancelled between the two, it has started nothing.
        """
        ...

    async def reattach(self, attempt: Attempt, emit: Emit) -> Outcome:
        """Go on with a turn that an earlier life of ours began; its events are emitted again from the offset on."""
        ...

    async def evidence(self, attempt: Attempt) -> Evidence | None:
        """What the machine shows of a turn that `perform` or `reattach` is at; None when there is nothing to look at.

        Takes milliseconds, and none of them from the event loop. Never raises.
        """
        ...

    async def recall(self, attempt: Attempt, *, at_most: int) -> tuple[list[Moment], int]:
        """What the session still tells of a turn, the latest `at_most` events, and how many came before them.

        Takes a second at most, and nothing of it from the event loop. Never raises: what cannot be read is not told.
        """
        ...

    def oust(self, thread_id: ThreadId, holder: Holder) -> None:
        """Have `holder`, a process that an attempt of ours has left behind, ended by the `perform` that waits for it.

        Nothing happens to anybody else's process, nor if the session is held by another one by then.
        """
        ...

    def release(self) -> None:
        """Let every turn go on without us: each `perform` and `reattach` soon returns `Detached`."""
        ...


class Downloads(Protocol):
    """Gets files that people have sent."""

    async def fetch(self, bot: BotName, file_id: str) -> bytes:
        """The whole file, at most 20 MB, within two minutes. Raises ChatBusy, ChatUnreachable or ChatRefused."""
        ...


class SessionView(Protocol):
    """A session's turns, read as they are written."""

    @property
    def begins_at(self) -> int:
        """The offset in bytes from which this view reads."""
        ...

    @property
    def is_lost(self) -> bool:
        """The session's file was cut or replaced: offsets mean nothing any more, and nothing more will be seen here."""
        ...

    def read(self) -> tuple[list[Sighting], bool]:
        """What a bite of the file tells, and whether there is more at once; nothing unless it may have grown."""
        ...

    def close(self) -> None: ...


class Observer(Protocol):
    """Sees what goes on in sessions, whoever brings it about. Everything is to be used inside of `watching`."""

    def watching(self) -> AbstractContextManager[None]: ...

    async def open(self, session: Session, *, from_bytes: int | None) -> SessionView | None:
        """A view from an offset on, or from the end of what there is; None while the session has no file.

        An offset at which no record begins is not taken: the view begins at the end instead.
        """
        ...

    async def wait(self, *, at_most_s: float) -> None:
        """Until a view may have more to tell."""
        ...


class Shelf(Protocol):
    """Where a bot's agent keeps its conversations, and where it may work. Nothing is read on the event loop."""

    async def page(self, *, skip: int, limit: int) -> SavedPage:
        """The conversations from the place `skip` on, the one changed last first; the last page if there are fewer."""
        ...

    async def matching(self, words: str, *, limit: int) -> tuple[SavedSession, ...]:
        """The latest ones whose title holds `words`, or whose id begins with them."""
        ...

    async def find(self, thread_id: ThreadId) -> SavedSession | None:
        """The one of that id, archived ones too."""
        ...

    async def holder(self, thread_id: ThreadId) -> tuple[bool, Holder | None]:
        """Whether anybody has it open, and who, as far as that can be known."""
        ...

    async def workdir(self, words: str) -> Path | DirectoryFault:
        """The directory that a person names, absolute, if it may be worked in."""
        ...

    async def can_fork(self) -> bool:
        """Whether the agent can fork a conversation."""
        ...

    async def version(self) -> str | None:
        """What the installed agent calls itself."""
        ...


class Chat(Protocol):
    """Reaches people. Keeps within the chat's limits by itself: a call may wait for its turn.

    `send`, `edit` and `repaint` raise `ChatBusy`, `ChatUnreachable` or `ChatRefused`.
    """

    def compose(self, chat: ChatRef, reply: Reply) -> list[Parcel]:
        """The messages that say `reply` in this chat, in order; exactly one for a `Card`. Pure."""
        ...

    async def worded(self, chat: ChatRef, reply: Reply) -> list[Parcel]:
        """What `compose` returns, for a reply that may be of any length: everything else goes on meanwhile."""
        ...

    async def send(self, chat: ChatRef, parcel: Parcel, *, reply_to: int | None) -> MessageRef:
        """Send one message, as a reply to message `reply_to` if that still exists."""
        ...

    async def edit(self, message: MessageRef, parcel: Parcel) -> None:
        """Make a message say something else, with the urgency of a result."""
        ...

    def park(self, chat: ChatRef, until: float) -> None:
        """Leave a chat alone until a time of the wall clock (Unix seconds), as it told an earlier life of ours."""
        ...

    async def show_draft(self, chat: ChatRef, draw: Callable[[], LiveCard | None]) -> bool:
        """Show what a run is at in a draft, as `repaint` does. False: there are no drafts in this chat, now or ever.

        A draft is gone after 30 seconds, or with the next message. Raises `ChatBusy` and `ChatUnreachable`.
        """
        ...

    async def repaint(self, message: MessageRef, draw: Callable[[], Card | None]) -> None:
        """Make a status message show what is true when there is room for it.

        Gives way to everything else in the chat. `draw` is called when its turn has come, so that the latest state is
        shown; None from it means there is nothing to show any more, and nothing is sent.
        """
        ...
