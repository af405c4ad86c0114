"""Puts the exhibits on: each reply goes through the real chat, over HTTP, to the stand-in of the Bot API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from codex_gateway.core.ids import BotName, ChatRef
from codex_gateway.core.manner import Manner
from codex_gateway.core.reply import LiveCard, QueuedCard, Reply, RunningCard, SettledCard
from codex_gateway.demo.bot_api import BotApiServer, Chat, Draft, Message, Person
from codex_gateway.telegram.allowance import Rate, Rates
from codex_gateway.telegram.api import BotApi
from codex_gateway.telegram.budget import Budget
from codex_gateway.telegram.chat import Outlet, TelegramChat
from codex_gateway.telegram.settings import BotSettings
from codex_gateway.telegram.wire import Wire
from gallery.exhibit import Chapter, Exhibit

_BOT = BotName("alpha")
#: As the configuration has it, unless it says otherwise.
_CHUNK_LIMIT = 3500
_OPENING = 1_763_636_400  # 20 November 2025, 11:00 UTC; each look at the clock is seven seconds later
_PLENTY = Rate(burst=100_000, refill_s=0.001, reserve=0)


@dataclass(frozen=True, slots=True)
class Hanging:
    """An exhibit with what arrived of it, the person's own message first."""

    exhibit: Exhibit
    messages: tuple[Message, ...]
    #: What was shown below them for a moment.
    drafts: tuple[Draft, ...] = ()


@dataclass(frozen=True, slots=True)
class Room:
    """A chapter with what arrived in its chat."""

    chapter: Chapter
    hangings: tuple[Hanging, ...]


async def put_on(chapters: Sequence[Chapter]) -> tuple[Room, ...]:
    """Send everything. Raises ValueError if the Bot API would not have taken it as it was sent."""
    ticks = count(_OPENING, 7)
    async with BotApiServer.start(bots=[_BOT], clock=lambda: float(next(ticks)), seed=1) as server:
        settings = BotSettings(_BOT, server.bot(_BOT).token, api_base_url=server.url, chunk_limit=_CHUNK_LIMIT)
        wire = Wire(api_base_url=server.url, proxy=None)
        try:
            outlet = Outlet(
                BotApi(settings, wire), _CHUNK_LIMIT, Budget(Rates(_PLENTY, _PLENTY, _PLENTY)), has_drafts=True
            )
            rooms = tuple([await _fill(server, outlet, chapter) for chapter in chapters])
        finally:
            await wire.close()
        if server.violations or server.unsupported:
            raise ValueError(server.dump())
        return rooms


async def _fill(server: BotApiServer, outlet: Outlet, chapter: Chapter) -> Room:
    """Each chapter has a person of its own, and so a chat."""
    ada = server.person("Ada")
    chat = server.private_chat(ada, server.bot(_BOT))
    speaker = TelegramChat({_BOT: outlet}, manner_of=lambda _: Manner(chapter.language, form=chapter.form))
    hangings = [await _hang(exhibit, ada, chat, speaker) for exhibit in chapter.exhibits]
    return Room(chapter, tuple(hangings))


async def _hang(exhibit: Exhibit, ada: Person, chat: Chat, speaker: TelegramChat) -> Hanging:
    before, drafts = len(chat.timeline), len(chat.draft_history)
    asked = chat.say(ada, exhibit.asked) if exhibit.asked else None
    ref = ChatRef(_BOT, chat.id)
    for reply in exhibit.replies:
        await _say(reply, ref, speaker, reply_to=asked.id if asked else None)
    return Hanging(exhibit, tuple(chat.timeline[before:]), tuple(chat.draft_history[drafts:]))


async def _say(reply: Reply, ref: ChatRef, speaker: TelegramChat, *, reply_to: int | None) -> None:
    """As the hall does it: a status message begins as a queued one and becomes what it is by edits."""
    if isinstance(reply, RunningCard | SettledCard):
        [first] = speaker.compose(ref, QueuedCard(reply.run_id, 0))
        message = await speaker.send(ref, first, reply_to=reply_to)
        [parcel] = speaker.compose(ref, reply)
        await speaker.edit(message, parcel)
        return
    if isinstance(reply, LiveCard):
        if not await speaker.show_draft(ref, lambda: reply):
            raise ValueError("draft refused")
        return
    for index, parcel in enumerate(speaker.compose(ref, reply)):
        await speaker.send(ref, parcel, reply_to=reply_to if index == 0 else None)
