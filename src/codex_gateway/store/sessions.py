"""Which Codex conversation each chat speaks to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from codex_gateway.core.ids import BotName, ChatRef, SessionId, ThreadId
from codex_gateway.core.run import Session
from codex_gateway.store.database import Database, Row, Transaction


@dataclass(frozen=True, slots=True)
class Binding:
    """Which session a chat speaks to and, if that is not the bot's own, the directory its prompts are worked on in."""

    session: Session
    workdir: Path | None
    #: It is the chat's own; else it is that of the bot.
    is_own: bool


class Sessions:
    """The tables `sessions` and `bindings`; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def bind_bot(self, bot: BotName, *, codex_home: Path, thread_id: ThreadId | None, now: float) -> Session:
        """Bind all chats of a bot to a thread; None keeps the binding there is, or makes one to a new conversation.

        A chat that was bound to a session of its own keeps that, unless the sessions lie elsewhere from now on.
        """

        async def work(tx: Transaction) -> Session:
            bound = await find(tx, ChatRef(bot, 0))
            if bound is not None and bound.codex_home == codex_home and thread_id in (None, bound.thread_id):
                return bound
            session = await get_or_add(tx, codex_home=codex_home, thread_id=thread_id, now=now)
            await tx.run(
                "DELETE FROM bindings WHERE bot = ? AND (chat_id = 0 OR session_id NOT IN"
                " (SELECT id FROM sessions WHERE codex_home = ?))",
                (bot, str(codex_home)),
            )
            await tx.run(
                "INSERT INTO bindings (bot, chat_id, topic_id, session_id, bound_at) VALUES (?, 0, 0, ?, ?)",
                (bot, session.id, now),
            )
            return session

        return await self._database.write(work)

    async def binding(self, chat: ChatRef) -> Binding | None:
        """What this chat is bound to."""
        return await self._database.read(lambda tx: binding(tx, chat))

    async def of(self, chat: ChatRef) -> Session | None:
        """The session this chat speaks to."""
        return await self._database.read(lambda tx: find(tx, chat))


async def find(tx: Transaction, chat: ChatRef) -> Session | None:
    """The session of a chat."""
    bound = await binding(tx, chat)
    return None if bound is None else bound.session


async def binding(tx: Transaction, chat: ChatRef) -> Binding | None:
    """What a chat is bound to: its own binding, else that of the bot."""
    row = await tx.first(
        "SELECT s.*, b.workdir, b.chat_id <> 0 AS is_own FROM bindings b JOIN sessions s ON s.id = b.session_id"
        " WHERE b.bot = ?1 AND ((b.chat_id = ?2 AND b.topic_id = ?3) OR (b.chat_id = 0 AND b.topic_id = 0))"
        " ORDER BY b.chat_id = 0 LIMIT 1",
        (chat.bot, chat.chat_id, chat.topic_id),
    )
    if row is None:
        return None
    workdir = None if row["workdir"] is None else Path(row["workdir"])
    return Binding(as_session(row), workdir, is_own=bool(row["is_own"]))


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
    bound = await binding(tx, chat)
    await bind(tx, chat, forked, workdir=None if bound is None else bound.workdir, now=now)
    return forked


async def begin(tx: Transaction, *, codex_home: Path, now: float) -> SessionId:
    """A conversation that Codex has yet to name."""
    return SessionId(
        await tx.insert("INSERT INTO sessions (codex_home, created_at) VALUES (?, ?)", (str(codex_home), now))
    )


async def bind(tx: Transaction, chat: ChatRef, session_id: SessionId, *, workdir: Path | None, now: float) -> None:
    """Bind a chat, and only that one."""
    await tx.run(
        "INSERT INTO bindings (bot, chat_id, topic_id, session_id, bound_at, workdir) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET session_id = excluded.session_id, bound_at = excluded.bound_at,"
        " workdir = excluded.workdir",
        (chat.bot, chat.chat_id, chat.topic_id, session_id, now, None if workdir is None else str(workdir)),
    )


async def get_or_add(tx: Transaction, *, codex_home: Path, thread_id: ThreadId | None, now: float) -> Session:
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
