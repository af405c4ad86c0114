"""How far each binding's session has been told of, and whose the turns in it are."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from codex_gateway.core.ids import BotName, ChatRef, SessionId
from codex_gateway.core.ports import Parcel
from codex_gateway.core.run import Session
from codex_gateway.core.sighting import TurnMark
from codex_gateway.store import outbox, sessions
from codex_gateway.store.database import Database, Row, Transaction

_BY_ID = "SELECT r.bot FROM attempts a JOIN runs r ON r.id = a.run_id WHERE a.turn_id = ? AND r.session_id = ?"
_BY_PLACE = "SELECT r.bot FROM attempts a JOIN runs r ON r.id = a.run_id WHERE a.turn_bytes = ? AND r.session_id = ?"
#: A record's time is taken before it is written, ours after something was read: this much may lie between, in seconds.
_CLOCK_SLACK_S = 1.0
#: NUL and what is put for it, and the byte order mark.
_SIGNS = re.compile("[\0\N{REPLACEMENT CHARACTER}\N{ZERO WIDTH NO-BREAK SPACE}]")


@dataclass(frozen=True, slots=True)
class Bound:
    """A binding to a session that Codex has named. A `chat` with the id 0 stands for all chats of the bot."""

    chat: ChatRef
    session: Session
    bound_at: float


@dataclass(frozen=True, slots=True)
class Cursor:
    """Read from `offset_bytes` on; up to `told_bytes` everything has been told."""

    offset_bytes: int
    told_bytes: int


@dataclass(frozen=True, slots=True)
class Origin:
    """Through which bot a turn was asked for; None: through none of ours."""

    bot: BotName | None


class Mirrors:
    """The table `mirrors`; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def bound(self) -> dict[Bound, Cursor | None]:
        """Every binding to a session that has a name; without a cursor nothing has been mirrored there yet."""
        rows = await self._database.read(
            lambda tx: tx.all(
                "SELECT b.bot, b.chat_id, b.topic_id, b.bound_at, s.*, m.offset_bytes, m.told_bytes FROM bindings b"
                " JOIN sessions s ON s.id = b.session_id LEFT JOIN mirrors m ON (m.bot, m.chat_id, m.topic_id,"
                " m.session_id, m.bound_at) = (b.bot, b.chat_id, b.topic_id, b.session_id, b.bound_at)"
                " WHERE s.thread_id IS NOT NULL"
            )
        )
        return {_bound(row): _cursor(row) for row in rows}

    async def begin(self, bound: Bound, offset_bytes: int) -> None:
        """Mirror a binding from an offset on, whatever was told of it before."""
        await self._database.write(
            lambda tx: tx.run(
                "INSERT INTO mirrors (bot, chat_id, topic_id, session_id, bound_at, offset_bytes, told_bytes)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) ON CONFLICT DO UPDATE SET session_id = excluded.session_id,"
                " bound_at = excluded.bound_at, offset_bytes = excluded.offset_bytes, told_bytes = excluded.told_bytes",
                (*_key(bound), offset_bytes),
            )
        )

    async def forget(self, bots: Collection[BotName]) -> None:
        """Bots that do not mirror: should they ever do so again, what went on meanwhile is history."""
        await self._database.write(
            lambda tx: tx.run("DELETE FROM mirrors WHERE bot IN (SELECT value FROM json_each(?))", (_json(bots),))
        )

    async def tell(self, bound: Bound, cursor: Cursor, *, chat: ChatRef, parcels: Sequence[Parcel], now: float) -> bool:
        """Put messages into the outbox and move on to `cursor`. False, and nothing: it is bound otherwise by now."""

        async def work(tx: Transaction) -> bool:
            moved = await tx.first(
                "UPDATE mirrors SET offset_bytes = ?6, told_bytes = ?7 WHERE bot = ?1 AND chat_id = ?2"
                " AND topic_id = ?3 AND session_id = ?4 AND bound_at = ?5 RETURNING bot",
                (*_key(bound), cursor.offset_bytes, cursor.told_bytes),
            )
            if moved is not None:
                await outbox.add(tx, chat, kind=outbox.Kind.MIRROR, parcels=parcels, now=now)
            return moved is not None

        return await self._database.write(work)

    async def origin(self, session_id: SessionId, turn: TurnMark, *, prompt: str | None) -> Origin | None:
        """Whose a turn is that was seen in the session's file; None while nobody can know.

        An attempt is written down before its process starts, and which turn it is as soon as that was read. So a turn
        that no attempt claims is another's, unless an attempt is still about to learn which turn it is. One that never
        did, because it was stopped at the wrong moment say, is known by its prompt.
        """

        async def work(tx: Transaction) -> Origin | None:
            name = turn.began_bytes if turn.turn_id is None else turn.turn_id
            ours = await tx.first(_BY_PLACE if turn.turn_id is None else _BY_ID, (name, session_id))
            if ours is not None:
                return Origin(BotName(ours["bot"]))
            doubtful = await tx.all(
                "SELECT r.bot, r.prompt, a.ended_at FROM attempts a JOIN runs r ON r.id = a.run_id"
                " WHERE a.turn_id IS NULL AND a.turn_bytes IS NULL AND NOT a.is_waiting"
                " AND r.session_id = ? AND a.offset_bytes < ?"
                " ORDER BY a.id",
                (session_id, turn.began_bytes),
            )
            if any(row["ended_at"] is None for row in doubtful):
                return None
            fitting = (row for row in doubtful if _fits(row, turn, prompt))
            return Origin(next((BotName(row["bot"]) for row in fitting), None))

        return await self._database.read(work)

    async def chats(self, bound: Bound) -> list[ChatRef]:
        """Where the bot was spoken to in this session, the latest chat first."""
        if bound.chat.chat_id:
            return [bound.chat]
        rows = await self._database.read(
            lambda tx: tx.all(
                "SELECT r.chat_id, r.topic_id FROM runs r WHERE r.session_id = ? AND r.bot = ? AND NOT EXISTS ("
                "SELECT 1 FROM bindings b WHERE (b.bot, b.chat_id, b.topic_id) = (r.bot, r.chat_id, r.topic_id))"
                " GROUP BY r.chat_id, r.topic_id ORDER BY max(r.id) DESC",
                (bound.session.id, bound.chat.bot),
            )
        )
        return [ChatRef(bound.chat.bot, row["chat_id"], row["topic_id"]) for row in rows]


