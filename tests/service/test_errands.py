"""Answers that take time to make, on a hall with a played agent: what goes wrong with one ends nothing else."""

from __future__ import annotations

import asyncio
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path

from codex_gateway.core.ids import ChatRef, RunId
from codex_gateway.core.reply import Moment
from codex_gateway.core.request import Bind, Cancel, Diff, SendFile, ShowLog, Unbind
from codex_gateway.core.run import Attempt
from support.hall import BOT, CHAT, Hall, PlayedAgent, PlayedShelf, hall, playing, policy, until

#: As when the disk is full: nothing about an update can be written any more.
OUT_OF_ORDER = "CREATE TRIGGER out_of_order BEFORE UPDATE ON inbox BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"


async def open_updates(it: Hall) -> int:
    [(count,)] = await it.query("SELECT count(*) FROM inbox WHERE state = 'received'")
    assert isinstance(count, int)
    return count


async def test_a_database_out_of_order_ends_no_errand(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    async with hall(tmp_path, policies=[replace(policy(), workdir=tmp_path)]) as it:
        await it.database.write(lambda tx: tx.run(OUT_OF_ORDER))
        for _ in range(5):  # more than are made at a time
            await it.say(SendFile("a.txt"))
        async with asyncio.timeout(60):
            while not list((tmp_path / "outbox").glob("*")):
                await asyncio.sleep(0.01)
        await it.database.write(lambda tx: tx.run("DROP TRIGGER out_of_order"))
        await until(lambda: sum("SentFile" in text for text in it.chat.texts()) == 5, timeout_s=60)
        assert await open_updates(it) == 0


@dataclass
class SlowToRemember(PlayedAgent):
    """An agent whose session files lie on a slow disk."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def recall(self, attempt: Attempt, *, at_most: int) -> tuple[list[Moment], int]:
        found = await super().recall(attempt, at_most=at_most)
        await self.gate.wait()
        return found


async def test_a_log_that_takes_long_to_read_keeps_nobody_from_stopping_a_run(tmp_path: Path) -> None:
    agent = SlowToRemember(plays={"long": playing(gate=asyncio.Event())})
    async with hall(tmp_path, agent=agent) as it:
        await it.say("long")
        await until(lambda: bool(it.executor.live), timeout_s=60)
        await it.say(ShowLog(RunId(1)))
        await until(lambda: bool(agent.recalled), timeout_s=60)
        await it.say(Cancel())
        await until(lambda: agent.cancelled == ["long"], timeout_s=60)
        agent.gate.set()
        await until(lambda: any("RunLog" in text for text in it.chat.texts()), timeout_s=60)
        await it.settled(1)
        assert await open_updates(it) == 0


async def test_the_diff_of_a_run_is_not_made_where_nobody_may_work_any_more(tmp_path: Path) -> None:
    shelf = PlayedShelf(workdirs={tmp_path})
    async with hall(tmp_path, shelf=shelf) as it:
        await it.say(Bind(None, str(tmp_path)))
        await it.say("begin")
        await it.settled(1)
        await it.say(Unbind())
        await it.say(Diff(RunId(1)))
        await until(lambda: any("DiffRefused" in text for text in it.chat.texts()), timeout_s=60)
        shelf.workdirs.clear()  # as after a change of the configuration
        await it.say(Diff(RunId(1)))
        await until(lambda: any("NoWorkdir" in text for text in it.chat.texts()), timeout_s=60)
        assert sum("DiffRefused" in text for text in it.chat.texts()) == 1


async def test_the_diff_of_a_run_is_shown_in_its_own_topic_only(tmp_path: Path) -> None:
    work, elsewhere = tmp_path / "work", replace(CHAT, topic_id=5)
    work.mkdir()
    subprocess.run(["git", "init", "-q", str(work)], check=True)
    async with hall(tmp_path, policies=[replace(policy(), workdir=work)]) as it:
        await it.say("hello")
        await it.settled(1)
        await it.press(Diff(RunId(1)), on=1000, chat=elsewhere)
        await it.press(Diff(RunId(1)), on=1000, chat=ChatRef(BOT, 8))
        await it.press(Diff(RunId(1)), on=1000)
        while await it.query("SELECT 1 FROM inbox WHERE state = 'received'"):
            await it.settled(1)
        await it.settled(1)
        assert "unknown_run" in it.chat.texts(elsewhere)[-1]
        assert "unknown_run" in it.chat.texts(ChatRef(BOT, 8))[-1]
        assert "DiffReport" in it.chat.texts()[-1]
