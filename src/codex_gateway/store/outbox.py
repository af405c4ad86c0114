"""What must reach people: kept before it is sent, in order, with the message that it became."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from codex_gateway.core.ids import BotName, ChatRef, MessageRef, OutboxId, RunId
from codex_gateway.core.ports import Parcel
from codex_gateway.core.reply import Reply
from codex_gateway.store import kept_files, moving
from codex_gateway.store.database import Database, Row, Transaction

#: Puts a reply into messages of the chat it goes to.
Compose: TypeAlias = Callable[[Reply], list[Parcel]]


class Kind(StrEnum):
    """What a row of the outbox is for."""

    #: The one status message of a run.
    STATUS = "status"
    COMMENTARY = "commentary"
    ANSWER = "answer"
    #: The edit that ends the status message.
    VERDICT = "verdict"
    #: An answer to a command, or a question about a run at work.
    REPLY = "reply"
    #: What went on in the session outside of this bot.
    MIRROR = "mirror"


@dataclass(frozen=True, slots=True)
class Due:
    """The next thing to send in a chat. With `edits` it takes that message's place, if that can still be edited."""

    id: OutboxId
    chat: ChatRef
    run_id: RunId | None
    kind: Kind
    reply_to: int | None
    parcel: Parcel
    edits: MessageRef | None


@dataclass(frozen=True, slots=True)
class Parked:
    """A chat that must not be written to before `until` (Unix seconds)."""

    bot: BotName
    chat_id: int
    until: float


class Outbox:
    """The tables `outbox` and `parked_chats`; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def next(self, bot: BotName, chat_id: int) -> Due | None:
        """The oldest unsent row of a chat."""
        row = await self._database.read(
            lambda tx: tx.first(
                "SELECT o.*, coalesce(s.message_id, o.edits) AS edited_id FROM outbox o"
                " LEFT JOIN outbox s ON o.kind = 'verdict' AND s.run_id = o.run_id AND s.kind = 'status'"
                " WHERE o.bot = ? AND o.chat_id = ? AND o.state IN ('pending', 'sending')"
                " ORDER BY COALESCE(o.replaces, o.id), o.id LIMIT 1",
                (bot, chat_id),
            )
        )
        return None if row is None else _due(row)

    async def chats_with_work(self) -> list[tuple[BotName, int]]:
        """Every chat that something unsent waits for."""
        rows = await self._database.read(
            lambda tx: tx.all("SELECT DISTINCT bot, chat_id FROM outbox WHERE state IN ('pending', 'sending')")
        )
        return [(BotName(row["bot"]), int(row["chat_id"])) for row in rows]

    async def recover(self) -> int:
        """Mark what was being sent when we died: it will be sent again. Returns how many rows."""
        rows = await self._database.write(
            lambda tx: tx.all(
                "UPDATE outbox SET state = 'pending', is_repeated = 1 WHERE state = 'sending' RETURNING id"
            )
        )
        return len(rows)

    async def begin(self, outbox_id: OutboxId) -> None:
        """It is about to be sent."""
        await self._set("UPDATE outbox SET state = 'sending' WHERE id = ?", outbox_id)

    async def hold_back(self, outbox_id: OutboxId, *, may_have_arrived: bool) -> None:
        """It was not sent, or nobody knows; it waits for the next try."""
        await self._set(
            "UPDATE outbox SET state = 'pending', is_repeated = is_repeated OR ? WHERE id = ?",
            int(may_have_arrived),
            outbox_id,
        )

    async def sent(self, outbox_id: OutboxId, *, message_id: int, now: float) -> None:
        """It has become this message."""
        await self._set(
            "UPDATE outbox SET state = 'sent', message_id = ?, settled_at = ? WHERE id = ?", message_id, now, outbox_id
        )
        await kept_files.remove(self._database, outbox_id)

    async def refused(self, outbox_id: OutboxId, *, error: str, now: float) -> None:
        """The chat will never take it."""
        await self._set(
            "UPDATE outbox SET state = 'refused', error = ?, settled_at = ? WHERE id = ?", error, now, outbox_id
        )
        await kept_files.remove(self._database, outbox_id)

    async def replaced(self, due: Due, parcels: Sequence[Parcel], *, error: str, now: float) -> None:
        """The chat does not take it; these say the same, and go out where it would have gone."""

        async def work(tx: Transaction) -> None:
            # Of what stands in for the same row as this one, should it do that: a form may be refused in its turn.
            behind = await tx.all(
                "SELECT o.id FROM outbox o JOIN outbox r ON o.replaces = r.replaces"
                " WHERE r.id = ? AND o.id > r.id AND o.state = 'pending' ORDER BY o.id",
                (due.id,),
            )
            await tx.run(
                "UPDATE outbox SET state = 'refused', error = ?, settled_at = ? WHERE id = ?", (error, now, due.id)
            )
            for index, parcel in enumerate(parcels):
                await tx.run(
                    "INSERT INTO outbox (bot, chat_id, topic_id, run_id, kind, reply_to, parcel, source_bytes,"
                    " created_at, replaces)"
                    " SELECT bot, chat_id, topic_id, run_id, kind, ?, ?, source_bytes, ?, COALESCE(replaces, id)"
                    " FROM outbox WHERE id = ?",
                    (due.reply_to if index == 0 else None, parcel, now, due.id),
                )
            # They go out in the order of their ids, so what stood behind this one must have a higher one again.
            for row in behind:
                await tx.run("UPDATE outbox SET id = (SELECT MAX(id) + 1 FROM outbox) WHERE id = ?", (row["id"],))

        await self._database.write(work)

    async def status_message(self, run_id: RunId) -> MessageRef | None:
        """Where the status message of a run stands, once it was sent."""
        row = await self._database.read(
            lambda tx: tx.first(
                "SELECT bot, chat_id, topic_id, message_id FROM outbox WHERE run_id = ? AND kind = 'status'"
                " AND message_id IS NOT NULL",
                (run_id,),
            )
        )
        return None if row is None else MessageRef(_chat(row), row["message_id"])

    async def moved(self, bot: BotName, *, old_id: int, new_id: int) -> None:
        """A chat has another id now: see `moving`."""
        await moving.move(self._database, bot, old_id=old_id, new_id=new_id)

    async def renew_status(self, run_id: RunId, parcel: Parcel) -> bool:
        """The status message of a run at work is gone: it is sent anew, in its old place in the order.

        Once: `edits` names the one that is gone, which is tried first. False: it was renewed before, or need not be.
        """
        row = await self._database.write(
            lambda tx: tx.first(
                "UPDATE outbox SET state = 'pending', edits = message_id, message_id = NULL, settled_at = NULL,"
                " parcel = ? WHERE run_id = ? AND kind = 'status' AND state = 'sent' AND edits IS NULL"
                " AND EXISTS (SELECT 1 FROM runs WHERE runs.id = run_id AND runs.state = 'running') RETURNING id",
                (parcel, run_id),
            )
        )
        return row is not None

    async def said_to_bytes(self, run_id: RunId) -> int:
        """How far into the session file the commentary kept so far tells of."""
        row = await self._database.read(
            lambda tx: tx.first("SELECT MAX(source_bytes) AS bytes FROM outbox WHERE run_id = ?", (run_id,))
        )
        return int(row["bytes"] or 0) if row is not None else 0

    async def park(self, parked: Parked) -> None:
        """Keep a chat's deadline, so that a restart honours it too."""
        await self._database.write(
            lambda tx: tx.run(
                "INSERT INTO parked_chats (bot, chat_id, until) VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET until = MAX(until, excluded.until)",
                (parked.bot, parked.chat_id, parked.until),
            )
        )

    async def parked(self, *, now: float) -> list[Parked]:
        """The chats that must still be left alone; deadlines that have passed are forgotten."""

        async def work(tx: Transaction) -> list[Row]:
            await tx.run("DELETE FROM parked_chats WHERE until <= ?", (now,))
            return await tx.all("SELECT bot, chat_id, until FROM parked_chats")

        rows = await self._database.write(work)
        return [Parked(BotName(row["bot"]), row["chat_id"], row["until"]) for row in rows]

    async def _set(self, sql: str, *values: str | int | float) -> None:
        await self._database.write(lambda tx: tx.run(sql, values))


