"""A chat as the server keeps it: its messages, topics and drafts, and which bots hear of them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from codex_gateway.demo.bot_api.messages import ChatAction, Content, Draft, Message, Version
from codex_gateway.demo.bot_api.wire import JsonObject
from codex_gateway.demo.bot_api.world import BotAccount, Person, World

#: Drafts vanish by themselves (sendMessageDraft, Bot API 10.3).
DRAFT_LIFE_S = 30.0


class ChatKind(StrEnum):
    """The published chat types that have people in them."""

    PRIVATE = "private"
    GROUP = "group"
    SUPERGROUP = "supergroup"


class ChatState:
    """One chat; `chats.Chat` adds what people do in it."""

    def __init__(
        self,
        world: World,
        kind: ChatKind,
        *,
        chat_id: int,
        title: str,
        bots: Sequence[BotAccount],
        person: Person | None = None,
        is_forum: bool = False,
    ) -> None:
        self.id = chat_id
        self.kind = kind
        self.title = title
        self.bots = list(bots)
        #: The person of a private chat.
        self.person = person
        self.is_forum = is_forum
        #: Names by thread id.
        self.topics: dict[int, str] = {}
        #: Every message of people and bots in order, deleted ones included.
        self.timeline: list[Message] = []
        self.actions: list[ChatAction] = []
        #: Every draft shown, in order.
        self.draft_history: list[Draft] = []
        self._drafts: dict[int, Draft] = {}
        self._blocked: set[str] = set()
        self._world = world
        self._by_id: dict[int, Message] = {}
        for bot in self.bots:
            bot.chats[chat_id] = self
        world.chats.append(self)

    def __repr__(self) -> str:
        return f"<Chat {self.id} {self.kind} {self.title!r}>"

    # What a test reads

    @property
    def messages(self) -> list[Message]:
        """What the bots sent and did not delete, in order."""
        return [message for message in self.timeline if message.is_from_bot and not message.deleted]

    @property
    def drafts(self) -> list[Draft]:
        """The drafts shown now."""
        horizon = self._world.monotonic() - DRAFT_LIFE_S
        return [draft for draft in self._drafts.values() if draft.at > horizon]

    # What the methods use

    def is_blocked_for(self, bot: BotAccount) -> bool:
        return bot.name in self._blocked

    def find(self, message_id: int | None) -> Message | None:
        """Return a message that is still there."""
        message = None if message_id is None else self._by_id.get(message_id)
        return None if message is None or message.deleted else message

    def post(self, bot: BotAccount, content: Content, *, reply_to: Message | None, topic: int | None) -> Message:
        """Send a bot's message; it takes the place of the drafts in its topic."""
        self._drafts = {draft.id: draft for draft in self._drafts.values() if draft.topic != topic}
        return self._new_message(bot, content, reply_to=reply_to, topic=topic)

    def change(self, message: Message, content: Content) -> None:
        message.versions.append(Version(self._world.monotonic(), content))
        message.edit_date = self._world.now()
        self._world.changed()

    def show_draft(self, draft: Draft) -> None:
        self._drafts[draft.id] = draft
        self.draft_history.append(draft)
        self._world.changed()

    def add_topic(self, name: str, *, author: Person | BotAccount) -> int:
        """Create a topic and return its thread id."""
        service: JsonObject = {"forum_topic_created": {"name": name, "icon_color": 7322096}}
        message = self._new_message(author, Content(""), service=service)
        message.topic = message.id
        self.topics[message.id] = name
        if isinstance(author, Person):
            self._tell("message", message)
        self._world.changed()
        return message.id

    def to_json(self) -> JsonObject:
        raw: JsonObject = {"id": self.id, "type": self.kind.value}
        if self.person is None:
            raw["title"] = self.title
        else:
            raw["first_name"] = self.person.first_name
            if self.person.username is not None:
                raw["username"] = self.person.username
        if self.is_forum:
            raw["is_forum"] = True
        return raw

    # Inside

    def _new_message(
        self,
        sender: Person | BotAccount,
        content: Content,
        *,
        reply_to: Message | None = None,
        topic: int | None = None,
        service: JsonObject | None = None,
    ) -> Message:
        if topic is not None and topic not in self.topics:
            raise LookupError(f"no topic {topic} in {self}")
        message = Message(
            id=len(self.timeline) + 1,
            chat=self,
            sender=sender,
            date=self._world.now(),
            versions=[Version(self._world.monotonic(), content)],
            reply_to=reply_to,
            topic=topic,
            service=service,
        )
        self.timeline.append(message)
        self._by_id[message.id] = message
        return message

    def _tell(self, kind: str, message: Message) -> None:
        body = message.to_json()
        for bot in self.bots:
            if not self.is_blocked_for(bot) and self._may_see(bot, message):
                bot.updates.put(kind, body)
        self._world.changed()

    def _may_see(self, bot: BotAccount, message: Message) -> bool:
        """Privacy mode ("Bots: An introduction"): commands, mentions and replies to the bot only."""
        if self.kind is ChatKind.PRIVATE or bot.profile.reads_all_group_messages:
            return True
        if message.service is not None:
            return True
        if message.reply_to is not None and message.reply_to.sender is bot:
            return True
        name = f"@{bot.username}".lower()
        for entity in message.entities:
            covered = message.covered_by(entity).lower()
            if entity.type == "mention" and covered == name:
                return True
            if entity.type == "bot_command" and ("@" not in covered or covered.endswith(name)):
                return True
        return False
