"""Which Codex conversation each chat speaks to."""

from __future__ import annotations

from pathlib import Path

from codex_gateway.core.ids import BotName, ChatRef, SessionId, ThreadId
from codex_gateway.core.run import Session
from codex_gateway.store.database import Database, Row, Transaction


class Sessions:
    """The tables `sessions` and `bindings`; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def bind_bot(self, bot: BotName, *, codex_home: Path, thread_id: ThreadId | None, now: float) -> Session:
        """Bind all chats of a bot to a thread; None keeps the binding there is, or makes one to a new conversation.

        A chat that a fork has bound to a session of its own keeps that, unless the thread is another one than before.
        """

        async def work(tx: Transaction) -> Session:
            bound = await find(tx, ChatRef(bot, 0))
            if bound is not None and bound.codex_home == codex_home and thread_id in (None, bound.thread_id):
                return bound
            session = await _get_or_add(tx, codex_home=codex_home, thread_id=thread_id, now=now)
            await tx.run("DELETE FROM bindings WHERE bot = ?", (bot,))
            await tx.run(
                "INSERT INTO bindings (bot, chat_id, topic_id, session_id, bound_at) VALUES (?, 0, 0, ?, ?)",
                (bot, session.id, now),
            )
            return session

        return await self._database.write(work)

    async def of(self, chat: ChatRef) -> Session | None:
        """The session this chat speaks to."""
        return await self._database.read(lambda tx: find(tx, chat))


async def find(tx: Transaction, chat: ChatRef) -> Session | None:
    """The session of a chat: its own binding, else that of the bot."""
    row = await tx.first(
        "SELECT s.* FROM bindings b JOIN sessions s ON s.id = b.session_id"
        " WHERE b.bot = ?1 AND ((b.chat_id = ?2 AND b.topic_id = ?3) OR (b.chat_id = 0 AND b.topic_id = 0))"
        " ORDER BY b.chat_id = 0 LIMIT 1",
        (chat.bot, chat.chat_id, chat.topic_id),
    )
    return None if row is None else as_session(row)


async def identify(tx: Transaction, session_id: SessionId, thread_id: ThreadId) -> bool:
    """Codex has named a new conversation. False: it had done so already."""
    row = await tx.first(
        "UPDATE sessions SET thread_id = ? WHERE id = ? AND thread_id IS NULL RETURNING id", (thread_id, session_id)
    )
    return row is not None


async def fork(tx: Transaction, chat: ChatRef, session: Session, *, now: float) -> SessionId:
    """Bind a chat, and only that one, to a new conversation that goes on from `session`."""
    forked = SessionId(
        await tx.insert(
            "INSERT INTO sessions (codex_home, thread_id, forked_from, created_at) VALUES (?, NULL, ?, ?)",
            (str(session.codex_home), session.thread_id, now),
        )
    )
    await tx.run(
        "INSERT INTO bindings (bot, chat_id, topic_id, session_id, bound_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET session_id = excluded.session_id, bound_at = excluded.bound_at",
        (chat.bot, chat.chat_id, chat.topic_id, forked, now),
    )
    return forked


async def _get_or_add(tx: Transaction, *, codex_home: Path, thread_id: ThreadId | None, now: float) -> Session:
    row = await tx.first("SELECT * FROM sessions WHERE codex_home = ? AND thread_id = ?", (str(codex_home), thread_id))
    if row is not None:
        return as_session(row)
    session_id = await tx.insert(
        "INSERT INTO sessions (codex_home, thread_id, created_at) VALUES (?, ?, ?)", (str(codex_home), thread_id, now)
    )
    return Session(SessionId(session_id), codex_home, thread_id)


def as_session(row: Row, *, id_column: str = "id") -> Session:
    """A row of `sessions`, or of a join that holds its columns."""
    thread_id = row["thread_id"]
    return Session(
        id=SessionId(row[id_column]),
        codex_home=Path(row["codex_home"]),
        thread_id=None if thread_id is None else ThreadId(thread_id),
        forked_from=None if row["forked_from"] is None else ThreadId(row["forked_from"]),
    )
