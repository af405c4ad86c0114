"""Ending runs and asking again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from codex_gateway.core import event as ev
from codex_gateway.core import request as rq
from codex_gateway.core.ids import ChatRef, RunId, ThreadId
from codex_gateway.core.outcome import Answered, Failed, FailureKind, Outcome, StopReason
from codex_gateway.core.ports import Emit
from codex_gateway.core.run import Turn
from codex_gateway.core.saved import SavedSession
from support.hall import BOT, CHAT, OTHER_CHAT, THREAD, PlayedAgent, PlayedShelf, hall, playing, policy, until


async def test_stop_ends_what_runs_and_leaves_what_waits(tmp_path: Path) -> None:
    never = asyncio.Event()
    agent = PlayedAgent(plays={"one": playing(ev.TurnStarted(), gate=never)})
    async with hall(tmp_path, agent=agent) as it:
        await it.say("one")
        await it.say("two")
        await until(lambda: len(agent.turns) == 1)
        await it.say(rq.Cancel())
        await it.settled(2)
        assert await it.query("SELECT state, stop_reason FROM runs ORDER BY id") == [
            ("stopped", "user"),
            ("succeeded", None),
        ]
        assert agent.cancelled == ["one"]
        assert any("waiting=1" in text for text in it.chat.texts())


async def test_stop_with_nothing_to_stop_says_so(tmp_path: Path) -> None:
    async with hall(tmp_path) as it:
        await it.say(rq.Cancel())
        await it.settled(0)
        assert it.chat.texts() == ["NothingRuns()"]


async def test_a_queued_run_can_be_taken_out(tmp_path: Path) -> None:
    gate = asyncio.Event()
    agent = PlayedAgent(plays={"one": playing(gate=gate)})
    async with hall(tmp_path, agent=agent) as it:
        await it.say("one")
        await it.say("two")
        await until(lambda: len(agent.turns) == 1)
        await it.say(rq.Cancel(RunId(2)))
        gate.set()
        await it.settled(2)
        assert await it.states() == ["succeeded", "stopped"]
        assert [turn.prompt for turn in agent.turns] == ["one"]
        assert not any(text.startswith("Stopping") for text in it.chat.texts())  # its own status message says it


async def test_a_run_of_another_chat_cannot_be_stopped(tmp_path: Path) -> None:
    gate = asyncio.Event()
    agent = PlayedAgent(plays={"mine": playing(gate=gate)})
    async with hall(tmp_path, agent=agent) as it:
        await it.say("mine")
        await until(lambda: len(agent.turns) == 1)
        await it.say(rq.Cancel(RunId(1)), chat=OTHER_CHAT)
        await it.say(rq.Retry(RunId(1)), chat=ChatRef(BOT, -100), private=False)
        gate.set()
        await it.settled(1)
        assert await it.states() == ["succeeded"]
        assert it.chat.texts(OTHER_CHAT) == ["NothingRuns()"]
        assert it.chat.texts(ChatRef(BOT, -100)) == ["NothingToRetry()"]


async def test_a_stop_at_any_moment_leaves_the_run_in_a_final_state(tmp_path: Path) -> None:
    """The stop is asked for after a growing number of turns of the event loop since the prompt."""
    async with hall(tmp_path) as it:
        for hops in range(60):
            await it.say(f"prompt {hops}")
            for _ in range(hops):
                await asyncio.sleep(0)
            await it.say(rq.Cancel())
        await it.settled(60)
        assert set(await it.states()) <= {"stopped", "succeeded"}
        assert await it.query("SELECT count(*) FROM attempts WHERE ended_at IS NULL") == [(0,)]


async def test_a_stop_that_came_too_late_is_no_reason_for_how_the_run_ended(tmp_path: Path) -> None:
    agent = PlayedAgent()
    async with hall(tmp_path, agent=agent) as it:

        async def play(turn: Turn, emit: Emit) -> Outcome:
            assert await it.runs.request_stop(RunId(1), StopReason.USER)  # written down, and nobody to tell yet
            return Answered("done all the same")

        agent.plays["one"] = play
        await it.say("one")
        await it.settled(1)
        assert await it.query("SELECT state, stop_reason FROM runs") == [("succeeded", None)]
        assert it.chat.answers() == ["done all the same"]


async def test_retry_asks_the_last_prompt_again(tmp_path: Path) -> None:
    async with hall(tmp_path) as it:
        await it.say("hello")
        await it.settled(1)
        asked = await it.say(rq.Retry())
        await it.settled(2)
        assert it.chat.answers() == ["echo: hello", "echo: hello"]
        assert await it.query("SELECT retry_of, prompt_message_id FROM runs ORDER BY id") == [(None, 1), (1, asked)]


async def test_retry_pressed_twice_runs_once(tmp_path: Path) -> None:
    gate = asyncio.Event()
    agent = PlayedAgent()
    async with hall(tmp_path, agent=agent) as it:
        await it.say("hello")
        await it.settled(1)
        agent.plays["hello"] = playing(gate=gate)
        await it.say(rq.Retry(RunId(1)))
        await it.say(rq.Retry(RunId(1)))
        await it.say(rq.Retry())
        gate.set()
        await it.settled(2)
        assert len(agent.turns) == 2
        assert [text for text in it.chat.texts(CHAT) if text.startswith("StillAtIt")] == ["StillAtIt(run_id=2)"] * 2


async def test_retry_with_no_prompt_before_says_so(tmp_path: Path) -> None:
    async with hall(tmp_path) as it:
        await it.say(rq.Retry())
        await it.settled(0)
        assert it.chat.texts() == ["NothingToRetry()"]


LOGIN = ThreadId("01a1f920-e197-7680-af9c-00000000000a")


def shelf() -> PlayedShelf:
    return PlayedShelf([SavedSession(LOGIN, 2.0, "Fix the login", Path("/login"))], {Path("/login")})


async def test_the_button_asks_in_the_session_and_directory_of_its_run_and_the_command_where_the_chat_is_now(
    tmp_path: Path,
) -> None:
    async with hall(tmp_path, shelf=shelf()) as it:
        await it.say("first")
        await it.settled(1)
        await it.say(rq.Bind("login"))
        await it.say("second")
        await it.settled(2)
        await it.say(rq.Retry(RunId(1)))
        await it.settled(3)
        await it.say(rq.Unbind())
        await it.say(rq.Retry(RunId(2)))
        await it.settled(4)
        await it.say(rq.Retry())
        await it.settled(5)
        own, login = (THREAD, Path("/work/dir")), (LOGIN, Path("/login"))
        places = [(turn.prompt, (turn.thread_id, turn.workdir)) for turn in it.agent.turns]
        assert places == [("first", own), ("second", login), ("first", own), ("second", login), ("second", own)]


@pytest.mark.parametrize("kind", [FailureKind.UNKNOWN_SESSION, FailureKind.CONTEXT_FULL])
async def test_a_run_that_its_session_could_do_nothing_for_is_asked_again_where_the_chat_is_now(
    tmp_path: Path, kind: FailureKind
) -> None:
    async def fails(turn: Turn, emit: Emit) -> Outcome:
        return Failed(kind, "no")

    async with hall(tmp_path, agent=PlayedAgent(plays={"first": fails}), shelf=shelf()) as it:
        await it.say("first")
        await it.settled(1)
        await it.say(rq.Bind("login"))
        await it.say(rq.Retry(RunId(1)))
        await it.settled(2)
        assert [turn.thread_id for turn in it.agent.turns] == [THREAD, LOGIN]


async def test_a_retry_in_a_directory_that_is_allowed_no_more_says_so(tmp_path: Path) -> None:
    stocked = shelf()
    async with hall(tmp_path, shelf=stocked) as it:
        await it.say(rq.Bind("login"))
        await it.say("first")
        await it.settled(1)
        await it.say(rq.Unbind())
        stocked.workdirs.clear()
        await it.say(rq.Retry(RunId(1)))
        await until(lambda: any("NoWorkdir" in text for text in it.chat.texts()))
        assert len(it.agent.turns) == 1


async def test_a_retry_follows_the_bot_into_another_directory_of_its_own(tmp_path: Path) -> None:
    async with hall(tmp_path) as it:
        await it.say("first")
        await it.settled(1)
    async with hall(tmp_path, policies=[replace(policy(), workdir=Path("/moved"))]) as it:
        await it.say(rq.Retry(RunId(1)), update_id=10)
        await it.settled(2)
        assert [(turn.thread_id, turn.workdir) for turn in it.agent.turns] == [(THREAD, Path("/moved"))]
