"""Drafts over HTTP: where they are shown, what is remembered of a refusal, and that they give way."""

from __future__ import annotations

import pytest

from codex_gateway.core.errors import ChatBusy
from codex_gateway.core.ids import ChatRef, RunId
from codex_gateway.core.manner import Detail, Manner
from codex_gateway.core.progress import Doing, Progress, Step
from codex_gateway.core.reply import LiveCard
from codex_gateway.demo.bot_api import Fault
from codex_gateway.telegram.budget import Budget
from codex_gateway.telegram.chat import Outlet, TelegramChat
from codex_gateway.telegram.wording import word
from telegram.reading import shown
from telegram.stage import ALPHA, QUICK, Stage

AT_WORK = Progress(doing=Doing.RUNNING_COMMAND, steps=(Step("1", "pytest -q"),), step_count=1)
LIVE = LiveCard(RunId(7), 65.0, AT_WORK)


def chat_of(stage: Stage, *, detail: Detail = Detail.NORMAL) -> TelegramChat:
    outlet = Outlet(stage.api(), 3500, Budget(QUICK), has_drafts=True)
    return TelegramChat({ALPHA: outlet}, manner_of=lambda _: Manner(detail=detail))


def test_a_draft_says_what_is_new_and_what_goes_on() -> None:
    assert [shown(message) for message in word(LIVE, limit=3500)] == ["⚙️ 1:05 · ▸ `pytest -q`"]
    speaking = LiveCard(RunId(7), 65.0, Progress(doing=Doing.THINKING), words="I look around first.")
    assert [shown(message) for message in word(speaking, limit=3500)] == ["I look around first.\n⚙️ 1:05 · Thinking…"]
    endless = LiveCard(RunId(7), 65.0, Progress(), words="𝕏" * 5000)
    assert len(word(endless, limit=3500)[0].formatted.text) < 700


async def test_the_draft_of_a_run_has_its_number_and_a_stop_button(stage: Stage) -> None:
    assert await chat_of(stage).show_draft(stage.chat_of(), lambda: LIVE)
    [draft] = stage.private_chat().drafts
    assert (draft.id, draft.can_stop, draft.text) == (7, True, "⚙️ 1:05 · ▸ pytest -q")


async def test_groups_chats_that_want_no_detail_and_bots_without_drafts_have_none(stage: Stage) -> None:
    group = stage.server.group("Team", bots=[stage.server.bot("alpha")])
    assert not await chat_of(stage).show_draft(ChatRef(ALPHA, group.id), lambda: LIVE)
    assert not await chat_of(stage, detail=Detail.FINAL).show_draft(stage.chat_of(), lambda: LIVE)
    without = TelegramChat({ALPHA: Outlet(stage.api(), 3500, Budget(QUICK))})
    assert not await without.show_draft(stage.chat_of(), lambda: LIVE)
    assert not stage.server.calls("sendMessageDraft")


@pytest.mark.parametrize(
    ("status", "description", "asked"),
    [(404, "Not Found", 1), (400, "Bad Request: drafts can't be shown", 2), (403, "Forbidden: bot was blocked", 2)],
)
async def test_who_refuses_drafts_is_not_asked_again(stage: Stage, status: int, description: str, asked: int) -> None:
    """The server for all chats of a bot, a chat for itself."""
    chat, here = chat_of(stage), stage.chat_of()
    other = ChatRef(ALPHA, stage.server.private_chat(stage.server.person("Bob"), stage.server.bot("alpha")).id)
    stage.server.inject(Fault.refusal(status=status, description=description, method="sendMessageDraft"))
    assert not await chat.show_draft(here, lambda: LIVE)
    assert not await chat.show_draft(here, lambda: LIVE)
    assert await chat.show_draft(other, lambda: LIVE) is (asked == 2)
    assert len(stage.server.calls("sendMessageDraft")) == asked


async def test_a_draft_of_what_is_over_is_not_sent(stage: Stage) -> None:
    assert await chat_of(stage).show_draft(stage.chat_of(), lambda: None)
    assert not stage.server.calls("sendMessageDraft")


async def test_a_draft_that_comes_too_fast_parks_the_whole_chat(stage: Stage) -> None:
    chat, here = chat_of(stage), stage.chat_of()
    stage.server.inject(Fault.flood(retry_after_s=300, method="sendMessageDraft"))
    for _ in range(2):
        with pytest.raises(ChatBusy):
            await chat.show_draft(here, lambda: LIVE)
    assert len(stage.server.calls("sendMessageDraft")) == 1
