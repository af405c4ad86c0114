"""Several sessions in one bot: what each chat and topic speaks to."""

from __future__ import annotations

import asyncio
from pathlib import Path

from codex_gateway.core import event as ev
from codex_gateway.core import request as rq
from codex_gateway.core.ids import ChatRef, ThreadId
from codex_gateway.core.outcome import Answered, Outcome
from codex_gateway.core.ports import Emit
from codex_gateway.core.run import Turn
from codex_gateway.core.saved import SavedSession
from support.hall import BOT, CHAT, THREAD, PlayedAgent, PlayedShelf, hall, playing, policy, until

ONE, TWO = ChatRef(BOT, -100, 1), ChatRef(BOT, -100, 2)
LOGIN, SHOP = ThreadId("01a1f920-e197-7680-af9c-00000000000a"), ThreadId("01a1f920-e197-7680-af9c-00000000000b")
NEW = ThreadId("01a1f920-e197-7680-af9c-00000000000c")
ELSEWHERE = Path("/elsewhere")


def stocked() -> PlayedShelf:
    return PlayedShelf(
        saved=[
            SavedSession(LOGIN, 2.0, "Fix the login", ELSEWHERE),
            SavedSession(SHOP, 1.0, "Fix the shop", Path("/secret")),
            SavedSession(ThreadId("gone"), 0.0, "Archive of old", is_archived=True),
        ],
        workdirs={ELSEWHERE, Path("/other")},
    )


async def begin_new(turn: Turn, emit: Emit) -> Outcome:
    if turn.thread_id is None:
        await emit(ev.SessionIdentified(NEW, None), 0)
    return Answered("begun")


async def test_topics_work_side_by_side_each_in_its_session_and_directory(tmp_path: Path) -> None:
    gate = asyncio.Event()
    agent = PlayedAgent(plays={"a": playing(gate=gate), "b": playing(gate=gate)})
    async with hall(tmp_path, agent=agent, shelf=stocked()) as it:
        await it.say(rq.Bind("login"), chat=ONE, private=False)
        await it.say(rq.Bind(SHOP, "/other"), chat=TWO, private=False)
        await it.say("a", chat=ONE, private=False)
        await it.say("b", chat=TWO, private=False)
        await until(lambda: len(agent.turns) == 2)
        assert {(turn.thread_id, turn.workdir) for turn in agent.turns} == {(LOGIN, ELSEWHERE), (SHOP, Path("/other"))}
        gate.set()
        await it.settled(2)
        await it.say("c")  # a chat that nobody has bound
        await it.settled(3)
        assert (agent.turns[2].thread_id, agent.turns[2].workdir) == (THREAD, Path("/work/dir"))


async def test_one_session_in_two_topics_runs_one_prompt_at_a_time(tmp_path: Path) -> None:
    gate = asyncio.Event()
    agent = PlayedAgent(plays={"a": playing(gate=gate)})
    async with hall(tmp_path, agent=agent, shelf=stocked()) as it:
        for topic in (ONE, TWO):
            await it.say(rq.Bind(LOGIN), chat=topic, private=False)
        await it.say("a", chat=ONE, private=False)
        await it.say("b", chat=TWO, private=False)
        await until(lambda: len(agent.turns) == 1)
        assert await it.states() == ["running", "queued"]
        gate.set()
        await it.settled(2)
        assert it.chat.answers(TWO) == ["echo: b"]


async def test_a_binding_survives_a_restart_and_unbind_ends_it(tmp_path: Path) -> None:
    async with hall(tmp_path, shelf=stocked()) as it:
        await it.say(rq.Bind("login"))
    agent = PlayedAgent()
    async with hall(tmp_path, agent=agent, shelf=stocked()) as it:
        it.last_update_id = 100
        await it.say("still there")
        await it.settled(1)
        await it.say(rq.Unbind())
        await it.say(rq.Unbind())
        await it.say("back")
        await it.settled(2)
        assert [(turn.thread_id, turn.workdir) for turn in agent.turns] == [
            (LOGIN, ELSEWHERE),
            (THREAD, Path("/work/dir")),
        ]
        assert sum("NOT_BOUND" in text for text in it.chat.texts()) == 1


