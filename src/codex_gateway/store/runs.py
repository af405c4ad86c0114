"""The way of a run from the queue to its end, each step one transaction."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from codex_gateway.core.diagnosis import Diagnosis
from codex_gateway.core.event import Context, Tokens, Window
from codex_gateway.core.ids import AttemptId, BotName, ChatRef, RunId, SessionId, ThreadId, UserId
from codex_gateway.core.outcome import FailureKind, StopReason
from codex_gateway.core.ports import Parcel
from codex_gateway.core.run import Attempt, Run, RunState, StartingPoint
from codex_gateway.store import diagnoses, mirrors, outbox, sessions
from codex_gateway.store.database import Database, Row, Transaction

_SELECT = "SELECT r.*, s.codex_home, s.thread_id, s.forked_from FROM runs r JOIN sessions s ON s.id = r.session_id"


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a run ended."""

    state: RunState
    answer: str | None = None
    stop_reason: StopReason | None = None
    failure_kind: FailureKind | None = None
    error: str | None = None
    tokens: Tokens | None = None
    steps: int = 0
    files: int = 0
    diagnosis: Diagnosis | None = None
    #: Whether it had got as far as to be at work.
    has_worked: bool = True
    context: Context | None = None
    windows: tuple[Window, ...] = ()
    resets_at: float | None = None


