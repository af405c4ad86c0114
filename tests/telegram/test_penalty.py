"""Penalties of every size and form, over HTTP, for everything that we ask of the server."""

from __future__ import annotations

import asyncio
import json

import pytest

from codex_gateway.core.errors import ChatBusy
from codex_gateway.core.ids import MessageRef, RunId
from codex_gateway.core.progress import Doing, Progress
from codex_gateway.core.reply import LiveCard
from codex_gateway.demo.bot_api import Fault
from codex_gateway.demo.bot_api.faults import Kind, Where
from codex_gateway.telegram.api import BotApi
from codex_gateway.telegram.budget import Budget
from codex_gateway.telegram.chat import Outlet, TelegramChat
from codex_gateway.telegram.markup import Formatted
from codex_gateway.telegram.message import Document, Message
from codex_gateway.telegram.parcel import pack
from codex_gateway.telegram.penalty import asked_to_wait_s
from codex_gateway.telegram.poller import PollState
from telegram.stage import ALPHA, QUICK, Stage

YEAR_S = 366 * 86_400


def body(retry_after: object, description: str = "Too Many Requests") -> str:
    return json.dumps({"ok": False, "error_code": 429, "description": description} | told(retry_after))


def told(retry_after: object) -> dict[str, object]:
    return {} if retry_after is None else {"parameters": {"retry_after": retry_after}}


FORMS: dict[str, tuple[str, int]] = {
    "0": (body(0), 1),
    "1": (body(1), 1),
    "35": (body(35), 35),
    "300": (body(300), 300),
    "86400": (body(86_400), 86_400),
    "missing": (body(None), 5),
    "missing but in words": (body(None, "Too Many Requests: retry after 77"), 77),
    "negative": (body(-3), 1),
    "a string": (body("35"), 35),
    "a string in words": (body("soon", "Too Many Requests: retry after 35"), 35),
    "a string that says nothing": (body("soon"), 5),
    "a float": (body(35.2), 36),
    "true": (body(True), 5),
    "null": ('{"ok":false,"error_code":429,"description":"","parameters":{"retry_after":null}}', 5),
    "no end": ('{"ok":false,"parameters":{"retry_after":Infinity}}', YEAR_S),
    "no number": ('{"ok":false,"parameters":{"retry_after":NaN}}', 5),
    "hundreds of digits": (f'{{"ok":false,"parameters":{{"retry_after":{"9" * 400}}}}}', YEAR_S),
    "a web page": ("<html><h1>429 Too Many Requests</h1></html>", 5),
    "nothing": ("", 5),
    "a list": ("[]", 5),
}


@pytest.mark.parametrize(("answer", "seconds"), FORMS.values(), ids=FORMS.keys())
def test_a_penalty_is_read_in_whatever_form_it_comes(answer: str, seconds: int) -> None:
    assert asked_to_wait_s(answer) == seconds


def penalty(answer: str, **where: str) -> Fault:
    return Fault(Kind.ANSWER, Where(**where), status=429, body=answer)  # type: ignore[typeddict-item]


@pytest.mark.parametrize(("answer", "seconds"), FORMS.values(), ids=FORMS.keys())
async def test_a_send_an_edit_a_document_and_a_draft_say_how_long_they_are_to_wait(
    stage: Stage, answer: str, seconds: int
) -> None:
    api, here = stage.api(), stage.chat_of().chat_id
    message = Message(Formatted("hi"))
    calls = {
        "sendMessage": lambda: api.send(here, message),
        "editMessageText": lambda: api.edit_message(here, 1, "hi"),
        "sendDocument": lambda: api.send(here, Message(Formatted(""), document=Document("a.md", "# a"))),
        "sendMessageDraft": lambda: api.show_draft(here, 7, message),
        "answerCallbackQuery": lambda: api.answer_callback("1", limit_s=5.0),
        "getUpdates": lambda: api.get_updates(offset=None, wait_s=0, limit_s=5.0),
        "getFile": lambda: api.download("abc"),
    }
    for method, call in calls.items():
        stage.server.inject(penalty(answer, method=method))
        with pytest.raises(ChatBusy) as caught:
            await call()
        assert caught.value.retry_after_s == seconds


