"""The order of what waits in a session, and how a chat changes it."""

from __future__ import annotations

from dataclasses import dataclass

from codex_gateway.core.ids import BotName, ChatRef, InboxId, RunId, SessionId
from codex_gateway.core.outcome import StopReason
from codex_gateway.core.reply import SettledCard
from codex_gateway.core.run import Run, RunState
from codex_gateway.store import inbox, outbox, runs
from codex_gateway.store.database import Database, Transaction
from codex_gateway.store.outbox import Compose


@dataclass(frozen=True, slots=True)
class Place:
    """A waiting run, the chat it was asked for in, and how many runs of its session come first."""

    run_id: RunId
    chat: ChatRef
    ahead: int


class Queue:
    """Changes what waits; each method is one transaction. Runs of other chats are never touched."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def places(self) -> list[Place]:
        """Every run that waits, in the order of the places."""
        rows = await self._database.read(
            lambda tx: tx.all(
                "SELECT r.id, r.bot, r.chat_id, r.topic_id, (SELECT count(*) FROM runs x WHERE x.session_id ="
                " r.session_id AND x.ended_at IS NULL AND (x.state = 'running' OR (x.state = 'queued'"
                " AND coalesce(x.place, x.id) < coalesce(r.place, r.id)))) AS ahead"
                " FROM runs r WHERE r.state = 'queued' ORDER BY coalesce(r.place, r.id)"
            )
        )
        return [
            Place(RunId(row["id"]), ChatRef(BotName(row["bot"]), row["chat_id"], row["topic_id"]), int(row["ahead"]))
            for row in rows
        ]

    async def drop(self, inbox_id: InboxId, chat: ChatRef, run_id: RunId, *, compose: Compose, now: float) -> bool:
        """Take a run out of the queue. False, and nothing: it does not wait, or is not this chat's."""

        async def work(tx: Transaction) -> bool:
            run = await _waiting(tx, chat, run_id)
            if run is None:
                return False
            await take_out(tx, run, compose=compose, now=now)
            await inbox.close(tx, inbox_id, inbox.Fate.HANDLED, now=now)
            return True

        return await self._database.write(work)

    async def move_up(self, inbox_id: InboxId, chat: ChatRef, run_id: RunId, *, now: float) -> bool | None:
        """Let a run change places with the one before it. False: none waits before it. None: it does not wait."""

        async def work(tx: Transaction) -> bool | None:
            if await _waiting(tx, chat, run_id) is None:
                return None
            before = await tx.first(
                "SELECT x.id, coalesce(x.place, x.id) AS place, coalesce(r.place, r.id) AS own FROM runs r"
                " JOIN runs x ON x.session_id = r.session_id AND x.ended_at IS NULL AND x.state = 'queued'"
                " AND coalesce(x.place, x.id) < coalesce(r.place, r.id) WHERE r.id = ? ORDER BY 2 DESC LIMIT 1",
                (run_id,),
            )
            if before is None:
                return False
            await tx.run("UPDATE runs SET place = ? WHERE id = ?", (before["place"], run_id))
            await tx.run("UPDATE runs SET place = ? WHERE id = ?", (before["own"], before["id"]))
            await inbox.close(tx, inbox_id, inbox.Fate.HANDLED, now=now)
            return True

        return await self._database.write(work)

    async def clear(self, inbox_id: InboxId, chat: ChatRef, last: RunId, *, compose: Compose, now: float) -> int:
        """Take out what a chat has waiting in the session of run `last`, up to that one; returns how many.

        What was asked for later stays: whoever pressed the button had not seen it.
        """

        async def work(tx: Transaction) -> int:
            waiting = await runs.select(
                tx,
                "r.ended_at IS NULL AND r.state = 'queued' AND r.id <= ?1 AND r.bot = ?2 AND r.chat_id = ?3"
                " AND r.session_id = (SELECT session_id FROM runs WHERE id = ?1 AND bot = ?2 AND chat_id = ?3)"
                " ORDER BY r.id",
                (last, chat.bot, chat.chat_id),
            )
            for run in waiting:
                await take_out(tx, run, compose=compose, now=now)
            if waiting:
                await inbox.close(tx, inbox_id, inbox.Fate.HANDLED, now=now)
            return len(waiting)

        return await self._database.write(work)


async def take_out(tx: Transaction, run: Run, *, compose: Compose, now: float) -> None:
    """End a run that waits, with its verdict."""
    await runs.settle(tx, run.id, runs.Settlement(RunState.STOPPED, stop_reason=StopReason.USER), now=now)
    await outbox.add(
        tx,
        run.chat,
        kind=outbox.Kind.VERDICT,
        parcels=compose(_never_ran(run.id)),
        now=now,
        run_id=run.id,
        reply_to=run.prompt_message_id,
    )


async def last_waiting(tx: Transaction, chat: ChatRef, session_id: SessionId) -> RunId | None:
    """The latest prompt that a chat has waiting in a session."""
    row = await tx.first(
        "SELECT max(id) AS id FROM runs WHERE session_id = ? AND ended_at IS NULL AND state = 'queued' AND bot = ?"
        " AND chat_id = ?",
        (session_id, chat.bot, chat.chat_id),
    )
    return None if row is None or row["id"] is None else RunId(row["id"])


async def _waiting(tx: Transaction, chat: ChatRef, run_id: RunId) -> Run | None:
    run = await runs.find(tx, run_id)
    is_ours = run is not None and (run.chat.bot, run.chat.chat_id) == (chat.bot, chat.chat_id)
    return run if run is not None and is_ours and run.state is RunState.QUEUED else None


def _never_ran(run_id: RunId) -> SettledCard:
    return SettledCard(
        run_id=run_id,
        state=RunState.STOPPED,
        elapsed_s=None,
        step_count=0,
        file_count=0,
        tokens=None,
        stop_reason=StopReason.USER,
        failure_kind=None,
        error=None,
    )