async def begin_session(
    tx: Transaction, session_id: SessionId, *, bots: Collection[BotName], offset_bytes: int
) -> None:
    """Mirror a session that has just begun, as a part of the transaction that notes its first turn."""
    await tx.run(
        "INSERT INTO mirrors (bot, chat_id, topic_id, session_id, bound_at, offset_bytes, told_bytes)"
        " SELECT bot, chat_id, topic_id, session_id, bound_at, ?2, ?2 FROM bindings WHERE session_id = ?1"
        " AND bot IN (SELECT value FROM json_each(?3))"
        " ON CONFLICT DO UPDATE SET session_id = excluded.session_id, bound_at = excluded.bound_at,"
        " offset_bytes = excluded.offset_bytes, told_bytes = excluded.told_bytes"
        " WHERE (mirrors.session_id, mirrors.bound_at) <> (excluded.session_id, excluded.bound_at)",
        (session_id, offset_bytes, _json(bots)),
    )


def _fits(row: Row, turn: TurnMark, prompt: str | None) -> bool:
    """Whether an attempt that ended without knowing its turn may have been this one."""
    if turn.began_at is not None and turn.began_at > row["ended_at"] + _CLOCK_SLACK_S:
        return False
    return prompt is None or _words(prompt) == _words(str(row["prompt"]))


def _words(prompt: str) -> str:
    """Without what an agent may have left out of it, or put something else for."""
    return " ".join(_SIGNS.sub(" ", prompt).split())


def _key(bound: Bound) -> tuple[str, int, int, int, float]:
    chat = bound.chat
    return chat.bot, chat.chat_id, chat.topic_id, bound.session.id, bound.bound_at


def _json(bots: Collection[BotName]) -> str:
    return json.dumps(sorted(bots))


def _bound(row: Row) -> Bound:
    chat = ChatRef(BotName(row["bot"]), row["chat_id"], row["topic_id"])
    return Bound(chat, sessions.as_session(row), row["bound_at"])


def _cursor(row: Row) -> Cursor | None:
    return None if row["offset_bytes"] is None else Cursor(row["offset_bytes"], row["told_bytes"])
