"""What an answer becomes in a chat: messages, a file past a limit, and what is sent where a form is refused."""

from __future__ import annotations

import pytest

from codex_gateway.core.errors import FormRefused
from codex_gateway.core.ids import RunId
from codex_gateway.core.ports import Parcel
from codex_gateway.core.reply import Answer, LastResult, OutsideWords, Reply
from codex_gateway.demo.bot_api import BotApiServer, Fault, Message
from codex_gateway.telegram.allowance import Rate, Rates
from codex_gateway.telegram.answers import answer, file_name
from codex_gateway.telegram.chat import TelegramChat
from telegram.stage import Stage

FREELY = Rate(burst=10_000, refill_s=0.001, reserve=0)
LONG = "\n\n".join(f"Paragraph {n} with **bold** and `code_{n}`: " + "words " * 100 for n in range(30))


@pytest.fixture
def chat(stage: Stage) -> TelegramChat:
    return stage.door(rates=Rates(private=FREELY, bot=FREELY)).chat


async def deliver(chat: TelegramChat, stage: Stage, reply: Reply) -> list[Message]:
    """Send it as the hall does: what is refused in its form is sent in the other one, in its place."""
    waiting: list[Parcel] = chat.compose(stage.chat_of(), reply)
    while waiting:
        parcel = waiting.pop(0)
        try:
            await chat.send(stage.chat_of(), parcel, reply_to=None)
        except FormRefused as error:
            waiting[:0] = error.instead
    return stage.private_chat().messages


def words(messages: list[Message]) -> list[str]:
    return " ".join(message.text for message in messages).split()


@pytest.mark.parametrize(
    "reply",
    [Answer(RunId(7), LONG, "Fix the flaky test!"), LastResult(RunId(7), LONG, "Fix the flaky test!")],
    ids=["answer", "/lastresult"],
)
async def test_a_very_long_answer_is_its_first_message_and_a_file_with_all_of_it(
    chat: TelegramChat, stage: Stage, reply: Reply
) -> None:
    first, file = await deliver(chat, stage, reply)
    assert first.text.startswith("Paragraph 0 with bold and code_0") and len(first.text) > 2000
    assert {entity.type for entity in first.entities} == {"bold", "code"}
    assert file.document is not None and file.document.name == "run-7-fix-the-flaky-test.md"
    assert file.document.data.decode() == LONG
    assert file.text == "📄 The whole answer, 19 kB. The message above is how it begins."


async def test_up_to_the_limit_an_answer_comes_as_messages(chat: TelegramChat, stage: Stage) -> None:
    text = "\n\n".join("word " * 600 for _ in range(4))
    messages = await deliver(chat, stage, Answer(RunId(7), text))
    assert [message.document for message in messages] == [None] * 4
    assert words(messages) == text.split()


def test_a_limit_of_0_is_none() -> None:
    assert len(answer(LONG, limit=1000, most_messages=0)) > 15
    assert len(answer(LONG, limit=1000, most_messages=1)) == 2


async def test_where_files_are_refused_the_rest_of_the_answer_comes_as_messages(
    chat: TelegramChat, stage: Stage, server: BotApiServer
) -> None:
    reason = "Bad Request: not enough rights to send documents to the chat"
    server.inject(Fault.refusal(status=400, description=reason, method="sendDocument"), times=None)
    messages = await deliver(chat, stage, Answer(RunId(7), LONG))
    assert len(messages) > 4
    assert words(messages) == LONG.replace("*", "").replace("`", "").split()


async def test_what_was_said_elsewhere_comes_without_a_sound_also_as_a_file(
    chat: TelegramChat, stage: Stage, server: BotApiServer
) -> None:
    messages = await deliver(chat, stage, OutsideWords(LONG))
    assert len(messages) == 2 and messages[1].document is not None
    sent = [*server.calls("sendMessage"), *server.calls("sendDocument")]
    assert [request.params["disable_notification"] for request in sent] == [True, True]


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("Fix the flaky test!", "run-7-fix-the-flaky-test.md"),
        ("", "run-7.md"),
        ("../../etc/passwd\0", "run-7-etc-passwd.md"),
        ("  .hidden  ", "run-7-hidden.md"),
        ("修复 登录 bug", "run-7-修复-登录-bug.md"),
        ("x" * 300, f"run-7-{'x' * 40}.md"),
        ("a_b/c.d\ne", "run-7-a-b-c-d-e.md"),
        ("🎉🎉", "run-7.md"),
    ],
)
def test_the_file_is_named_after_run_and_prompt(prompt: str, name: str) -> None:
    assert file_name(prompt, RunId(7)) == name


async def test_a_file_name_in_any_script_arrives(chat: TelegramChat, stage: Stage) -> None:
    _, file = await deliver(chat, stage, Answer(RunId(7), LONG, "修复登录"))
    assert file.document is not None and file.document.name == "run-7-修复登录.md"
