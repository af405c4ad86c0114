"""The few Bot API methods that we use, over aiogram, with every fault told in the errors of the house."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientConnectorError, ClientError, ConnectionTimeoutError

from codex_gateway.core.errors import ChatBusy, ChatError, ChatMoved, ChatRefused, ChatUnreachable
from codex_gateway.telegram.inbound_files import LARGEST_BYTES
from codex_gateway.telegram.lean import Bot, TokenValidationError, build, methods, types
from codex_gateway.telegram.lean import exceptions as tg
from codex_gateway.telegram.markup import Entity
from codex_gateway.telegram.message import Button, Copied, Document, Keyboard, Message
from codex_gateway.telegram.refusals import MessageRefused, MethodUnknown, NotModified, bad_request, forbidden
from codex_gateway.telegram.settings import BotSettings
from codex_gateway.telegram.wire import Session, Wire, time_limit

#: How long any call but a long poll may take, in seconds.
CALL_LIMIT_S = 30.0

#: How long sending a file may take, in seconds: 50 MB over a slow line.
UPLOAD_LIMIT_S = 300.0

#: How long downloading a file may take, in seconds: 20 MB over a slow line.
DOWNLOAD_LIMIT_S = 120.0

#: Every type we handle. Left out, the server would keep whatever was asked for last.
ALLOWED_UPDATES = ["message", "edited_message", "callback_query", "stopped_message_generation"]

#: Faults of reaching the server: nothing was sent.
_NOTHING_SENT = (ClientConnectorError, ConnectionTimeoutError)

#: What aiogram lets through: faults of the socket, an answer whose bytes are no text.
_OTHER_FAULTS = (ClientError, OSError, ValueError)


class TokenRefused(ChatUnreachable):
    """The server does not know the bot's token: 401, or 404 for a malformed one. It says nothing of a message."""

    def __init__(self) -> None:
        super().__init__("Telegram does not accept the bot's token", uncertain=False)


class PollConflict(ChatUnreachable):
    """Somebody else receives this bot's updates (409): another poller, or a webhook."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, uncertain=False)
        self.is_webhook = "webhook" in reason.lower()


@dataclass(frozen=True, slots=True)
class Me:
    """The bot as Telegram knows it; `username` is without the @."""

    id: int
    username: str


class _GetUpdates(methods.GetUpdates):
    """Without models: an update of a shape that nobody foresaw must not block those behind it."""

    __returning__ = list[Any]


class _SendMessage(methods.SendMessage):
    """Only the id of the message is read: a message that was sent must not fail for a field of the answer."""

    __returning__ = dict[str, Any]


class _SendDocument(methods.SendDocument):
    __returning__ = dict[str, Any]


class _GetFile(methods.GetFile):
    __returning__ = dict[str, Any]


class _SendRichMessage(methods.SendRichMessage):
    """The rich message as it goes over the wire: aiogram's models of its blocks would cost more than they check."""

    __returning__ = dict[str, Any]

    rich_message: dict[str, Any]  # type: ignore[assignment]


class _EditMessageText(methods.EditMessageText):
    __returning__ = dict[str, Any] | bool  # that it worked is all we read


class _GetMe(methods.GetMe):
    __returning__ = dict[str, Any]


build(
    types.MessageEntity,
    types.CopyTextButton,
    types.InlineKeyboardButton,
    types.InlineKeyboardMarkup,
    types.ReplyParameters,
    types.LinkPreviewOptions,
    types.BotCommand,
    methods.SetMyCommands,
    methods.AnswerCallbackQuery,
    methods.SendMessageDraft,
    _GetUpdates,
    _SendMessage,
    _SendDocument,
    _SendRichMessage,
    _EditMessageText,
    _GetFile,
    _GetMe,
)


