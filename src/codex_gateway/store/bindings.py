"""Changes of what a chat is bound to, each in one transaction with its update and the words that answer it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from codex_gateway.core.ids import BotName, ChatRef, InboxId, ThreadId
from codex_gateway.core.ports import Parcel
from codex_gateway.core.run import Session
from codex_gateway.store import inbox, outbox, sessions
from codex_gateway.store.database import Database, Transaction
from codex_gateway.store.sessions import Binding


@dataclass(frozen=True, slots=True)
class Told:
    """The update that asked for a change, and the words that answer it."""

    inbox_id: InboxId
    parcels: Sequence[Parcel]
    reply_to: int


class Bindings:
    """The table `bindings`, but for the rows of the bots themselves; runs that wait stay with their session."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, chat: ChatRef) -> Binding | None:
        """What a chat is bound to: its own binding, else that of the bot."""
        return await self._database.read(lambda tx: sessions.binding(tx, chat))

    async def of_bot(self, bot: BotName) -> Binding | None:
        """What the chats of a bot are bound to that have no binding of their own."""
        return await self.of(ChatRef(bot, 0))

    async def bind(
        self, chat: ChatRef, *, codex_home: Path, thread_id: ThreadId, workdir: Path | None, told: Told, now: float
    ) -> None:
        """Bind a chat to a conversation that Codex knows."""

        async def work(tx: Transaction) -> None:
            session = await sessions.get_or_add(tx, codex_home=codex_home, thread_id=thread_id, now=now)
            await sessions.bind(tx, chat, session.id, workdir=workdir, now=now)

        await self._change(chat, work, told, now)

    async def begin(self, chat: ChatRef, *, codex_home: Path, workdir: Path | None, told: Told, now: float) -> None:
        """Bind a chat to a conversation that its next prompt begins."""

        async def work(tx: Transaction) -> None:
            session_id = await sessions.begin(tx, codex_home=codex_home, now=now)
            await sessions.bind(tx, chat, session_id, workdir=workdir, now=now)

        await self._change(chat, work, told, now)

    async def fork(self, chat: ChatRef, session: Session, *, told: Told, now: float) -> None:
        """Bind a chat to a conversation that its next prompt forks from `session`."""

        async def work(tx: Transaction) -> None:
            await sessions.fork(tx, chat, session, now=now)

        await self._change(chat, work, told, now)

    async def move(self, chat: ChatRef, session: Session, *, workdir: Path, told: Told, now: float) -> None:
        """Let a chat work in another directory, in the session that it speaks to."""
        await self._change(chat, lambda tx: sessions.bind(tx, chat, session.id, workdir=workdir, now=now), told, now)

    async def unbind(self, chat: ChatRef, *, told: Told, now: float) -> None:
        """From now on the chat speaks to the session of the bot."""
        key = (chat.bot, chat.chat_id, chat.topic_id)
        await self._change(
            chat,
            lambda tx: tx.run("DELETE FROM bindings WHERE bot = ? AND chat_id = ? AND topic_id = ?", key),
            told,
            now,
        )

    async def _change(
        self, chat: ChatRef, change: Callable[[Transaction], Awaitable[None]], told: Told, now: float
    ) -> None:
        async def work(tx: Transaction) -> None:
            await change(tx)
            await outbox.add(tx, chat, kind=outbox.Kind.REPLY, parcels=told.parcels, now=now, reply_to=told.reply_to)
            await inbox.close(tx, told.inbox_id, inbox.Fate.HANDLED, now=now)

        await self._database.write(work)
