"""Whose diff a button shows, on a hall with a played agent."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

from codex_gateway.core.ids import ChatRef, RunId
from codex_gateway.core.request import Diff
from support.hall import BOT, CHAT, hall, policy


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
