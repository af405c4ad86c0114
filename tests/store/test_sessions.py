"""Which conversation a chat speaks to."""

from __future__ import annotations

from pathlib import Path

from codex_gateway.core.ids import BotName, ChatRef, ThreadId
from codex_gateway.store.database import Database
from codex_gateway.store.sessions import Sessions, identify

HOME = Path("/codex")
ALPHA, BETA = BotName("alpha"), BotName("beta")
ONE, TWO = ThreadId("one"), ThreadId("two")


async def test_the_config_binds_and_may_rebind(tmp_path: Path) -> None:
    async with Database.open(tmp_path / "app.db") as database:
        sessions = Sessions(database)
        first = await sessions.bind_bot(ALPHA, codex_home=HOME, thread_id=ONE, now=1)
        assert await sessions.bind_bot(ALPHA, codex_home=HOME, thread_id=ONE, now=2) == first
        second = await sessions.bind_bot(ALPHA, codex_home=HOME, thread_id=TWO, now=3)
        assert second.id != first.id
        assert await sessions.of(ChatRef(ALPHA, 5, 6)) == second


async def test_no_resume_id_keeps_the_binding_there_is(tmp_path: Path) -> None:
    async with Database.open(tmp_path / "app.db") as database:
        sessions = Sessions(database)
        new = await sessions.bind_bot(ALPHA, codex_home=HOME, thread_id=None, now=1)
        assert new.thread_id is None
        await database.write(lambda tx: identify(tx, new.id, ONE))
        kept = await sessions.bind_bot(ALPHA, codex_home=HOME, thread_id=None, now=2)
        assert (kept.id, kept.thread_id) == (new.id, ONE)


async def test_two_bots_may_share_a_session_but_not_by_having_none(tmp_path: Path) -> None:
    async with Database.open(tmp_path / "app.db") as database:
        sessions = Sessions(database)
        shared = [await sessions.bind_bot(bot, codex_home=HOME, thread_id=ONE, now=1) for bot in (ALPHA, BETA)]
        assert shared[0] == shared[1]
        bots = (BotName("gamma"), BotName("delta"))
        own = [await sessions.bind_bot(bot, codex_home=HOME, thread_id=None, now=1) for bot in bots]
        assert own[0].id != own[1].id


async def test_a_chat_with_a_binding_of_its_own_uses_it(tmp_path: Path) -> None:
    async with Database.open(tmp_path / "app.db") as database:
        sessions = Sessions(database)
        bot_wide = await sessions.bind_bot(ALPHA, codex_home=HOME, thread_id=ONE, now=1)
        other = await sessions.bind_bot(BETA, codex_home=HOME, thread_id=TWO, now=1)
        row = "INSERT INTO bindings VALUES ('alpha', -100, 4, ?, 1, NULL)"
        await database.write(lambda tx: tx.run(row, (other.id,)))
        assert await sessions.of(ChatRef(ALPHA, -100, 4)) == other
        assert await sessions.of(ChatRef(ALPHA, -100, 5)) == bot_wide
        assert await sessions.of(ChatRef(BotName("nobody"), 1)) is None
