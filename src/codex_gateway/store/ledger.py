"""Questions about what has been: reads only."""

from __future__ import annotations

from dataclasses import dataclass

from codex_gateway.core.event import Window
from codex_gateway.core.ids import BotName, ChatRef, RunId
from codex_gateway.core.run import Attempt, Run, RunState, Session
from codex_gateway.store import runs, sessions
from codex_gateway.store.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class Overview:
    """A chat's session and what goes on in it."""

    session: Session | None
    running: Run | None
    #: In order; what the chat has waiting in sessions that it has left comes last.
    waiting: tuple[Run, ...]
    #: The one that ended last.
    last: Run | None
    run_count: int
    #: What the chat has at work in sessions that it has left: it spoke to another one when it asked.
    elsewhere: tuple[Run, ...] = ()


class Ledger:
    """Reads runs and sessions; each method sees one state of the file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def overview(self, chat: ChatRef) -> Overview:
        """What goes on in the session that a chat speaks to, and what it has not seen the end of in others."""

        async def work(tx: Transaction) -> Overview:
            session = await sessions.find(tx, chat)
            if session is None:
                return Overview(None, None, (), None, 0)
            live = await runs.select(
                tx,
                "r.ended_at IS NULL AND"
                " (r.session_id = ?1 OR (r.bot = ?2 AND r.chat_id = ?3 AND r.topic_id = ?4))"
                " ORDER BY r.session_id <> ?1, coalesce(r.place, r.id)",
                (session.id, chat.bot, chat.chat_id, chat.topic_id),
            )
            running = [run for run in live if run.state is RunState.RUNNING]
            ended = await runs.select(
                tx, "r.session_id = ? AND r.ended_at IS NOT NULL ORDER BY r.id DESC LIMIT 1", (session.id,)
            )
            count = await tx.first("SELECT count(*) AS n FROM runs WHERE session_id = ?", (session.id,))
            return Overview(
                session=session,
                running=next((run for run in running if run.session.id == session.id), None),
                waiting=tuple(run for run in live if run.state is RunState.QUEUED),
                last=ended[0] if ended else None,
                run_count=int(count["n"]) if count is not None else 0,
                elsewhere=tuple(run for run in running if run.session.id != session.id),
            )

        return await self._database.read(work)

    async def last_answered(self, chat: ChatRef) -> Run | None:
        """The latest run of a chat's session that has an answer."""

        async def work(tx: Transaction) -> Run | None:
            session = await sessions.find(tx, chat)
            if session is None:
                return None
            found = await runs.select(
                tx, "r.session_id = ? AND r.answer IS NOT NULL ORDER BY r.id DESC LIMIT 1", (session.id,)
            )
            return found[0] if found else None

        return await self._database.read(work)

    async def last_windows(self, chat: ChatRef) -> tuple[Window, ...]:
        """What was last told of the allowance of the account that a chat's session is run with."""

        async def work(tx: Transaction) -> tuple[Window, ...]:
            session = await sessions.find(tx, chat)
            if session is None:
                return ()
            where = "s.codex_home = ? AND r.windows IS NOT NULL ORDER BY r.ended_at DESC LIMIT 1"
            found = await runs.select(tx, where, (str(session.codex_home),))
            return found[0].windows if found else ()

        return await self._database.read(work)

    async def last_of_chat(self, chat: ChatRef) -> Run | None:
        """The latest prompt of a chat."""

        async def work(tx: Transaction) -> Run | None:
            found = await runs.select(
                tx,
                "r.bot = ? AND r.chat_id = ? AND r.topic_id = ? ORDER BY r.id DESC LIMIT 1",
                (chat.bot, chat.chat_id, chat.topic_id),
            )
            return found[0] if found else None

        return await self._database.read(work)

    async def retry_under_way(self, run_id: RunId) -> Run | None:
        """The retry of a run that has not ended yet, if there is one."""

        async def work(tx: Transaction) -> Run | None:
            found = await runs.select(tx, "r.retry_of = ? AND r.ended_at IS NULL LIMIT 1", (run_id,))
            return found[0] if found else None

        return await self._database.read(work)

    async def run(self, run_id: RunId) -> Run | None:
        """One run."""
        return await self._database.read(lambda tx: runs.find(tx, run_id))

    async def last_attempt(self, run_id: RunId) -> Attempt | None:
        """The attempt that a run ended with, or is at."""
        return await self._database.read(lambda tx: runs.last_attempt(tx, run_id))

    async def latest(self, *, limit: int, bot: BotName | None = None) -> list[Run]:
        """The latest runs of one bot or all, newest first."""
        return await self._database.read(
            lambda tx: runs.select(tx, "(?1 IS NULL OR r.bot = ?1) ORDER BY r.id DESC LIMIT ?2", (bot, limit))
        )