async def test_what_waits_keeps_the_session_and_directory_it_was_asked_for(tmp_path: Path) -> None:
    gate = asyncio.Event()
    agent = PlayedAgent(plays={"a": playing(gate=gate)})
    async with hall(tmp_path, agent=agent, shelf=stocked()) as it:
        await it.say("a")
        await it.say("b")
        await until(lambda: len(agent.turns) == 1)
        await it.say(rq.Bind("login"))
        await it.say("c")
        await until(lambda: len(agent.turns) == 2)
        gate.set()
        await it.settled(3)
        by_prompt = {turn.prompt: (turn.thread_id, turn.workdir) for turn in agent.turns}
        assert by_prompt["b"] == (THREAD, Path("/work/dir")) and by_prompt["c"] == (LOGIN, ELSEWHERE)


async def test_a_new_session_begins_with_the_next_prompt_and_is_kept(tmp_path: Path) -> None:
    agent = PlayedAgent(plays={"first": begin_new})
    async with hall(tmp_path, agent=agent, shelf=stocked()) as it:
        await it.say(rq.NewSession("/other"), chat=ONE, private=False)
        await it.say("first", chat=ONE, private=False)
        await it.settled(1)
        await it.say("second", chat=ONE, private=False)
        await it.settled(2)
        assert [(turn.thread_id, turn.workdir) for turn in agent.turns] == [
            (None, Path("/other")),
            (NEW, Path("/other")),
        ]


async def test_a_fork_begins_with_the_next_prompt_where_the_chat_works(tmp_path: Path) -> None:
    agent = PlayedAgent(plays={"on": begin_new})
    async with hall(tmp_path, agent=agent, shelf=stocked()) as it:
        await it.say(rq.Bind("login"))
        await it.say(rq.ForkSession())
        await it.say(rq.ForkSession())  # there is nothing yet that this could fork
        await it.say("on")
        await it.settled(1)
        assert (agent.turns[0].thread_id, agent.turns[0].fork_of, agent.turns[0].workdir) == (None, LOGIN, ELSEWHERE)
        assert sum("NOTHING_TO_FORK" in text for text in it.chat.texts()) == 1
        assert any("SessionForked" in text for text in it.chat.texts())


async def test_a_codex_that_cannot_fork_is_told_by_its_version(tmp_path: Path) -> None:
    shelf = stocked()
    shelf.forks = False
    async with hall(tmp_path, shelf=shelf) as it:
        await it.say(rq.ForkSession())
        await until(lambda: any("CANNOT_FORK" in text and "0.0.0" in text for text in it.chat.texts()))
        assert await it.query("SELECT count(*) FROM bindings WHERE chat_id <> 0") == [(0,)]


async def test_what_cannot_be_bound_is_said_and_changes_nothing(tmp_path: Path) -> None:
    async with hall(tmp_path, shelf=stocked()) as it:
        for wish, word in (
            (rq.Bind(None), "NOTHING_NAMED"),
            (rq.Bind("no such thing"), "NO_SUCH_SESSION"),
            (rq.Bind("Archive"), "ARCHIVED"),
            (rq.Bind("Fix"), "Ambiguous"),
            (rq.Bind("login", "/etc"), "NOT_ALLOWED"),
            (rq.Bind(None, "/etc"), "NOT_ALLOWED"),
            (rq.NewSession("/etc"), "NOT_ALLOWED"),
        ):
            before = len(it.chat.texts())
            await it.say(wish)
            await until(lambda before=before: len(it.chat.texts()) > before)  # type: ignore[misc]
            assert word in it.chat.texts()[-1]
        assert await it.query("SELECT count(*) FROM bindings WHERE chat_id <> 0") == [(0,)]


