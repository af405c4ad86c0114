"""Methods that change what is in a chat: edits, deletions, reactions, answers to presses."""

from __future__ import annotations

from dataclasses import replace

from codex_gateway.demo.bot_api.chat_state import ChatKind
from codex_gateway.demo.bot_api.entities import Entity, utf16_length
from codex_gateway.demo.bot_api.errors import RuleBroken, bad_request
from codex_gateway.demo.bot_api.messages import CallbackAnswer, Content, Message
from codex_gateway.demo.bot_api.methods.call import Call
from codex_gateway.demo.bot_api.methods.sending import TEXT_LIMIT, checked_rich
from codex_gateway.demo.bot_api.wire import Fields, JsonValue

_NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a "
    "current content and reply markup of the message"
)
#: A bot cannot delete what is older (deleteMessage, Bot API 10.3).
_DELETABLE_S = 48 * 3600
#: Every emoji that may be a reaction (ReactionTypeEmoji, Bot API 10.3), without variation selectors.
_REACTIONS = frozenset(
    """
    👍 👎 ❤ 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤‍🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔
    🤨 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨‍💻 👀 🎃 🙈 😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘
    💊 🙊 😎 👾 🤷‍♂ 🤷 🤷‍♀ 😡
    """.split()  # noqa: SIM905 - a list of so many quotes cannot be read
)


def edit_message_text(call: Call) -> JsonValue:
    message = _own_message(call)
    if "rich_message" in call.fields:
        return _changed(message, Content("", (), call.keyboard(), checked_rich(call)))
    text, entities = call.formatted("text", "entities")
    if not text:
        raise bad_request("message text is empty")
    if utf16_length(text) > TEXT_LIMIT:
        # An edit's length is judged further inside, so that it has another text than sendMessage's.
        raise bad_request("MESSAGE_TOO_LONG")
    if message.is_media:
        raise bad_request("there is no text in the message to edit")
    return _changed(message, Content(text, entities, call.keyboard()))


def edit_message_reply_markup(call: Call) -> JsonValue:
    message = _own_message(call)
    return _changed(message, replace(message.content, reply_markup=call.keyboard()))


def delete_message(call: Call) -> JsonValue:
    chat = call.chat()
    message = call.message(chat, missing="message to delete not found")
    is_own = message.sender is call.bot
    is_old = call.world.now() - message.date > _DELETABLE_S
    if is_old or (not is_own and chat.kind is not ChatKind.PRIVATE):
        raise bad_request("message can't be deleted")
    message.deleted = True
    return True


def set_message_reaction(call: Call) -> JsonValue:
    chat = call.chat()
    message = call.message(chat, missing="message to react not found")
    reactions = call.fields.objects("reaction")
    if len(reactions) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    for reaction in reactions:
        emoji = Fields(reaction).text("emoji").replace("\ufe0f", "")
        if reaction.get("type") != "emoji" or emoji not in _REACTIONS:
            raise bad_request("REACTION_INVALID")
    message.reactions[call.bot.name] = list(reactions)
    return True


def answer_callback_query(call: Call) -> JsonValue:
    press = call.bot.presses.get(call.fields.text("callback_query_id"))
    if press is None or press.answer is not None:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    text = call.fields.text("text")
    if utf16_length(text) > 200:
        raise bad_request("MESSAGE_TOO_LONG")
    press.answer = CallbackAnswer(
        at=call.world.monotonic(),
        text=text,
        show_alert=call.fields.flag("show_alert"),
        url=call.fields.text("url") or None,
    )
    return True


def _own_message(call: Call) -> Message:
    for name in ("chat_id", "message_id"):
        if name not in call.fields:
            reason = "required: this stand-in has no inline messages"
            raise RuleBroken(name, reason, description="Bad Request: message identifier is not specified")
    chat = call.chat()
    message = call.message(chat, missing="message to edit not found")
    if message.sender is not call.bot:
        raise bad_request("message can't be edited")
    return message


def _changed(message: Message, content: Content) -> JsonValue:
    if _compared(content) == _compared(message.content):
        raise bad_request(_NOT_MODIFIED)
    message.chat.change(message, content)
    return message.to_json()


def _compared(content: Content) -> tuple[object, ...]:
    def order(entity: Entity) -> tuple[int, int, str]:
        return (entity.offset, -entity.length, entity.type)

    return (content.text, tuple(sorted(content.entities, key=order)), content.reply_markup, content.rich)
