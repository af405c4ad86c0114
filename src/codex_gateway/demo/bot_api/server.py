"""The server: starts and stops, makes bots, people and chats, injects faults, and tells what happened."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from aiohttp import web

from codex_gateway.demo.bot_api.chat_state import ChatKind
from codex_gateway.demo.bot_api.chats import Chat
from codex_gateway.demo.bot_api.errors import ApiRefusal
from codex_gateway.demo.bot_api.faults import Fault, FaultQueue, Injection
from codex_gateway.demo.bot_api.http import Site
from codex_gateway.demo.bot_api.limits import Limiter, RateLimits
from codex_gateway.demo.bot_api.reading import BODY_LIMIT_BYTES
from codex_gateway.demo.bot_api.record import ApiRequest, Journal, Violation
from codex_gateway.demo.bot_api.wire import JsonObject
from codex_gateway.demo.bot_api.world import BotAccount, BotProfile, Person, World

T = TypeVar("T")

#: Handlers do their work at once; those that wait (polls, faults) are cancelled after this.
_STOP_TIMEOUT_S = 0.05


class BotApiServer:
    """A Bot API server on loopback. All that happened stays readable after it has stopped."""

    def __init__(
        self,
        *,
        bots: Sequence[BotProfile | str],
        rate_limits: RateLimits | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        seed: int | None = None,
    ) -> None:
        self._journal = Journal()
        self._world = World(clock=clock, monotonic=monotonic, changed=self._journal.changed, seed=seed)
        self._faults = FaultQueue()
        limiter = None if rate_limits is None else Limiter(rate_limits, monotonic)
        self._site = Site(self._world, self._journal, self._faults, limiter)
        self._runner: web.AppRunner | None = None
        self._port = 0
        for bot in bots:
            self.add_bot(bot)

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        *,
        bots: Sequence[BotProfile | str] = ("alpha",),
        port: int = 0,
        rate_limits: RateLimits | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        seed: int | None = None,
    ) -> AsyncIterator[BotApiServer]:
        """Serve while the block runs. A bot given by name gets a token of its own; port 0 picks a port.

        `clock` gives the dates of messages; `monotonic` the times of records and rate limits. The seed
        makes the random ids the same in every run.
        """
        server = cls(bots=bots, rate_limits=rate_limits, clock=clock, monotonic=monotonic, seed=seed)
        await server.listen(port)
        try:
            yield server
        finally:
            await server.stop()

    async def listen(self, port: int = 0) -> None:
        """Begin to serve; after `stop`, at the same address as before."""
        app = web.Application(client_max_size=BODY_LIMIT_BYTES)
        app.router.add_route("*", "/{path:.*}", self._site.respond)
        # Without the cancelling, a long poll whose client has gone would hold its place.
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=_STOP_TIMEOUT_S)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port or self._port).start()
        self._runner = runner
        self._port = runner.addresses[0][1]

    async def stop(self) -> None:
        """Cut all connections and refuse new ones; updates, records and faults stay. What hangs is not done."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def url(self) -> str:
        """The base for `TelegramAPIServer.from_base` and the like, without a slash at its end."""
        return f"http://127.0.0.1:{self._port}"

    # Bots, people, chats

    def add_bot(self, bot: BotProfile | str) -> BotAccount:
        """Register a bot, by its profile or by its name alone."""
        if isinstance(bot, str):
            number = 8_000_000_001 + len(self._world.bots)
            bot = BotProfile(bot, f"{number}:AA{number:0>33}")
        return self._world.add_bot(bot)

    def bot(self, name: str) -> BotAccount:
        """Return the bot of that name. Raises LookupError."""
        for account in self._world.bots.values():
            if account.name == name:
                return account
        raise LookupError(f"no bot {name!r}; there are {[bot.name for bot in self.bots]}")

    @property
    def bots(self) -> list[BotAccount]:
        return list(self._world.bots.values())

    def revoke(self, bot: BotAccount) -> None:
        """Make the bot's token unknown: 401 from now on."""
        self._world.bots.pop(bot.token, None)
        bot.end_poll(ApiRefusal(401, "Unauthorized"))

    def person(
        self,
        first_name: str = "Ada",
        *,
        user_id: int | None = None,
        username: str | None = None,
        language_code: str | None = "en",
    ) -> Person:
        """Make a person."""
        return self._world.add_person(first_name, user_id=user_id, username=username, language_code=language_code)

    def private_chat(self, person: Person, bot: BotAccount) -> Chat:
        """Return the chat of the person with the bot; until it exists the bot gets "chat not found"."""
        existing = bot.chats.get(person.id)
        if isinstance(existing, Chat):
            return existing
        return Chat(
            self._world,
            ChatKind.PRIVATE,
            chat_id=person.id,
            title=person.first_name,
            bots=[bot],
            person=person,
        )

    def group(
        self,
        title: str,
        *,
        bots: Sequence[BotAccount],
        kind: ChatKind = ChatKind.SUPERGROUP,
        is_forum: bool = False,
        chat_id: int | None = None,
    ) -> Chat:
        """Make a group with the bots in it; anybody may write there. A forum has topics."""
        count = len(self._world.chats) + 1
        own_id = -count - 4_000_000 if kind is ChatKind.GROUP else -1_002_000_000_000 - count
        return Chat(
            self._world,
            kind,
            chat_id=own_id if chat_id is None else chat_id,
            title=title,
            bots=bots,
            is_forum=is_forum,
        )

    def inject_update(self, bot: BotAccount, fields: JsonObject) -> int:
        """Queue an update with any content, however wrong; return its id.

        The id is the next one unless `fields` holds another whole number as `update_id`.
        """
        update_id = bot.updates.put_raw(fields)
        self._journal.changed()
        return update_id

    # Faults

    def inject(self, fault: Fault, *, times: int | None = 1) -> Injection:
        """Let the fault hit the next `times` requests that fit it; None: all until it is lifted."""
        return self._faults.inject(fault, times=times)

    # What happened

    @property
    def requests(self) -> list[ApiRequest]:
        """Every request with a known token, in the order of arrival."""
        return self._journal.requests

    def calls(self, method: str, *, bot: str | None = None) -> list[ApiRequest]:
        """The requests for a method, of one bot or of all."""
        return [
            request for request in self._journal.requests if request.method == method and bot in (None, request.bot)
        ]

    @property
    def violations(self) -> list[Violation]:
        """Every request that broke the Bot API."""
        return self._journal.violations

    @property
    def unsupported(self) -> list[ApiRequest]:
        """Requests for published methods that the stand-in does not have."""
        return self._journal.unsupported

    @property
    def flood_violations(self) -> list[ApiRequest]:
        """Requests sent while a penalty for earlier ones was running."""
        return self._journal.flood_violations

    async def wait_for(self, predicate: Callable[[], T], *, timeout_s: float = 60.0) -> T:
        """Return the predicate's first true value; it is asked now and after every change.

        Raises TimeoutError with the last requests in its text.
        """
        return await self._journal.wait_for(predicate, timeout_s=timeout_s)

    def dump(self, last: int = 15) -> str:
        """Return the last requests and all violations as text for a person."""
        return self._journal.dump(last)