async def test_a_session_of_a_directory_that_is_not_allowed_works_in_the_bots_own_and_says_so(tmp_path: Path) -> None:
    agent = PlayedAgent()
    async with hall(tmp_path, agent=agent, shelf=stocked()) as it:
        await it.say(rq.Bind("shop"))
        await it.say("go")
        await it.settled(1)
        assert any("elsewhere=PosixPath('/secret')" in text for text in it.chat.texts())
        assert agent.turns[0].workdir == Path("/work/dir")


async def test_a_directory_that_is_allowed_no_more_is_not_worked_in(tmp_path: Path) -> None:
    async with hall(tmp_path, shelf=stocked()) as it:
        await it.say(rq.Bind(None, "/other"))
    agent = PlayedAgent()
    async with hall(tmp_path, agent=agent, shelf=PlayedShelf(), policies=[policy()]) as it:
        asked = await it.say("go", update_id=100)
        await until(lambda: any(sent.reply_to == asked and "NOT_ALLOWED" in sent.text for sent in it.chat.sent))
        assert await it.states() == [] and agent.turns == []


async def test_the_list_says_which_session_this_chat_speaks_to(tmp_path: Path) -> None:
    async with hall(tmp_path, shelf=stocked()) as it:
        await it.say(rq.Bind("login"))
        await it.say(rq.AskSessions())
        await until(lambda: any(f"bound='{LOGIN}'" in text for text in it.chat.texts(CHAT)))


async def test_stop_ends_what_the_chat_has_asked_for_in_a_session_that_it_spoke_to_before(tmp_path: Path) -> None:
    agent = PlayedAgent(plays={"a": playing(gate=asyncio.Event())})
    async with hall(tmp_path, agent=agent, shelf=stocked()) as it:
        await it.say("a", chat=ONE, private=False)
        await until(lambda: len(agent.turns) == 1)
        await it.say(rq.Bind("login"), chat=ONE, private=False)
        await it.say(rq.Bind("shop"), chat=TWO, private=False)
        await it.say(rq.Cancel(), chat=TWO, private=False)
        await until(lambda: "NothingRuns()" in it.chat.texts(TWO))
        await it.say(rq.Cancel(), chat=ONE, private=False)
        await it.settled(1)
        assert await it.states() == ["stopped"]


async def test_what_a_chat_has_at_work_in_a_session_that_it_has_left_is_listed_and_stopped(tmp_path: Path) -> None:
    gate = asyncio.Event()
    agent = PlayedAgent(plays={"a": playing(gate=gate), "c": playing(gate=gate)})
    async with hall(tmp_path, agent=agent, shelf=stocked()) as it:
        await it.say("a")
        await until(lambda: len(agent.turns) == 1)
        await it.say("b")
        await it.say(rq.NewSession(None))
        await it.say("c")
        await until(lambda: len(agent.turns) == 2)
        listed = await it.say(rq.AskQueue())
        status = await it.say(rq.AskStatus())
        await until(lambda: {listed, status} <= {sent.reply_to for sent in it.chat.sent})
        for asked in (listed, status):
            [report] = [sent.text for sent in it.chat.sent if sent.reply_to == asked]
            assert "running=RunLine(run_id=3" in report
            assert "elsewhere=(RunLine(run_id=1" in report
        [report] = [sent.text for sent in it.chat.sent if sent.reply_to == listed]
        assert "waiting=(RunLine(run_id=2" in report
        # another topic has no part in it
        asked = await it.say(rq.AskQueue(), chat=ONE, private=False)
        await until(lambda: any(sent.reply_to == asked for sent in it.chat.sent))
        [report] = [sent.text for sent in it.chat.sent if sent.reply_to == asked]
        assert "run_id=3" not in report
        for ended in (1, 2, 3):  # the session of now first, then what is left of the other
            await it.say(rq.Cancel())
            async with asyncio.timeout(10):
                while (await it.states()).count("stopped") != ended:
                    await asyncio.sleep(0.002)
        assert (await it.query("SELECT id FROM runs ORDER BY ended_at"))[0] == (3,)