async def add(
    tx: Transaction,
    chat: ChatRef,
    *,
    kind: Kind,
    parcels: Sequence[Parcel],
    now: float,
    run_id: RunId | None = None,
    reply_to: int | None = None,
    source_bytes: int = 0,
    kept: Path | None = None,
    edits: int | None = None,
) -> None:
    """Put messages into the outbox, as a part of the transaction that they tell of.

    The first one is the reply, or takes the place of message `edits`. `kept` is a file of ours that the last of them
    sends; it is removed after that.
    """
    outbox_id = None
    for index, parcel in enumerate(parcels):
        outbox_id = await tx.insert(
            "INSERT INTO outbox (bot, chat_id, topic_id, run_id, kind, reply_to, parcel, source_bytes,"
            " created_at, edits) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                chat.bot,
                chat.chat_id,
                chat.topic_id,
                run_id,
                kind.value,
                reply_to if index == 0 else None,
                parcel,
                source_bytes,
                now,
                edits if index == 0 else None,
            ),
        )
    if kept is not None and outbox_id is not None:
        await kept_files.note(tx, OutboxId(outbox_id), kept)


def _chat(row: Row) -> ChatRef:
    return ChatRef(BotName(row["bot"]), row["chat_id"], row["topic_id"])


def _due(row: Row) -> Due:
    chat = _chat(row)
    edited = row["edited_id"]
    return Due(
        id=OutboxId(row["id"]),
        chat=chat,
        run_id=None if row["run_id"] is None else RunId(row["run_id"]),
        kind=Kind(row["kind"]),
        reply_to=row["reply_to"],
        parcel=Parcel(row["parcel"]),
        edits=None if edited is None else MessageRef(chat, edited),
    )
