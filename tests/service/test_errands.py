"""Answers that take time to make, on a hall with a played agent: what goes wrong with one ends nothing else."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from codex_gateway.core.request import SendFile
from support.hall import Hall, hall, policy, until

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
