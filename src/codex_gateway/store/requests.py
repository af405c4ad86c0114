"""What a request changes, in one transaction with the update that brought it and the words that answer it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from codex_gateway.core.attachment import Attachment
from codex_gateway.core.ids import ChatRef, InboxId, RunId, SessionId, UserId
from codex_gateway.core.outcome import StopReason
from codex_gateway.core.ports import Parcel
from codex_gateway.core.reply import NothingRuns, NotWaiting, QueuedCard, Stopping
from codex_gateway.core.run import Run, RunState
from codex_gateway.store import amending, attachments, inbox, joining, outbox, queue, runs, sessions
from codex_gateway.store.database import Database, Transaction
from codex_gateway.store.joining import LateParts
from codex_gateway.store.outbox import Compose


@dataclass(frozen=True, slots=True)
class NewRun:
    """A prompt that is to become a run."""

    inbox_id: InboxId
    chat: ChatRef
    user_id: UserId
    prompt_message_id: int
    prompt: str
    workdir: Path
    retry_of: RunId | None = None
    attachments: tuple[Attachment, ...] = ()
    #: The updates and messages of its other parts, of a prompt that came in several.
    also: tuple[tuple[InboxId, int], ...] = ()
    #: When it was said, by the chat's own clock, a Unix time.
    asked_at: int | None = None
    #: The album whose files are with it.
    album: str = ""
    #: The session that it is for; None: the one its chat speaks to.
    session_id: SessionId | None = None


class Requests:
    """Carries out requests; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def queue(self, new: NewRun, *, compose: Compose, now: float) -> RunId:
        """Make a run of a prompt, with its status message."""

        async def work(tx: Transaction) -> RunId:
            chat = new.chat
            session_id = new.session_id or await _session_id(tx, chat)
            run_id = RunId(
                await tx.insert(
                    "INSERT INTO runs (inbox_id, session_id, bot, chat_id, topic_id, user_id, prompt_message_id,"
                    " prompt, workdir, retry_of, queued_at, asked_at, album)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        new.inbox_id,
                        session_id,
                        chat.bot,
                        chat.chat_id,
                        chat.topic_id,
                        new.user_id,
                        new.prompt_message_id,
                        new.prompt,
                        str(new.workdir),
                        new.retry_of,
                        now,
                        new.asked_at,
                        new.album or None,
                    ),
                )
            )
            await amending.note_parts(tx, run_id, chat, [new.prompt_message_id, *(message for _, message in new.also)])
            for inbox_id, _ in new.also:
                await inbox.close(tx, inbox_id, inbox.Fate.HANDLED, now=now)
            await attachments.add(tx, run_id, new.attachments, retry_of=new.retry_of)
            card = QueuedCard(run_id, ahead=await _ahead(tx, session_id, run_id))
            await outbox.add(
                tx,
                chat,
                kind=outbox.Kind.STATUS,
                parcels=compose(card),
                now=now,
                run_id=run_id,
                reply_to=new.prompt_message_id,
            )
            await inbox.close(tx, new.inbox_id, inbox.Fate.HANDLED, now=now)
            return run_id

        return await self._database.write(work)

    async def answer(
        self,
        inbox_id: InboxId,
        chat: ChatRef,
        *,
        parcels: Sequence[Parcel],
        reply_to: int,
        now: float,
        kept: Path | None = None,
        edits: int | None = None,
        also: Sequence[InboxId] = (),  # updates that it answers besides
    ) -> None:
        """Answer a request that asks for nothing but words, or for a file, which is `kept` for it until it is sent.

        With `edits` the answer takes the place of that message, unless that is one about a run.
        """

        async def work(tx: Transaction) -> None:
            for other in also:
                await inbox.close(tx, other, inbox.Fate.HANDLED, now=now)
            await _answer(tx, inbox_id, chat, parcels=parcels, reply_to=reply_to, now=now, kept=kept, edits=edits)

        await self._database.write(work)

    async def show(self, chat: ChatRef, *, parcels: Sequence[Parcel], edits: int, now: float) -> None:
        """Put messages in the place of one whose button has done its work, unless that is one about a run."""

        async def work(tx: Transaction) -> None:
            place = await _place(tx, chat, edits)
            await outbox.add(tx, chat, kind=outbox.Kind.REPLY, parcels=parcels, now=now, reply_to=edits, edits=place)

        await self._database.write(work)

    async def amend(
        self, inbox_id: InboxId, chat: ChatRef, *, message_id: int, prompt: str, compose: Compose, now: float
    ) -> None:
        """Change the prompt of a message's run while it waits; see `amending`."""
        await self._database.write(
            lambda tx: amending.amend(
                tx, inbox_id, chat, message_id=message_id, prompt=prompt, compose=compose, now=now
            )
        )

    async def join(self, late: LateParts, *, now: float) -> Run | None:
        """Add messages to the prompt they belong to while it waits; see `joining`."""
        return await self._database.write(lambda tx: joining.join(tx, late, now=now))

    async def fork(
        self, inbox_id: InboxId, chat: ChatRef, *, run_id: RunId, compose: Compose, reply_to: int, now: float
    ) -> bool:
        """Put a queued run, and what its chat has queued behind it, into a fork of its session; bind the chat to that.

        False, and said so: there is no such run in this chat that could be moved.
        """

        async def work(tx: Transaction) -> bool:
            run = await _target(tx, chat, run_id)
            if run is None or run.state is not RunState.QUEUED or run.session.thread_id is None:
                await _answer(tx, inbox_id, chat, parcels=compose(NotWaiting(run_id)), reply_to=reply_to, now=now)
                return False
            session_id = await sessions.fork(tx, run.chat, run.session, now=now)
            await tx.run(
                "UPDATE runs SET session_id = ? WHERE session_id = ? AND state = 'queued' AND coalesce(place, id) >="
                " (SELECT coalesce(place, id) FROM runs WHERE id = ?) AND bot = ? AND chat_id = ? AND topic_id = ?",
                (session_id, run.session.id, run.id, run.chat.bot, run.chat.chat_id, run.chat.topic_id),
            )
            await inbox.close(tx, inbox_id, inbox.Fate.HANDLED, now=now)
            return True

        return await self._database.write(work)

    async def cancel(
        self, inbox_id: InboxId, chat: ChatRef, *, run_id: RunId | None, compose: Compose, reply_to: int, now: float
    ) -> Run | None:
        """End a queued run, or write down that a running one is to be stopped; returns the latter.

        The run is the one named, if it belongs to the chat; else whatever its session is at; else what the chat has
        asked for in another one.
        """

        async def work(tx: Transaction) -> Run | None:
            target = await _target(tx, chat, run_id)
            if target is None:
                await _answer(tx, inbox_id, chat, parcels=compose(NothingRuns()), reply_to=reply_to, now=now)
                return None
            waiting = await _count_queued(tx, target.session.id)
            was_queued = target.state is RunState.QUEUED
            if was_queued:
                waiting -= 1
                await queue.take_out(tx, target, compose=compose, now=now)
            else:
                await tx.run(
                    "UPDATE runs SET stop_reason = coalesce(stop_reason, ?) WHERE id = ?",
                    (StopReason.USER.value, target.id),
                )
            last = await queue.last_waiting(tx, chat, target.session.id)
            stopping = Stopping(target.id, was_queued=was_queued, waiting=waiting, last_waiting=last)
            # A button stands on the run's own status message, which is about to say it.
            is_said_there = run_id is not None
            parcels = [] if is_said_there else compose(stopping)
            await _answer(tx, inbox_id, chat, parcels=parcels, reply_to=reply_to, now=now)
            return None if was_queued else target

        return await self._database.write(work)


