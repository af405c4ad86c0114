"""One call of a method: the bot, its parameters, and what most methods ask of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from codex_gateway.demo.bot_api.chat_state import ChatKind, ChatState
from codex_gateway.demo.bot_api.entities import Entity, check_entities, trim
from codex_gateway.demo.bot_api.errors import ApiRefusal, RuleBroken, bad_request
from codex_gateway.demo.bot_api.messages import Message
from codex_gateway.demo.bot_api.methods.markup import checked_keyboard
from codex_gateway.demo.bot_api.wire import Fields, JsonObject
from codex_gateway.demo.bot_api.world import BotAccount, World


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a request."""

    name: str | None
    mime_type: str | None
    data: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """What a method is given. Its helpers raise ApiRefusal."""

    world: World
    bot: BotAccount
    fields: Fields
    uploads: Mapping[str, Upload]

    def chat(self) -> ChatState:
        """The chat named by chat_id, which the bot may write to."""
        chat_id = self.fields.integer("chat_id")
        if chat_id is None or chat_id not in self.bot.chats:
            raise bad_request("chat not found")
        chat = self.bot.chats[chat_id]
        if chat.is_blocked_for(self.bot):
            raise ApiRefusal(403, _BLOCKED[chat.kind])
        return chat

    def message(self, chat: ChatState, *, missing: str) -> Message:
        """The message named by message_id."""
        message = chat.find(self.fields.integer("message_id"))
        if message is None:
            raise bad_request(missing)
        return message

    def topic(self, chat: ChatState) -> int | None:
        """The topic named by message_thread_id, or that of no topic."""
        topic = self.fields.integer("message_thread_id")
        if topic is not None and topic not in chat.topics:
            raise bad_request("message thread not found")
        return topic

    def formatted(self, text_name: str, entities_name: str) -> tuple[str, tuple[Entity, ...]]:
        """The text and its entities after the checks and the cutting of blanks; the length is unchecked."""
        if self.fields.text("parse_mode"):
            reason = "this stand-in has no parse_mode: send entities"
            raise RuleBroken("parse_mode", reason)
        text = self.fields.text(text_name)
        entities = tuple(Entity.from_json(raw) for raw in self.fields.objects(entities_name))
        check_entities(text, entities, path=entities_name)
        return trim(text, entities)

    def reply_target(self, chat: ChatState) -> Message | None:
        """The message named by reply_parameters; None also if it is gone and may be."""
        raw = self.fields.object("reply_parameters")
        if raw is None:
            return None
        reply = Fields(raw)
        other_chat = reply.integer("chat_id")
        place = chat if other_chat is None else self.bot.chats.get(other_chat)
        target = None if place is None else place.find(reply.integer("message_id"))
        if target is None and not reply.flag("allow_sending_without_reply"):
            raise bad_request("message to be replied not found")
        return target

    def keyboard(self) -> JsonObject | None:
        """The inline keyboard after the checks; None for other markup and for none."""
        return checked_keyboard(self.fields.object("reply_markup"))


_BLOCKED = {
    ChatKind.PRIVATE: "Forbidden: bot was blocked by the user",
    ChatKind.GROUP: "Forbidden: bot was kicked from the group chat",
    ChatKind.SUPERGROUP: "Forbidden: bot was kicked from the supergroup chat",
}