@pytest.mark.parametrize("first", ["send", "edit", "document", "draft", "repaint"])
async def test_a_penalty_of_whatever_is_sent_holds_for_the_whole_chat(stage: Stage, first: str) -> None:
    chat, here = chat_of(stage.api()), stage.chat_of()
    card = LiveCard(RunId(7), 65.0, Progress(doing=Doing.THINKING))
    status = await chat.send(here, pack(Message(Formatted("status"))), reply_to=None)
    calls = {
        "send": lambda: chat.send(here, pack(Message(Formatted("a"))), reply_to=None),
        "edit": lambda: chat.edit(status, pack(Message(Formatted("b")))),
        "document": lambda: chat.send(
            here, pack(Message(Formatted(""), document=Document("a.md", "# a"))), reply_to=None
        ),
        "draft": lambda: chat.show_draft(here, lambda: card),
        "repaint": lambda: chat.repaint(MessageRef(here, status.message_id), lambda: card),  # type: ignore[arg-type, return-value]
    }
    stage.server.inject(Fault.flood(retry_after_s=300))
    with pytest.raises(ChatBusy):
        await calls.pop(first)()
    seen = len(stage.server.requests)
    for call in calls.values():
        with pytest.raises(ChatBusy) as caught:
            await call()
        assert 290 < caught.value.retry_after_s <= 300
    assert len(stage.server.requests) == seen


async def test_a_press_is_answered_while_the_chat_is_parked(stage: Stage) -> None:
    door, chat = stage.open(), stage.private_chat()
    await door.chat.send(stage.chat_of(), pack(Message(Formatted("working"), ((("Stop", "stop:12"),),))), reply_to=None)
    door.chat.park(stage.chat_of(), 1e12)
    press = chat.press(stage.ada, chat.messages[0], "Stop")
    await stage.until(lambda: press.answer is not None)


async def test_a_penalty_of_presses_is_honoured_and_holds_up_nothing_else(stage: Stage) -> None:
    stage.server.inject(Fault.flood(retry_after_s=300, method="answerCallbackQuery"))
    door, chat = stage.open(), stage.private_chat()
    await door.chat.send(stage.chat_of(), pack(Message(Formatted("working"), ((("Stop", "stop:12"),),))), reply_to=None)
    for number in range(5):
        chat.press(stage.ada, chat.messages[0], "Stop")
        await stage.until(lambda number=number: len(stage.inbox.kept) == number + 1)
    await door.chat.send(stage.chat_of(), pack(Message(Formatted("a message goes out"))), reply_to=None)
    chat.say(stage.ada, "hello")
    await stage.until(lambda: len(stage.inbox.kept) == 6)
    assert len(stage.server.calls("answerCallbackQuery")) == 1


async def test_a_penalty_of_a_press_that_is_over_is_over(stage: Stage) -> None:
    stage.server.inject(Fault.flood(retry_after_s=1, method="answerCallbackQuery"))
    door, chat = stage.open(), stage.private_chat()
    await door.chat.send(stage.chat_of(), pack(Message(Formatted("working"), ((("Stop", "stop:12"),),))), reply_to=None)
    async with asyncio.timeout(30):
        while not any(press.answer for press in stage.server.bot("alpha").presses.values()):
            chat.press(stage.ada, chat.messages[0], "Stop")
            await asyncio.sleep(0.1)
    [refused, answered, *_] = stage.server.calls("answerCallbackQuery")
    assert (refused.status, answered.status) == (429, 200)
    assert answered.at - refused.at >= 1.0


async def test_a_penalty_of_the_poll_is_waited_out_and_told(stage: Stage) -> None:
    stage.server.inject(penalty(body(86_400), method="getUpdates"))
    door = stage.open(stage.settings())
    await stage.until(lambda: door.health[ALPHA].state is PollState.UNREACHABLE)
    assert door.health[ALPHA].sentence == "Telegram asks bot alpha to wait 86400 s."
    await door.chat.send(stage.chat_of(), pack(Message(Formatted("sending goes on"))), reply_to=None)
    assert len(stage.server.calls("getUpdates")) == 1


def chat_of(api: BotApi) -> TelegramChat:
    return TelegramChat({ALPHA: Outlet(api, 3500, Budget(QUICK), has_drafts=True)})
