"""How far sessions have been told of, and whose a turn is."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from codex_gateway.core.ids import AttemptId, BotName, ChatRef, InboxId, RunId, SessionId, ThreadId, UserId
from codex_gateway.core.inbox import RawUpdate
from codex_gateway.core.outcome import FailureKind
from codex_gateway.core.ports import Parcel
from codex_gateway.core.run import Run, RunState, StartingPoint
from codex_gateway.core.sighting import TurnMark
from codex_gateway.store.database import Database, migrations
from codex_gateway.store.inbox import Inbox
from codex_gateway.store.mirrors import Bound, Cursor, Mirrors, Origin
from codex_gateway.store.outbox import Outbox
from codex_gateway.store.requests import NewRun, Requests
from codex_gateway.store.runs import Runs, Settlement
from codex_gateway.store.sessions import Sessions

ALPHA, BETA = BotName("alpha"), BotName("beta")
CHAT = ChatRef(ALPHA, 7)
HOME = Path("/codex")
THREAD, OTHER_THREAD = ThreadId("t-1"), ThreadId("t-2")


@dataclass
class Books:
    database: Database
    mirrors: Mirrors
    sessions: Sessions
    runs: Runs
    updates: int = 0

    async def bind(self, bot: BotName = ALPHA, thread_id: ThreadId | None = THREAD, *, now: float = 1.0) -> SessionId:
        return (await self.sessions.bind_bot(bot, codex_home=HOME, thread_id=thread_id, now=now)).id

    async def bound(self, bot: BotName = ALPHA) -> Bound:
        [bound] = [bound for bound in await self.mirrors.bound() if bound.chat.bot == bot]
        return bound

    async def cursor(self, bot: BotName = ALPHA) -> Cursor | None:
        [cursor] = [cursor for bound, cursor in (await self.mirrors.bound()).items() if bound.chat.bot == bot]
        return cursor

    async def queue(self, prompt: str = "go", chat: ChatRef = CHAT) -> RunId:
        self.updates += 1
        [received] = await Inbox(self.database).receive(chat.bot, [RawUpdate(self.updates, "")], now=1.0)
        new = NewRun(InboxId(received.id), chat, UserId(7), 1, prompt, Path("/work"))
        return await Requests(self.database).queue(new, compose=lambda _: [Parcel("")], now=1.0)

    async def begin(self, prompt: str = "go", chat: ChatRef = CHAT, *, offset: int = 100) -> tuple[Run, AttemptId]:
        """A run whose process is about to start."""
        await self.queue(prompt, chat)
        run = await self.runs.claim(except_sessions=(), now=1.0)
        assert run is not None
        start = StartingPoint(Path("/f"), offset)
        attempt = await self.runs.begin_attempt(run, start, directory_of=lambda it: Path(f"/{it}"), now=1.0)
        return run, attempt.id

    async def end(self, run: Run, *, now: float = 10.0) -> None:
        failed = Settlement(RunState.FAILED, failure_kind=FailureKind.OTHER)
        await self.runs.settle(run, failed, verdict=Parcel(""), now=now)

    async def note(self, run: Run, attempt: AttemptId, turn_id: str | None, began: int, *bots: BotName) -> None:
        await self.runs.note_turn(run, attempt, turn_id=turn_id, began_bytes=began, mirrored=bots)


@asynccontextmanager
async def books(folder: Path) -> AsyncIterator[Books]:
    async with Database.open(folder / "app.db") as database:
        yield Books(database, Mirrors(database), Sessions(database), Runs(database))


def turn(turn_id: str | None = "t", began: int = 200, at: float | None = 5.0) -> TurnMark:
    return TurnMark(turn_id, began, at)


async def test_a_turn_that_no_attempt_claims_is_anothers(tmp_path: Path) -> None:
    async with books(tmp_path) as it:
        session = await it.bind()
        await it.queue()
        assert await it.mirrors.origin(session, turn(), prompt="go") == Origin(None)


async def test_while_an_attempt_may_be_about_to_claim_a_turn_nobody_knows(tmp_path: Path) -> None:
    async with books(tmp_path) as it:
        session = await it.bind()
        run, attempt = await it.begin(offset=100)
        assert await it.mirrors.origin(session, turn(began=50), prompt="before") == Origin(None)
        assert await it.mirrors.origin(session, turn("mine"), prompt="go") is None
        assert await it.mirrors.origin(session, turn("other"), prompt="another") is None
        await it.note(run, attempt, "mine", 200)
        assert await it.mirrors.origin(session, turn("mine"), prompt="go") == Origin(ALPHA)
        assert await it.mirrors.origin(session, turn("other"), prompt="go") == Origin(None)


async def test_a_turn_without_an_id_is_known_by_its_place(tmp_path: Path) -> None:
    async with books(tmp_path) as it:
        session = await it.bind()
        run, attempt = await it.begin()
        await it.note(run, attempt, None, 200)
        assert await it.mirrors.origin(session, turn(None, 200), prompt="go") == Origin(ALPHA)
        assert await it.mirrors.origin(session, turn(None, 300), prompt="go") == Origin(None)


async def test_a_turn_that_ended_before_it_was_known_is_told_by_its_prompt_and_time(tmp_path: Path) -> None:
    async with books(tmp_path) as it:
        session = await it.bind()
        run, _ = await it.begin("go on")
        await it.end(run, now=10.0)
        ours = Origin(ALPHA)
        assert await it.mirrors.origin(session, turn(at=5.0), prompt="go on\n") == ours
        assert await it.mirrors.origin(session, turn(at=None), prompt="go on") == ours
        assert await it.mirrors.origin(session, turn(at=5.0), prompt=None) == ours
        for other, prompt in ((turn(at=5.0), "else"), (turn(at=60.0), "go on"), (turn(began=50), "go on")):
            assert await it.mirrors.origin(session, other, prompt=prompt) == Origin(None)


async def test_a_prompt_of_which_codex_takes_a_sign_away_is_still_ours(tmp_path: Path) -> None:
    async with books(tmp_path) as it:
        session = await it.bind()
        run, _ = await it.begin("\ufeffgo\0on")
        await it.end(run, now=10.0)
        for prompt in ("\ufeffgo\0on", "go\ufffdon"):
            assert await it.mirrors.origin(session, turn(at=5.0), prompt=prompt) == Origin(ALPHA)


async def test_a_turn_while_ours_waits_for_the_session_is_anothers(tmp_path: Path) -> None:
    async with books(tmp_path) as it:
        session = await it.bind()
        run, attempt = await it.begin("go")
        assert await it.mirrors.origin(session, turn("theirs"), prompt="go") is None
        await it.runs.note_wait(attempt)
        assert await it.mirrors.origin(session, turn("theirs"), prompt="go") == Origin(None)
        [(_, waiting)] = await it.runs.running()
        assert waiting is not None
        await it.runs.note_start(waiting, StartingPoint(Path("/f"), 150), now=5.0)
        assert await it.mirrors.origin(session, turn("theirs", 120), prompt="go") == Origin(None)
        assert await it.mirrors.origin(session, turn("mine", 200), prompt="go") is None
        await it.note(run, attempt, "mine", 200)
        assert await it.mirrors.origin(session, turn("mine", 200), prompt="go") == Origin(ALPHA)


async def test_a_turn_in_another_session_claims_nothing_here(tmp_path: Path) -> None:
    async with books(tmp_path) as it:
        here, there = await it.bind(), await it.bind(BETA, OTHER_THREAD)
        run, attempt = await it.begin()
        assert await it.mirrors.origin(there, turn("mine"), prompt="go") == Origin(None)
        await it.note(run, attempt, "mine", 200)
        assert await it.mirrors.origin(there, turn("mine"), prompt="go") == Origin(None)
        assert await it.mirrors.origin(here, turn("mine"), prompt="go") == Origin(ALPHA)


async def test_what_is_told_and_how_far_is_one_transaction(tmp_path: Path) -> None:
    async with books(tmp_path) as it:
        await it.bind()
        bound = await it.bound()
        await it.mirrors.begin(bound, 50)
        assert await it.cursor() == Cursor(50, 50)
        assert await it.mirrors.tell(bound, Cursor(60, 80), chat=CHAT, parcels=[Parcel("x"), Parcel("y")], now=2.0)
        assert await it.cursor() == Cursor(60, 80)
        due = await Outbox(it.database).next(ALPHA, 7)
        assert due is not None and (due.kind, due.parcel, due.run_id, due.reply_to) == ("mirror", "x", None, None)
        with pytest.raises(sqlite3.IntegrityError):
            await it.mirrors.tell(bound, Cursor(90, 80), chat=CHAT, parcels=[Parcel("z")], now=2.0)
        rows = await it.database.read(lambda tx: tx.all("SELECT parcel FROM outbox"))
        assert [row["parcel"] for row in rows] == ["x", "y"]


async def test_another_binding_begins_anew_and_the_old_one_tells_nothing_more(tmp_path: Path) -> None:
    async with books(tmp_path) as it:
        await it.bind(now=1.0)
        before = await it.bound()
        await it.mirrors.begin(before, 50)
        await it.bind(thread_id=OTHER_THREAD, now=2.0)
        assert await it.cursor() is None
        await it.bind(thread_id=THREAD, now=3.0)
        assert await it.cursor() is None, "it is bound again: what went on meanwhile is history"
        await it.mirrors.begin(await it.bound(), 70)
        assert not await it.mirrors.tell(before, Cursor(60, 80), chat=CHAT, parcels=[Parcel("x")], now=4.0)
        assert await Outbox(it.database).chats_with_work() == []
        assert await it.cursor() == Cursor(70, 70)


async def test_a_session_without_a_name_is_not_followed_yet(tmp_path: Path) -> None:
    async with books(tmp_path) as it:
        await it.bind(thread_id=None)
        assert await it.mirrors.bound() == {}


async def test_a_session_that_begins_with_our_run_is_mirrored_from_there(tmp_path: Path) -> None:
    async with books(tmp_path) as it:
        await it.bind(thread_id=None)
        run, attempt = await it.begin(offset=0)
        await it.runs.note_session(run, attempt, THREAD, Path("/f"), now=1.0)
        await it.note(run, attempt, "mine", 200, ALPHA)
        assert await it.cursor() == Cursor(200, 200)
        await it.mirrors.tell(await it.bound(), Cursor(300, 300), chat=CHAT, parcels=[], now=1.0)
        await it.note(run, attempt, "mine", 200, ALPHA)
        assert await it.cursor() == Cursor(300, 300), "a turn that is taken up again moves nothing back"


async def test_a_bot_that_does_not_mirror_keeps_no_place(tmp_path: Path) -> None:
    async with books(tmp_path) as it:
        await it.bind(thread_id=None)
        run, attempt = await it.begin(offset=0)
        await it.runs.note_session(run, attempt, THREAD, Path("/f"), now=1.0)
        await it.note(run, attempt, "mine", 200, BETA)
        assert await it.cursor() is None
        await it.mirrors.begin(await it.bound(), 50)
        await it.mirrors.forget([BETA])
        assert await it.cursor() == Cursor(50, 50)
        await it.mirrors.forget([ALPHA])
        assert await it.cursor() is None


async def test_the_chats_of_a_session_are_those_of_its_runs_the_latest_first(tmp_path: Path) -> None:
    group, topic = ChatRef(ALPHA, -100, 5), ChatRef(ALPHA, -100, 6)
    async with books(tmp_path) as it:
        await it.bind()
        await it.bind(BETA)
        for chat in (CHAT, group, CHAT, topic, ChatRef(BETA, 9)):
            await it.queue(chat=chat)
        assert await it.mirrors.chats(await it.bound()) == [topic, CHAT, group]
        assert await it.mirrors.chats(await it.bound(BETA)) == [ChatRef(BETA, 9)]


async def test_a_chat_with_a_binding_of_its_own_is_told_by_that_one(tmp_path: Path) -> None:
    own = ChatRef(ALPHA, -100, 5)
    async with books(tmp_path) as it:
        session = await it.bind()
        for chat in (CHAT, own):
            await it.queue(chat=chat)
        await it.database.write(
            lambda tx: tx.run("INSERT INTO bindings VALUES (?, ?, ?, ?, 1.0, NULL)", (ALPHA, -100, 5, session))
        )
        told = {bound.chat.chat_id: await it.mirrors.chats(bound) for bound in await it.mirrors.bound()}
        assert told == {0: [CHAT], -100: [own]}


async def test_an_outbox_from_before_the_mirror_is_kept_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    old = sqlite3.connect(path)
    old.executescript(f"{migrations()[0]}\nPRAGMA user_version = 1;")
    old.executescript(
        "INSERT INTO sessions (id, codex_home, thread_id, created_at) VALUES (1, '/codex', 't-1', 1);"
        "INSERT INTO bindings VALUES ('alpha', 0, 0, 1, 1.0);"
        "INSERT INTO runs (id, session_id, bot, chat_id, topic_id, user_id, prompt_message_id, prompt, workdir,"
        " queued_at, state, started_at) VALUES (3, 1, 'alpha', 7, 0, 7, 1, 'go', '/', 1, 'running', 1);"
        "INSERT INTO attempts (run_id, directory, offset_bytes, started_at) VALUES (3, '/1', 100, 1);"
        "INSERT INTO outbox (id, bot, chat_id, topic_id, run_id, kind, reply_to, parcel, source_bytes, state,"
        " message_id, is_repeated, error, created_at, settled_at) VALUES"
        " (5, 'alpha', 7, 0, 3, 'status', 1, 'one', 0, 'sent', 99, 1, NULL, 1, 2),"
        " (8, 'alpha', 7, 2, 3, 'commentary', NULL, 'two', 400, 'refused', NULL, 0, 'no', 1, 2),"
        " (9, 'alpha', 7, 0, NULL, 'reply', 4, 'three', 0, 'pending', NULL, 0, NULL, 1, NULL);"
    )
    before = old.execute("SELECT * FROM outbox ORDER BY id").fetchall()
    indexes = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'outbox' ORDER BY name"
    indexes_before = old.execute(indexes).fetchall()
    old.close()
    async with books(tmp_path) as it:
        rows = await it.database.read(lambda tx: tx.all("SELECT * FROM outbox ORDER BY id"))
        assert [tuple(row)[: len(before[0])] for row in rows] == before, "later versions add columns at the end"
        kept = {tuple(row) for row in await it.database.read(lambda tx: tx.all(indexes))}
        assert kept >= set(indexes_before), "later versions may have more"
        assert await it.cursor() is None
        assert await it.mirrors.origin(SessionId(1), turn(), prompt="go") is None, "the run may be at work"
        due = await Outbox(it.database).next(ALPHA, 7)
        assert due is not None and due.parcel == "three"
        await it.mirrors.begin(await it.bound(), 0)
        assert await it.mirrors.tell(await it.bound(), Cursor(1, 1), chat=CHAT, parcels=[Parcel("x")], now=3.0)
        newest = await it.database.read(lambda tx: tx.first("SELECT max(id) AS id FROM outbox"))
        assert newest is not None and newest["id"] == 10
