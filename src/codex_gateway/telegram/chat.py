"""How the hall reaches people on Telegram: its `Chat`."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from codex_gateway.core.errors import ChatBusy, ChatRefused, FormRefused
from codex_gateway.core.ids import BotName, ChatRef, MessageRef
from codex_gateway.core.manner import Detail, Manner
from codex_gateway.core.ports import Parcel
from codex_gateway.core.reply import Answer, Card, LastResult, LiveCard, OutsideWords, Reply
from codex_gateway.log import Log
from codex_gateway.telegram.api import BotApi, TokenRefused
from codex_gateway.telegram.budget import Budget, Turn
from codex_gateway.telegram.detail import told
from codex_gateway.telegram.detours import halves, topic_gone
from codex_gateway.telegram.markup import Formatted
from codex_gateway.telegram.message import Message
from codex_gateway.telegram.parcel import pack, unpack
from codex_gateway.telegram.refusals import EntitiesRefused, MessageRefused, MethodUnknown, TooLong, TopicGone
from codex_gateway.telegram.tongue import speaking
from codex_gateway.telegram.wording import word

#: Messages whose latest content is remembered, so that it is not painted twice.
_PAINTINGS_KEPT = 256

#: Characters that are rendered without leaving the event loop: some 20 ms.
_RENDERED_AT_ONCE = 8_000

_log = Log(__name__)


@dataclass(slots=True)
class Outlet:
    """One bot's way to its people."""

    api: BotApi
    chunk_limit: int
    budget: Budget
    #: An answer of more messages comes as its first one and a document; 0: never.
    most_messages: int = 4
    #: Whether drafts are shown; no more once the server has turned out not to know them.
    has_drafts: bool = False
    #: Chats that refuse them.
    without_drafts: set[int] = field(default_factory=set)