class Runs:
    """The tables `runs` and `attempts`; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, *, except_sessions: Collection[SessionId], now: float) -> Run | None:
        """Take the first queued run whose session is free, and mark it running."""
        busy = list(except_sessions)

        async def work(tx: Transaction) -> Run | None:
            row = await tx.first(
                "SELECT id FROM runs r WHERE state = 'queued'"
                " AND session_id NOT IN (SELECT value FROM json_each(?))"
                " AND NOT EXISTS (SELECT 1 FROM runs x WHERE x.session_id = r.session_id AND x.state = 'running')"
                " ORDER BY coalesce(r.place, r.id) LIMIT 1",
                (json.dumps(busy),),
            )
            if row is None:
                return None
            await tx.run("UPDATE runs SET state = 'running', started_at = ? WHERE id = ?", (now, row["id"]))
            return await find(tx, RunId(row["id"]))

        return await self._database.write(work)

    async def begin_attempt(
        self, run: Run, start: StartingPoint, *, directory_of: Callable[[AttemptId], Path], now: float
    ) -> Attempt:
        """Write down a process before it is started."""

        async def work(tx: Transaction) -> Attempt:
            attempt_id = AttemptId(
                await tx.insert(
                    "INSERT INTO attempts (run_id, directory, thread_id, session_file, offset_bytes, started_at)"
                    " VALUES (?, '', ?, ?, ?, ?)",
                    (
                        run.id,
                        run.session.thread_id,
                        None if start.session_file is None else str(start.session_file),
                        start.offset_bytes,
                        now,
                    ),
                )
            )
            directory = directory_of(attempt_id)
            await tx.run("UPDATE attempts SET directory = ? WHERE id = ?", (str(directory), attempt_id))
            return Attempt(
                id=attempt_id,
                run_id=run.id,
                directory=directory,
                thread_id=run.session.thread_id,
                session_file=start.session_file,
                offset_bytes=start.offset_bytes,
            )

        return await self._database.write(work)

    async def note_process(self, attempt_id: AttemptId, *, pid: int, start_ticks: int) -> None:
        """The process exists."""
        await self._database.write(
            lambda tx: tx.run(
                "UPDATE attempts SET pid = ?, start_ticks = ? WHERE id = ?", (pid, start_ticks, attempt_id)
            )
        )

    async def note_wait(self, attempt_id: AttemptId) -> None:
        """The attempt waits for its session: whatever is written there meanwhile is somebody else's."""
        await self._database.write(lambda tx: tx.run("UPDATE attempts SET is_waiting = 1 WHERE id = ?", (attempt_id,)))

    async def note_start(self, attempt: Attempt, start: StartingPoint, *, now: float) -> None:
        """The wait for the session is over, and the turn is about to begin, at a point of its own."""

        async def work(tx: Transaction) -> None:
            file = None if start.session_file is None else str(start.session_file)
            await tx.run(
                "UPDATE attempts SET session_file = ?, offset_bytes = ?, is_waiting = 0 WHERE id = ?",
                (file, start.offset_bytes, attempt.id),
            )
            await tx.run("UPDATE runs SET started_at = ? WHERE id = ? AND state = 'running'", (now, attempt.run_id))

        await self._database.write(work)

    async def note_session(
        self,
        run: Run,
        attempt_id: AttemptId,
        thread_id: ThreadId,
        file: Path | None,
        *,
        announcement: Sequence[Parcel] = (),
        now: float,
    ) -> bool:
        """Codex has named the conversation, and perhaps its file: from now on a restart finds it again.

        With a conversation that was new, the announcement goes out; True: it does.
        """

        async def work(tx: Transaction) -> bool:
            await tx.run(
                "UPDATE attempts SET thread_id = ?, session_file = coalesce(?, session_file) WHERE id = ?",
                (thread_id, None if file is None else str(file), attempt_id),
            )
            is_new = run.session.thread_id is None and await sessions.identify(tx, run.session.id, thread_id)
            if is_new:
                await outbox.add(tx, run.chat, kind=outbox.Kind.REPLY, parcels=announcement, now=now)
            return is_new and bool(announcement)

        return await self._database.write(work)

    async def note_turn(
        self, run: Run, attempt_id: AttemptId, *, turn_id: str | None, began_bytes: int, mirrored: Collection[BotName]
    ) -> None:
        """Codex has begun the turn: from now on nobody takes it for another's.

        A session that begins with it is mirrored from here on, for those of its bots that are in `mirrored`.
        """

        async def work(tx: Transaction) -> None:
            await tx.run(
                "UPDATE attempts SET turn_id = ?, turn_bytes = ? WHERE id = ?",
                (turn_id, began_bytes or None, attempt_id),
            )
            if run.session.thread_id is None and began_bytes:
                await mirrors.begin_session(tx, run.session.id, bots=mirrored, offset_bytes=began_bytes)

        await self._database.write(work)

    async def say(self, run: Run, *, parcels: Sequence[Parcel], source_bytes: int, now: float) -> None:
        """Pass on what Codex said on the way; `source_bytes` is how far into the session file this tells of."""
        await self._database.write(
            lambda tx: outbox.add(
                tx,
                run.chat,
                kind=outbox.Kind.COMMENTARY,
                parcels=parcels,
                now=now,
                run_id=run.id,
                source_bytes=source_bytes,
            )
        )

    async def remind(self, run: Run, *, parcels: Sequence[Parcel], now: float) -> None:
        """Say something about a run that is at work, unless it is to be stopped already."""

        async def work(tx: Transaction) -> None:
            if await tx.first(
                "SELECT 1 FROM runs WHERE id = ? AND state = 'running' AND stop_reason IS NULL", (run.id,)
            ):
                await outbox.add(
                    tx,
                    run.chat,
                    kind=outbox.Kind.REPLY,
                    parcels=parcels,
                    now=now,
                    run_id=run.id,
                    reply_to=run.prompt_message_id,
                )

        await self._database.write(work)

    async def request_stop(self, run_id: RunId, reason: StopReason, diagnosis: Diagnosis | None = None) -> bool:
        """Write down why a running run is going to be stopped; the first reason stays. False: it runs no more."""
        row = await self._database.write(
            lambda tx: tx.first(
                "UPDATE runs SET stop_reason = coalesce(stop_reason, ?), diagnosis = coalesce(diagnosis, ?)"
                " WHERE id = ? AND state = 'running' RETURNING id",
                (reason.value, diagnoses.as_text(diagnosis), run_id),
            )
        )
        return row is not None

    async def settle(
        self,
        run: Run,
        settlement: Settlement,
        *,
        commentary: Sequence[Parcel] = (),
        source_bytes: int = 0,
        answer: Sequence[Parcel] = (),
        verdict: Parcel,
        now: float,
    ) -> bool:
        """End a run: its attempt, its row, and everything the person is told of it. False: it had ended already."""

        async def work(tx: Transaction) -> bool:
            if not await settle(tx, run.id, settlement, now=now):
                return False
            for kind, parcels, reply_to, source in (
                (outbox.Kind.COMMENTARY, commentary, None, source_bytes),
                (outbox.Kind.ANSWER, answer, run.prompt_message_id, 0),
                (outbox.Kind.VERDICT, [verdict], run.prompt_message_id, 0),
            ):
                await outbox.add(
                    tx,
                    run.chat,
                    kind=kind,
                    parcels=parcels,
                    now=now,
                    run_id=run.id,
                    reply_to=reply_to,
                    source_bytes=source,
                )
            return True

        return await self._database.write(work)

    async def requeue(self, run_id: RunId, *, now: float) -> None:
        """Put back a run that was claimed and of which nothing has been started."""

        async def work(tx: Transaction) -> None:
            await tx.run("UPDATE attempts SET ended_at = ? WHERE run_id = ? AND ended_at IS NULL", (now, run_id))
            await tx.run(
                "UPDATE runs SET state = 'queued', started_at = NULL WHERE id = ? AND state = 'running'", (run_id,)
            )

        await self._database.write(work)

    async def running(self) -> list[tuple[Run, Attempt | None]]:
        """Every run that is marked running, with its open attempt: what a restart has to take up."""

        async def work(tx: Transaction) -> list[tuple[Run, Attempt | None]]:
            runs = [as_run(row) for row in await tx.all(f"{_SELECT} WHERE r.state = 'running' ORDER BY r.id")]
            attempts = await tx.all("SELECT * FROM attempts WHERE ended_at IS NULL")
            by_run = {row["run_id"]: _attempt(row) for row in attempts}
            return [(run, by_run.get(run.id)) for run in runs]

        return await self._database.read(work)

    async def stop_reason(self, run_id: RunId) -> StopReason | None:
        """Why a run is to be stopped, if it is."""
        row = await self._database.read(lambda tx: tx.first("SELECT stop_reason FROM runs WHERE id = ?", (run_id,)))
        return None if row is None or row["stop_reason"] is None else StopReason(row["stop_reason"])


