"""What goes on in a bound session outside of its bot reaches the bot's people once, in order."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest

from codex_gateway.core import event as ev
from codex_gateway.core.errors import ChatRefused
from codex_gateway.core.ids import BotName, ChatRef, ThreadId
from codex_gateway.core.outcome import Answered, Failed, FailureKind, Outcome
from codex_gateway.core.policy import BotPolicy
from codex_gateway.core.ports import Emit
from codex_gateway.core.reply import OutsideEnd, OutsidePrompt, OutsideWords, Reply
from codex_gateway.core.run import Turn
from codex_gateway.core.sighting import BrokenOff, Interrupted
from codex_gateway.store.mirrors import Mirrors
from support.hall import (
    BOT,
    CHAT,
    OTHER_BOT,
    OTHER_CHAT,
    OTHER_THREAD,
    PERSON,
    THREAD,
    Hall,
    KeptChat,
    PlayedAgent,
    hall,
    policy,
    until,
)
from support.mirror import PlayedObserver, mirroring

ALPHA = policy()


@asynccontextmanager
async def mirrored(
    folder: Path,
    observer: PlayedObserver,
    *policies: BotPolicy,
    agent: PlayedAgent | None = None,
    chat: KeptChat | None = None,
) -> AsyncIterator[Hall]:
    """A hall with a mirror that has begun to follow everything there is to follow."""
    given = list(policies or (ALPHA,))
    async with (
        hall(folder, policies=given, agent=agent, chat=chat) as it,
        mirroring(it, observer, given),
    ):
        followed = {each.resume_id for each in given if each.mirrors_outside_turns and each.resume_id}
        followed -= observer.missing | set(observer.faults)
        await until(lambda: all(observer.sessions[thread].views for thread in followed))
        yield it


def prompt(text: str, through: str | None = None) -> str:
    return str(OutsidePrompt(None if through is None else BOT, text))


def words(text: str) -> str:
    return str(OutsideWords(text))


def heard(chat: KeptChat, where: ChatRef = CHAT) -> list[str]:
    """What was mirrored there."""
    return [text for text in chat.texts(where) if text.startswith("Outside")]


async def hears(it: Hall, *expected: str, where: ChatRef = CHAT) -> None:
    """Wait until this was mirrored, and nothing else."""
    with suppress(TimeoutError):
        await until(lambda: len(heard(it.chat, where)) >= len(expected))
    assert heard(it.chat, where) == list(expected)


async def caught_up(it: Hall, observer: PlayedObserver, thread: ThreadId = THREAD) -> None:
    """Wait until the mirror has told everything up to a turn that is played now."""
    marker = f"marker {observer.sessions[thread].size}"
    observer.sessions[thread].turn(marker, marker, marker)
    await until(lambda: any(words(marker) in text for text in heard(it.chat)))


def at_work(turn_id: str, observer: PlayedObserver, gate: asyncio.Event, *, tells: asyncio.Event) -> PlayedAgent:
    """An agent whose turns are written into the session at once, and told of when `tells` is set."""

    async def play(turn: Turn, emit: Emit) -> Outcome:
        session = observer.sessions[THREAD]
        mark = session.begin(turn_id)
        session.asks(turn_id, turn.prompt)
        await tells.wait()
        await emit(ev.TurnStarted(turn_id), mark.began_bytes)
        session.says(turn_id, "on my way")
        await gate.wait()
        session.ends(turn_id, Answered("done"))
        return Answered("done")

    return PlayedAgent(plays={"go": play})


async def test_an_outside_turn_is_told_in_order(tmp_path: Path) -> None:
    observer = PlayedObserver()
    async with mirrored(tmp_path, observer) as it:
        observer.sessions[THREAD].turn("a", "by hand", "the answer", says=["one", "two"])
        await hears(it, prompt("by hand"), words("one"), words("two"), words("the answer"))
        observer.sessions[THREAD].turn("b", "and again", "fine")
        await hears(it, *heard(it.chat)[:4], prompt("and again"), words("fine"))
        assert await it.query("SELECT DISTINCT kind, run_id, reply_to FROM outbox") == [("mirror", None, None)]


async def test_what_was_there_before_the_binding_is_history(tmp_path: Path) -> None:
    observer = PlayedObserver()
    observer.sessions[THREAD].turn("a", "long ago", "long since")
    async with mirrored(tmp_path, observer) as it:
        observer.sessions[THREAD].turn("b", "now", "yes")
        await hears(it, prompt("now"), words("yes"))


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        (Failed(FailureKind.QUOTA, "used up"), [OutsideEnd(Failed(FailureKind.QUOTA, "used up"))]),
        (Interrupted(), [OutsideEnd(Interrupted())]),
        (BrokenOff(), [OutsideEnd(BrokenOff())]),
        (Answered(""), [OutsideEnd(None)]),
        (Answered("yes"), [OutsideWords("yes")]),
    ],
)
async def test_every_way_to_end_is_told(tmp_path: Path, ending: Answered | Failed, expected: list[Reply]) -> None:
    observer = PlayedObserver()
    async with mirrored(tmp_path, observer) as it:
        session = observer.sessions[THREAD]
        session.begin("a")
        session.asks("a", "go")
        session.ends("a", ending)
        await hears(it, prompt("go"), *map(str, expected))


async def test_a_turn_in_which_nothing_was_asked_or_said_is_not_mentioned(tmp_path: Path) -> None:
    observer = PlayedObserver()
    async with mirrored(tmp_path, observer) as it:
        observer.sessions[THREAD].begin("compaction")
        observer.sessions[THREAD].ends("compaction", Answered(""))
        observer.sessions[THREAD].turn("b", "next", "yes")
        await hears(it, prompt("next"), words("yes"))


async def test_a_message_of_unknown_phase_waits_until_it_is_known_for_what_it_is(tmp_path: Path) -> None:
    observer = PlayedObserver()
    session = observer.sessions[THREAD]
    async with mirrored(tmp_path, observer) as it:
        session.begin("a")
        session.asks("a", "go")
        session.says("a", "first", ev.Phase.UNKNOWN)
        session.asks("a", "and this")
        session.says("a", "second", ev.Phase.UNKNOWN)
        await hears(it, prompt("go"), words("first"), prompt("and this"))
        session.ends("a", Answered("second"))
        await hears(it, prompt("go"), words("first"), prompt("and this"), words("second"))


async def test_an_answer_that_was_said_on_the_way_already_is_not_said_again(tmp_path: Path) -> None:
    """A turn may end with commentary; Codex then calls that the last message."""
    observer = PlayedObserver()
    session = observer.sessions[THREAD]
    for shows in (True, False):
        chat = KeptChat()
        async with mirrored(tmp_path, observer, replace(ALPHA, shows_commentary=shows), chat=chat) as it:
            session.begin("a")
            session.asks("a", "go")
            session.says("a", "hm")
            session.ends("a", Answered("hm"))
            session.turn("b", "next", "1")
            await hears(it, prompt("go"), words("hm"), prompt("next"), words("1"))


async def test_commentary_is_left_out_where_the_bot_shows_none(tmp_path: Path) -> None:
    observer = PlayedObserver()
    async with mirrored(tmp_path, observer, replace(ALPHA, shows_commentary=False)) as it:
        observer.sessions[THREAD].turn("a", "by hand", "the answer", says=["one"])
        await hears(it, prompt("by hand"), words("the answer"))


async def test_a_run_is_not_repeated_and_nothing_is_told_while_it_may_be_one(tmp_path: Path) -> None:
    observer, gate, tells = PlayedObserver(), asyncio.Event(), asyncio.Event()
    async with mirrored(tmp_path, observer, agent=at_work("ours", observer, gate, tells=tells)) as it:
        await it.say("go")
        await until(lambda: observer.sessions[THREAD].views[0].next > 0)
        await asyncio.sleep(0.05)  # several looks at what nobody can know yet
        assert heard(it.chat) == []
        tells.set()
        gate.set()
        await it.settled(1)
        await caught_up(it, observer)
        assert not any("go" in text or "on my way" in text for text in heard(it.chat))
        assert it.chat.answers() == ["done"]


async def test_an_outside_turn_beside_a_run_is_told_once_the_run_is_known(tmp_path: Path) -> None:
    """Before Codex 0.147 two may write at once."""
    observer, gate, tells = PlayedObserver(), asyncio.Event(), asyncio.Event()
    async with mirrored(tmp_path, observer, agent=at_work("ours", observer, gate, tells=tells)) as it:
        await it.say("go")
        await until(lambda: len(observer.sessions[THREAD].told) == 1)
        observer.sessions[THREAD].turn("theirs", "beside", "it")
        tells.set()
        await hears(it, prompt("beside"), words("it"))
        gate.set()
        await it.settled(1)
        await hears(it, prompt("beside"), words("it"))


async def test_an_outside_turn_while_a_run_waits_is_told_at_once(tmp_path: Path) -> None:
    observer, gate, tells = PlayedObserver(), asyncio.Event(), asyncio.Event()
    tells.set()
    async with mirrored(tmp_path, observer, agent=at_work("ours", observer, gate, tells=tells)) as it:
        await it.say("go")
        await it.say("waits")
        await until(lambda: len(observer.sessions[THREAD].told) == 2)
        observer.sessions[THREAD].turn("theirs", "meanwhile", "yes")
        await hears(it, prompt("meanwhile"), words("yes"))
        gate.set()
        await it.settled(2)
        await hears(it, prompt("meanwhile"), words("yes"))


async def test_a_turn_whose_id_a_crash_has_cost_is_held_back_until_it_is_taken_up(tmp_path: Path) -> None:
    observer, never, chat = PlayedObserver(), asyncio.Event(), KeptChat()
    async with mirrored(tmp_path, observer, agent=at_work("ours", observer, never, tells=never), chat=chat) as it:
        await it.say("go")
        await until(lambda: len(observer.sessions[THREAD].told) == 1)
    mark = observer.sessions[THREAD].told[0][1].turn
    taken_up = asyncio.Event()

    async def again(turn: Turn, emit: Emit) -> Outcome:
        await taken_up.wait()
        await emit(ev.TurnStarted("ours"), mark.began_bytes)
        observer.sessions[THREAD].ends("ours", Answered("done"))
        return Answered("done")

    async with mirrored(tmp_path, observer, agent=PlayedAgent(on_reattach=again), chat=chat) as it:
        await asyncio.sleep(0.05)
        assert heard(chat) == []
        taken_up.set()
        await it.settled(1)
        await caught_up(it, observer)
        assert chat.answers() == ["done"] and not any("go" in text for text in heard(chat))


async def test_a_run_that_was_stopped_before_its_turn_was_read_is_not_taken_for_anothers(tmp_path: Path) -> None:
    observer, chat = PlayedObserver(), KeptChat()

    async def dies_unread(turn: Turn, emit: Emit) -> Outcome:
        observer.sessions[THREAD].begin("ours")
        observer.sessions[THREAD].asks("ours", turn.prompt)
        observer.sessions[THREAD].ends("ours", Interrupted())
        return Failed(FailureKind.KILLED, "")

    async with mirrored(tmp_path, observer, agent=PlayedAgent(plays={"go": dies_unread}), chat=chat) as it:
        await it.say("go")
        await it.settled(1)
        await caught_up(it, observer)
        assert len(heard(chat)) == 2


@pytest.mark.parametrize("seen", range(6))
async def test_whenever_we_die_everything_is_told_once(tmp_path: Path, seen: int) -> None:
    observer, chat = PlayedObserver(), KeptChat()
    session = observer.sessions[THREAD]
    steps = [
        lambda: (session.begin("a"), session.asks("a", "one")),
        lambda: session.says("a", "hm"),
        lambda: session.says("a", "held", ev.Phase.UNKNOWN),
        lambda: session.says("a", "1", ev.Phase.FINAL_ANSWER),
        lambda: session.ends("a", Answered("1")),
        lambda: session.turn("b", "two", "2"),
    ]
    told = [[prompt("one")], [words("hm")], [], [words("held")], [words("1")], [prompt("two"), words("2")]]
    async with mirrored(tmp_path, observer, chat=chat) as it:
        for step in steps[:seen]:
            step()
        await hears(it, *chain(*told[:seen]))
        await it.settled(0)
    for step in steps[seen:]:
        step()
    async with mirrored(tmp_path, observer, chat=chat) as it:
        await hears(it, *chain(*told))
    async with mirrored(tmp_path, observer, chat=chat) as it:
        await caught_up(it, observer)
        assert heard(chat)[:-2] == list(chain(*told))


async def test_a_session_that_our_run_began_is_told_of_from_its_first_turn_on(tmp_path: Path) -> None:
    observer, chat = PlayedObserver(), KeptChat()
    begun = replace(ALPHA, resume_id=None)

    async def first(turn: Turn, emit: Emit) -> Outcome:
        await emit(ev.SessionIdentified(OTHER_THREAD), 0)
        mark = observer.sessions[OTHER_THREAD].begin("ours")
        await emit(ev.TurnStarted("ours"), mark.began_bytes)
        observer.sessions[OTHER_THREAD].asks("ours", turn.prompt)
        observer.sessions[OTHER_THREAD].ends("ours", Answered("done"))
        return Answered("done")

    async with hall(tmp_path, policies=[begun], agent=PlayedAgent(plays={"go": first}), chat=chat) as it:
        await it.say("go")
        await it.settled(1)  # and there is no mirror yet: we die too soon
    observer.sessions[OTHER_THREAD].turn("theirs", "while you were away", "yes")
    async with mirrored(tmp_path, observer, begun, chat=chat) as it:
        await hears(it, prompt("while you were away"), words("yes"))


async def test_a_bot_sees_what_was_asked_for_through_another_one(tmp_path: Path) -> None:
    observer, gate, tells = PlayedObserver(), asyncio.Event(), asyncio.Event()
    gate.set()
    tells.set()
    agent = at_work("ours", observer, gate, tells=tells)
    async with mirrored(tmp_path, observer, ALPHA, policy(OTHER_BOT), agent=agent) as it:
        await it.say("go")
        await it.settled(1)
        await hears(it, prompt("go", through="alpha"), words("on my way"), words("done"), where=OTHER_CHAT)
        await hears(it)
        observer.sessions[THREAD].turn("theirs", "by hand", "yes")
        await hears(it, prompt("by hand"), words("yes"))
        await hears(it, *heard(it.chat, OTHER_CHAT)[:3], prompt("by hand"), words("yes"), where=OTHER_CHAT)


async def test_a_bot_that_mirrors_nothing_tells_nothing_and_later_no_history(tmp_path: Path) -> None:
    observer, chat = PlayedObserver(), KeptChat()
    session = observer.sessions[THREAD]
    async with mirrored(tmp_path, observer, chat=chat):
        pass
    async with mirrored(tmp_path, observer, replace(ALPHA, mirrors_outside_turns=False), chat=chat):
        session.turn("a", "unheard", "of")
        await asyncio.sleep(0.05)
        assert session.views == []
    async with mirrored(tmp_path, observer, chat=chat) as it:
        session.turn("b", "again", "yes")
        await hears(it, prompt("again"), words("yes"))


async def test_it_is_told_where_the_session_was_spoken_to_last(tmp_path: Path) -> None:
    observer = PlayedObserver()
    session, group = observer.sessions[THREAD], ChatRef(BOT, -100, 4)
    async with mirrored(tmp_path, observer) as it:
        session.turn("a", "to the person", "1")
        await hears(it, prompt("to the person"), words("1"))
        await it.say("hello", chat=group, private=False)
        await it.settled(1)
        session.turn("b", "to the topic", "2")
        await hears(it, prompt("to the topic"), words("2"), where=group)
        assert len(heard(it.chat)) == 2


async def test_a_group_that_is_no_longer_allowed_hears_nothing(tmp_path: Path) -> None:
    observer, chat = PlayedObserver(), KeptChat()
    group = ChatRef(BOT, -100)
    async with mirrored(tmp_path, observer, chat=chat) as it:
        await it.say("hello", chat=group, private=False)
        await it.settled(1)
    async with mirrored(tmp_path, observer, replace(ALPHA, allowed_chat_ids=frozenset()), chat=chat) as it:
        observer.sessions[THREAD].turn("a", "secret", "1")
        await hears(it, prompt("secret"), words("1"))
        assert heard(chat, group) == []


async def test_a_session_in_trouble_keeps_no_other_from_being_told(tmp_path: Path) -> None:
    observer = PlayedObserver(faults={OTHER_THREAD: OSError("broken")})
    beta = policy(OTHER_BOT, resume_id=OTHER_THREAD)
    async with mirrored(tmp_path, observer, ALPHA, beta) as it:
        observer.sessions[THREAD].turn("a", "one", "1")
        await hears(it, prompt("one"), words("1"))
        del observer.faults[OTHER_THREAD]
        await until(lambda: bool(observer.sessions[OTHER_THREAD].views))
        observer.sessions[OTHER_THREAD].views[0].fault = RuntimeError("again")
        observer.sessions[OTHER_THREAD].turn("b", "two", "2")
        await hears(it, prompt("two"), words("2"), where=ChatRef(OTHER_BOT, int(PERSON)))
        observer.sessions[THREAD].turn("c", "three", "3")
        await hears(it, prompt("one"), words("1"), prompt("three"), words("3"))


async def test_a_database_out_of_order_at_the_start_ends_no_mirror(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget, tries = Mirrors.forget, []

    async def locked_at_first(self: Mirrors, bots: set[BotName]) -> None:
        tries.append(bots)
        if len(tries) == 1:
            raise sqlite3.OperationalError("database is locked")
        await forget(self, bots)

    monkeypatch.setattr(Mirrors, "forget", locked_at_first)
    observer = PlayedObserver()
    async with mirrored(tmp_path, observer) as it:
        observer.sessions[THREAD].turn("a", "one", "1")
        await hears(it, prompt("one"), words("1"))
    assert len(tries) == 2


async def test_a_session_whose_file_comes_later_is_followed_from_then_on(tmp_path: Path) -> None:
    observer = PlayedObserver(missing={THREAD})
    async with mirrored(tmp_path, observer) as it:
        observer.missing.clear()
        await until(lambda: bool(observer.sessions[THREAD].views))
        observer.sessions[THREAD].turn("a", "one", "1")
        await hears(it, prompt("one"), words("1"))


async def test_a_file_that_another_one_replaces_is_followed_from_its_end(tmp_path: Path) -> None:
    observer, chat = PlayedObserver(), KeptChat()
    session = observer.sessions[THREAD]
    async with mirrored(tmp_path, observer, chat=chat) as it:
        session.turn("a", "one", "1")
        await hears(it, prompt("one"), words("1"))
        [lost] = session.views
        session.size = 500
        session.told.clear()
        session.turn("x", "history of the other", "2")
        session.lose()
        await until(lambda: bool(session.views) and session.views[0] is not lost)
        session.turn("b", "after", "3")
        await hears(it, prompt("one"), words("1"), prompt("after"), words("3"))
        [(offset, told)] = await it.query("SELECT offset_bytes, told_bytes FROM mirrors")
        assert offset == told == session.size


async def test_a_chat_that_refuses_is_no_reason_to_try_for_ever(tmp_path: Path) -> None:
    observer = PlayedObserver()
    chat = KeptChat(faults=[ChatRefused("bot was blocked"), ChatRefused("bot was blocked")])
    async with mirrored(tmp_path, observer, chat=chat) as it:
        observer.sessions[THREAD].turn("a", "one", "1")
        observer.sessions[THREAD].turn("b", "two", "2")
        await hears(it, prompt("two"), words("2"))
        assert await it.query("SELECT state, count(*) FROM outbox GROUP BY state ORDER BY state") == [
            ("refused", 2),
            ("sent", 2),
        ]
