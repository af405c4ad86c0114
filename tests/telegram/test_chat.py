from __future__ import annotations

import asyncio

import pytest

from codex_gateway.core.errors import ChatBusy, ChatError, ChatRefused, ChatUnreachable
from codex_gateway.core.ids import BotName, ChatRef, MessageRef, RunId
from codex_gateway.core.ports import Chat, Parcel
from codex_gateway.core.progress import Doing, Progress
from codex_gateway.core.reply import Answer, Card, LastResult, QueuedCard, RunningCard
from codex_gateway.demo.bot_api import BotApiServer, Fault, Rate, RateLimits
from codex_gateway.telegram.allowance import Rate as AllowedRate
from codex_gateway.telegram.allowance import Rates
from codex_gateway.telegram.chat import TelegramChat
from codex_gateway.telegram.markup import Entity, Formatted
from codex_gateway.telegram.message import Message
from codex_gateway.telegram.parcel import pack
from telegram import test_cards, test_wording
from telegram.stage import ALPHA, BETA, Stage

QUEUED = QueuedCard(RunId(1), 2)
THINKING = RunningCard(RunId(1), 5.0, Progress(doing=Doing.THINKING))

FREELY = AllowedRate(burst=10_000, refill_s=0.001, reserve=0)


def plain(text: str) -> Parcel:
    return pack(Message(Formatted(text)))


@pytest.fixture
def chat(stage: Stage) -> TelegramChat:
    return stage.door().chat


def test_it_is_a_chat_of_the_house(chat: TelegramChat) -> None:
    port: Chat = chat
    assert port is chat


async def test_what_is_composed_arrives_as_a_reply_with_its_button(chat: TelegramChat, stage: Stage) -> None:
    asked = stage.private_chat().say(stage.ada, "hello")
    [parcel] = chat.compose(stage.chat_of(), QUEUED)
    sent = await chat.send(stage.chat_of(), parcel, reply_to=asked.id)
    [message] = stage.private_chat().messages
    assert sent == MessageRef(stage.chat_of(), message.id)
    assert message.text == "⏳ Queued · 2 ahead"
    assert message.reply_to is asked
    assert [button.data for button in message.buttons] == ["stop:1"]


async def test_every_card_and_every_reply_is_a_message_that_telegram_takes(stage: Stage) -> None:
    chat = stage.door(rates=Rates(private=FREELY, bot=FREELY)).chat
    here = stage.chat_of()
    replies = [reply for reply, _ in (*test_cards.GOLDEN.values(), *test_wording.GOLDEN.values())]
    parcels = [parcel for reply in replies for parcel in chat.compose(here, reply)]
    for parcel in parcels:
        sent = await chat.send(here, parcel, reply_to=None)
        await chat.edit(sent, plain("changed"))
        await chat.edit(sent, parcel)
    assert len(stage.private_chat().messages) == len(parcels)
    assert {request.status for request in stage.server.requests} == {200}


async def test_a_long_answer_arrives_whole_in_order_within_the_bots_limit(chat: TelegramChat, stage: Stage) -> None:
    answer = "\n\n".join(f"Paragraph {number}, " + "words " * 200 for number in range(7))
    parcels = chat.compose(stage.chat_of(), Answer(RunId(1), answer))
    assert len(parcels) > 2
    for parcel in parcels:
        await chat.send(stage.chat_of(), parcel, reply_to=None)
    texts = [message.text for message in stage.private_chat().messages]
    assert max(len(text) for text in texts) <= 3500
    assert " ".join(texts).split() == answer.split()


async def test_a_message_in_a_topic_stays_in_its_topic(chat: TelegramChat, stage: Stage) -> None:
    group = stage.server.group("Team", bots=[stage.server.bot("alpha")], is_forum=True)
    topic = group.add_topic("gateway", author=stage.ada)
    there = ChatRef(ALPHA, group.id, topic)
    sent = await chat.send(there, plain("hi"), reply_to=None)
    assert group.messages[0].topic == topic
    await chat.edit(sent, plain("hi again"))
    assert group.messages[0].text == "hi again"


async def test_each_bot_speaks_for_itself(chat: TelegramChat, stage: Stage) -> None:
    for bot in (ALPHA, BETA):
        await chat.send(stage.chat_of(bot), plain(f"I am {bot}"), reply_to=None)
        assert [message.text for message in stage.private_chat(bot).messages] == [f"I am {bot}"]


