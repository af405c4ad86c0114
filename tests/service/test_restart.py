"""What a new life does with what an earlier one left."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from codex_gateway.core import event as ev
from codex_gateway.core import request as rq
from codex_gateway.core.ids import RunId
from codex_gateway.core.inbox import RawUpdate
from codex_gateway.core.outcome import Answered, Failed, FailureKind, Outcome, StopReason
from codex_gateway.core.ports import Emit
from codex_gateway.core.request import Ask, Request
from codex_gateway.core.run import Turn
from codex_gateway.store.database import Database
from codex_gateway.store.inbox import Inbox
from codex_gateway.store.outbox import Parked
from support.hall import BOT, CHAT, PERSON, KeptChat, PlayedAgent, hall, playing, until


async def test_a_turn_let_go_is_taken_up_and_answered_once(tmp_path: Path) -> None:
    never = asyncio.Event()
    chat = KeptChat()
    started = ev.ProcessStarted(pid=4321, start_ticks=99)
    async with hall(tmp_path, agent=PlayedAgent(plays={"long": playing(started, gate=never)}), chat=chat) as it:
        await it.say("long")
        await until(lambda: len(it.agent.turns) == 1 and len(chat.sent) == 1)
    agent = PlayedAgent()
    async with hall(tmp_path, agent=agent, chat=chat) as it:
        await it.settled(1)
        assert agent.turns == []
        assert [(attempt.pid, attempt.start_ticks) for attempt in agent.reattached] == [(4321, 99)]
        assert len(chat.answers()) == 1
        assert len(chat.sent) == 2  # the status message is still the one that was sent before
        assert chat.sent[0].text.startswith("SettledCard")


async def test_what_was_said_before_the_restart_is_not_said_again(tmp_path: Path) -> None:
    never = asyncio.Event()
    chat = KeptChat()
    before = [ev.Message("one", ev.Phase.COMMENTARY), ev.Message("two", ev.Phase.COMMENTARY)]
    async with hall(tmp_path, agent=PlayedAgent(plays={"long": playing(*before, gate=never)}), chat=chat) as it:
        await it.say("long")
        await until(lambda: any("two" in text for text in chat.texts()))
    again = playing(*before, ev.Message("three", ev.Phase.COMMENTARY))
    async with hall(tmp_path, agent=PlayedAgent(on_reattach=again), chat=chat) as it:
        await it.settled(1)
        said = " ".join(text for text in chat.texts() if text.startswith("commentary"))
        assert [said.count(word) for word in ("one", "two", "three")] == [1, 1, 1]


async def test_a_turn_that_had_not_begun_is_run_once(tmp_path: Path) -> None:
    never = asyncio.Event()
    async with hall(tmp_path, agent=PlayedAgent(plays={"go": playing(gate=never)})) as it:
        await it.say("go")
        await until(lambda: len(it.agent.turns) == 1)

    async def not_started(turn: Turn, emit: Emit) -> Outcome:
        return Failed(FailureKind.NOT_STARTED, "")

    agent = PlayedAgent(on_reattach=not_started)
    async with hall(tmp_path, agent=agent) as it:
        await it.settled(1)
        assert [turn.prompt for turn in agent.turns] == ["go"]
        assert await it.states() == ["succeeded"]


async def test_a_lost_turn_is_told_and_not_repeated(tmp_path: Path) -> None:
    never = asyncio.Event()
    async with hall(tmp_path, agent=PlayedAgent(plays={"go": playing(gate=never)})) as it:
        await it.say("go")
        await until(lambda: len(it.agent.turns) == 1)

    async def lost(turn: Turn, emit: Emit) -> Outcome:
        return Failed(FailureKind.LOST, "")

    agent = PlayedAgent(on_reattach=lost)
    async with hall(tmp_path, agent=agent) as it:
        await it.settled(1)
        assert agent.turns == []
        assert await it.query("SELECT failure_kind FROM runs") == [("lost",)]


async def test_a_run_claimed_but_not_begun_goes_back_into_the_queue(tmp_path: Path) -> None:
    never = asyncio.Event()
    async with hall(tmp_path, agent=PlayedAgent(plays={"go": playing(gate=never)})) as it:
        await it.say("go")
        await until(lambda: len(it.agent.turns) == 1)
        await it.database.write(lambda tx: tx.run("DELETE FROM attempts"))
    async with hall(tmp_path) as it:
        await it.settled(1)
        assert [turn.prompt for turn in it.agent.turns] == ["go"]


async def test_a_stop_asked_for_before_we_died_is_carried_out(tmp_path: Path) -> None:
    never = asyncio.Event()
    async with hall(tmp_path, agent=PlayedAgent(plays={"go": playing(gate=never)})) as it:
        await it.say("go")
        await until(lambda: len(it.agent.turns) == 1)
        assert await it.runs.request_stop(RunId(1), StopReason.USER)
    agent = PlayedAgent(on_reattach=playing(gate=never))
    async with hall(tmp_path, agent=agent) as it:
        await it.settled(1)
        assert await it.query("SELECT state, stop_reason FROM runs") == [("stopped", "user")]
        assert len(agent.cancelled) == 1


async def test_an_update_kept_and_not_acted_on_is_replayed(tmp_path: Path) -> None:
    async with Database.open(tmp_path / "app.db") as database:
        await Inbox(database).receive(BOT, [RawUpdate(5, "five")], now=time.time())
    async with hall(tmp_path) as it:
        it.wishes["five"] = Request(CHAT, PERSON, 1, True, Ask("while you were away"))
        await it.intake.replay(BOT)
        await it.settled(1)
        assert it.chat.answers() == ["echo: while you were away"]
        await it.intake.replay(BOT)
        await it.settled(1)


async def test_what_was_unsent_is_sent_and_a_cut_sending_is_marked(tmp_path: Path) -> None:
    async with hall(tmp_path) as it:
        await it.say("hello")
        await it.settled(1)
        await it.database.write(
            lambda tx: tx.run(
                "UPDATE outbox SET state = 'sending', message_id = NULL, settled_at = NULL WHERE kind = 'answer'"
            )
        )
    chat = KeptChat()
    async with hall(tmp_path, chat=chat) as it:
        await it.settled(1)
        assert chat.answers() == ["echo: hello"]
        assert await it.query("SELECT is_repeated FROM outbox WHERE kind = 'answer'") == [(1,)]


async def test_a_penalty_is_honoured_over_a_restart(tmp_path: Path) -> None:
    async with hall(tmp_path) as it:
        until_s = time.time() + 1.0
        await it.outbox.park(Parked(BOT, CHAT.chat_id, until_s))
    async with hall(tmp_path) as it:
        await it.say(rq.AskHelp())
        await it.settled(0)
        assert time.time() >= until_s
        assert it.chat.texts() == ["Help()"]


async def test_output_files_that_nobody_removed_are_swept_and_those_in_use_are_kept(tmp_path: Path) -> None:
    never = asyncio.Event()
    async with hall(tmp_path, agent=PlayedAgent(plays={"go": playing(gate=never)})) as it:
        await it.say("go")
        await until(lambda: len(it.agent.turns) == 1)
    for name in ("1", "7"):
        (tmp_path / "attempts" / name).mkdir(parents=True)
    async with hall(tmp_path, agent=PlayedAgent(on_reattach=playing(gate=never))) as it:
        await until(lambda: not (tmp_path / "attempts" / "7").exists())
        assert (tmp_path / "attempts" / "1").exists()


async def test_two_messages_for_the_same_answer_are_impossible(tmp_path: Path) -> None:
    """The certain outcome and the returned one settle the run once."""

    async def concludes_twice(turn: Turn, emit: Emit) -> Outcome:
        await emit(ev.Concluded(Answered("one")), 10)
        return Answered("one")

    async with hall(tmp_path, agent=PlayedAgent(plays={"go": concludes_twice})) as it:
        await it.say("go")
        await it.settled(1)
        assert it.chat.answers() == ["one"]
