"""What waits: its order, its places, and what a person does about it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from codex_gateway.core import request as rq
from codex_gateway.core.ids import ChatRef, RunId
from support.hall import BOT, CHAT, Hall, PlayedAgent, hall, playing, until

GROUP = ChatRef(BOT, -100)


async def busy(it: Hall, *prompts: str) -> None:
    """The session is at work, and these wait."""
    await it.say("first")
    await until(lambda: len(it.agent.turns) == 1)
    for prompt in prompts:
        await it.say(prompt)


def gated() -> tuple[PlayedAgent, asyncio.Event]:
    gate = asyncio.Event()
    return PlayedAgent(plays={"first": playing(gate=gate)}), gate


def order(report: str) -> list[str]:
    return re.findall(r"QUEUED: 'queued'>, prompt='(\w+)'", report)


async def test_a_prompt_moved_up_runs_before_the_others_and_the_list_shows_it(tmp_path: Path) -> None:
    agent, gate = gated()
    async with hall(tmp_path, agent=agent) as it:
        await busy(it, "two", "three", "four")
        asked = await it.say(rq.AskQueue())
        await until(lambda: any(order(text) == ["two", "three", "four"] for text in it.chat.texts()))
        listed = next(sent for sent in it.chat.sent if sent.reply_to == asked)
        await it.press(rq.MoveUp(RunId(4)), on=listed.id)
        await it.press(rq.MoveUp(RunId(4)), on=listed.id)
        await until(lambda: order(listed.text) == ["four", "two", "three"])
        gate.set()
        await it.settled(4)
        assert [turn.prompt for turn in agent.turns] == ["first", "four", "two", "three"]


async def test_a_prompt_taken_out_never_runs_and_its_status_message_says_so(tmp_path: Path) -> None:
    agent, gate = gated()
    async with hall(tmp_path, agent=agent) as it:
        await busy(it, "two", "three")
        asked = await it.say(rq.AskQueue())
        await until(lambda: any(sent.reply_to == asked for sent in it.chat.sent))
        listed = next(sent for sent in it.chat.sent if sent.reply_to == asked)
        await it.press(rq.Drop(RunId(2)), on=listed.id)
        await until(lambda: order(listed.text) == ["three"])
        gate.set()
        await it.settled(3)
        assert await it.states() == ["succeeded", "stopped", "succeeded"]
        assert [turn.prompt for turn in agent.turns] == ["first", "three"]


async def test_a_place_that_changes_is_shown_and_never_after_the_verdict(tmp_path: Path) -> None:
    agent, gate = gated()
    async with hall(tmp_path, agent=agent) as it:
        await busy(it, "two", "three")
        await until(lambda: len(it.chat.sent) == 3)
        second, third = it.chat.sent[1:]
        assert "ahead=2" in third.says[0]
        await it.say(rq.MoveUp(RunId(3)))
        await until(lambda: "ahead=1" in third.text and "ahead=2" in second.text)
        await it.say(rq.Drop(RunId(3)))
        await until(lambda: "ahead=1" in second.text and "SettledCard" in third.text)
        gate.set()
        await it.settled(3)
        assert "SettledCard" in second.text and "SettledCard" in third.text


async def test_the_order_survives_a_restart(tmp_path: Path) -> None:
    agent, _ = gated()
    async with hall(tmp_path, agent=agent) as it:
        await busy(it, "two", "three")
        await it.say(rq.MoveUp(RunId(3)))
    later = PlayedAgent()
    async with hall(tmp_path, agent=later) as it:
        await it.settled(3)
        assert [turn.prompt for turn in later.turns] == ["three", "two"]


async def test_buttons_for_what_does_not_wait_here_answer_and_change_nothing(tmp_path: Path) -> None:
    agent, gate = gated()
    async with hall(tmp_path, agent=agent) as it:
        await busy(it, "two")
        for wish in (rq.Drop(RunId(2)), rq.MoveUp(RunId(2)), rq.ClearQueue(RunId(2))):
            await it.say(wish, chat=GROUP, private=False)  # another chat's
        for wish in (rq.Drop(RunId(1)), rq.MoveUp(RunId(1)), rq.Drop(RunId(99)), rq.ClearQueue(RunId(99))):
            await it.say(wish)  # at work, or never was
        await it.say(rq.MoveUp(RunId(2)))
        await until(lambda: len(it.chat.texts(GROUP)) == 3 and "NextAlready()" in it.chat.texts())
        assert it.chat.texts(GROUP) == ["NotQueued()"] * 2 + ["QueueCleared(count=0)"]
        assert it.chat.texts().count("NotQueued()") == 3
        assert await it.states() == ["running", "queued"]
        gate.set()
        await it.settled(2)


async def test_stop_offers_to_clear_the_queue_and_spares_what_came_later_or_from_elsewhere(tmp_path: Path) -> None:
    agent, _ = gated()
    later = asyncio.Event()
    agent.plays["theirs"] = playing(gate=later)
    async with hall(tmp_path, agent=agent) as it:
        await busy(it)
        await it.say("theirs", chat=GROUP, private=False)
        await it.say("two")
        await it.say("three")
        asked = await it.say(rq.Cancel())
        await until(lambda: any(sent.reply_to == asked for sent in it.chat.sent))
        offer = next(sent for sent in it.chat.sent if sent.reply_to == asked)
        assert "waiting=3" in offer.text and "last_waiting=4" in offer.text
        await it.say("after the offer")
        await it.press(rq.ClearQueue(RunId(4)), on=offer.id)
        await until(lambda: offer.text == "QueueCleared(count=2)")
        await it.press(rq.ClearQueue(RunId(4)), on=offer.id)
        await until(lambda: "QueueCleared(count=0)" in it.chat.texts())
        later.set()
        await it.settled(5)
        assert [turn.prompt for turn in agent.turns] == ["first", "theirs", "after the offer"]
        assert it.chat.answers(CHAT) == ["echo: after the offer"]
