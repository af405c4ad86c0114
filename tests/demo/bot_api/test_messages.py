"""Sending, editing, deleting, reacting, answering: what works, what is refused, and in which words."""

from __future__ import annotations

from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.types import (
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    MessageEntity,
    ReactionTypeEmoji,
    ReplyParameters,
)
from aiogram.types import (
    Message as AiogramMessage,
)

from codex_gateway.demo.bot_api import BotApiServer, Chat, ChatKind, Entity, Person

NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the "
    "same as a current content and reply markup of the message"
)


def keyboard(*data: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(
        inline_keyboard=[[InlineKeyboardButton(text=item.title(), callback_data=item)] for item in data]
    )


def refused(words: str) -> Any:
    return pytest.raises(TelegramBadRequest, match=words)


async def test_a_message_arrives_with_all_that_was_sent(
    server: BotApiServer, bot: Bot, chat: Chat, ada: Person
) -> None:
    asked = chat.say(ada, "hi")
    sent = await bot.send_message(
        chat.id,
        "hello *there*",
        entities=[MessageEntity(type="pre", offset=0, length=5, language="python")],
        reply_markup=keyboard("stop", "more"),
        reply_parameters=ReplyParameters(message_id=asked.id),
    )
    [message] = chat.messages
    assert (message.id, message.text) == (sent.message_id, "hello *there*")
    assert message.entities == (Entity("pre", 0, 5, language="python"),)
    assert [(button.text, button.data) for button in message.buttons] == [("Stop", "stop"), ("More", "more")]
    assert message.reply_to is asked
    assert sent.reply_to_message is not None and sent.reply_to_message.text == "hi"
    assert sent.entities is not None and sent.entities[0].language == "python"
    assert sent.reply_markup is not None
    assert sent.reply_markup.model_dump() == keyboard("stop", "more").model_dump()
    assert not server.violations


async def test_message_ids_grow_in_each_chat(server: BotApiServer, bot: Bot, chat: Chat, ada: Person) -> None:
    ids = [(await bot.send_message(chat.id, "x")).message_id, chat.say(ada, "y").id]
    ids.append((await bot.send_message(chat.id, "z")).message_id)
    assert ids == sorted(set(ids))


async def test_the_date_comes_from_the_clock() -> None:
    async with BotApiServer.start(clock=lambda: 1_700_000_000.7) as server:
        ada = server.person()
        assert server.private_chat(ada, server.bot("alpha")).say(ada, "x").date == 1_700_000_000


@pytest.mark.parametrize("text", ["x" * 4096, "😀" * 2048, "x" * 4096 + " \n"])
async def test_a_text_of_4096_units_is_sent(bot: Bot, chat: Chat, text: str) -> None:
    await bot.send_message(chat.id, text)
    assert chat.messages[0].text == text.rstrip()


@pytest.mark.parametrize("text", ["x" * 4097, "😀" * 2048 + "x"])
async def test_a_longer_text_is_refused(bot: Bot, chat: Chat, text: str) -> None:
    with refused("Bad Request: message is too long"):
        await bot.send_message(chat.id, text)
    sent = await bot.send_message(chat.id, "short")
    with refused("Bad Request: MESSAGE_TOO_LONG"):
        await bot.edit_message_text(text, chat_id=chat.id, message_id=sent.message_id)


@pytest.mark.parametrize("text", [" ", "\n \n", ""])
async def test_a_text_of_nothing_is_refused(bot: Bot, chat: Chat, text: str, raw: Any) -> None:
    _, body = await raw.form("sendMessage", chat_id=chat.id, text=text)
    assert body["description"] == "Bad Request: message text is empty"
    sent = await bot.send_message(chat.id, "something")
    _, body = await raw.form("editMessageText", chat_id=chat.id, message_id=sent.message_id, text=text)
    assert body["description"] == "Bad Request: message text is empty"


async def test_blanks_around_a_text_are_cut(bot: Bot, chat: Chat) -> None:
    sent = await bot.send_message(chat.id, "\n  hello \n", entities=[MessageEntity(type="bold", offset=3, length=5)])
    assert sent.text == chat.messages[0].text == "hello"
    assert chat.messages[0].entities == (Entity("bold", 0, 5),)


async def test_a_wrong_entity_is_refused_and_a_violation(server: BotApiServer, bot: Bot, chat: Chat) -> None:
    with refused("ends after the end of the text"):
        await bot.send_message(chat.id, "hi", entities=[MessageEntity(type="bold", offset=0, length=3)])
    assert [violation.path for violation in server.violations] == ["entities[0]"]
    assert not chat.messages


async def test_parse_mode_is_a_violation(server: BotApiServer, bot: Bot, chat: Chat) -> None:
    with refused("this stand-in has no parse_mode"):
        await bot.send_message(chat.id, "<b>hi</b>", parse_mode="HTML")
    assert [violation.path for violation in server.violations] == ["parse_mode"]


@pytest.mark.parametrize("data", ["x" * 64, "ж" * 32])
async def test_callback_data_may_have_64_bytes(bot: Bot, chat: Chat, data: str) -> None:
    await bot.send_message(chat.id, "x", reply_markup=keyboard(data))
    assert chat.messages[0].buttons[0].data == data


@pytest.mark.parametrize(
    ("button", "words", "field"),
    [
        ({"text": "x", "callback_data": "x" * 65}, "BUTTON_DATA_INVALID", ".callback_data"),
        ({"text": "x", "callback_data": "ж" * 33}, "BUTTON_DATA_INVALID", ".callback_data"),
        ({"text": "x", "callback_data": ""}, "BUTTON_DATA_INVALID", ".callback_data"),
        ({"text": " ", "callback_data": "x"}, 'Field "text" must be non-empty', ".text"),
        ({"text": "x"}, "Text buttons are unallowed in the inline keyboard", ""),
        ({"text": "x", "callback_data": "x", "url": "https://a.b"}, "Text buttons are unallowed", ""),
        ({"text": "x", "copy_text": {"text": "x" * 257}}, "BUTTON_COPY_TEXT_INVALID", ".copy_text.text"),
    ],
)
async def test_a_wrong_button_is_refused_and_a_violation(
    server: BotApiServer, chat: Chat, raw: Any, button: dict[str, Any], words: str, field: str
) -> None:
    markup = {"inline_keyboard": [[{"text": "fine", "callback_data": "x"}, button]]}
    status, body = await raw.form("sendMessage", chat_id=chat.id, text="x", reply_markup=markup)
    assert status == 400
    assert words in body["description"]
    assert [v.path for v in server.violations] == [f"reply_markup.inline_keyboard[0][1]{field}"]


async def test_an_unknown_chat_is_not_found(server: BotApiServer, bot: Bot, ada: Person) -> None:
    with refused("Bad Request: chat not found"):
        await bot.send_message(ada.id, "hello?")
    assert not server.violations


async def test_a_chat_with_one_bot_is_not_found_by_another(server: BotApiServer, bot: Bot, ada: Person) -> None:
    server.private_chat(ada, server.bot("beta"))
    with refused("Bad Request: chat not found"):
        await bot.send_message(ada.id, "hello?")


async def test_a_bot_that_is_blocked_is_forbidden_to_write(bot: Bot, chat: Chat) -> None:
    chat.block()
    with pytest.raises(TelegramForbiddenError, match="Forbidden: bot was blocked by the user"):
        await bot.send_message(chat.id, "hello?")
    chat.unblock()
    await bot.send_message(chat.id, "hello!")


async def test_a_bot_that_was_removed_from_a_group_is_forbidden_to_write(
    server: BotApiServer, bot: Bot, ada: Person
) -> None:
    group = server.group("Team", bots=[server.bot("alpha")])
    group.block()
    with pytest.raises(TelegramForbiddenError, match="bot was kicked from the supergroup chat"):
        await bot.send_message(group.id, "hello?")


async def test_a_reply_to_nothing_is_refused_unless_allowed(bot: Bot, chat: Chat, ada: Person) -> None:
    gone = await bot.send_message(chat.id, "soon gone")
    await bot.delete_message(chat.id, gone.message_id)
    with refused("Bad Request: message to be replied not found"):
        await bot.send_message(chat.id, "x", reply_parameters=ReplyParameters(message_id=gone.message_id))
    reply = ReplyParameters(message_id=gone.message_id, allow_sending_without_reply=True)
    await bot.send_message(chat.id, "y", reply_parameters=reply)
    assert [(message.text, message.reply_to) for message in chat.messages] == [("y", None)]


async def test_an_edit_changes_the_message_and_keeps_its_history(bot: Bot, chat: Chat) -> None:
    sent = await bot.send_message(chat.id, "one", reply_markup=keyboard("stop"))
    edited = await bot.edit_message_text("two", chat_id=chat.id, message_id=sent.message_id)
    [message] = chat.messages
    assert message.text == "two"
    assert [version.content.text for version in message.versions] == ["one", "two"]
    assert message.edits[0].at >= message.at
    assert message.buttons == []  # an edit without markup takes it away
    assert isinstance(edited, AiogramMessage)
    assert edited.edit_date is not None and edited.text == "two"


async def test_an_edit_to_the_same_is_refused(server: BotApiServer, bot: Bot, chat: Chat) -> None:
    bold = [MessageEntity(type="bold", offset=0, length=3)]
    sent = await bot.send_message(chat.id, "one", entities=bold, reply_markup=keyboard("stop"))
    at: dict[str, Any] = {"chat_id": chat.id, "message_id": sent.message_id}
    with refused("message is not modified") as caught:
        await bot.edit_message_text("one ", entities=bold, reply_markup=keyboard("stop"), **at)
    assert caught.value.message == NOT_MODIFIED
    with refused("message is not modified"):
        await bot.edit_message_reply_markup(reply_markup=keyboard("stop"), **at)
    await bot.edit_message_text("one", entities=bold, reply_markup=keyboard("more"), **at)
    await bot.edit_message_text("one", reply_markup=keyboard("more"), **at)
    await bot.edit_message_reply_markup(**at)
    assert len(chat.messages[0].edits) == 3
    assert not server.violations


async def test_what_is_not_there_cannot_be_edited(bot: Bot, chat: Chat) -> None:
    with refused("Bad Request: message to edit not found"):
        await bot.edit_message_text("x", chat_id=chat.id, message_id=99)
    sent = await bot.send_message(chat.id, "x")
    await bot.delete_message(chat.id, sent.message_id)
    with refused("Bad Request: message to edit not found"):
        await bot.edit_message_text("y", chat_id=chat.id, message_id=sent.message_id)


async def test_a_persons_message_cannot_be_edited(bot: Bot, chat: Chat, ada: Person) -> None:
    said = chat.say(ada, "mine")
    with refused("Bad Request: message can't be edited"):
        await bot.edit_message_text("yours", chat_id=chat.id, message_id=said.id)


async def test_an_edit_must_name_its_message(server: BotApiServer, raw: Any, chat: Chat) -> None:
    status, _ = await raw.json("editMessageText", chat_id=chat.id, text="x")
    assert status == 400
    assert [violation.path for violation in server.violations] == ["message_id"]


async def test_deleting_takes_the_message_away(bot: Bot, chat: Chat, ada: Person) -> None:
    sent = await bot.send_message(chat.id, "x")
    assert await bot.delete_message(chat.id, sent.message_id)
    assert chat.messages == [] and chat.timeline[-1].deleted
    with refused("Bad Request: message to delete not found"):
        await bot.delete_message(chat.id, sent.message_id)
    assert await bot.delete_message(chat.id, chat.say(ada, "y").id)


async def test_in_a_group_the_messages_of_others_cannot_be_deleted(server: BotApiServer, bot: Bot, ada: Person) -> None:
    group = server.group("Team", bots=[server.bot("alpha")], kind=ChatKind.GROUP)
    with refused("Bad Request: message can't be deleted"):
        await bot.delete_message(group.id, group.say(ada, "/mine").id)


async def test_what_is_older_than_two_days_cannot_be_deleted(connect: Any) -> None:
    now = 1_700_000_000.0
    async with BotApiServer.start(clock=lambda: now) as server:
        bot = connect(server, server.bot("alpha"))
        chat = server.private_chat(server.person(), server.bot("alpha"))
        sent = await bot.send_message(chat.id, "x")
        now += 48 * 3600 + 1
        with refused("Bad Request: message can't be deleted"):
            await bot.delete_message(chat.id, sent.message_id)


async def test_a_reaction_is_set_and_taken_back(bot: Bot, chat: Chat, ada: Person) -> None:
    said = chat.say(ada, "x")
    await bot.set_message_reaction(chat.id, said.id, reaction=[ReactionTypeEmoji(emoji="👀")])
    assert said.reactions == {"alpha": [{"type": "emoji", "emoji": "👀"}]}
    await bot.set_message_reaction(chat.id, said.id, reaction=[])
    assert said.reactions == {"alpha": []}


@pytest.mark.parametrize(
    ("emoji", "words"),
    [(["🦖"], "REACTION_INVALID"), (["👀", "🔥"], "REACTIONS_TOO_MANY")],
)
async def test_a_wrong_reaction_is_refused(bot: Bot, chat: Chat, ada: Person, emoji: list[str], words: str) -> None:
    said = chat.say(ada, "x")
    with refused(words):
        await bot.set_message_reaction(chat.id, said.id, reaction=[ReactionTypeEmoji(emoji=one) for one in emoji])
    with refused("message to react not found"):
        await bot.set_message_reaction(chat.id, 99, reaction=[])


async def test_a_chat_action_is_seen(server: BotApiServer, bot: Bot, chat: Chat, raw: Any) -> None:
    await bot.send_chat_action(chat.id, "typing")
    assert [action.action for action in chat.actions] == ["typing"]
    status, body = await raw.json("sendChatAction", chat_id=chat.id, action="thinking")
    assert (status, body["description"]) == (400, "Bad Request: wrong parameter action in request")
    assert len(server.violations) == 1


async def test_a_document_is_sent_and_can_be_sent_again_by_its_id(bot: Bot, chat: Chat) -> None:
    data = bytes(range(256)) * 9
    sent = await bot.send_document(chat.id, BufferedInputFile(data, "run.log"), caption="the log ")
    [message] = chat.messages
    assert message.document is not None and message.document.data == data
    assert (message.document.name, message.text) == ("run.log", "the log")
    assert sent.document is not None and sent.caption == "the log"
    again = await bot.send_document(chat.id, sent.document.file_id)
    assert again.document is not None and again.document.file_unique_id == sent.document.file_unique_id
    with refused("wrong file identifier"):
        await bot.send_document(chat.id, "no such id")


async def test_a_photo_is_sent(server: BotApiServer, bot: Bot, chat: Chat) -> None:
    caption = "x" * 1024
    sent = await bot.send_photo(chat.id, BufferedInputFile(b"jpeg", "a.jpg"), caption=caption)
    assert sent.photo and sent.caption == caption
    assert chat.messages[0].photo[-1].data == b"jpeg"
    assert server.requests[-1].file_sizes and not server.violations


async def test_a_long_caption_is_refused(bot: Bot, chat: Chat) -> None:
    with refused("Bad Request: message caption is too long"):
        await bot.send_document(chat.id, BufferedInputFile(b"x", "a.txt"), caption="x" * 1025)
    assert not chat.messages


async def test_an_empty_file_is_refused(bot: Bot, chat: Chat) -> None:
    with refused("file must be non-empty"):
        await bot.send_document(chat.id, BufferedInputFile(b"", "a.txt"))


async def test_a_file_that_did_not_come_is_a_violation(server: BotApiServer, raw: Any, chat: Chat) -> None:
    status, _ = await raw.json("sendDocument", chat_id=chat.id, document="attach://nothing")
    assert status == 400
    assert [violation.path for violation in server.violations] == ["document"]


async def test_a_draft_is_shown_until_a_message_takes_its_place(
    server: BotApiServer, bot: Bot, chat: Chat, raw: Any
) -> None:
    for text in ("Thin", "Thinking"):
        assert (await raw.form("sendMessageDraft", chat_id=chat.id, draft_id=7, text=text))[0] == 200
    assert [draft.text for draft in chat.drafts] == ["Thinking"]
    assert [draft.text for draft in chat.draft_history] == ["Thin", "Thinking"]
    await bot.send_message(chat.id, "Thought.")
    assert chat.drafts == []
    assert (await raw.form("sendMessageDraft", chat_id=chat.id, draft_id=0))[0] == 400
    assert [violation.path for violation in server.violations] == ["draft_id"]


async def test_a_draft_fades_after_thirty_seconds(connect: Any) -> None:
    now = 100.0
    async with BotApiServer.start(monotonic=lambda: now) as server:
        chat = server.private_chat(server.person(), server.bot("alpha"))
        bot = connect(server, server.bot("alpha"))
        await bot.send_message_draft(chat_id=chat.id, draft_id=1, text="half a")
        now += 29
        assert chat.drafts
        now += 2
        assert not chat.drafts


async def test_drafts_are_for_private_chats(server: BotApiServer, raw: Any) -> None:
    group = server.group("Team", bots=[server.bot("alpha")])
    assert (await raw.form("sendMessageDraft", chat_id=group.id, draft_id=1, text="x"))[0] == 400


async def test_a_rich_message_is_kept_as_sent(server: BotApiServer, raw: Any, chat: Chat) -> None:
    rich = {"markdown": "# Done\n- [x] all"}
    status, body = await raw.form("sendRichMessage", chat_id=chat.id, rich_message=rich)
    assert status == 200 and body["result"]["rich_message"]["blocks"]
    assert chat.messages[0].rich == rich
    edited = {"chat_id": chat.id, "message_id": chat.messages[0].id, "rich_message": {"html": "<b>x</b>"}}
    assert (await raw.form("editMessageText", **edited))[0] == 200
    assert chat.messages[0].rich == {"html": "<b>x</b>"}
    assert not server.violations
    both = {"markdown": "x", "html": "x"}
    assert (await raw.form("sendRichMessage", chat_id=chat.id, rich_message=both))[0] == 400
    assert [violation.path for violation in server.violations] == ["rich_message"]
    long = {"markdown": "x" * 32_769}
    assert (await raw.form("sendRichMessage", chat_id=chat.id, rich_message=long))[0] == 400
