"""The people, bots, files and clocks of one stand-in; chats are in `chats`."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from codex_gateway.demo.bot_api.errors import ApiRefusal
from codex_gateway.demo.bot_api.updates import UpdateQueue
from codex_gateway.demo.bot_api.wire import JsonObject, JsonValue

if TYPE_CHECKING:
    from codex_gateway.demo.bot_api.chat_state import ChatState
    from codex_gateway.demo.bot_api.messages import Press


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who writes to bots. Made by `server.person(...)`."""

    id: int
    first_name: str
    username: str | None = None
    language_code: str | None = "en"

    def to_json(self) -> JsonObject:
        raw: JsonObject = {"id": self.id, "is_bot": False, "first_name": self.first_name}
        if self.username is not None:
            raw["username"] = self.username
        if self.language_code is not None:
            raw["language_code"] = self.language_code
        return raw


@dataclass(frozen=True, slots=True)
class BotProfile:
    """A bot as BotFather would register it. The id is the token's part before the colon."""

    name: str
    token: str
    #: False is BotFather's default: in a group the bot sees commands, mentions and replies to it only.
    reads_all_group_messages: bool = False
    #: Whether its private chats may have topics.
    has_topics: bool = False

    @property
    def id(self) -> int:
        return int(self.token.partition(":")[0])

    @property
    def username(self) -> str:
        name = re.sub(r"[^A-Za-z0-9_]", "_", self.name)
        return name if name.lower().endswith("bot") else f"{name}_bot"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file's bytes as one bot can download them."""

    file_id: str
    unique_id: str
    path: str
    data: bytes
    name: str | None = None
    mime_type: str | None = None
    #: Width and height in pixels, of a photo.
    size: tuple[int, int] | None = None

    def to_json(self) -> JsonObject:
        """The fields that Document, PhotoSize and File have in common."""
        return {"file_id": self.file_id, "file_unique_id": self.unique_id, "file_size": len(self.data)}

    def document_json(self) -> JsonObject:
        raw = self.to_json()
        if self.name is not None:
            raw["file_name"] = self.name
        if self.mime_type is not None:
            raw["mime_type"] = self.mime_type
        return raw

    def photo_json(self) -> JsonObject:
        width, height = self.size or (0, 0)
        return {**self.to_json(), "width": width, "height": height}


@dataclass(slots=True, eq=False, repr=False)
class BotAccount:
    """One bot's side of the server."""

    profile: BotProfile
    updates: UpdateQueue
    #: By id; a private chat's id is the person's.
    chats: dict[int, ChatState] = field(default_factory=dict)
    files: dict[str, StoredFile] = field(default_factory=dict)
    presses: dict[str, Press] = field(default_factory=dict)
    #: By scope (as JSON text) and language code.
    commands: dict[tuple[str, str], list[JsonValue]] = field(default_factory=dict)
    webhook_url: str = ""
    #: The long poll under way: setting its result ends it with that refusal.
    poll: asyncio.Future[ApiRefusal] | None = None

    def __repr__(self) -> str:
        return f"<BotAccount {self.name} {self.id}>"

    @property
    def name(self) -> str:
        return self.profile.name

    @property
    def token(self) -> str:
        return self.profile.token

    @property
    def id(self) -> int:
        return self.profile.id

    @property
    def username(self) -> str:
        return self.profile.username

    @property
    def menu(self) -> dict[str, str]:
        """The commands set for everybody, with their descriptions."""
        return self.menu_in("")

    def menu_in(self, language_code: str) -> dict[str, str]:
        """The commands set for everybody of a language."""
        commands = self.commands.get(('{"type":"default"}', language_code), [])
        return {str(item["command"]): str(item["description"]) for item in commands if isinstance(item, dict)}

    def to_json(self) -> JsonObject:
        return {"id": self.id, "is_bot": True, "first_name": self.name, "username": self.username}

    def end_poll(self, refusal: ApiRefusal) -> None:
        """End the long poll under way, if there is one."""
        if self.poll is not None and not self.poll.done():
            self.poll.set_result(refusal)
        self.poll = None


class World:
    """What chats and methods share. `changed` is called after every change."""

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        changed: Callable[[], None],
        seed: int | None,
    ) -> None:
        self.clock = clock
        self.monotonic = monotonic
        self.changed = changed
        self.random = random.Random(seed)
        self.bots: dict[str, BotAccount] = {}
        self.persons: list[Person] = []
        self.chats: list[ChatState] = []
        self._file_count = 0

    def now(self) -> int:
        """The date that messages get."""
        return int(self.clock())

    def add_bot(self, profile: BotProfile) -> BotAccount:
        account = BotAccount(profile, UpdateQueue(self.random))
        self.bots[profile.token] = account
        return account

    def add_person(
        self, first_name: str, *, user_id: int | None, username: str | None, language_code: str | None = "en"
    ) -> Person:
        next_id = 700_000_001 + len(self.persons)
        person = Person(next_id if user_id is None else user_id, first_name, username, language_code)
        self.persons.append(person)
        return person

    def store_file(
        self,
        bot: BotAccount,
        data: bytes,
        *,
        folder: str,
        name: str | None = None,
        mime_type: str | None = None,
        size: tuple[int, int] | None = None,
    ) -> StoredFile:
        """Keep a file where the bot can download it."""
        self._file_count += 1
        number = self._file_count
        extension = name.rpartition(".")[2] if name and "." in name else ("jpg" if size else "")
        path = f"{folder}/file_{number}" + (f".{extension}" if extension.isalnum() else "")
        unique_id = f"AgAD{number:08d}"
        file_id = f"BQACAgIAAxkB{bot.id}{unique_id}"
        stored = StoredFile(file_id, unique_id, path, data, name, mime_type, size)
        bot.files[file_id] = stored
        return stored