class BotApi:
    """One bot's calls. Each has a time limit and raises nothing but `ChatError`s, which never name the token."""

    def __init__(self, settings: BotSettings, wire: Wire) -> None:
        self.name = settings.name
        self._token = settings.token
        self._wire = wire
        try:
            self._bot: Bot | None = Bot(settings.token, session=wire.send)
        except TokenValidationError:
            self._bot = None  # each call says so: a token of a wrong form is this bot's trouble alone

    @property
    def id(self) -> int | None:
        """The bot's user id, which its token begins with; None for a token of a wrong form."""
        return self._bot.id if self._bot else None

    async def get_me(self) -> Me:
        """Ask who we are."""
        match await self._call(_GetMe(), limit_s=CALL_LIMIT_S):
            case {"id": int(bot_id), "username": str(username)}:
                return Me(bot_id, username)
        raise ChatUnreachable("the server's answer to getMe was not understood", uncertain=False)

    async def get_updates(self, *, offset: int | None, wait_s: int, limit_s: float) -> list[Any]:
        """Wait up to `wait_s` seconds for updates from `offset` on, which confirms those before it.

        The whole call ends in ChatUnreachable after `limit_s` seconds.
        """
        request = _GetUpdates(offset=offset, timeout=wait_s, allowed_updates=ALLOWED_UPDATES)
        updates = await self._call(request, limit_s=limit_s, session=self._wire.poll)
        assert isinstance(updates, list)  # aiogram has checked it against __returning__
        return updates

    async def set_commands(self, commands: Sequence[tuple[str, str]], *, language_code: str | None = None) -> None:
        """Set the menu: names without the slash, and what they do.

        With a code (ISO 639-1) for people of that language, else for all who have no menu of their own language.
        """
        menu = [types.BotCommand(command=name, description=text) for name, text in commands]
        await self._call(methods.SetMyCommands(commands=menu, language_code=language_code), limit_s=CALL_LIMIT_S)

    async def answer_callback(self, query_id: str, *, limit_s: float) -> None:
        """End the spinner on a button that was pressed."""
        await self._call(methods.AnswerCallbackQuery(callback_query_id=query_id), limit_s=limit_s)

    async def send(self, chat_id: int, message: Message, *, topic_id: int = 0, reply_to: int | None = None) -> int:
        """Send a message and return its id. Raises ChatRefused for a document that cannot be read any more."""
        to_original = types.ReplyParameters(message_id=reply_to, allow_sending_without_reply=True) if reply_to else None
        text, entities = message.formatted.text, _entities(message.formatted.entities)
        request: methods.TelegramMethod[Any]
        if message.rich is not None:
            request = _SendRichMessage(
                chat_id=chat_id,
                message_thread_id=topic_id or None,
                # Without its own search for them, the server takes no path for a command and no number for a telephone.
                rich_message={"html": message.rich, "skip_entity_detection": True},
                reply_markup=_markup(message.keyboard),
                reply_parameters=to_original,
                disable_notification=message.is_silent or None,
            )
        elif message.document is None:
            request = _SendMessage(
                chat_id=chat_id,
                message_thread_id=topic_id or None,
                text=text,
                entities=entities,
                reply_markup=_markup(message.keyboard),
                reply_parameters=to_original,
                link_preview_options=types.LinkPreviewOptions(is_disabled=True),
                disable_notification=message.is_silent or None,
            )
        else:
            request = _SendDocument(
                chat_id=chat_id,
                message_thread_id=topic_id or None,
                document=await _input_file(message.document),
                caption=text or None,
                caption_entities=entities,
                reply_markup=_markup(message.keyboard),
                reply_parameters=to_original,
                disable_notification=message.is_silent or None,
                disable_content_type_detection=True,
            )
        limit_s = CALL_LIMIT_S if message.document is None else UPLOAD_LIMIT_S
        match await self._call(request, limit_s=limit_s):
            case {"message_id": int(message_id)}:
                return message_id
        raise ChatUnreachable("the server's answer to a message was not understood", uncertain=True)

    async def show_draft(self, chat_id: int, draft_id: int, message: Message, *, topic_id: int = 0) -> None:
        """Show a text that is being written, for 30 s, in the stead of the draft of that id (Bot API 10.3).

        It has a Stop button of the client's own. Raises TokenRefused too where the server does not know the method.
        """
        request = methods.SendMessageDraft(
            chat_id=chat_id,
            message_thread_id=topic_id or None,
            draft_id=draft_id,
            text=message.formatted.text,
            entities=_entities(message.formatted.entities),
            can_stop=True,
        )
        await self._call(request, limit_s=CALL_LIMIT_S)

    async def edit_message(
        self,
        chat_id: int,
        message_id: int,
        text: str,
        *,
        entities: Sequence[Entity] = (),
        keyboard: Keyboard = (),
    ) -> None:
        """Make a message say something else; no buttons given means none are left."""
        request = _EditMessageText(
            chat_id=chat_id,
            message_id=message_id,
            text=text,
            entities=_entities(entities),
            reply_markup=_markup(keyboard),
            link_preview_options=types.LinkPreviewOptions(is_disabled=True),
        )
        with suppress(NotModified):  # it says so already, which is all we want
            await self._call(request, limit_s=CALL_LIMIT_S)

    async def download(self, file_id: str) -> bytes:
        """The bytes of a file that somebody sent. Raises ChatRefused for one above the limit of 20 MB."""
        match await self._call(_GetFile(file_id=file_id), limit_s=CALL_LIMIT_S):
            case {"file_path": str(path)}:
                pass
            case _:
                raise ChatRefused("the server does not say where the file is")
        session = self._wire.send
        content = session.stream_content(
            session.api.file_url(self._token, path),
            timeout=time_limit(DOWNLOAD_LIMIT_S),  # type: ignore[arg-type]
        )
        data = bytearray()
        try:
            async with aclosing(content):
                async for chunk in content:
                    data += chunk
                    if len(data) > LARGEST_BYTES:
                        raise ChatRefused("the file is larger than the 20 MB that a bot may download")
        except self._wire.proxy_faults as error:
            raise ChatUnreachable(f"the proxy does not let us through ({_name(error)})", uncertain=False) from None
        except (*_OTHER_FAULTS, TimeoutError) as error:
            raise ChatUnreachable(f"the download failed ({_name(error)})", uncertain=False) from None
        return bytes(data)

    async def _call(
        self, method: methods.TelegramMethod[Any], *, limit_s: float, session: Session | None = None
    ) -> object:
        if self._bot is None:
            raise TokenRefused
        session = session or self._wire.send
        try:
            # aiogram passes the limit on to aiohttp as it is, which also takes this finer form
            return await session(self._bot, method, timeout=time_limit(limit_s))  # type: ignore[arg-type]
        except UnicodeEncodeError:
            raise ChatRefused("the message holds characters that cannot be sent") from None
        except tg.AiogramError as error:
            raise self._translated(error) from None  # its causes hold the URL, and the URL the token
        except self._wire.proxy_faults as error:
            raise ChatUnreachable(f"the proxy does not let us through ({_name(error)})", uncertain=False) from None
        except _OTHER_FAULTS as error:
            raise ChatUnreachable(f"the connection failed ({_name(error)})", uncertain=True) from None

    def _translated(self, error: tg.AiogramError) -> ChatError:
        match error:
            case tg.TelegramRetryAfter(retry_after=retry_after):
                return ChatBusy(float(max(retry_after, 1)))
            case tg.TelegramMigrateToChat(migrate_to_chat_id=new_id):
                return ChatMoved(new_id)
            case tg.TelegramNotFound(message=message) if "method not found" in message.lower():
                return MethodUnknown(self._clean(message))  # a Bot API server of one's own may be older
            case tg.TelegramUnauthorizedError() | tg.TelegramNotFound():
                return TokenRefused()
            case tg.TelegramConflictError(message=message):
                return PollConflict(self._clean(message))
            case tg.TelegramServerError(message=message):
                return ChatUnreachable(f"the server has a fault of its own ({message})", uncertain=True)
            case tg.TelegramEntityTooLarge(message=message):
                return MessageRefused(self._clean(message))
            case tg.TelegramNetworkError():
                cause = error.__cause__ or error
                uncertain = not isinstance(cause, _NOTHING_SENT)
                return ChatUnreachable(f"the server could not be reached ({_name(cause)})", uncertain=uncertain)
            case tg.TelegramBadRequest(message=message):
                return bad_request(self._clean(message or "Bad Request"))
            case tg.TelegramForbiddenError(message=message):
                return forbidden(self._clean(message))
            case tg.TelegramAPIError(message=message):
                return ChatRefused(self._clean(message or "refused without a reason"))
            case _:  # an answer that cannot be decoded: the work may have been done
                return ChatUnreachable("the server's answer was not understood", uncertain=True)

    def _clean(self, text: str) -> str:
        return text.replace(self._token, "***")