async def settle(tx: Transaction, run_id: RunId, settlement: Settlement, *, now: float) -> bool:
    """End a run and its attempt, as a part of a larger transaction. False: it had ended already."""
    tokens, context = settlement.tokens, settlement.context
    row = await tx.first(
        # A stop that came too late to end anything is no reason for how it ended.
        "UPDATE runs SET state = ?, ended_at = ?, answer = ?,"
        " stop_reason = CASE ? WHEN 'stopped' THEN coalesce(stop_reason, ?) END,"
        " started_at = CASE WHEN ? THEN started_at END, failure_kind = ?, error = ?, steps = ?, files = ?,"
        " tokens_input = ?, tokens_cached = ?, tokens_output = ?, tokens_reasoning = ?,"
        " diagnosis = coalesce(diagnosis, ?), context_used = ?, context_size = ?, windows = ?, resets_at = ?"
        " WHERE id = ? AND ended_at IS NULL RETURNING id",
        (
            settlement.state.value,
            now,
            settlement.answer,
            settlement.state.value,
            settlement.stop_reason,
            settlement.has_worked,
            settlement.failure_kind,
            settlement.error,
            settlement.steps,
            settlement.files,
            *((tokens.input, tokens.cached, tokens.output, tokens.reasoning) if tokens else (None,) * 4),
            diagnoses.as_text(settlement.diagnosis),
            *((context.used, context.size) if context else (None, None)),
            json.dumps([asdict(window) for window in settlement.windows]) if settlement.windows else None,
            settlement.resets_at,
            run_id,
        ),
    )
    await tx.run("UPDATE attempts SET ended_at = ? WHERE run_id = ? AND ended_at IS NULL", (now, run_id))
    return row is not None


async def find(tx: Transaction, run_id: RunId) -> Run | None:
    """One run."""
    row = await tx.first(f"{_SELECT} WHERE r.id = ?", (run_id,))
    return None if row is None else as_run(row)


async def last_attempt(tx: Transaction, run_id: RunId) -> Attempt | None:
    """The attempt that a run ended with, or is at."""
    row = await tx.first("SELECT * FROM attempts WHERE run_id = ? ORDER BY id DESC LIMIT 1", (run_id,))
    return None if row is None else _attempt(row)


async def select(tx: Transaction, where: str, values: Sequence[str | int | float | None] = ()) -> list[Run]:
    """The runs that a condition and an order over `r` (runs) and `s` (sessions) name."""
    return [as_run(row) for row in await tx.all(f"{_SELECT} WHERE {where}", values)]


def as_run(row: Row) -> Run:
    """A row of the join of runs and sessions."""
    spent = row["tokens_input"]
    return Run(
        id=RunId(row["id"]),
        session=sessions.as_session(row, id_column="session_id"),
        chat=ChatRef(BotName(row["bot"]), row["chat_id"], row["topic_id"]),
        user_id=UserId(row["user_id"]),
        prompt_message_id=row["prompt_message_id"],
        prompt=row["prompt"],
        workdir=Path(row["workdir"]),
        state=RunState(row["state"]),
        queued_at=row["queued_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        retry_of=None if row["retry_of"] is None else RunId(row["retry_of"]),
        stop_reason=None if row["stop_reason"] is None else StopReason(row["stop_reason"]),
        failure_kind=None if row["failure_kind"] is None else FailureKind(row["failure_kind"]),
        error=row["error"],
        answer=row["answer"],
        tokens=None
        if spent is None
        else Tokens(spent, row["tokens_cached"], row["tokens_output"], row["tokens_reasoning"]),
        steps=row["steps"],
        files=row["files"],
        diagnosis=diagnoses.of_text(row["diagnosis"]),
        context=None if row["context_size"] is None else Context(row["context_used"], row["context_size"]),
        windows=tuple(Window(**window) for window in json.loads(row["windows"] or "[]")),
        resets_at=row["resets_at"],
    )


def _attempt(row: Row) -> Attempt:
    return Attempt(
        id=AttemptId(row["id"]),
        run_id=RunId(row["run_id"]),
        directory=Path(row["directory"]),
        thread_id=None if row["thread_id"] is None else ThreadId(row["thread_id"]),
        session_file=None if row["session_file"] is None else Path(row["session_file"]),
        offset_bytes=row["offset_bytes"],
        pid=row["pid"],
        start_ticks=row["start_ticks"],
        turn_id=row["turn_id"],
        turn_bytes=row["turn_bytes"],
    )
