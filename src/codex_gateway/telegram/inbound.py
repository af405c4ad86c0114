"""One update in, one request out, or nothing when it is nobody's business of ours; pure.

Update bodies come from outside: whatever is in them, the worst that happens is that there is no request.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

from codex_gateway.core.attachment import Attachment
from codex_gateway.core.ids import BotName, ChatRef, RunId, UserId
from codex_gateway.core.request import (
    Amend,
    Ask,
    AskHelp,
    AskLastResult,
    AskQueue,
    AskSession,
    AskStatus,
    AskWho,
    Cancel,
    ClearQueue,
    Diff,
    Drop,
    EndHolder,
    Fork,
    KeepWaiting,
    Misspoken,
    MisspokenReason,
    MoveUp,
    Request,
    Retry,
    SendFile,
    Shape,
    ShowLog,
    Wish,
)
from codex_gateway.telegram.inbound_choices import choice_button, choice_command
from codex_gateway.telegram.inbound_files import attached
from codex_gateway.telegram.inbound_sessions import session_button, session_command
from codex_gateway.telegram.quoting import quoted


@dataclass(frozen=True, slots=True)
class BotIdentity:
    """Whom people speak to. `username`, without the @, is None until Telegram has told it."""

    name: BotName
    id: int
    username: str | None


def interpret(bot: BotIdentity, body: str) -> Request | None:
    """What a person wants of `bot` with the update in `body`, its JSON text; None when it is not meant for us."""
    try:
        update = _decode(body, _Update)
        if update.callback_query:
            return _pressed(bot, _decode(update.callback_query, _Press))
        if update.stopped_message_generation:
            return _stopped(bot, _decode(update.stopped_message_generation, _StoppedDraft))
        if update.message:
            return _said(bot, update.message)
        if update.edited_message:
            changed = _said(bot, update.edited_message)
            wish = None if changed is None else _amended(changed.wish)
            return replace(changed, wish=wish) if changed and wish else None
    except _UNREADABLE:
        pass
    return None


def pressed_query_id(body: str) -> str | None:
    """The id of the callback query in an update that presses a button."""
    try:
        update = _decode(body, _Update)
        if update.callback_query:
            press = _decode(update.callback_query, _Press)
            return press.id
    except _UNREADABLE:
        pass
    return None


_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)

_Id: TypeAlias = Annotated[int, Meta(ge=-(2**62), le=2**62)]
_MessageId: TypeAlias = Annotated[int, Meta(ge=1, le=2**62)]


class _Update(Struct):
    message: Raw = Raw()
    edited_message: Raw = Raw()
    callback_query: Raw = Raw()
    stopped_message_generation: Raw = Raw()


class _Chat(Struct):
    id: _Id
    type: str = ""


class _User(Struct):
    id: _Id
    is_bot: bool = False
    language_code: str | None = None


class _Original(Struct, rename={"sender": "from"}):
    """The message that one replies to."""

    message_id: Annotated[int, Meta(ge=0, le=2**62)] = 0
    sender: _User | None = None
    forum_topic_created: Raw = Raw()


class _Message(Struct, rename={"sender": "from"}):
    message_id: _MessageId
    chat: _Chat
    date: _Id | None = None
    sender: _User | None = None
    message_thread_id: _Id | None = None
    is_topic_message: bool | None = None
    text: str | None = None
    caption: str | None = None
    media_group_id: str | None = None
    reply_to_message: _Original | None = None


class _PressedMessage(Struct):
    message_id: _MessageId
    chat: _Chat
    message_thread_id: _Id | None = None
    is_topic_message: bool | None = None


class _Press(Struct, rename={"sender": "from"}):
    id: str
    sender: _User
    message: _PressedMessage | None = None
    data: str | None = None


class _StoppedDraft(Struct):
    """The Stop button of a draft (Bot API 10.3). Drafts are shown in chats of two, so it says not who pressed it."""

    chat: _Chat
    draft_id: Annotated[int, Meta(ge=1, le=2**62)]
    message_thread_id: _Id | None = None


T = TypeVar("T")


def _decode(text: str | Raw, shape: type[T]) -> T:
    return msgspec.json.decode(text, type=shape)


#: Who speaks with another voice than a person's own: sent as a chat or through another bot.
_NOBODYS = frozenset(
    {
        "sender_chat",
        "sender_business_bot",
        "via_bot",
        "is_automatic_forward",
    }
)

_FORWARDED = frozenset(
    {
        "forward_origin",
        "forward_date",  # until Bot API 7.0, still sent by servers of that age
        "forward_from",
        "forward_from_chat",
        "forward_sender_name",
    }
)

#: Telegram's own apps cut a longer text at 4096 UTF-16 units or before, where a word or a line ends.
_CUT_UNITS = 4000

#: Content we cannot take, by its field. The first that is present names it: an animation is a document too, a venue
#: a location.
_UNSUPPORTED = (
    "photo",
    "voice",
    "audio",
    "video",
    "video_note",
    "live_photo",
    "animation",
    "sticker",
    "document",
    "contact",
    "poll",
    "checklist",
    "dice",
    "game",
    "story",
    "venue",
    "location",
    "paid_media",
    "rich_message",
)

#: "/word" or "/word@bot" with nothing of a path about it. Telegram itself takes "/usr" in "/usr/bin" for a command.
_COMMAND = re.compile(r"/([a-z0-9_]{1,32})(?:@([a-z0-9_]{1,64}))?(?=\s|$)", re.IGNORECASE | re.ASCII)

_BUTTON = re.compile(r"(stop|retry|wait|fork|holder|diff|log|drop|up|clear):([1-9][0-9]{0,17})", re.ASCII)

_BUTTON_WISHES: dict[str, Callable[[RunId], Wish]] = {
    "stop": Cancel,
    "retry": Retry,
    "wait": KeepWaiting,
    "fork": Fork,
    "holder": EndHolder,
    "diff": Diff,
    "log": ShowLog,
    "drop": Drop,
    "up": MoveUp,
    "clear": ClearQueue,
}

_PLAIN_COMMANDS: dict[str, Wish] = {
    "stop": Cancel(),
    "retry": Retry(),
    "status": AskStatus(),
    "lastresult": AskLastResult(),
    "queue": AskQueue(),
    "session": AskSession(),
    "whoami": AskWho(),
    "help": AskHelp(),
    "start": AskHelp(),
    "diff": Diff(),
}


def _said(bot: BotIdentity, body: Raw) -> Request | None:
    message = _decode(body, _Message)
    # which fields there are tells more than what most of them hold
    fields = {name: value for name, value in _decode(body, dict[str, Raw]).items() if bytes(value) != b"null"}
    present = frozenset(fields)
    if message.sender is None or message.sender.is_bot or present & _NOBODYS:
        return None
    match message.chat.type:
        case "private":
            is_private, is_addressed = True, True
        case "group" | "supergroup":
            is_private, is_addressed = False, _replies_to(bot, message)
        case _:
            return None
    words = message.text if message.text is not None else message.caption
    if present & _FORWARDED:
        # never a command, and in a group nobody's by itself
        return _request(bot, message, _forwarded(words, fields, is_private=is_private))
    wish = _wish(bot, words, is_addressed=is_addressed)
    file = attached(fields) if message.text is None else None
    if wish is None and message.media_group_id and isinstance(file, Attachment) and not (words or "").startswith("/"):
        # another file of the album may be for us, and then all of it is
        wish = Ask((words or "").replace("\0", "").strip(), (file,), is_addressed=False)
        return _request(bot, message, replace(wish, shape=Shape.ALBUM, album=message.media_group_id))
    if file is not None:
        # without words of its own it must be said to us in another way: in a chat of two, or as a reply
        wish = _with_file(wish, file)
    elif message.text is None:
        kind = next((field for field in _UNSUPPORTED if field in present), None)
        meant_for_us = is_addressed or wish is not None
        wish = Misspoken(MisspokenReason.UNSUPPORTED_CONTENT, kind) if kind and meant_for_us else None
    if isinstance(wish, Ask):
        topic_id = _chat_ref(bot, message).topic_id
        wish = replace(wish, quoted=quoted(fields, our_id=bot.id, topic_id=topic_id))
        if message.media_group_id:
            wish = replace(wish, shape=Shape.ALBUM, album=message.media_group_id)
        elif message.text is not None and len(message.text.encode("utf-16-le", "surrogatepass")) // 2 >= _CUT_UNITS:
            wish = replace(wish, shape=Shape.CUT)
    return _request(bot, message, wish)


def _request(bot: BotIdentity, message: _Message, wish: Wish | None) -> Request | None:
    if wish is None or message.sender is None:
        return None
    return Request(
        _chat_ref(bot, message),
        UserId(message.sender.id),
        message.message_id,
        is_private=message.chat.type == "private",
        wish=wish,
        language=message.sender.language_code,
        sent_at=message.date,
    )


def _amended(wish: Wish) -> Wish | None:
    """What a changed message asks for: a command is not carried out anew, which is said."""
    match wish:
        case Ask():
            return Amend(wish)
        case Misspoken(reason=reason) if reason not in (
            MisspokenReason.UNKNOWN_COMMAND,
            MisspokenReason.EMPTY_PROMPT,
        ):
            return None  # a live location moves by itself
        case _:
            return Misspoken(MisspokenReason.EDITED, "")


def _forwarded(words: str | None, fields: dict[str, Raw], *, is_private: bool) -> Wish | None:
    """What somebody else has said, for the person's own words to be about."""
    file = attached(fields)
    text = (words or "").replace("\0", "").strip()
    if isinstance(file, Misspoken):
        return file if is_private else None
    if not text and file is None:
        return None
    return Ask(text, (file,) if file else (), shape=Shape.FORWARDED, is_addressed=is_private)


