"""/stop at every stage of a run, in the whole house: no stage leaves it in a wrong state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from support.codex_lab import MODERN, Cli
from support.house import LIMIT_S, House, house
from support.torture import Asked, ask, people

SHORT = "@sh sleep 1\n@say done"
LONG = "@comment at work\n@sh sleep 600\n@say done"


def has(it: House, sql: str) -> Callable[[], bool]:
    return lambda: it.query(sql) != [(0,)]


def says(asked: Asked, text: str) -> Callable[[], bool]:
    """Whether that was said since the prompt."""
    return lambda: any(message.text == text for message in asked.chat.messages)


@pytest.mark.parametrize("cli", MODERN)
async def test_a_stop_at_every_stage_leaves_a_run_that_has_ended_and_nothing_else(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        everybody = people(it, 6)  # each chat has an allowance of its own, which saves waiting
        it.write_config()
        await it.start()
        attempts = "SELECT count(*) FROM attempts WHERE ended_at IS NULL"
        stages: dict[str, Callable[[Asked], Callable[[], bool]]] = {
            "queued": lambda _: lambda: True,
            "claimed": lambda _: has(it, attempts),
            "started": lambda _: has(it, attempts + " AND pid IS NOT NULL"),
            "named": lambda asked: says(asked, "at work"),
            "at its command": lambda _: lambda: any(b"sleep\0" in command for command in it.commands()),
            "answered": lambda asked: says(asked, "done"),
        }
        for person, (stage, reached) in zip(everybody, stages.items(), strict=True):
            asked = ask(it, it.bot(), SHORT if stage == "answered" else LONG, person)
            is_reached = reached(asked)
            async with asyncio.timeout(LIMIT_S):
                while not is_reached():
                    await asyncio.sleep(0.005)
            asked.chat.say(person, "/stop")
            await it.see(lambda asked=asked: asked.has_verdict)
            [status] = asked.statuses
            assert status.text.startswith("✅" if stage == "answered" else "⏹"), (stage, status.text)
            assert bool(asked.answers) == (stage == "answered"), stage
            async with asyncio.timeout(LIMIT_S):
                while it.query(attempts) != [(0,)] or it.codex_pids():
                    await asyncio.sleep(0.02)
        states = [state for (state,) in it.query("SELECT state FROM runs ORDER BY id")]
        assert states == ["stopped"] * 5 + ["succeeded"]
        assert (await it.verdict(it.say("@say intact"))).startswith("✅")


@pytest.mark.parametrize("cli", MODERN)
async def test_a_stop_while_another_run_has_the_session_takes_out_the_one_that_is_named(
    tmp_path: Path, cli: Cli
) -> None:
    async with house(tmp_path, cli) as it:
        await it.start()
        first = it.say(SHORT)
        second = it.say("@say never")
        await it.see(lambda: any("ahead" in message.text for message in it.bot().chat.messages))
        it.bot().chat.press(it.owner, it.status_of(second), "⏹ Stop")
        assert (await it.verdict(second)).startswith("⏹ Taken out of the queue.")
        assert (await it.verdict(first)).startswith("✅")
        assert it.answers_to(second) == []
