"""What an answer becomes in a chat: messages, a file past a limit, and what is sent where a form is refused."""

from __future__ import annotations

import threading

import pytest

from codex_gateway.core.errors import FormRefused
from codex_gateway.core.ids import ChatRef, RunId
from codex_gateway.core.manner import Form, Manner
from codex_gateway.core.ports import Parcel
from codex_gateway.core.reply import Answer, LastResult, OutsideWords, Reply
from codex_gateway.demo.bot_api import BotApiServer, Fault, Message
from codex_gateway.telegram.allowance import Rate, Rates
from codex_gateway.telegram.answers import answer, file_name
from codex_gateway.telegram.budget import Budget
from codex_gateway.telegram.chat import Outlet, TelegramChat
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


async def test_the_loop_goes_on_while_an_answer_of_any_length_is_rendered(chat: TelegramChat, stage: Stage) -> None:
    loop_thread, rendering_threads = threading.get_ident(), set()

    def manner_of(_: ChatRef) -> Manner:
        rendering_threads.add(threading.get_ident())
        return Manner()

    chat._manner_of = manner_of
    for long in (Answer(RunId(7), LONG), LastResult(RunId(7), LONG), OutsideWords(LONG)):
        assert await chat.worded(stage.chat_of(), long) == chat.compose(stage.chat_of(), long)
        assert len(rendering_threads) == 2, "one is the loop's own, of the comparison"
        rendering_threads.clear()
    await chat.worded(stage.chat_of(), Answer(RunId(7), "short"))
    assert rendering_threads == {loop_thread}


def test_the_file_holds_the_answer_to_the_byte() -> None:
    text = "\r\n  \x1b[31mred\x1b[0m\t\n" + LONG + "\x00 \u2028 e\u0301 \U0001f389\r\n\n "
    _, file = answer(text, limit=1000, most_messages=1)
    assert file.document is not None and file.document.text == text
    _, file = answer(text + "\ud83d", limit=1000, most_messages=1)
    assert file.document is not None and file.document.text == text + "\ufffd", "half a character is none"


@pytest.mark.parametrize("joint", ["\n\n", "\n", " ", ""])
def test_what_comes_after_64_000_characters_is_whole_though_not_formatted(joint: str) -> None:
    text = joint.join(f"**{n}**word" for n in range(20_000))
    messages = [message.formatted for message in answer(text, limit=3500)]
    told, plainly = "".join("".join(m.text for m in messages).split()), "".join(text.split())
    assert told.replace("*", "") == plainly.replace("*", ""), "nothing lost, nothing twice"
    assert messages[0].entities and not messages[-1].entities
    first, file = answer(text, limit=3500, most_messages=4)
    assert first.formatted == messages[0] and file.document is not None and file.document.text == text
    assert [other.formatted for other in file.instead] == messages[1:]


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


@pytest.fixture
def rich_chat(stage: Stage) -> TelegramChat:
    rates = Rates(private=FREELY, bot=FREELY)
    outlet = Outlet(stage.api(), 1000, Budget(rates))
    return TelegramChat({stage.chat_of().bot: outlet}, manner_of=lambda _: Manner(form=Form.RICH))


MIXED = "# Title\n\n| a | b |\n|---|---|\n| `List<String>` | 2 |\n\nsee /etc/passwd\n\n" + LONG[:4000]


async def test_in_a_chat_that_wants_them_an_answer_is_a_rich_message(
    rich_chat: TelegramChat, stage: Stage, server: BotApiServer
) -> None:
    for reply in (Answer(RunId(7), MIXED), LastResult(RunId(7), MIXED)):
        await deliver(rich_chat, stage, reply)
    messages = stage.private_chat().messages
    assert [message.text for message in messages] == ["", ""]
    for message in messages:
        assert message.rich is not None and message.rich["skip_entity_detection"] is True
        html = str(message.rich["html"])
        assert html.startswith("<h1>Title</h1><table bordered striped>") and "List&lt;String&gt;" in html
    assert len(server.calls("sendRichMessage")) == 2


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, "Bad Request: RICH_MESSAGE_INVALID"),
        (400, "Bad Request: can't parse entities: unsupported start tag"),
        (413, "Request Entity Too Large"),
        (404, "Not Found: method not found"),
    ],
)
async def test_a_rich_message_that_is_refused_comes_as_text_at_once_in_order(
    rich_chat: TelegramChat, stage: Stage, server: BotApiServer, status: int, reason: str
) -> None:
    server.inject(Fault.refusal(status=status, description=reason, method="sendRichMessage"), times=None)
    messages = await deliver(rich_chat, stage, Answer(RunId(7), MIXED))
    assert messages[0].text.startswith("Title\n\na            | b\n")
    assert messages[0].entities[0].type == "bold"
    assert len(messages) == 2, "past the limit of messages, its first one and the file"
    assert messages[1].document is not None and messages[1].document.data.decode() == MIXED
    assert len(server.calls("sendRichMessage")) == 1


async def test_only_the_part_that_is_refused_comes_as_text(
    rich_chat: TelegramChat, stage: Stage, server: BotApiServer
) -> None:
    text = "\n\n".join(f"Paragraph {n} " + "word " * 100 for n in range(120))
    server.inject(Fault.refusal(status=400, description="Bad Request: no", method="sendRichMessage"))
    messages = await deliver(rich_chat, stage, Answer(RunId(7), text))
    first, file, *others = messages
    assert first.text.startswith("Paragraph 0 word") and file.document is not None
    told = file.document.data.decode().split()
    assert others and all(message.rich is not None for message in others)
    for message in others:
        assert message.rich is not None
        told += str(message.rich["html"]).replace("<p>", " ").replace("</p>", " ").split()
    assert told == text.split(), "nothing lost, nothing twice"


async def test_status_and_sentences_stay_messages_of_text(rich_chat: TelegramChat, stage: Stage) -> None:
    await deliver(rich_chat, stage, LastResult(None, None))
    assert stage.private_chat().messages[0].text == "There is no answer yet."
