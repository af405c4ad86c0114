"""Many runs in a row, with faults of every kind: what the service holds afterwards is what it held before.

TORTURE_RUNS says how many; TORTURE_SEED makes a run again.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

import pytest

from codex_gateway.demo.bot_api import Fault, Injection, Person
from support.codex_lab import MODERN, Cli
from support.house import LIMIT_S, Bot, House, house
from support.inventory import UNKNOWN_THREADS, Inventory, take, watched
from support.torture import Asked, ask, chance, number_from_environment, people, press_stop, told_as_settled

RUNS = number_from_environment("TORTURE_RUNS", 100)
#: Enough for everything that is opened once to be open.
WARM_UP = 40
BOTS = tuple(f"bot{number}" for number in range(10))
PEOPLE = 6
#: What may be under way for one bot at a time.
DEPTH = 3
LANES = len(BOTS) * DEPTH
#: How much memory may grow on the way, beside what the first runs need: fragments, caches that fill up. In kB, and in
#: objects that Python's collector knows. Seen: 8 MB and 500 objects after 500 runs, 9 MB and 700 after 2000.
GROWTH_KB = 16_000
GROWTH_OBJECTS = 1_500

#: Turns that end by themselves, one way or the other.
SCRIPTS = (
    "hello",
    "@comment on it\n@sh echo one\n@say done",
    "@par echo a || sleep 0.1\n@patch notes.txt words\n@say done",
    "@answer 9000",
    "@cut 1\n@say at last",
    "@status 500 1\n@say at last",
    "@compact\n@sh true\n@say done",
    "@comment half of it\n@cut",
    "@status 400",
    "@status 429",
    "@status usage-limit",
    "@status context-window",
    "@sh kill -9 $PPID; sleep 100",
    "@sh (setsid sleep 1000 &) ; kill -TERM $PPID; sleep 100",
    "@sh kill -INT $PPID; sleep 100",
)
#: These go on until they are stopped.
ENDLESS = (
    "@hang",
    "@sh sleep 1000 & setsid sleep 1000 & wait",
    "@comment a long one\n@long sleep 1000",
)
FAULTS: tuple[Callable[[], Fault], ...] = (
    lambda: Fault.reset_before(method="sendMessage"),
    lambda: Fault.reset_after(method="editMessageText"),
    lambda: Fault.bad_gateway(method="sendMessage"),
    lambda: Fault.bad_gateway(method="getUpdates"),
    lambda: Fault.reset_before(method="getUpdates"),
    lambda: Fault.flood(retry_after_s=1, method="sendMessage"),
    lambda: Fault.flood(retry_after_s=1, method="editMessageText"),
    lambda: Fault.malformed(method="editMessageText"),
    lambda: Fault.delay_after(delay_s=0.5, method="sendMessage"),
)


@pytest.mark.timeout(300 + 2 * RUNS)
@pytest.mark.parametrize("cli", MODERN)
async def test_nothing_is_left_of_many_runs_with_faults(tmp_path: Path, cli: Cli) -> None:
    rng = chance()
    async with house(tmp_path, cli, bots=BOTS) as it:
        watched(it)
        everybody = people(it, PEOPLE)
        for number, bot in enumerate(it.bots.values()):
            bot.options["codex_cli_use_pty"] = number % 2 == 1
        it.write_config()
        await it.start()
        asked = await _runs(it, rng, everybody, WARM_UP)
        await _at_rest(it, asked)
        before = await _held_at_rest(it)
        asked += await _runs(it, rng, everybody, RUNS)
        states = await _at_rest(it, asked)
        after = await _held_at_rest(it, and_no_more_than=before)
        print(f"{len(asked)} runs ended: {dict(states)}")
        print("           before after", *after.rows(before), sep="\n")
        assert after.more_than(before) == {}
        assert UNKNOWN_THREADS not in before.threads + after.threads
        assert after.rss_kb - before.rss_kb < GROWTH_KB
        assert after.objects - before.objects < GROWTH_OBJECTS


async def _held_at_rest(it: House, *, and_no_more_than: Inventory | None = None) -> Inventory:
    """What the service holds when it does nothing: the same twice, or no more than it held before.

    Connections to Telegram are kept for some seconds, so their number is let sink.
    """
    ends_at = asyncio.get_running_loop().time() + LIMIT_S
    last: Inventory | None = None
    while True:
        now = await take(it, it.services[-1])
        is_calm = last is not None and not now.differs_from(last)
        if asyncio.get_running_loop().time() > ends_at:
            return now
        if is_calm and (and_no_more_than is None or not now.more_than(and_no_more_than)):
            return now
        last = now
        await asyncio.sleep(1)


async def _at_rest(it: House, asked: list[Asked]) -> Counter[str]:
    await it.see(lambda: all(one.has_verdict for one in asked))
    await it.nothing_in_flight()
    return told_as_settled(it, asked)


async def _runs(it: House, rng: random.Random, everybody: list[Person], count: int) -> list[Asked]:
    """So many runs, some of each bot at a time, while Telegram has its moods."""
    asked: list[Asked] = []
    moods: list[Injection] = []
    async with asyncio.TaskGroup() as lanes:
        for number, bot in enumerate(it.bots.values()):
            for lane in range(DEPTH):
                place = number * DEPTH + lane
                share = count // LANES + (place < count % LANES)
                lanes.create_task(_lane(it, bot, rng, everybody[lane::DEPTH], share, asked, moods))
    for mood in moods:
        mood.lift()
    return asked


async def _lane(
    it: House,
    bot: Bot,
    rng: random.Random,
    somebody: list[Person],
    count: int,
    asked: list[Asked],
    moods: list[Injection],
) -> None:
    """One prompt after another, by these people in turn."""
    for number in range(count):
        person = somebody[number % len(somebody)]
        is_endless = rng.random() < 0.25
        prompt = rng.choice(ENDLESS) if is_endless else rng.choice(SCRIPTS)
        if rng.random() < 0.3:
            moods.append(it.server.inject(rng.choice(FAULTS)()))
        with _no_workdir(bot) if rng.random() < 0.05 and bot.workdir.is_dir() else nullcontext():
            one = ask(it, bot, prompt, person)
            asked.append(one)
            if is_endless or rng.random() < 0.15:
                await it.see(lambda one=one: one.statuses)
                await asyncio.sleep(rng.uniform(0, 0.6))  # at any moment of it
                press_stop(one)
            elif rng.random() < 0.15:
                await asyncio.sleep(rng.uniform(0, 0.3))
                _kill_one(rng, it.codex_pids())
            await it.see(lambda one=one: one.has_verdict)


@contextmanager
def _no_workdir(bot: Bot) -> Iterator[None]:
    away = bot.workdir.with_suffix(".away")
    bot.workdir.rename(away)
    try:
        yield
    finally:
        is_back = False
        while not is_back:
            # A turn that another prompt had begun before may patch a file in it: that makes the directory anew.
            shutil.rmtree(bot.workdir, ignore_errors=True)
            with suppress(OSError):
                away.rename(bot.workdir)
            is_back = not away.exists()


def _kill_one(rng: random.Random, pids: list[int]) -> None:
    """Codex, its terminal, or one of its tools, whoever's it is."""
    if pids:
        with suppress(ProcessLookupError):
            os.kill(rng.choice(pids), signal.SIGKILL)