async def test_formatting_that_the_server_refuses_is_dropped_and_the_text_arrives(
    chat: TelegramChat, stage: Stage, server: BotApiServer
) -> None:
    refusal = Fault.refusal(
        status=400,
        description="Bad Request: can't parse entities: unexpected end",
        when=lambda request: "entities" in request.params,
    )
    server.inject(refusal, times=None)
    formatted = pack(Message(Formatted("x = 1", (Entity("code", 0, 5),)), ((("Stop", "stop:1"),),)))
    sent = await chat.send(stage.chat_of(), formatted, reply_to=None)
    [message] = stage.private_chat().messages
    assert (message.text, message.entities, len(message.buttons)) == ("x = 1", (), 1)
    await chat.edit(sent, pack(Message(Formatted("y = 2", (Entity("code", 0, 5),)))))
    assert stage.private_chat().messages[0].text == "y = 2"


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.flood(retry_after_s=50), ChatBusy),
        (Fault.bad_gateway(), ChatUnreachable),
        (Fault.reset_after(), ChatUnreachable),
        (Fault.refusal(status=403, description="Forbidden: bot was blocked by the user"), ChatRefused),
    ],
    ids=["429", "502", "reset", "403"],
)
async def test_send_edit_and_repaint_say_how_they_failed_and_the_chat_goes_on(
    chat: TelegramChat, stage: Stage, server: BotApiServer, fault: Fault, kind: type[ChatError]
) -> None:
    for bot in ("one", "two", "three"):
        server.add_bot(bot)
    door = stage.door()
    calls = {
        "one": lambda chat, message: chat.send(message.chat, plain("a"), reply_to=None),
        "two": lambda chat, message: chat.edit(message, plain("b")),
        "three": lambda chat, message: chat.repaint(message, lambda: THINKING),
    }
    for bot, call in calls.items():
        sent = await door.chat.send(stage.chat_of(bot), plain("first"), reply_to=None)
        server.inject(fault)
        with pytest.raises(kind):
            await call(door.chat, sent)
    if kind is not ChatBusy:
        await door.chat.send(stage.chat_of("one"), plain("next"), reply_to=None)


async def test_a_chat_that_asks_to_wait_long_is_not_asked_again_before(
    chat: TelegramChat, stage: Stage, server: BotApiServer
) -> None:
    here = stage.chat_of()
    server.inject(Fault.flood(retry_after_s=300))
    with pytest.raises(ChatBusy):
        await chat.send(here, plain("a"), reply_to=None)
    for _ in range(3):
        with pytest.raises(ChatBusy) as caught:
            await chat.send(here, plain("a"), reply_to=None)
        assert 290 < caught.value.retry_after_s <= 300
    assert len(server.calls("sendMessage")) == 1
    await chat.send(stage.chat_of("beta"), plain("another chat is not held up"), reply_to=None)


async def test_a_deadline_from_an_earlier_life_is_kept(chat: TelegramChat, stage: Stage, server: BotApiServer) -> None:
    chat.park(stage.chat_of(), 1e12)
    with pytest.raises(ChatBusy):
        await chat.send(stage.chat_of(), plain("a"), reply_to=None)
    assert not server.calls("sendMessage")


async def test_a_repaint_shows_what_is_true_when_its_turn_comes(
    chat: TelegramChat, stage: Stage, server: BotApiServer
) -> None:
    sent = await chat.send(stage.chat_of(), chat.compose(stage.chat_of(), QUEUED)[0], reply_to=None)
    held = server.inject(Fault.hang_before(method="sendMessage"))
    answer = asyncio.create_task(chat.send(stage.chat_of(), plain("answer"), reply_to=None))
    await stage.until(lambda: held.struck)
    state: list[Card] = [THINKING]
    repaint = asyncio.create_task(chat.repaint(sent, lambda: state[-1]))
    await asyncio.sleep(0)
    state.append(RunningCard(RunId(1), 65.0, Progress(doing=Doing.ANSWERED)))
    held.release()
    await asyncio.gather(answer, repaint)
    assert [edit.params["text"] for edit in server.calls("editMessageText")] == ["⚙️ Working · 1:05\nFinishing…"]