class TelegramChat:
    """A `core.ports.Chat` over any number of bots."""

    def __init__(
        self, outlets: Mapping[BotName, Outlet], *, manner_of: Callable[[ChatRef], Manner] = lambda _: Manner()
    ) -> None:
        self._outlets = outlets
        self._manner_of = manner_of
        self._painted: OrderedDict[MessageRef, Parcel] = OrderedDict()
        #: Topics that are gone, once it was said in the chats around them.
        self._astray: set[ChatRef] = set()

    def compose(self, chat: ChatRef, reply: Reply) -> list[Parcel]:
        """The messages that say `reply`, in order."""
        outlet, manner = self._outlet(chat), self._manner_of(chat)
        with speaking(manner.language):
            shown = told(reply, manner.detail)
            messages = word(shown, limit=outlet.chunk_limit, most_messages=outlet.most_messages, form=manner.form)
        return [pack(message) for message in messages]

    async def worded(self, chat: ChatRef, reply: Reply) -> list[Parcel]:
        """What `compose` returns. In a thread, where there is much to render.

        It takes some 3 ms a KB, and a single list or table may be as large as the answer, so that there is no place
        to pause at. In a thread the interpreter gives the event loop its turn every few milliseconds.
        """
        match reply:
            case Answer(markdown=str(text)) | LastResult(markdown=str(text)) | OutsideWords(markdown=text):
                if len(text) > _RENDERED_AT_ONCE:
                    return await asyncio.to_thread(self.compose, chat, reply)
        return self.compose(chat, reply)

    async def send(self, chat: ChatRef, parcel: Parcel, *, reply_to: int | None) -> MessageRef:
        """Send one message when its turn has come; into the chat around its topic, if that is gone."""
        unpacked = unpack(parcel)
        outlet = self._outlet(chat)
        try:
            message = await self._send_somewhere(outlet, chat, unpacked, reply_to)
        except MessageRefused as error:
            if unpacked.instead and (unpacked.rich is not None or not isinstance(error, EntitiesRefused)):
                raise FormRefused(str(error), instead=tuple(pack(other) for other in unpacked.instead)) from error
            if isinstance(error, TooLong) and (parts := halves(unpacked)):
                raise FormRefused(str(error), instead=tuple(pack(part) for part in parts)) from error
            if not isinstance(error, EntitiesRefused):
                raise
            _log.warning("message.formatting_refused", bot=chat.bot, chat=chat.chat_id, why=error)
            unformatted = replace(unpacked, formatted=Formatted(unpacked.formatted.text))
            message = await self._send_somewhere(outlet, chat, unformatted, reply_to)
        self._remember(message, parcel)
        return message

    async def edit(self, message: MessageRef, parcel: Parcel) -> None:
        """Make a message say something else when its turn has come."""
        async with self._turn(self._outlet(message.chat), message.chat, is_urgent=True):
            await self._paint(message, parcel)

    async def repaint(self, message: MessageRef, draw: Callable[[], Card | None]) -> None:
        """Show what is true, when nobody else needs the room."""
        async with self._turn(self._outlet(message.chat), message.chat, is_urgent=False) as turn:
            card = draw()
            parcel = self.compose(message.chat, card)[0] if card is not None else None
            if parcel is None or self._painted.get(message) == parcel:
                turn.waive()
            else:
                await self._paint(message, parcel)

    async def show_draft(self, chat: ChatRef, draw: Callable[[], LiveCard | None]) -> bool:
        """Show what a run is at below everything else, when nobody needs the room."""
        outlet = self._outlet(chat)
        if self._manner_of(chat).detail is Detail.FINAL:
            return False
        # Drafts are for chats of two, whose ids are above zero (Bot API 10.3).
        if not outlet.has_drafts or chat.chat_id <= 0 or chat.chat_id in outlet.without_drafts:
            return False
        async with self._turn(outlet, chat, is_urgent=False) as turn:
            card = draw()
            if card is None:
                turn.waive()
                return True
            message = unpack(self.compose(chat, card)[0])
            try:
                await outlet.api.show_draft(chat.chat_id, card.run_id, message, topic_id=chat.topic_id)
            except (TokenRefused, MethodUnknown):
                outlet.has_drafts = False
                _log.info("drafts.unknown", bot=chat.bot)
            except TopicGone as error:
                _log.info("drafts.no_topic", bot=chat.bot, chat=chat.chat_id, topic=chat.topic_id, why=error)
            except ChatRefused as error:
                outlet.without_drafts.add(chat.chat_id)
                _log.info("drafts.refused", bot=chat.bot, chat=chat.chat_id, why=error)
            else:
                return True
        return False

    def park(self, chat: ChatRef, until: float) -> None:
        """Leave a chat alone until a Unix time, as it asked in an earlier life of ours."""
        self._outlet(chat).budget.park(chat.chat_id, until)

    async def _send_somewhere(
        self, outlet: Outlet, chat: ChatRef, message: Message, reply_to: int | None
    ) -> MessageRef:
        """In its topic, else in the chat around that, where it is said why, once."""
        try:
            return await self._send(outlet, chat, message, reply_to, topic_id=chat.topic_id)
        except TopicGone as error:
            if not chat.topic_id:
                raise
            _log.warning("topic.gone", bot=chat.bot, chat=chat.chat_id, topic=chat.topic_id, why=error)
        if chat not in self._astray:
            with speaking(self._manner_of(chat).language):
                notice = topic_gone()
            await self._send(outlet, chat, notice, None, topic_id=0)
            self._astray.add(chat)
        # No reply: that would land in the topic of what it replies to.
        return await self._send(outlet, chat, message, None, topic_id=0)

    async def _send(
        self, outlet: Outlet, chat: ChatRef, message: Message, reply_to: int | None, *, topic_id: int
    ) -> MessageRef:
        async with self._turn(outlet, chat, is_urgent=True):
            message_id = await outlet.api.send(chat.chat_id, message, topic_id=topic_id, reply_to=reply_to)
        return MessageRef(chat, message_id)

    async def _paint(self, message: MessageRef, parcel: Parcel) -> None:
        unpacked = unpack(parcel)
        formatted, keyboard = unpacked.formatted, unpacked.keyboard
        api = self._outlet(message.chat).api
        self._painted.pop(message, None)  # until it has worked, nobody knows what is shown
        try:
            await api.edit_message(
                message.chat.chat_id,
                message.message_id,
                formatted.text,
                entities=formatted.entities,
                keyboard=keyboard,
            )
        except EntitiesRefused as error:
            _log.warning("message.formatting_refused", bot=message.chat.bot, chat=message.chat.chat_id, why=error)
            await api.edit_message(message.chat.chat_id, message.message_id, formatted.text, keyboard=keyboard)
        self._remember(message, parcel)

    @asynccontextmanager
    async def _turn(self, outlet: Outlet, chat: ChatRef, *, is_urgent: bool) -> AsyncIterator[Turn]:
        """A turn in the chat's budget; a refusal for being too fast in it parks the chat."""
        async with outlet.budget.turn(chat.chat_id, is_urgent=is_urgent) as turn:
            try:
                yield turn
            except ChatBusy as error:
                outlet.budget.pause(chat.chat_id, error.retry_after_s)
                _log.warning("chat.parked", bot=chat.bot, chat=chat.chat_id, retry_after_s=error.retry_after_s)
                raise

    def _outlet(self, chat: ChatRef) -> Outlet:
        outlet = self._outlets.get(chat.bot)
        if outlet is None:
            raise ChatRefused(f"no bot named {chat.bot} is configured any more")
        return outlet

    def _remember(self, message: MessageRef, parcel: Parcel) -> None:
        self._painted[message] = parcel
        self._painted.move_to_end(message)
        while len(self._painted) > _PAINTINGS_KEPT:
            self._painted.popitem(last=False)