async def _answer(
    tx: Transaction,
    inbox_id: InboxId,
    chat: ChatRef,
    *,
    parcels: Sequence[Parcel],
    reply_to: int,
    now: float,
    kept: Path | None = None,
    edits: int | None = None,
) -> None:
    place = await _place(tx, chat, edits)
    await outbox.add(
        tx, chat, kind=outbox.Kind.REPLY, parcels=parcels, now=now, reply_to=reply_to, kept=kept, edits=place
    )
    await inbox.close(tx, inbox_id, inbox.Fate.HANDLED, now=now)


async def _place(tx: Transaction, chat: ChatRef, message_id: int | None) -> int | None:
    """The message to write into; None for what tells of a run: whoever makes up a button must not wipe that out."""
    row = await tx.first(
        "SELECT 1 FROM outbox WHERE bot = ? AND chat_id = ? AND message_id = ? AND run_id IS NOT NULL LIMIT 1",
        (chat.bot, chat.chat_id, message_id),
    )
    return message_id if row is None else None


async def _target(tx: Transaction, chat: ChatRef, run_id: RunId | None) -> Run | None:
    if run_id is not None:
        named = await runs.find(tx, run_id)
        belongs = named is not None and (named.chat.bot, named.chat.chat_id) == (chat.bot, chat.chat_id)
        return named if named is not None and belongs and not named.state.is_final else None
    session = await sessions.find(tx, chat)
    if session is None:
        return None
    live = "r.ended_at IS NULL ORDER BY r.state DESC, coalesce(r.place, r.id) LIMIT 1"
    # what the chat has asked for in a session that it spoke to before is what runs here too
    found = await runs.select(tx, f"r.session_id = ? AND {live}", (session.id,)) or await runs.select(
        tx,
        f"r.bot = ? AND r.chat_id = ? AND r.topic_id = ? AND {live}",
        (chat.bot, chat.chat_id, chat.topic_id),
    )
    return found[0] if found else None


async def _session_id(tx: Transaction, chat: ChatRef) -> SessionId:
    session = await sessions.find(tx, chat)
    if session is None:
        raise LookupError(f"no session is bound to {chat}")
    return session.id


async def _ahead(tx: Transaction, session_id: SessionId, run_id: RunId) -> int:
    row = await tx.first(
        "SELECT count(*) AS n FROM runs WHERE session_id = ? AND ended_at IS NULL AND id < ?",
        (session_id, run_id),
    )
    return int(row["n"]) if row is not None else 0


async def _count_queued(tx: Transaction, session_id: SessionId) -> int:
    row = await tx.first(
        "SELECT count(*) AS n FROM runs WHERE session_id = ? AND ended_at IS NULL AND state = 'queued'", (session_id,)
    )
    return int(row["n"]) if row is not None else 0
