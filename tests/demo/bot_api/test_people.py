"""What people do, and how a bot comes to know it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, ReplyParameters

from codex_gateway.demo.bot_api import BotAccount, BotApiServer, BotProfile, Chat, Message, Person
from codex_gateway.demo.bot_api.schema_check import check_type

STOP = InlineKeyboardMarkup(
    inline_keyboard=[
        [InlineKeyboardButton(text="Stop", callback_data="stop:1")],
        [InlineKeyboardButton(text="Docs", url="https://example.org/")],
    ]
)


async def test_every_update_that_people_cause_is_of_the_published_form(
    server: BotApiServer, bot: Bot, chat: Chat, ada: Person, alpha: BotAccount
) -> None:
    said = chat.say(ada, "/start @alpha_bot 😀")
    chat.say(ada, "and", reply_to=said)
    chat.edit(said, "/stop")
    chat.send_photo(ada, b"jpeg", caption="look")
    chat.send_document(ada, b"text")
    chat.block()
    chat.unblock()
    await bot.send_message(chat.id, "x", reply_markup=STOP)
    chat.press(ada, chat.messages[-1], "Stop")
    await bot.delete_message(chat.id, chat.messages[-1].id)
    chat.press(ada, chat.timeline[-1], "stop:1", stale=True)
    await bot.send_message_draft(chat_id=chat.id, draft_id=3, text="…", can_stop=True)
    chat.stop_draft(3)
    forum = server.group("Forum", bots=[alpha], is_forum=True)
    topic = forum.add_topic("Builds", author=ada)
    forum.say(ada, "/status", topic=topic)
    for update in alpha.updates.waiting:
        check_type("Update", update)
    kinds = [next(key for key in update if key != "update_id") for update in alpha.updates.waiting]
    assert kinds == [
        *("message", "message", "edited_message", "message", "message"),
        *("my_chat_member", "my_chat_member", "callback_query", "callback_query"),
        *("stopped_message_generation", "message", "message"),
    ]
    assert len(await bot.get_updates()) == len(kinds)  # and the real aiogram decodes them


async def test_every_answer_with_a_message_is_of_the_published_form(
    server: BotApiServer, chat: Chat, ada: Person, raw: Any
) -> None:
    said = chat.say(ada, "hi")
    entities = [{"type": "text_link", "offset": 0, "length": 1, "url": "https://example.org/"}]
    _, sent = await raw.form(
        "sendMessage", chat_id=chat.id, text="x", entities=entities, reply_parameters={"message_id": said.id}
    )
    check_type("Message", sent["result"])
    _, edited = await raw.form("editMessageText", chat_id=chat.id, message_id=2, text="y")
    check_type("Message", edited["result"])
    for method, type_name in (("getMe", "User"), ("getWebhookInfo", "WebhookInfo")):
        check_type(type_name, (await raw.form(method))[1]["result"])
    check_type("ChatFullInfo", (await raw.form("getChat", chat_id=chat.id))[1]["result"])


async def test_a_press_reaches_the_bot_and_its_answer_the_person(
    server: BotApiServer, bot: Bot, chat: Chat, ada: Person
) -> None:
    await bot.send_message(chat.id, "working", reply_markup=STOP)
    press = chat.press(ada, chat.messages[0], "Stop")
    [update] = await bot.get_updates()
    query = update.callback_query
    assert query is not None and query.message is not None
    assert (query.data, query.from_user.id, query.message.message_id) == ("stop:1", ada.id, 1)
    assert [press.answer] == [None]
    await bot.answer_callback_query(query.id, text="Stopping", show_alert=True)
    assert press.answer is not None
    assert (press.answer.text, press.answer.show_alert) == ("Stopping", True)
    with pytest.raises(TelegramBadRequest, match="query is too old and response timeout expired"):
        await bot.answer_callback_query(query.id)


async def test_a_press_is_answered_by_its_own_bot_only_and_briefly(
    server: BotApiServer, bot: Bot, chat: Chat, ada: Person, connect: Any
) -> None:
    await bot.send_message(chat.id, "working", reply_markup=STOP)
    press = chat.press(ada, chat.messages[0], "stop:1")
    with pytest.raises(TelegramBadRequest, match="query ID is invalid"):
        await connect(server, server.bot("beta")).answer_callback_query(press.id)
    with pytest.raises(TelegramBadRequest, match="MESSAGE_TOO_LONG"):
        await bot.answer_callback_query(press.id, text="x" * 201)


async def test_only_what_is_shown_can_be_pressed_unless_stale(bot: Bot, chat: Chat, ada: Person) -> None:
    await bot.send_message(chat.id, "working", reply_markup=STOP)
    [message] = chat.messages
    with pytest.raises(LookupError, match="no button 'Go' on message 1; there are"):
        chat.press(ada, message, "Go")
    with pytest.raises(LookupError, match="does not call the bot"):
        chat.press(ada, message, "Docs")
    await bot.edit_message_text("done", chat_id=chat.id, message_id=message.id)
    with pytest.raises(LookupError):
        chat.press(ada, message, "Stop")
    assert chat.press(ada, message, "stop:1", stale=True).data == "stop:1"


async def test_a_document_of_a_person_can_be_downloaded(bot: Bot, chat: Chat, ada: Person) -> None:
    data = bytes(range(256)) * 300
    chat.send_document(ada, data, name="notes.md", mime_type="text/markdown", caption="/read this")
    [update] = await bot.get_updates()
    message = update.message
    assert message is not None and message.document is not None and message.caption_entities is not None
    assert (message.document.file_name, message.document.file_size) == ("notes.md", len(data))
    assert message.caption_entities[0].type == "bot_command"
    file = await bot.get_file(message.document.file_id)
    assert file.file_path is not None and file.file_path.endswith(".md")
    downloaded = await bot.download_file(file.file_path)
    assert downloaded is not None and downloaded.read() == data


async def test_a_photo_of_a_person_comes_in_sizes(bot: Bot, chat: Chat, ada: Person) -> None:
    chat.send_photo(ada, b"the photo", size=(800, 600))
    [update] = await bot.get_updates()
    assert update.message is not None and update.message.photo is not None
    small, large = update.message.photo
    assert small.width < large.width == 800
    downloaded = await bot.download(large)
    assert downloaded is not None and downloaded.read() == b"the photo"


async def test_a_file_that_is_too_big_cannot_be_downloaded(bot: Bot, chat: Chat, ada: Person) -> None:
    chat.send_document(ada, bytes(20 * 1024 * 1024 + 1))
    [update] = await bot.get_updates()
    assert update.message is not None and update.message.document is not None
    with pytest.raises(TelegramBadRequest, match="Bad Request: file is too big"):
        await bot.get_file(update.message.document.file_id)


async def test_an_unknown_file_is_refused(bot: Bot, server: BotApiServer, session: Any) -> None:
    with pytest.raises(TelegramBadRequest, match="wrong file_id or the file is temporarily unavailable"):
        await bot.get_file("nothing")
    async with session.get(f"{server.url}/file/bot{bot.token}/documents/file_9.txt") as response:
        assert response.status == 404


async def test_nobody_is_heard_whose_bot_is_blocked(chat: Chat, ada: Person, alpha: BotAccount) -> None:
    chat.block()
    chat.say(ada, "hello?")
    assert [list(update)[1] for update in alpha.updates.waiting] == ["my_chat_member"]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("just chatting", False),
        ("/status", True),
        ("/status@alpha_bot", True),
        ("/status@beta_bot", False),
        ("hey @alpha_bot", True),
        ("hey @beta_bot", False),
    ],
)
def test_in_a_group_a_bot_sees_what_is_meant_for_it(
    server: BotApiServer, alpha: BotAccount, ada: Person, text: str, seen: bool
) -> None:
    server.group("Team", bots=server.bots).say(ada, text)
    assert bool(alpha.updates.waiting) is seen


async def test_in_a_group_a_bot_sees_replies_to_it(
    server: BotApiServer, bot: Bot, alpha: BotAccount, ada: Person
) -> None:
    group = server.group("Team", bots=server.bots)
    await bot.send_message(group.id, "anything else?")
    group.say(ada, "no", reply_to=group.messages[0])
    assert len(alpha.updates.waiting) == 1
    assert not server.bot("beta").updates.waiting


def test_a_bot_without_privacy_mode_sees_everything(server: BotApiServer, ada: Person) -> None:
    nosy = server.add_bot(BotProfile("nosy", "42:secret", reads_all_group_messages=True))
    server.group("Team", bots=[nosy]).say(ada, "just chatting")
    assert len(nosy.updates.waiting) == 1


async def test_topics_keep_their_messages(server: BotApiServer, bot: Bot, alpha: BotAccount, ada: Person) -> None:
    forum = server.group("Forum", bots=[alpha], is_forum=True)
    topic = forum.add_topic("Builds", author=ada)
    said = forum.say(ada, "/status", topic=topic)
    update = (await bot.get_updates())[-1]
    assert update.message is not None
    assert update.message.message_thread_id == topic and update.message.is_topic_message
    await bot.send_message(forum.id, "to the topic", message_thread_id=topic)
    await bot.send_message(forum.id, "to all")
    reply = await bot.send_message(forum.id, "a reply", reply_parameters=ReplyParameters(message_id=said.id))
    assert reply.message_thread_id == topic
    assert [message.topic for message in forum.messages] == [topic, None, topic]
    assert forum.messages[-1].reply_to is said
    with pytest.raises(TelegramBadRequest, match="Bad Request: message thread not found"):
        await bot.send_message(forum.id, "x", message_thread_id=99)
    with pytest.raises(LookupError):
        forum.say(ada, "x", topic=99)


async def test_a_bot_makes_a_topic(server: BotApiServer, bot: Bot, alpha: BotAccount, chat: Chat) -> None:
    forum = server.group("Forum", bots=[alpha], is_forum=True)
    made = await bot.create_forum_topic(forum.id, "Session 1")
    assert forum.topics == {made.message_thread_id: "Session 1"}
    with pytest.raises(TelegramBadRequest, match="the chat is not a forum"):
        await bot.create_forum_topic(chat.id, "Session 1")


async def test_stop_is_pressed_on_a_draft_that_shows_it(bot: Bot, chat: Chat, alpha: BotAccount) -> None:
    await bot.send_message_draft(chat_id=chat.id, draft_id=1, text="x")
    with pytest.raises(LookupError):
        chat.stop_draft(1)
    await bot.send_message_draft(chat_id=chat.id, draft_id=2, text="x", can_stop=True)
    chat.stop_draft(2)
    assert [draft.id for draft in chat.drafts] == [1]
    [update] = alpha.updates.waiting
    assert update["stopped_message_generation"] == {"chat": chat.to_json(), "draft_id": 2}


def test_people_cannot_do_what_telegram_would_not_let_them(chat: Chat, ada: Person) -> None:
    with pytest.raises(ValueError, match="would split"):
        chat.say(ada, "x" * 4097)
    with pytest.raises(ValueError, match="empty"):
        chat.say(ada, "  ")
    with pytest.raises(ValueError, match="would split"):
        chat.send_photo(ada, b"x", caption="x" * 1025)


async def test_waiting_wakes_on_a_change(server: BotApiServer, bot: Bot, chat: Chat) -> None:
    def last() -> Message | None:
        return chat.messages[-1] if chat.messages else None

    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(server.wait_for(last, timeout_s=10))
        await bot.send_message(chat.id, "here")
    found = waiting.result()
    assert found is not None and found.text == "here"


async def test_waiting_in_vain_tells_what_happened_instead(
    server: BotApiServer, bot: Bot, chat: Chat, raw: Any
) -> None:
    await bot.send_message(chat.id, "something else")
    await raw.json("sendMessage", chat_id=chat.id)
    with pytest.raises(TimeoutError) as caught:
        await server.wait_for(lambda: len(chat.messages) > 1, timeout_s=0.01)
    told = str(caught.value)
    assert "something else" in told and "-> 200" in told
    assert "violation: alpha sendMessage text: required by sendMessage" in told


async def test_requests_are_recorded_in_order_with_their_outcome(server: BotApiServer, bot: Bot, chat: Chat) -> None:
    await bot.get_me()
    await bot.send_message(chat.id, "x")
    with pytest.raises(TelegramBadRequest):
        await bot.send_message(1, "x")
    told = [(request.method, request.status, request.done) for request in server.requests]
    assert told == [("getMe", 200, True), ("sendMessage", 200, True), ("sendMessage", 400, False)]
    last = server.requests[-1]
    assert (last.bot, last.error) == ("alpha", "Bad Request: chat not found")
    assert last.params == {"chat_id": 1, "text": "x"}
    assert last.ended_at is not None and last.ended_at >= last.at
    assert server.calls("getMe", bot="alpha") and not server.calls("getMe", bot="beta")
