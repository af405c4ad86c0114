"""A stop at any moment: nothing of the turn is left, the status message says what the row says, the session goes on.

TORTURE_STOPS says how many; TORTURE_SEED makes them again.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from codex_gateway.demo.bot_api import Person
from support.codex_lab import REAL, REAL_LEGACY, SCRIPTED, SCRIPTED_LEGACY, Cli
from support.house import LIMIT_S, Bot, House, house
from support.inventory import children_of
from support.moments import LIFE, Turn
from support.real_codex import NAMING_ERRORS, UNMARKED
from support.torture import (
    STUBBORN,
    Asked,
    ask,
    chance,
    number_from_environment,
    people,
    plumbed,
    press_stop,
    processes_with,
    told_as_settled,
    until,
)

STOPS = number_from_environment("TORTURE_STOPS", 18)
#: From here on it is a long run, on every Codex.
MANY_STOPS = 50

#: How long a stop may take with something that ignores signals, in seconds.
STUBBORN_S = 10.0
#: Leaves its session, and starts others that do, again and again: whoever looks once misses the last ones.
RESTLESS = """@sh setsid bash -c 'trap "" INT TERM; while :; do setsid sleep 1000 & sleep 0.002; done' & wait"""

PIPES, PTY = False, True
CLIS = (SCRIPTED, REAL, SCRIPTED_LEGACY, Cli(NAMING_ERRORS, real=True), REAL_LEGACY, Cli(UNMARKED, real=True))
#: All of them where it is to be long; from day to day each plumbing once, on a real Codex of each kind.
CASES = (
    [(cli, plumbing) for cli in CLIS for plumbing in (PIPES, PTY)]
    if STOPS >= MANY_STOPS
    else [(REAL, PTY), (REAL_LEGACY, PIPES)]
)


async def _stopped(it: House, person: Person, prompt: str, *, sleepers: int) -> float:
    """Stop a turn once so many `sleep 1000` run in it; returns after how many seconds nothing of it was alive.

    Nor is anything of it a zombie of the service's, which carries no mark of ours.
    """
    asked = ask(it, it.bot(), prompt, person)
    await until(lambda: len(processes_with(it, "sleep\x001000")) >= sleepers, limit_s=LIMIT_S)
    since = time.monotonic()
    asked.chat.say(person, "/stop")
    await until(lambda: not (it.codex_pids() or children_of(it.services[-1].pid)), limit_s=STUBBORN_S)
    took_s = time.monotonic() - since
    await it.see(lambda: asked.has_verdict)
    [status] = asked.statuses
    assert status.text.startswith("⏹ Stopped by you after"), status.text
    assert asked.answers == []
    return took_s


@plumbed(CASES)
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
        assert "the session goes on" in it.session_file(it.bot().resume_id).read_text("utf-8")


@pytest.mark.timeout(300 + 5 * STOPS)
async def test_a_stop_at_any_moment_leaves_the_run_in_a_final_state_and_tells_it(tmp_path: Path) -> None:
    rng = chance()
    async with house(tmp_path, SCRIPTED, bots=("alpha", "beta", "gamma")) as it:
        everybody = people(it, min(40, STOPS))  # each has an allowance of their own, which saves waiting
        it.bot("beta").options["codex_cli_use_pty"] = True
        it.write_config()
        await it.start()
        stopped: dict[Asked, Turn] = {}
        others: list[Asked] = []
        async with asyncio.TaskGroup() as lanes:
            for place, bot in enumerate(it.bots.values()):
                numbers = range(place, STOPS, len(it.bots))
                lanes.create_task(_stops(it, bot, rng, everybody, numbers, stopped, others))
        await it.nothing_in_flight()
        assert len(stopped) == STOPS
        states = told_as_settled(it, [*stopped, *others])
        for asked, turn in stopped.items():
            is_stopped = asked.statuses[-1].text.startswith("⏹")
            assert asked.answers == ([] if is_stopped else [turn.answer]), (turn.number, asked.statuses[-1].text)
        for other in others:
            assert other.answers == ["still here"]
        print(f"{STOPS} stops: {dict(states - Counter(succeeded=len(others)))}")
        await until(lambda: not (it.codex_pids() or children_of(it.services[-1].pid)), limit_s=LIMIT_S)


async def _stops(
    it: House,
    bot: Bot,
    rng: random.Random,
    everybody: list[Person],
    numbers: range,
    stopped: dict[Asked, Turn],
    others: list[Asked],
) -> None:
    """Turn after turn, each stopped at some moment of it; the prompt behind it is answered."""
    for round_, number in enumerate(numbers):
        turn = Turn(number)
        person, other = (everybody[(2 * round_ + offset) % len(everybody)] for offset in (0, 1))
        asked = ask(it, bot, turn.prompt, person)
        stopped[asked] = turn
        if has_follower := rng.random() < 0.3:
            others.append(ask(it, bot, "@say still here", other))
        await LIFE[round_ % len(LIFE)](it, asked, turn, rng)
        if has_follower or rng.random() < 0.5:
            await it.see(lambda asked=asked: asked.statuses)
            press_stop(asked)
        else:  # this stops whatever the session is at
            asked.chat.say(person, "/stop")
        await it.see(lambda asked=asked: asked.has_verdict)
        after = ask(it, bot, "@say still here", other)
        others.append(after)
        await it.see(lambda after=after: after.has_verdict)
