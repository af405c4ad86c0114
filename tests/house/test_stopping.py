"""A stop at any moment: nothing of the turn is left, the status message says what the row says, the session goes on."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from codex_gateway.demo.bot_api import Person
from support.codex_lab import ALL, Cli
from support.house import House, house
from support.torture import ask, people, processes_with, until

#: How long a stop may take with something that ignores signals, in seconds.
STUBBORN_S = 10.0
STUBBORN = """@sh bash -c 'trap "" INT TERM; sleep 1000 & setsid sleep 1000 & wait'"""
#: Leaves its session, and starts others that do, again and again: whoever looks once misses the last ones.
RESTLESS = """@sh setsid bash -c 'trap "" INT TERM; while :; do setsid sleep 1000 & sleep 0.002; done' & wait"""

PTY = pytest.mark.parametrize("pty", [False, True], ids=["pipes", "pty"])


async def _stopped(it: House, person: Person, prompt: str, *, sleepers: int) -> float:
    """Stop a turn once so many `sleep 1000` run in it; returns after how many seconds nothing of it was alive."""
    asked = ask(it, it.bot(), prompt, person)
    await until(lambda: len(processes_with(it, "sleep\x001000")) >= sleepers, limit_s=30)
    since = time.monotonic()
    asked.chat.say(person, "/stop")
    await until(lambda: not it.codex_pids(), limit_s=STUBBORN_S)
    took_s = time.monotonic() - since
    await it.see(lambda: asked.has_verdict)
    [status] = asked.statuses
    assert status.text.startswith("⏹ Stopped by you after"), status.text
    assert asked.answers == []
    return took_s


@PTY
@pytest.mark.parametrize("cli", ALL)
async def test_what_ignores_signals_is_gone_within_ten_seconds(tmp_path: Path, cli: Cli, pty: bool) -> None:
    async with house(tmp_path, cli) as it:
        ada, bob, eve = people(it, 3)  # each chat has an allowance of its own, which saves waiting
        it.write_config(codex_cli_use_pty=pty)
        await it.start()
        normal_s = await _stopped(it, ada, "@sh sleep 1000\n@say never", sleepers=1)
        stubborn_s = await _stopped(it, bob, STUBBORN, sleepers=2)
        restless_s = await _stopped(it, eve, RESTLESS, sleepers=5)
        print(f"{cli}: normal {normal_s:.2f} s, stubborn {stubborn_s:.2f} s, restless {restless_s:.2f} s")
        after = it.say("@say the session goes on")
        assert (await it.verdict(after)).startswith("✅")
        assert [message.text for message in it.answers_to(after)] == ["the session goes on"]
