"""The service is killed at random moments: each turn runs once, each answer is delivered once.

What was in mid-air when the service died is the exception: Telegram does not tell whether it has a message, so that one
is sent again, and its row says so. Each message that came twice is one of these, or the test fails.

TORTURE_ROUNDS makes it longer, and runs it on every Codex; TORTURE_SEED makes a run again.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.codex_lab import REAL, REAL_LEGACY, SCRIPTED, Cli
from support.house import PACED, House, house
from support.moments import MOMENTS, Turn
from support.torture import Asked, ask, chance, number_from_environment, people, plumbed, told_as_settled

ROUNDS = number_from_environment("TORTURE_ROUNDS", 2)
PIPES, PTY = False, True
#: All of them where it is to be long; each Codex and each plumbing once from day to day.
CASES = (
    [(cli, plumbing) for cli in (SCRIPTED, REAL, REAL_LEGACY) for plumbing in (PIPES, PTY)]
    if len(MOMENTS) <= ROUNDS
    else [(SCRIPTED, PTY), (REAL, PIPES), (REAL_LEGACY, PTY)]
)
BOTS = ("alpha", "beta", "gamma")
IN_MID_AIR = "SELECT kind FROM outbox WHERE state = 'sending'"
#: How often a service that comes up is killed too.
AGAIN = 0.25


@pytest.mark.timeout(300 + 30 * ROUNDS)
@plumbed(CASES)
async def test_a_kill_at_any_moment_costs_nothing(tmp_path: Path, cli: Cli, pty: bool) -> None:
    rng = chance()
    async with house(tmp_path, cli, bots=BOTS) as it:
        it.program = PACED  # a kill may come while something waits for its turn
        it.write_config(codex_cli_use_pty=pty)
        before = {bot.name: len(it.turns(bot.resume_id)) for bot in it.bots.values()}
        turns = await _torment(it, rng)
        await it.see(lambda: all(asked.has_verdict for asked in turns))
        await it.nothing_in_flight()
        assert told_as_settled(it, list(turns)) == {"succeeded": len(turns)}
        _each_ran_once(it, turns, before, counts_requests=cli.real)
        _each_was_told_once(it, turns)


async def _torment(it: House, rng: random.Random) -> dict[Asked, Turn]:
    """In each round, a prompt to each bot and a kill at a moment in one of these turns."""
    everybody = people(it, 4)
    it.write_config()
    turns: dict[Asked, Turn] = {}
    kills = 0
    moments: Counter[str] = Counter()
    cut: Counter[str] = Counter()
    service = await it.start()
    for number in range(ROUNDS):
        new = {}
        for bot in it.bots.values():
            turn = Turn(len(turns) + len(new) + 1)
            new[ask(it, bot, turn.prompt, everybody[number % len(everybody)])] = turn
        turns |= new
        victim = rng.choice(list(new))
        moment = MOMENTS[number % len(MOMENTS)] if len(MOMENTS) <= ROUNDS else rng.choice(MOMENTS)
        undo = await moment(it, victim, new[victim], rng)
        await service.kill()
        kills += 1
        moments[moment.__name__] += 1
        cut.update(f"{kind} when {moment.__name__}" for (kind,) in it.query(IN_MID_AIR))
        undo()
        while rng.random() < AGAIN:
            service = await it.launch()
            await asyncio.sleep(rng.uniform(0, 2.5))  # in the midst of starting, or of taking up what was left
            await service.kill()
            kills += 1
        service = await it.start()
    print(f"{kills} kills in {len(turns)} turns, at {dict(moments)}; cut in mid-air: {dict(cut)}")
    return turns


def _each_ran_once(it: House, turns: Mapping[Asked, Turn], before: Mapping[str, int], *, counts_requests: bool) -> None:
    for asked, turn in turns.items():
        for trace in turn.traces:
            assert (asked.bot.workdir / trace).read_text() == "ran\n", turn.number
    for bot in it.bots.values():
        asked_of_it = sum(asked.bot is bot for asked in turns)
        assert len(it.turns(bot.resume_id)) == before[bot.name] + asked_of_it
    if counts_requests:
        requests = Counter(it.model.prompts())
        assert {turn.number: requests[turn.prompt] for turn in turns.values()} == dict.fromkeys(
            (turn.number for turn in turns.values()), 3
        )


def _each_was_told_once(it: House, turns: Mapping[Asked, Turn]) -> None:
    """What was sent twice bears the mark of it; nothing else was."""
    twice: Counter[str] = Counter()
    marks = {
        (bot, chat_id, message_id, kind): is_repeated
        for bot, chat_id, message_id, kind, is_repeated in it.query(
            "SELECT r.bot, r.chat_id, r.prompt_message_id, o.kind, o.is_repeated"
            " FROM outbox o JOIN runs r ON r.id = o.run_id"
        )
    }
    for asked, turn in turns.items():
        said = [message.text for message in asked.chat.messages]
        seen = {
            "status": len(asked.statuses),
            "commentary": said.count(turn.comment),
            "answer": asked.answers.count(turn.answer),
        }
        assert len(asked.answers) == seen["answer"], asked.answers
        for kind, count in seen.items():
            is_repeated = marks[asked.bot.name, asked.chat.id, asked.message.id, kind]
            assert count == 1 or (is_repeated and count > 1), (turn.number, kind, seen)
            twice[kind] += count > 1
        assert said.index(turn.comment) < said.index(turn.answer)
    print(f"marked as sent again: {Counter(kind for (*_, kind), mark in marks.items() if mark)}; seen twice: {twice}")
