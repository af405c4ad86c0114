"""A prompt whose session somebody else has open: it waits, and what a person can do meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path

from codex_gateway.core import event as ev
from codex_gateway.core import request as rq
from codex_gateway.core.holder import Holder
from codex_gateway.core.ids import AttemptId, ChatRef, RunId, SessionId, ThreadId, UserId
from codex_gateway.core.outcome import Answered, Failed, FailureKind, Outcome
from codex_gateway.core.ports import Emit
from codex_gateway.core.run import Turn
from codex_gateway.core.watchdog import Limits
from codex_gateway.store.database import Database
from codex_gateway.store.sessions import Sessions
from support.hall import (
    BOT,
    CHAT,
    OTHER_CHAT,
    OTHER_THREAD,
    THREAD,
    Hall,
    KeptChat,
    Play,
    PlayedAgent,
    hall,
    playing,
    policy,
    until,
)

TERMINAL = Holder(4242, "codex resume", "pts/3")
LEFTOVER = Holder(4343, "codex exec resume", None, AttemptId(77))
NEW_THREAD = ThreadId("01a1f9e4-9b20-74c0-ae42-09c1c3905518")
#: Long enough for a busy machine to say that the session is held before they strike.
LIMITS = Limits(run_timeout_s=0.5, silence_s=0.5)


def held(*holders: Holder | None, free: asyncio.Event, can_fork: bool = True, answer: str = "done") -> Play:
    """A session held by these, one after another, until it is free."""

    async def play(turn: Turn, emit: Emit) -> Outcome:
        for holder in holders:
            await emit(ev.SessionHeld(holder, can_fork=can_fork), 0)
        await free.wait()
        await emit(ev.SessionFree(Path("/codex/session"), 4711), 0)
        await emit(ev.ProcessStarted(pid=99, start_ticks=1), 0)
        return Answered(answer)

    return play


async def fork(turn: Turn, emit: Emit) -> Outcome:
    """What a Codex does that can fork."""
    assert turn.thread_id is None and turn.fork_of is not None
    await emit(ev.SessionIdentified(NEW_THREAD), 0)
    return Answered(f"forked from {turn.fork_of}")


async def waits(it: Hall, run: int = 1) -> None:
    await until(lambda: _waits(it, run))


def _waits(it: Hall, run: int) -> bool:
    progress = it.executor.progress_of(RunId(run))
    return progress is not None and progress.is_waiting


async def test_a_prompt_waits_for_its_session_and_goes_on_by_itself(tmp_path: Path) -> None:
    free = asyncio.Event()
    agent = PlayedAgent(plays={"one": held(None, TERMINAL, free=free)})
    async with hall(tmp_path, agent=agent) as it:
        await it.say("one")
        await until(lambda: any("pts/3" in text for text in it.chat.texts()))
        assert await it.states() == ["running"]
        free.set()
        await it.settled(1)
        assert it.chat.answers() == ["done"]
        assert await it.states() == ["succeeded"]
        assert await it.query("SELECT session_file, offset_bytes FROM attempts") == [("/codex/session", 4711)]


async def test_the_watchdogs_sleep_while_a_prompt_waits(tmp_path: Path) -> None:
    free = asyncio.Event()
    agent = PlayedAgent(plays={"one": held(TERMINAL, free=free)})
    async with hall(tmp_path, agent=agent, policies=[policy(limits=LIMITS)]) as it:
        await it.say("one")
        await waits(it)
        loop = asyncio.get_running_loop()
        beyond = loop.time() + 3 * LIMITS.silence_s
        await until(lambda: loop.time() > beyond)
        assert await it.states() == ["running"]
        free.set()
        await it.settled(1)
        assert await it.states() == ["succeeded"]


async def test_the_time_of_a_run_counts_from_its_real_start(tmp_path: Path) -> None:
    free = asyncio.Event()
    async with hall(tmp_path, agent=PlayedAgent(plays={"one": held(TERMINAL, free=free)})) as it:
        await it.say("one")
        await waits(it)
        [(claimed_at,)] = await it.query("SELECT started_at FROM runs")
        free.set()
        await it.settled(1)
        [(started_at, worked_s)] = await it.query("SELECT started_at, ended_at - started_at FROM runs")
        assert float(str(started_at)) > float(str(claimed_at))
        elapsed = it.chat.sent[0].text.partition("elapsed_s=")[2].partition(",")[0]
        assert float(elapsed) == worked_s


async def test_a_prompt_that_waits_can_be_stopped_and_never_ran(tmp_path: Path) -> None:
    for wish in (rq.Cancel(), rq.Cancel(RunId(1))):
        folder = tmp_path / type(wish).__name__ / str(wish.run_id)
        agent = PlayedAgent(plays={"one": held(TERMINAL, free=asyncio.Event())})
        async with hall(folder, agent=agent) as it:
            await it.say("one")
            await it.say("two")
            await waits(it)
            await it.say(wish)
            await it.settled(2)
            assert await it.states() == ["stopped", "succeeded"]
            assert await it.query("SELECT started_at FROM runs WHERE id = 1") == [(None,)]
            assert "elapsed_s=None" in it.chat.sent[0].text


async def test_those_behind_it_keep_their_places_and_other_sessions_go_on(tmp_path: Path) -> None:
    free = asyncio.Event()
    agent = PlayedAgent(plays={"one": held(TERMINAL, free=free)})
    async with hall(tmp_path, agent=agent) as it:
        await it.say("one")
        await waits(it)
        await it.say("two")
        await it.say("three")
        await it.say("elsewhere", chat=OTHER_CHAT)
        await until(lambda: it.chat.answers(OTHER_CHAT) == ["echo: elsewhere"])
        assert await it.states() == ["running", "queued", "queued", "succeeded"]
        free.set()
        await it.settled(4)
        assert it.chat.answers() == ["done", "echo: two", "echo: three"]


async def test_a_restart_while_it_waits_begins_the_wait_again(tmp_path: Path) -> None:
    free, chat = asyncio.Event(), KeptChat()
    agent = PlayedAgent(plays={"one": held(TERMINAL, free=free)})
    async with hall(tmp_path, agent=agent, chat=chat) as it:
        await it.say("one")
        await it.say("two")
        await waits(it)

    async def not_started(turn: Turn, emit: Emit) -> Outcome:
        return Failed(FailureKind.NOT_STARTED, "")

    agent = PlayedAgent(plays={"one": held(TERMINAL, free=free)}, on_reattach=not_started)
    async with hall(tmp_path, agent=agent, chat=chat) as it:
        await waits(it)
        assert await it.states() == ["running", "queued"]
        free.set()
        await it.settled(2)
        assert chat.answers() == ["done", "echo: two"]


async def test_a_fork_takes_the_chat_along(tmp_path: Path) -> None:
    chat = KeptChat()
    agent = PlayedAgent(plays={"one": held(TERMINAL, free=asyncio.Event())})
    async with hall(tmp_path, agent=agent, chat=chat) as it:
        await it.say("one")
        await it.say("two")
        await waits(it)
        agent.plays["one"] = fork
        await it.say(rq.Fork(RunId(1)))
        await it.settled(2)
        assert chat.answers() == [f"forked from {THREAD}", "echo: two"]
        assert [turn.thread_id for turn in agent.turns] == [THREAD, None, NEW_THREAD]
        [said] = [text for text in chat.texts() if text.startswith("SessionForked")]
        assert THREAD in said and NEW_THREAD in said
        assert [update for (update,) in await it.query("SELECT state FROM inbox")] == ["handled"] * 3
    async with hall(tmp_path, agent=agent, chat=chat) as it:  # and the next life knows of it
        await it.say("three", update_id=100)
        await it.settled(3)
        assert agent.turns[-1] == Turn(NEW_THREAD, "three", Path("/work/dir"))


async def test_a_fork_leaves_other_chats_where_they_are(tmp_path: Path) -> None:
    topic = ChatRef(BOT, -100, 5)
    free = asyncio.Event()
    agent = PlayedAgent(plays={"one": held(TERMINAL, free=asyncio.Event()), "two": held(TERMINAL, free=free)})
    async with hall(tmp_path, agent=agent) as it:
        await it.say("one")
        await waits(it)
        await it.say("two", chat=topic, private=False)
        agent.plays["one"] = fork
        await it.say(rq.Fork(RunId(1)))
        await waits(it, run=2)
        free.set()
        await it.settled(2)
        assert [turn.thread_id for turn in agent.turns if turn.prompt == "two"] == [THREAD]
        async with asyncio.timeout(60):
            assert await _thread_of(it.database, topic) == THREAD
            assert await _thread_of(it.database, CHAT) == NEW_THREAD


async def test_another_resume_id_in_the_configuration_leaves_a_fork_alone_and_unbind_ends_it(tmp_path: Path) -> None:
    agent = PlayedAgent(plays={"one": held(TERMINAL, free=asyncio.Event())})
    async with hall(tmp_path, agent=agent, policies=[policy()]) as it:
        await it.say("one")
        await waits(it)
        agent.plays["one"] = fork
        await it.say(rq.Fork(RunId(1)))
        await it.settled(1)
    async with hall(tmp_path, agent=agent, policies=[policy(resume_id=OTHER_THREAD)]) as it:
        assert await _thread_of(it.database, CHAT) not in (THREAD, OTHER_THREAD)
        await it.say(rq.Unbind(), update_id=100)
        assert await _thread_of(it.database, CHAT) == OTHER_THREAD


async def test_what_does_not_wait_is_not_forked(tmp_path: Path) -> None:
    gate = asyncio.Event()
    agent = PlayedAgent(plays={"works": playing(ev.TurnStarted(), gate=gate)})
    async with hall(tmp_path, agent=agent) as it:
        await it.say("works")
        await it.say("behind it")
        await until(lambda: len(agent.turns) == 1)
        for run in (1, 2, 99):
            await it.say(rq.Fork(RunId(run)))
            await it.say(rq.EndHolder(RunId(run)))
        gate.set()
        await it.settled(2)
        await it.say(rq.Fork(RunId(1)))
        await until(lambda: len([text for text in it.chat.texts() if text.startswith("NotWaiting")]) == 7)
        assert it.chat.answers() == ["done", "echo: behind it"]
        assert agent.cancelled == [] and agent.ousted == []


async def test_a_codex_that_cannot_fork_is_not_asked_to(tmp_path: Path) -> None:
    agent = PlayedAgent(plays={"one": held(TERMINAL, free=asyncio.Event(), can_fork=False)})
    async with hall(tmp_path, agent=agent) as it:
        await it.say("one")
        await waits(it)
        await it.say(rq.Fork(RunId(1)))
        await until(lambda: any(text.startswith("NotWaiting") for text in it.chat.texts()))
        assert _waits(it, 1)


async def test_buttons_are_nothing_to_strangers_and_other_chats(tmp_path: Path) -> None:
    agent = PlayedAgent(plays={"one": held(LEFTOVER, free=asyncio.Event())})
    async with hall(tmp_path, agent=agent) as it:
        await it.say("one")
        await waits(it)
        for wish in (rq.Fork(RunId(1)), rq.EndHolder(RunId(1))):
            await it.say(wish, user=UserId(8))
            await it.say(wish, chat=OTHER_CHAT)
            await it.say(wish, chat=ChatRef(BOT, -100), private=False)
        await until(lambda: len([text for text in it.chat.texts(OTHER_CHAT) if "NotWaiting" in text]) == 2)
        assert _waits(it, 1) and agent.ousted == [] and agent.cancelled == []


async def test_a_leftover_of_ours_is_ended_on_request_and_nobody_else(tmp_path: Path) -> None:
    free = asyncio.Event()
    agent = PlayedAgent(plays={"one": held(TERMINAL, LEFTOVER, free=free)})
    async with hall(tmp_path, agent=agent) as it:
        await it.say("one")
        await waits(it)
        await it.say(rq.EndHolder(RunId(1)))
        assert agent.ousted == [(THREAD, LEFTOVER)]
        free.set()
        await it.settled(1)
        assert any(text.startswith("EndingHolder") and "4343" in text for text in it.chat.texts())
    agent = PlayedAgent(plays={"one": held(TERMINAL, free=asyncio.Event())})
    async with hall(tmp_path / "other", agent=agent) as it:
        await it.say("one")
        await waits(it)
        await it.say(rq.EndHolder(RunId(1)))
        assert agent.ousted == []


async def test_what_works_for_another_run_is_no_leftover(tmp_path: Path) -> None:
    """A turn may have started a Codex of its own, in the session of another bot."""
    gate = asyncio.Event()
    busy = Holder(4444, "codex exec resume", None, AttemptId(1))
    agent = PlayedAgent(plays={"works": playing(ev.TurnStarted(), gate=gate), "one": held(busy, free=gate)})
    async with hall(tmp_path, agent=agent) as it:
        await it.say("works", chat=OTHER_CHAT)
        await until(lambda: len(agent.turns) == 1)
        await it.say("one")
        await waits(it, run=2)
        await it.say(rq.EndHolder(RunId(2)))
        assert agent.ousted == []
        gate.set()
        await it.settled(2)


async def test_nothing_is_taken_from_a_session_that_is_paused(tmp_path: Path) -> None:
    async with hall(tmp_path) as it:
        with it.scheduler.pausing(SessionId(1)):
            await it.say("one")
            await it.say("elsewhere", chat=OTHER_CHAT)
            await until(lambda: it.chat.answers(OTHER_CHAT) == ["echo: elsewhere"])
            assert (await it.states())[0] == "queued"
        await it.settled(2)
        assert it.chat.answers() == ["echo: one"]


async def test_status_and_queue_tell_of_the_wait(tmp_path: Path) -> None:
    free = asyncio.Event()
    agent = PlayedAgent(plays={"one": held(TERMINAL, free=free)})
    async with hall(tmp_path, agent=agent) as it:
        await it.say("one")
        await waits(it)
        await it.say(rq.AskStatus())
        await it.say(rq.AskQueue())
        await until(lambda: len(it.chat.sent) == 3)
        assert "pts/3" in it.chat.texts()[1]
        assert "is_waiting=True" in it.chat.texts()[2]
        free.set()
        await it.settled(1)


async def _thread_of(database: Database, chat: ChatRef) -> ThreadId | None:
    session = await Sessions(database).of(chat)
    return None if session is None else session.thread_id
