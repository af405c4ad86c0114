"""The sending limits, with a clock that only the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import ClientSession

from codex_gateway.demo.bot_api import BotApiServer, Chat, ChatKind, Rate, RateLimits


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def server(clock: Clock) -> AsyncIterator[BotApiServer]:
    async with BotApiServer.start(rate_limits=RateLimits(), monotonic=clock) as running:
        yield running


class Sender:
    def __init__(self, raw: Any) -> None:
        self.raw = raw

    async def __call__(self, chat: Chat, count: int = 1) -> list[int]:
        return [(await self.raw.json("sendMessage", chat_id=chat.id, text="x"))[0] for _ in range(count)]


@pytest.fixture
def send(raw: Any) -> Sender:
    return Sender(raw)


async def test_a_private_chat_takes_three_at_once_then_one_a_second(
    server: BotApiServer, chat: Chat, send: Sender, clock: Clock
) -> None:
    assert await send(chat, 4) == [200, 200, 200, 429]
    clock.now += 1
    assert await send(chat, 2) == [200, 429]
    clock.now += 10
    assert await send(chat, 4) == [200, 200, 200, 429]
    assert server.flood_violations == []


async def test_a_flood_answer_says_when_to_come_back(chat: Chat, send: Sender, raw: Any, clock: Clock) -> None:
    await send(chat, 3)
    _, body = await raw.json("sendMessage", chat_id=chat.id, text="x")
    assert body["parameters"] == {"retry_after": 1}
    assert body["description"] == "Too Many Requests: retry after 1"


async def test_sending_into_a_penalty_is_recorded(server: BotApiServer, chat: Chat, send: Sender, clock: Clock) -> None:
    await send(chat, 4)
    assert await send(chat) == [429]
    assert server.flood_violations == [server.requests[-1]]
    clock.now += 1
    assert await send(chat) == [200]
    assert len(server.flood_violations) == 1


async def test_edits_and_drafts_count_and_the_rest_does_not(
    server: BotApiServer, chat: Chat, send: Sender, raw: Any
) -> None:
    await send(chat, 1)
    assert (await raw.json("editMessageText", chat_id=chat.id, message_id=1, text="y"))[0] == 200
    assert (await raw.json("sendMessageDraft", chat_id=chat.id, draft_id=1, text="y"))[0] == 200
    for _ in range(5):
        assert (await raw.json("sendChatAction", chat_id=chat.id, action="typing"))[0] == 200
        assert (await raw.json("setMessageReaction", chat_id=chat.id, message_id=1, reaction=[]))[0] == 200
    assert (await raw.json("deleteMessage", chat_id=chat.id, message_id=1))[0] == 200
    assert await send(chat) == [429]


@pytest.mark.parametrize("kind", [ChatKind.GROUP, ChatKind.SUPERGROUP])
async def test_a_group_takes_twenty_a_minute(server: BotApiServer, send: Sender, clock: Clock, kind: ChatKind) -> None:
    group = server.group("Team", bots=server.bots, kind=kind)
    assert await send(group, 21) == [200] * 20 + [429]
    clock.now += 3
    assert await send(group, 2) == [200, 429]


async def test_a_bot_sends_thirty_a_second(server: BotApiServer, send: Sender, clock: Clock) -> None:
    chats = [server.private_chat(server.person(), server.bots[0]) for _ in range(31)]
    statuses = [status for chat in chats for status in await send(chat)]
    assert statuses == [200] * 30 + [429]


async def test_one_chats_penalty_does_not_touch_another(server: BotApiServer, chat: Chat, send: Sender) -> None:
    await send(chat, 4)
    assert await send(server.private_chat(server.person(), server.bots[0])) == [200]


async def test_a_penalty_can_be_made_longer(clock: Clock, session: ClientSession) -> None:
    limits = RateLimits(private=Rate(burst=1, per_s=1.0), penalty_s=30)
    async with BotApiServer.start(rate_limits=limits, monotonic=clock) as server:
        chat = server.private_chat(server.person(), server.bots[0])
        url = f"{server.url}/bot{server.bots[0].token}/sendMessage"
        for wait_s, retry_after in ((0, None), (0, 30), (29, 1), (1, None)):
            clock.now += wait_s
            async with session.post(url, json={"chat_id": chat.id, "text": "x"}) as response:
                body = await response.json()
            assert body.get("parameters", {}).get("retry_after") == retry_after


async def test_limits_are_off_unless_asked_for(session: ClientSession) -> None:
    async with BotApiServer.start() as server:
        chat = server.private_chat(server.person(), server.bots[0])
        url = f"{server.url}/bot{server.bots[0].token}/sendMessage"
        for _ in range(40):
            async with session.post(url, json={"chat_id": chat.id, "text": "x"}) as response:
                assert response.status == 200