def _with_file(wish: Wish | None, file: Attachment | Misspoken) -> Wish | None:
    """What the words of a file ask for; a command stays one."""
    match wish:
        case Ask(prompt=prompt) if isinstance(file, Attachment):
            return Ask(prompt, (file,))
        case Misspoken(reason=MisspokenReason.EMPTY_PROMPT) if isinstance(file, Attachment):
            return Ask("", (file,))
        case Ask() | Misspoken(reason=MisspokenReason.EMPTY_PROMPT) if isinstance(file, Misspoken):
            return file
        case _:
            return wish


def _pressed(bot: BotIdentity, press: _Press) -> Request | None:
    """A button of ours was pressed; what it is under says where."""
    wish = _button_wish(press.data)
    message = press.message
    if wish is None or message is None or press.sender.is_bot:
        return None
    if message.chat.type not in ("private", "group", "supergroup"):
        return None
    return Request(
        _chat_ref(bot, message),
        UserId(press.sender.id),
        message.message_id,
        is_private=message.chat.type == "private",
        wish=wish,
        language=press.sender.language_code,
    )


def _stopped(bot: BotIdentity, draft: _StoppedDraft) -> Request | None:
    """A draft is numbered by its run."""
    if draft.chat.type != "private":
        return None
    chat = ChatRef(bot.name, draft.chat.id, draft.message_thread_id or 0)
    return Request(chat, UserId(draft.chat.id), 0, is_private=True, wish=Cancel(RunId(draft.draft_id)))