async def test_a_repaint_with_nothing_new_to_show_sends_nothing(
    chat: TelegramChat, stage: Stage, server: BotApiServer
) -> None:
    sent = await chat.send(stage.chat_of(), chat.compose(stage.chat_of(), QUEUED)[0], reply_to=None)
    async with asyncio.timeout(60):
        for _ in range(50):
            await chat.repaint(sent, lambda: None)
            await chat.repaint(sent, lambda: QUEUED)
    assert not server.calls("editMessageText")
    await chat.repaint(sent, lambda: THINKING)
    await chat.repaint(sent, lambda: THINKING)
    assert len(server.calls("editMessageText")) == 1


async def test_a_repaint_whose_fate_is_unknown_is_painted_again(
    chat: TelegramChat, stage: Stage, server: BotApiServer
) -> None:
    sent = await chat.send(stage.chat_of(), chat.compose(stage.chat_of(), QUEUED)[0], reply_to=None)
    server.inject(Fault.reset_before(method="editMessageText"))
    with pytest.raises(ChatUnreachable):
        await chat.repaint(sent, lambda: THINKING)
    await chat.repaint(sent, lambda: QUEUED)
    await chat.repaint(sent, lambda: THINKING)
    assert [edit.status for edit in server.calls("editMessageText")] == [None, 400, 200]
    assert stage.private_chat().messages[0].text == "⚙️ Working · 0:05\nThinking…"


async def test_a_repaint_of_a_message_that_is_gone_is_refused(chat: TelegramChat, stage: Stage) -> None:
    with pytest.raises(ChatRefused, match="not found"):
        await chat.repaint(MessageRef(stage.chat_of(), 4711), lambda: THINKING)


async def test_a_fault_in_drawing_is_the_callers_and_the_chat_goes_on(chat: TelegramChat, stage: Stage) -> None:
    def draw() -> Card:
        raise LookupError("no such run")

    sent = await chat.send(stage.chat_of(), plain("a"), reply_to=None)
    with pytest.raises(LookupError):
        await chat.repaint(sent, draw)
    await chat.send(stage.chat_of(), plain("b"), reply_to=None)


async def test_a_bot_that_is_no_longer_configured_refuses(chat: TelegramChat) -> None:
    gone = ChatRef(BotName("gone"), 1)
    with pytest.raises(ChatRefused, match="no bot named gone"):
        await chat.send(gone, plain("a"), reply_to=None)
    with pytest.raises(ChatRefused):
        chat.compose(gone, LastResult(None, None))


async def test_cancelling_a_send_leaves_the_chat_usable(chat: TelegramChat, stage: Stage, server: BotApiServer) -> None:
    held = server.inject(Fault.hang_before(method="sendMessage"))
    sending = asyncio.create_task(chat.send(stage.chat_of(), plain("a"), reply_to=None))
    await stage.until(lambda: held.struck)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    await chat.send(stage.chat_of(), plain("b"), reply_to=None)


async def test_with_the_servers_limits_on_everything_arrives_in_order_and_nothing_is_refused() -> None:
    limits = RateLimits(private=Rate(burst=3, per_s=20.0), bot=Rate(burst=30, per_s=600.0))
    async with BotApiServer.start(bots=["alpha"], rate_limits=limits, seed=1) as server:
        stage = Stage(server)
        chat = stage.door().chat
        people = [server.person(f"Person {number}") for number in range(12)]
        chats = [server.private_chat(person, server.bot("alpha")) for person in people]
        refs = [ChatRef(ALPHA, demo_chat.id) for demo_chat in chats]
        clock = iter(range(10**6))

        async def talk(ref: ChatRef) -> None:
            status = await chat.send(ref, plain("status"), reply_to=None)
            async with asyncio.TaskGroup() as group:
                for _ in range(3):
                    group.create_task(
                        chat.repaint(status, lambda: RunningCard(RunId(1), float(next(clock)), Progress()))
                    )
                for number in range(4):
                    await chat.send(ref, plain(f"part {number}"), reply_to=None)

        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            for ref in refs:
                group.create_task(talk(ref))
        await stage.close()

    for demo_chat in chats:
        assert [message.text for message in demo_chat.messages][1:] == [f"part {number}" for number in range(4)]
    assert [request for request in server.requests if request.status != 200] == []
    assert not server.flood_violations and not server.violations
