"""Live drafts, over HTTP: what they show, how they end, their Stop button, and servers that do not know them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from codex_gateway.demo.bot_api import Fault, Message
from support.codex_lab import ALL, SCRIPTED, Cli
from support.house import House, house

SPEAKS_THEN_WORKS = "@comment I look around first.\n@sh sleep 600\n@say never"


async def at_work(it: House) -> Message:
    """A prompt whose turn has said something and now runs a command."""
    asked = it.say(SPEAKS_THEN_WORKS)
    chat = it.bot().chat
    await it.see(lambda: any(m.text == "I look around first." and m.id > asked.id for m in chat.messages))
    await it.see(lambda: any("sleep 600" in m.text and m.reply_to is asked for m in chat.messages))
    return asked


@pytest.mark.parametrize("cli", ALL)
async def test_a_draft_shows_what_goes_on_below_what_was_said_and_its_button_stops_the_run(
    tmp_path: Path, cli: Cli
) -> None:
    async with house(tmp_path, cli) as it:
        it.write_config(progress_tick_interval=1)
        await it.start()
        asked = await at_work(it)
        chat = it.bot().chat
        await it.see(lambda: any("▸ sleep 600" in draft.text for draft in chat.drafts))
        [draft] = chat.drafts
        assert draft.text.startswith("⚙️ 0:") and draft.can_stop
        chat.stop_draft(draft.id)
        assert (await it.verdict(asked)).startswith("⏹ Stopped by you")
        said = [message.text for message in chat.messages if message.is_from_bot]
        assert len(said) == 2  # the words and the verdict: the press is answered by it
        await it.nothing_in_flight()
        assert chat.draft_history[-1].at < it.status_of(asked).edits[-1].at


async def test_a_run_that_says_nothing_has_no_draft(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        await it.start()
        asked = it.say("@sh sleep 3\n@say done")
        await it.verdict(asked)
        assert len(it.status_of(asked).edits) >= 2  # its status message is in sight
        assert not it.bot().chat.draft_history


async def test_a_draft_is_shown_anew_before_it_goes_away(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        it.write_config(progress_tick_interval=1)
        await it.start()
        asked = await at_work(it)
        chat = it.bot().chat
        await it.see(lambda: len(chat.draft_history) >= 4)
        assert len({draft.id for draft in chat.draft_history}) == 1
        assert all(later.at - earlier.at < 30 for earlier, later in pairwise(chat.draft_history))
        it.say("/stop")
        await it.verdict(asked)


@pytest.mark.parametrize(("status", "description"), [(404, "Not Found"), (400, "Bad Request: method not supported")])
async def test_a_server_that_does_not_know_drafts_is_asked_once(tmp_path: Path, status: int, description: str) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        it.server.inject(Fault.refusal(status=status, description=description, method="sendMessageDraft"), times=None)
        it.write_config(progress_tick_interval=0.5)
        await it.start()
        for _ in range(2):
            asked = await at_work(it)
            seen = len(it.status_of(asked).edits)
            await it.see(lambda asked=asked, seen=seen: len(it.status_of(asked).edits) >= seen + 3)
            it.say("/stop")
            assert (await it.verdict(asked)).startswith("⏹ Stopped by you")
        assert len(it.server.calls("sendMessageDraft")) == 1


async def test_drafts_can_be_switched_off_and_groups_have_none(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        it.write_config(stream_drafts="off", progress_tick_interval=0.5)
        await it.start()
        asked = await at_work(it)
        before = len(it.status_of(asked).edits)
        await it.see(lambda: len(it.status_of(asked).edits) >= before + 2)
        it.say("/stop")
        await it.verdict(asked)
        assert not it.server.calls("sendMessageDraft")


async def test_a_stop_that_comes_too_late_or_of_no_run_is_answered_with_a_sentence(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        await it.start()
        await it.verdict(it.say("@say done"))
        chat, account = it.bot().chat, it.bot().account
        for number in (1, 999):
            it.server.inject_update(
                account, {"stopped_message_generation": {"chat": chat.to_json(), "draft_id": number}}
            )
            await it.see(lambda number=number: chat.messages[-1].text == "Nothing is running here.")
            await it.verdict(it.say("@say done"))
        for broken in (
            {},
            {"chat": chat.to_json(), "draft_id": 0},
            {"chat": {"id": -5, "type": "group"}, "draft_id": 1},
        ):
            it.server.inject_update(account, {"stopped_message_generation": broken})  # type: ignore[dict-item]
        stranger = {"id": 999_999, "type": "private", "first_name": "Eve"}
        it.server.inject_update(account, {"stopped_message_generation": {"chat": stranger, "draft_id": 1}})
        await it.verdict(it.say("@say done"))
        assert it.query("SELECT count(*) FROM inbox WHERE state = 'ignored'") == [(4,)]