def _button_wish(data: str | None) -> Wish | None:
    match = _BUTTON.fullmatch(data or "")
    if match is None:
        stale = Misspoken(MisspokenReason.UNKNOWN_BUTTON, "")
        return None if data is None else session_button(data) or choice_button(data) or stale
    run_id = RunId(int(match[2]))
    return _BUTTON_WISHES[match[1]](run_id)


def _chat_ref(bot: BotIdentity, message: _Message | _PressedMessage) -> ChatRef:
    # outside of forums a thread id marks a chain of replies, which is no place of its own
    topic_id = (message.message_thread_id or 0) if message.is_topic_message else 0
    return ChatRef(bot.name, message.chat.id, topic_id)


def _replies_to(bot: BotIdentity, message: _Message) -> bool:
    """Whether it replies to something the bot said.

    In a topic everything is a reply to the message that opened it, which the bot may have been the one to send.
    """
    original = message.reply_to_message
    if original is None or original.sender is None or original.sender.id != bot.id:
        return False
    return not original.forum_topic_created and original.message_id != message.message_thread_id


def _wish(bot: BotIdentity, words: str | None, *, is_addressed: bool) -> Wish | None:
    """What the words ask for; None when they are for somebody else, or for nobody."""
    words = (words or "").replace("\0", "").strip()
    if bot.username and (unmentioned := _without_mention(words, bot.username)) is not None:
        words, is_addressed = unmentioned, True
    if command := _COMMAND.match(words):
        name, whom, rest = command[1], command[2], words[command.end() :].strip()
        if whom is not None and not _is_us(bot, whom, is_addressed=is_addressed):
            return None
        known = _command_wish(name.lower(), rest)
        if known is not None:
            return known
        if name.islower() or name.isdigit() or whom is not None:
            # in a group it may be another bot's, unless it is said to us
            about = f"/{name}"
            is_ours = is_addressed or whom is not None
            return Misspoken(MisspokenReason.UNKNOWN_COMMAND, about) if is_ours else None
    if not is_addressed:
        return None
    return Ask(words) if words else Misspoken(MisspokenReason.EMPTY_PROMPT, "")


def _is_us(bot: BotIdentity, whom: str, *, is_addressed: bool) -> bool:
    """Whether `/command@whom` is for us; while our name is not known, only where nobody else can be meant."""
    return whom.lower() == bot.username.lower() if bot.username else is_addressed


def _command_wish(name: str, rest: str) -> Wish | None:
    if name == "new":
        return Ask(rest) if rest else Misspoken(MisspokenReason.EMPTY_PROMPT, "/new")
    if name == "get":
        return SendFile(rest)
    return _PLAIN_COMMANDS.get(name) or session_command(name, rest) or choice_command(name, rest)


def _without_mention(words: str, username: str) -> str | None:
    """The words without a mention of us at either end; None when there is no mention at all."""
    mention = re.compile(rf"(?<![\w@./])@{re.escape(username)}(?!\w)", re.IGNORECASE)
    if mention.search(words) is None:
        return None
    if at_start := mention.match(words):
        words = words[at_start.end() :].lstrip(" ,:;\t\r\n")
    for at_end in mention.finditer(words):
        if at_end.end() == len(words):
            words = words[: at_end.start()].rstrip()
    return words.strip()
