"""Drafts over restarts of the service: they end in a real message, and their button works all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from codex_gateway.demo.bot_api import Fault
from support.codex_lab import SCRIPTED
from support.house import House, house

#: Speaks, works until the test lets it go on, answers.
SPEAKS_AND_WORKS = "@comment I look around first.\n@sh while [ ! -e go ]; do sleep 0.05; done\n@say the answer"


def go_on(it: House) -> None:
    (it.bot().workdir / "go").touch()


async def drafted(it: House) -> int:
    """Wait for a draft that shows the command; returns how many there have been."""
    chat = it.bot().chat
    await it.see(lambda: any("▸ while" in draft.text for draft in chat.drafts))
    await it.nothing_in_flight()
    return len(chat.draft_history)


@pytest.mark.parametrize("how", ["kill", "end"])
async def test_a_draft_goes_on_after_a_restart_and_ends_in_the_answer(tmp_path: Path, how: str) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        it.write_config(progress_tick_interval=0.3)
        service = await it.start()
        asked = it.say(SPEAKS_AND_WORKS)
        seen = await drafted(it)
        await (service.kill() if how == "kill" else service.end())
        await it.start()
        chat = it.bot().chat
        await it.see(lambda: len(chat.draft_history) > seen)
        go_on(it)
        assert (await it.verdict(asked)).startswith("✅ Done")
        await it.nothing_in_flight()
        said = [message.text for message in chat.messages]
        assert said.count("I look around first.") == 1 and said.count("the answer") == 1
        assert not chat.drafts  # the message has taken their place, and none came after it
        assert len({draft.id for draft in chat.draft_history}) == 1


async def test_a_kill_between_the_draft_and_the_answer_loses_neither_words_nor_answer(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        it.write_config(progress_tick_interval=0.3)
        service = await it.start()
        asked = it.say(SPEAKS_AND_WORKS)
        await drafted(it)
        await service.kill()
        go_on(it)
        await it.turn_ended("the answer")
        await it.start()
        assert (await it.verdict(asked)).startswith("✅ Done")
        await it.nothing_in_flight()
        chat = it.bot().chat
        said = [message.text for message in chat.messages]
        assert said.count("I look around first.") == 1 and said.count("the answer") == 1
        assert not chat.drafts


async def test_the_button_of_a_draft_from_before_a_restart_stops_the_run(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        service = await it.start()
        asked = it.say(SPEAKS_AND_WORKS)
        await drafted(it)
        chat = it.bot().chat
        [draft] = await it.see(lambda: chat.drafts)  # what is said on the way takes the draft's place for a moment
        await service.kill()
        chat.stop_draft(draft.id)  # while nobody is there to hear it
        await it.start()
        assert (await it.verdict(asked)).startswith("⏹ Stopped by you")
        await it.nothing_in_flight()
        assert not it.codex_pids()


async def test_the_button_of_a_draft_from_after_a_restart_stops_the_run(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        it.write_config(progress_tick_interval=0.3)
        service = await it.start()
        asked = it.say(SPEAKS_AND_WORKS)
        seen = await drafted(it)
        await service.kill()
        await it.start()
        chat = it.bot().chat
        await it.see(lambda: len(chat.draft_history) > seen)
        chat.stop_draft(chat.draft_history[-1].id)
        assert (await it.verdict(asked)).startswith("⏹ Stopped by you")


async def test_a_server_too_old_for_drafts_is_asked_once_for_all_chats_and_edits_go_on(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        unknown = Fault.refusal(status=404, description="Not Found: method not found", method="sendMessageDraft")
        it.server.inject(unknown, times=None)
        bob = it.server.person("Bob")
        other = it.server.private_chat(bob, it.bot().account)
        it.guests.append(bob)
        it.write_config(progress_tick_interval=0.3)
        await it.start()
        asked = it.say(SPEAKS_AND_WORKS)
        await it.see(lambda: it.server.calls("sendMessageDraft"))
        edits = len(it.status_of(asked).edits)
        await it.see(lambda: len(it.status_of(asked).edits) >= edits + 2)
        go_on(it)
        await it.verdict(asked)
        other.say(bob, "@comment So do I.\n@sh sleep 1\n@say the same answer")
        await it.see(lambda: any(message.text == "the same answer" for message in other.messages))
        assert len(it.server.calls("sendMessageDraft")) == 1
