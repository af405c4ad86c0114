"""From a message to its answer, over the hall's own rows."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from codex_gateway.core import event as ev
from codex_gateway.core import request as rq
from codex_gateway.core.errors import ChatBusy, ChatRefused, ChatUnreachable
from codex_gateway.core.ids import ChatRef, ThreadId, UserId
from codex_gateway.core.outcome import Answered, Failed, FailureKind, Outcome
from codex_gateway.core.ports import Emit
from codex_gateway.core.run import Turn
from codex_gateway.core.watchdog import Limits
from support.hall import (
    BOT,
    OTHER_BOT,
    OTHER_CHAT,
    OTHER_THREAD,
    THREAD,
    KeptChat,
    PlayedAgent,
    hall,
    playing,
    policy,
    until,
)


async def test_a_prompt_is_acknowledged_answered_and_closed(tmp_path: Path) -> None:
    async with hall(tmp_path) as it:
        asked = await it.say("hello")
        await it.settled(1)
        status, answer = it.chat.sent
        assert (status.reply_to, answer.reply_to) == (asked, asked)
        assert answer.text == "answer: echo: hello"
        assert status.says[0].startswith("QueuedCard") and status.text.startswith("SettledCard")
        assert it.agent.turns == [Turn(THREAD, "hello", Path("/work/dir"))]
        assert await it.states() == ["succeeded"]


async def test_prompts_of_one_session_take_turns_in_order(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with hall(tmp_path, agent=PlayedAgent(plays={"one": playing(gate=gate)})) as it:
        for prompt in ("one", "two", "three"):
            await it.say(prompt)
        await until(lambda: len(it.agent.turns) == 1)
        assert await it.states() == ["running", "queued", "queued"]
        await until(lambda: any("ahead=2" in text for text in it.chat.texts()))
        gate.set()
        await it.settled(3)
        assert [turn.prompt for turn in it.agent.turns] == ["one", "two", "three"]
        assert it.chat.answers() == ["done", "echo: two", "echo: three"]


async def test_sessions_work_side_by_side(tmp_path: Path) -> None:
    gate = asyncio.Event()
    agent = PlayedAgent(plays={"slow": playing(gate=gate)})
    async with hall(tmp_path, agent=agent) as it:
        await it.say("slow")
        await it.say("quick", chat=OTHER_CHAT)
        await until(lambda: it.chat.answers(OTHER_CHAT) == ["echo: quick"])
        assert it.chat.answers() == []
        gate.set()
        await it.settled(2)
        assert {turn.thread_id for turn in agent.turns} == {THREAD, OTHER_THREAD}


async def test_two_bots_on_one_session_share_its_queue(tmp_path: Path) -> None:
    gate = asyncio.Event()
    agent = PlayedAgent(plays={"first": playing(gate=gate)})
    async with hall(tmp_path, agent=agent, policies=[policy(), policy(OTHER_BOT)]) as it:
        await it.say("first")
        await until(lambda: len(agent.turns) == 1)
        await it.say("second", chat=OTHER_CHAT)
        assert await it.states() == ["running", "queued"]
        gate.set()
        await it.settled(2)
        assert it.chat.answers(OTHER_CHAT) == ["echo: second"]


async def test_the_session_stays_taken_until_the_process_is_gone(tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def answers_then_lingers(turn: Turn, emit: Emit) -> Outcome:
        await emit(ev.Concluded(Answered("early")), 500)
        await gate.wait()
        return Answered("early")

    async with hall(tmp_path, agent=PlayedAgent(plays={"one": answers_then_lingers})) as it:
        await it.say("one")
        await it.say("two")
        await until(lambda: it.chat.answers() == ["early"])
        assert await it.states() == ["succeeded", "queued"]
        gate.set()
        await it.settled(2)
        assert it.chat.answers() == ["early", "echo: two"]


async def test_what_is_said_on_the_way_arrives_before_the_answer(tmp_path: Path) -> None:
    say = ev.Message("I look around.", ev.Phase.COMMENTARY)
    more = ev.Message("Nearly there.", ev.Phase.COMMENTARY)
    async with hall(tmp_path, agent=PlayedAgent(plays={"go": playing(say, more)})) as it:
        await it.say("go")
        await it.settled(1)
        words = " ".join(text for text in it.chat.texts() if not text.startswith("SettledCard"))
        assert words.index("I look around.") < words.index("Nearly there.") < words.index("answer: done")


async def test_a_long_answer_arrives_whole_and_in_order(tmp_path: Path) -> None:
    text = "".join(f"{number:05d}" for number in range(6000))
    async with hall(tmp_path, agent=PlayedAgent(plays={"go": playing(answer=text)})) as it:
        await it.say("go")
        await it.settled(1)
        assert len(it.chat.answers()) == 8
        assert "".join(it.chat.answers()) == text


async def test_an_update_brought_twice_is_run_once(tmp_path: Path) -> None:
    async with hall(tmp_path) as it:
        await it.say("once", update_id=41)
        await it.say("once", update_id=41)
        await it.settled(1)
        assert len(it.agent.turns) == 1


async def test_the_first_prompt_of_an_unbound_bot_starts_a_session_that_is_kept(tmp_path: Path) -> None:
    named = ThreadId("01a1f920-0000-7000-8000-000000000001")

    async def starts_a_session(turn: Turn, emit: Emit) -> Outcome:
        await emit(ev.SessionIdentified(named), 0)
        return Answered("new")

    agent = PlayedAgent(plays={"first": starts_a_session})
    async with hall(tmp_path, agent=agent, policies=[policy(resume_id=None)]) as it:
        await it.say("first")
        await it.say("second")
        await it.settled(2)
    agent = PlayedAgent()
    async with hall(tmp_path, agent=agent, policies=[policy(resume_id=None)]) as it:
        await it.say("after a restart", update_id=99)
        await it.settled(3)
        assert [turn.thread_id for turn in agent.turns] == [named]


async def test_a_failure_is_a_verdict_with_its_kind(tmp_path: Path) -> None:
    async def fails(turn: Turn, emit: Emit) -> Outcome:
        return Failed(FailureKind.QUOTA, "You've hit your usage limit.")

    async with hall(tmp_path, agent=PlayedAgent(plays={"go": fails})) as it:
        await it.say("go")
        await it.settled(1)
        assert "quota" in it.chat.texts()[0] and "usage limit" in it.chat.texts()[0]
        assert await it.query("SELECT state, failure_kind FROM runs") == [("failed", "quota")]


async def test_an_agent_that_raises_ends_its_run_and_nothing_else(tmp_path: Path) -> None:
    async def breaks(turn: Turn, emit: Emit) -> Outcome:
        raise RuntimeError("a bug")

    async with hall(tmp_path, agent=PlayedAgent(plays={"go": breaks})) as it:
        await it.say("go")
        await it.say("next")
        await it.settled(2)
        assert await it.states() == ["failed", "succeeded"]


async def test_strangers_get_silence(tmp_path: Path) -> None:
    async with hall(tmp_path) as it:
        await it.say("let me in", user=UserId(666))
        await it.say("in a group that is not listed", chat=ChatRef(BOT, -5), private=False)
        await it.say("in a listed group", chat=ChatRef(BOT, -100), private=False)
        await it.settled(1)
        assert [turn.prompt for turn in it.agent.turns] == ["in a listed group"]
        assert {message.chat.chat_id for message in it.chat.sent} == {-100}


async def test_usage_is_what_the_turn_cost(tmp_path: Path) -> None:
    first = ev.Usage(ev.Tokens(input=1000, output=50), last=ev.Tokens(input=200, output=10))
    then = ev.Usage(ev.Tokens(input=1300, output=70), last=ev.Tokens(input=300, output=20))
    async with hall(tmp_path, agent=PlayedAgent(plays={"go": playing(first, then)})) as it:
        await it.say("go")
        await it.settled(1)
        assert await it.query("SELECT tokens_input, tokens_output FROM runs") == [(500, 30)]


async def test_what_is_left_is_kept_with_the_run_and_told_by_status(tmp_path: Path) -> None:
    five_hours, over = ev.Window(91.0, 18_000.0, time.time() + 600), ev.Window(40.0, 604_800.0, time.time() - 1)
    used = ev.Usage(ev.Tokens(input=1000), ev.Tokens(input=1000), 258_400, windows=(five_hours, over))
    async with hall(tmp_path, agent=PlayedAgent(plays={"go": playing(used)})) as it:
        await it.say("go")
        await it.settled(1)
        [run] = await it.ledger.latest(limit=1)
        assert (run.context, run.windows) == (ev.Context(1000, 258_400), (five_hours, over))
        await it.say("and without a word about it")
        await it.settled(2)
        await it.say(rq.AskStatus())
        await until(lambda: "StatusReport" in it.chat.texts()[-1])
        # a window that has begun anew since says nothing of today
        assert f"windows=({five_hours},)" in it.chat.texts()[-1]


async def test_when_a_limit_ends_is_kept_with_the_run(tmp_path: Path) -> None:
    async def refused(turn: Turn, emit: Emit) -> Outcome:
        return Failed(FailureKind.QUOTA, "used up", resets_at=1234.5)

    async with hall(tmp_path, agent=PlayedAgent(plays={"go": refused})) as it:
        await it.say("go")
        await it.settled(1)
        assert await it.query("SELECT failure_kind, resets_at FROM runs") == [("quota", 1234.5)]
        assert any("resets_at=1234.5" in text for text in it.chat.texts())


async def test_a_silent_turn_is_stopped_and_says_why(tmp_path: Path) -> None:
    never = asyncio.Event()
    limits = Limits(silence_s=0.05)
    agent = PlayedAgent(plays={"go": playing(ev.TurnStarted(), gate=never)})
    async with hall(tmp_path, agent=agent, policies=[policy(limits=limits)]) as it:
        await it.say("go")
        await it.settled(1)
        assert await it.query("SELECT state, stop_reason FROM runs") == [("stopped", "silence")]
        assert agent.cancelled == ["go"]


async def test_an_answer_given_before_the_turn_got_stuck_is_delivered(tmp_path: Path) -> None:
    never = asyncio.Event()
    said = ev.Message("the answer", ev.Phase.FINAL_ANSWER)
    agent = PlayedAgent(plays={"go": playing(said, gate=never)})
    async with hall(tmp_path, agent=agent, policies=[policy(limits=Limits(after_answer_s=0.05))]) as it:
        await it.say("go")
        await it.settled(1)
        assert it.chat.answers() == ["the answer"]
        assert await it.query("SELECT stop_reason FROM runs") == [("stuck_after_answer",)]


async def test_reasoning_is_shown_only_where_the_owner_wants_it(tmp_path: Path) -> None:
    for shows in (False, True):
        gate = asyncio.Event()
        agent = PlayedAgent(plays={"go": playing(ev.Reasoning("secret thoughts"), gate=gate)})
        folder = tmp_path / str(shows)
        async with hall(folder, agent=agent, policies=[policy(shows_reasoning=shows)]) as it:
            await it.say("go")
            await until(lambda it=it: any("RunningCard" in said for sent in it.chat.sent for said in sent.says))
            gate.set()
            await it.settled(1)
            said = " ".join(text for sent in it.chat.sent for text in sent.says)
            assert ("secret thoughts" in said) is shows


async def test_a_message_is_tried_again_until_the_chat_takes_it(tmp_path: Path) -> None:
    chat = KeptChat(faults=[ChatBusy(0.01), ChatUnreachable("reset", uncertain=True)])
    async with hall(tmp_path, chat=chat) as it:
        await it.say("hello")
        await it.settled(1)
        assert chat.answers() == ["echo: hello"]
        assert await it.query("SELECT is_repeated FROM outbox ORDER BY id") == [(1,), (0,), (0,)]


async def test_a_message_the_chat_will_never_take_does_not_block_the_next(tmp_path: Path) -> None:
    chat = KeptChat(faults=[ChatRefused("message is too odd")])
    async with hall(tmp_path, chat=chat) as it:
        await it.say("hello")
        await it.settled(1)
        assert chat.answers() == ["echo: hello"]
        rows = await it.query("SELECT kind, state, error FROM outbox ORDER BY id")
        assert rows[0] == ("status", "refused", "message is too odd")
        assert "SettledCard" in chat.texts()[-1]  # the verdict is seen all the same, as a message of its own


async def test_commands_answer_from_the_rows(tmp_path: Path) -> None:
    async with hall(tmp_path) as it:
        await it.say("hello")
        await it.settled(1)
        for wish in (rq.AskStatus(), rq.AskLastResult(), rq.AskQueue(), rq.AskSession(), rq.AskWho(), rq.AskHelp()):
            await it.say(wish)
        await it.settled(1)
        status, last, queue, session, who, help_ = it.chat.texts()[-6:]
        assert "StatusReport" in status and "succeeded" in status
        assert last == "last: echo: hello"
        assert "QueueReport(running=None, waiting=(), " in queue
        assert str(THREAD) in session
        assert "user_id=7" in who
        assert help_ == "Help()"
        assert len(it.agent.turns) == 1


async def test_a_misspoken_command_is_never_a_run(tmp_path: Path) -> None:
    async with hall(tmp_path) as it:
        await it.say(rq.Misspoken(rq.MisspokenReason.UNKNOWN_COMMAND, "/stpo"))
        await it.settled(0)
        assert "/stpo" in it.chat.texts()[0]
        assert it.agent.turns == []


async def test_a_codex_that_is_not_understood_is_named_in_the_verdict(tmp_path: Path) -> None:
    agent = PlayedAgent(plays={"hello": playing(ev.Misread(12, "0.999.0"), answer="the answer")})
    async with hall(tmp_path, agent=agent) as it:
        await it.say("hello")
        await it.settled(1)
        status, answer = it.chat.sent
        assert answer.text == "answer: the answer"
        assert "Misread(records=12, version='0.999.0')" in status.text
