"""Messages, drafts and button presses, with what became of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from codex_gateway.demo.bot_api.entities import Entity, utf16_slice
from codex_gateway.demo.bot_api.wire import Fields, JsonObject, JsonValue
from codex_gateway.demo.bot_api.world import BotAccount, Person, StoredFile

if TYPE_CHECKING:
    from codex_gateway.demo.bot_api.chat_state import ChatState


@dataclass(frozen=True, slots=True)
class Content:
    """What a message shows: text (of a file: its caption), entities, inline keyboard, rich message."""

    text: str
    entities: tuple[Entity, ...] = ()
    reply_markup: JsonObject | None = None
    #: The InputRichMessage as sent.
    rich: JsonObject | None = None

    @property
    def buttons(self) -> list[Button]:
        """The buttons of its inline keyboard, row after row."""
        return list(_buttons(self.reply_markup))


@dataclass(frozen=True, slots=True)
class Version:
    """A message's content from a moment on, in seconds of the monotonic clock."""

    at: float
    content: Content


@dataclass(frozen=True, slots=True)
class Button:
    """A button of an inline keyboard; `data` is None for buttons that do not call the bot."""

    text: str
    data: str | None
    url: str | None = None


@dataclass(slots=True, eq=False, repr=False)
class Message:
    """A message, as it is now; `versions` tells how it came to be so."""

    id: int
    chat: ChatState
    sender: Person | BotAccount
    #: Unix time, in seconds.
    date: int
    versions: list[Version]
    reply_to: Message | None = None
    topic: int | None = None
    document: StoredFile | None = None
    #: Sizes of one photo, the largest last.
    photo: tuple[StoredFile, ...] = ()
    service: JsonObject | None = None
    edit_date: int | None = None
    deleted: bool = False
    #: What each bot reacted with, by the bot's name.
    reactions: dict[str, list[JsonValue]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Message {self.id} of {self.sender.to_json()['first_name']}: {self.text[:60]!r}>"

    @property
    def content(self) -> Content:
        return self.versions[-1].content

    @property
    def text(self) -> str:
        return self.content.text

    @property
    def entities(self) -> tuple[Entity, ...]:
        return self.content.entities

    @property
    def reply_markup(self) -> JsonObject | None:
        return self.content.reply_markup

    @property
    def rich(self) -> JsonObject | None:
        return self.content.rich

    @property
    def edits(self) -> list[Version]:
        """All versions after the first."""
        return self.versions[1:]

    @property
    def at(self) -> float:
        """When it was sent, in seconds of the monotonic clock."""
        return self.versions[0].at

    @property
    def is_from_bot(self) -> bool:
        return isinstance(self.sender, BotAccount)

    @property
    def is_media(self) -> bool:
        return self.document is not None or bool(self.photo)

    @property
    def buttons(self) -> list[Button]:
        """The buttons shown now."""
        return self.content.buttons

    def covered_by(self, entity: Entity) -> str:
        """Return the part of the text that an entity covers."""
        return utf16_slice(self.text, entity)

    def to_json(self, *, with_reply: bool = True) -> JsonObject:
        content = self.content
        raw: JsonObject = {
            "message_id": self.id,
            "from": self.sender.to_json(),
            "chat": self.chat.to_json(),
            "date": self.date,
        }
        if self.topic is not None:
            raw["message_thread_id"] = self.topic
            raw["is_topic_message"] = True
        if with_reply and self.reply_to is not None:
            raw["reply_to_message"] = self.reply_to.to_json(with_reply=False)
        if self.edit_date is not None:
            raw["edit_date"] = self.edit_date
        if self.service is not None:
            raw.update(self.service)
        if self.document is not None:
            raw["document"] = self.document.document_json()
        if self.photo:
            raw["photo"] = [size.photo_json() for size in self.photo]
        text_key, entities_key = ("caption", "caption_entities") if self.is_media else ("text", "entities")
        if content.rich is not None:
            raw["rich_message"] = _shown_rich(content.rich)
        elif content.text:
            raw[text_key] = content.text
        if content.entities:
            raw[entities_key] = [entity.to_json() for entity in content.entities]
        if content.reply_markup is not None:
            raw["reply_markup"] = content.reply_markup
        return raw


def _buttons(markup: JsonObject | None) -> Iterator[Button]:
    rows = None if markup is None else markup.get("inline_keyboard")
    for row in rows if isinstance(rows, list) else []:
        for raw in row if isinstance(row, list) else []:
            if isinstance(raw, dict):
                fields = Fields(raw)
                data = fields.text("callback_data") if "callback_data" in fields else None
                yield Button(fields.text("text"), data, fields.text("url") or None)


def _shown_rich(rich: JsonObject) -> JsonObject:
    """A RichMessage for what was sent. Markdown and HTML are not parsed: they become one paragraph."""
    source = Fields(rich).text("markdown") or Fields(rich).text("html")
    return {"blocks": [{"type": "paragraph", "text": source}] if source else rich.get("blocks", [])}


@dataclass(frozen=True, slots=True)
class Draft:
    """A text that is being written (sendMessageDraft); shown for 30 s. `at` is monotonic, in seconds."""

    id: int
    at: float
    text: str
    entities: tuple[Entity, ...] = ()
    topic: int | None = None
    can_stop: bool = False
    keep_on_stop: bool = False


@dataclass(frozen=True, slots=True)
class CallbackAnswer:
    """What the person sees after a press. `at` is monotonic, in seconds."""

    at: float
    text: str
    show_alert: bool
    url: str | None


@dataclass(slots=True, eq=False)
class Press:
    """One press of a button; `answer` is set once the bot answers it."""

    id: str
    person: Person
    message: Message
    data: str
    answer: CallbackAnswer | None = None


@dataclass(frozen=True, slots=True)
class ChatAction:
    """The bot is "typing" and the like. `at` is monotonic, in seconds."""

    at: float
    action: str
    topic: int | None