def _name(error: BaseException) -> str:
    """The kind of a fault; its text may hold the URL, and with it the token."""
    return type(error).__name__


def _entities(entities: Sequence[Entity]) -> list[types.MessageEntity] | None:
    return [
        types.MessageEntity(type=e.type, offset=e.offset, length=e.length, language=e.language, url=e.url)
        for e in entities
    ] or None


async def _input_file(document: Document) -> types.BufferedInputFile:
    """The bytes as they are now: a file may change or go while it is sent."""
    if document.path is None:
        return types.BufferedInputFile((document.text or "").encode(), document.name)
    try:
        return types.BufferedInputFile(await asyncio.to_thread(document.path.read_bytes), document.name)
    except OSError as error:
        raise ChatRefused(f"{document.name} cannot be read any more ({error.strerror})") from None


def _markup(keyboard: Keyboard) -> types.InlineKeyboardMarkup | None:
    if not keyboard:
        return None
    return types.InlineKeyboardMarkup(inline_keyboard=[[_button(button) for button in row] for row in keyboard])


def _button(button: Button) -> types.InlineKeyboardButton:
    match button:
        case (text, Copied(copied=copied)):
            return types.InlineKeyboardButton(text=text, copy_text=types.CopyTextButton(text=copied))
        case (text, str(data)):
            return types.InlineKeyboardButton(text=text, callback_data=data)
