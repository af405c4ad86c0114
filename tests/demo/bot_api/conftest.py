"""A stand-in with one bot and one person, driven by the real aiogram and by bare HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiohttp import ClientSession, ClientTimeout

from codex_gateway.demo.bot_api import BotAccount, BotApiServer, Chat, Person


class QuickSession(AiohttpSession):
    """aiogram waits 0.25 s for TLS to end after closing; there is none here."""

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


Connect = Callable[[BotApiServer, BotAccount], Bot]


@dataclass(frozen=True)
class Raw:
    """Bare HTTP with one bot's token. Every call returns the status and the decoded body."""

    session: ClientSession
    base: str

    async def json(self, method: str, /, **params: Any) -> tuple[int, Any]:
        async with self.session.post(f"{self.base}/{method}", json=params) as response:
            return response.status, await response.json()

    async def form(self, method: str, /, **params: Any) -> tuple[int, Any]:
        fields = {name: v if isinstance(v, str) else json.dumps(v) for name, v in params.items()}
        async with self.session.post(f"{self.base}/{method}", data=fields) as response:
            return response.status, await response.json()


@pytest.fixture
async def server() -> AsyncIterator[BotApiServer]:
    async with BotApiServer.start(bots=["alpha", "beta"]) as running:
        yield running


@pytest.fixture
def alpha(server: BotApiServer) -> BotAccount:
    return server.bot("alpha")


@pytest.fixture
def ada(server: BotApiServer) -> Person:
    return server.person("Ada", username="ada_l")


@pytest.fixture
def chat(server: BotApiServer, alpha: BotAccount, ada: Person) -> Chat:
    return server.private_chat(ada, alpha)


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Makes aiogram bots that talk to a stand-in, and closes them."""
    async with AsyncExitStack() as opened:

        def make(server: BotApiServer, account: BotAccount) -> Bot:
            session = QuickSession(api=TelegramAPIServer.from_base(server.url))
            opened.push_async_callback(session.close)
            return Bot(account.token, session=session)

        yield make


@pytest.fixture
def bot(server: BotApiServer, alpha: BotAccount, connect: Connect) -> Bot:
    return connect(server, alpha)


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession(timeout=ClientTimeout(total=20)) as running:
        yield running


@pytest.fixture
def raw(server: BotApiServer, alpha: BotAccount, session: ClientSession) -> Raw:
    return Raw(session, f"{server.url}/bot{alpha.token}")
