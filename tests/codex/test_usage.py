"""What a turn cost and what it left, on the real CLI and the scripted one."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest

from codex.turns import Bench, Ear
from codex_gateway.core import event as ev
from codex_gateway.core.ids import ThreadId
from codex_gateway.core.outcome import Answered, Detached, Failed, FailureKind
from codex_gateway.core.progress import Progress, advance

#: What a reply of the scripted model costs, and what one does that fills the window.
REPLY = ev.Tokens(980, 490, 20, 5)
FULL = ev.Tokens(249_980, 124_990, 20, 5)
SUMMARY = ev.Tokens(280, 140, 20, 5)


def cost(*replies: ev.Tokens) -> ev.Tokens:
    return ev.Tokens(
        sum(one.input for one in replies),
        sum(one.cached for one in replies),
        sum(one.output for one in replies),
        sum(one.reasoning for one in replies),
    )


def progress(ear: Ear) -> Progress:
    seen = Progress()
    for event in ear.events:
        seen = advance(seen, event)
    return seen


async def asked(bench: Bench, prompt: str, thread_id: ThreadId | None) -> Progress:
    ear = Ear()
    await bench.ask(prompt, thread_id, ear=ear)
    return progress(ear)


async def test_a_turn_costs_its_own_tokens_whatever_was_before(bench: Bench) -> None:
    ear = Ear()
    await bench.ask("@sh true\n@say first", ear=ear)
    assert progress(ear).tokens == cost(REPLY, REPLY)
    thread_id = ear.all(ev.SessionIdentified)[0].thread_id
    # A turn that fails at once, then one whose stream breaks off after words: the count of before is repeated there.
    assert (await asked(bench, "@status 500", thread_id)).tokens in (None, ev.Tokens())
    cut = await asked(bench, "@comment on the way\n@cut 1\n@say second", thread_id)
    assert cut.tokens == REPLY
    assert (await asked(bench, "@say third", thread_id)).tokens == REPLY


async def test_compactions_count_and_make_room(bench: Bench) -> None:
    thread_id = await bench.new_session()
    within = await asked(bench, "@comment a\n@compact\n@sh true\n@say b", thread_id)
    assert within.compactions == 1
    assert within.tokens == cost(FULL, SUMMARY, REPLY)
    assert within.context == ev.Context(1000, 258_400)
    full = await asked(bench, "@say c\n@compact", thread_id)
    assert full.tokens == FULL and full.context is not None and full.context.left_percent == 3
    before = await asked(bench, "@say d", thread_id)
    assert before.compactions == 1
    assert before.tokens == cost(SUMMARY, REPLY)


async def test_an_allowance_is_told_where_the_account_has_one(bench: Bench) -> None:
    now = time.time()
    ear = Ear()
    await bench.ask("@limits 91 40\n@say hi", ear=ear)
    five_hours, seven_days = progress(ear).windows
    assert (five_hours.used_percent, five_hours.window_s) == (91.0, 18_000.0)
    assert (seven_days.used_percent, seven_days.window_s) == (40.0, 604_800.0)
    assert five_hours.resets_at is not None and 7_100 < five_hours.resets_at - now < 7_300
    thread_id = ear.all(ev.SessionIdentified)[0].thread_id
    assert (await asked(bench, "@say nothing of it", thread_id)).windows == ()


@pytest.mark.parametrize("is_first", [True, False])
async def test_a_used_up_allowance_says_when_it_is_renewed(bench: Bench, is_first: bool) -> None:
    now = time.time()
    ear = Ear()
    outcome = await bench.ask(
        "@limits 100 40\n@status usage-limit", None if is_first else await bench.new_session(), ear=ear
    )
    assert isinstance(outcome, Failed) and outcome.kind is FailureKind.QUOTA
    assert outcome.resets_at is not None and 7_100 < outcome.resets_at - now < 7_300
    assert [window.used_percent for window in progress(ear).windows] == [100.0, 40.0]
    assert progress(ear).tokens in (None, ev.Tokens())


async def test_without_a_window_the_words_tell_when_it_is_renewed(scripted: Bench) -> None:
    """To the minute, and in the time of the machine."""
    outcome = await scripted.ask("@limits 99\n@status usage-limit")
    assert isinstance(outcome, Failed) and outcome.resets_at is not None
    assert abs(outcome.resets_at - time.time() - 7_200) < 120 and outcome.resets_at % 60 == 0


async def test_a_turn_taken_up_again_costs_the_same(bench: Bench) -> None:
    thread_id = await bench.new_session()
    turn = bench.turn("@comment at work\n@sh sleep 1\n@say done", thread_id)
    first = bench.agent()
    attempt, ear = bench.attempt(first, turn), Ear()

    async def until_it_works(event: ev.Event, offset_bytes: int) -> None:
        await ear(event, offset_bytes)
        if isinstance(event, ev.CommandStarted):
            first.release()

    assert await first.perform(turn, attempt, until_it_works) == Detached()
    [started] = ear.all(ev.ProcessStarted)
    again = Ear()
    known = replace(attempt, pid=started.pid, start_ticks=started.start_ticks)
    assert await bench.agent().reattach(known, again) == Answered("done")
    assert progress(again).tokens == cost(REPLY, REPLY)


async def test_a_session_that_others_have_used_costs_nothing_of_theirs(bench: Bench) -> None:
    """What somebody does in the terminal between two of our turns is in the thread's total as well."""
    thread_id = await bench.new_session()
    [path] = bench.options.home.glob(f"sessions/**/*{thread_id}.jsonl")
    counted = [line for line in path.read_text("utf-8").splitlines() if '"token_count"' in line][-1]
    theirs = json.loads(counted)
    theirs["payload"]["info"]["total_token_usage"]["input_tokens"] += 5_000
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(theirs) + "\n")
    assert (await asked(bench, "@say ours", thread_id)).tokens == REPLY
