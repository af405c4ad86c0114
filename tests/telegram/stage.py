"""What the tests of this room set up: bots connected to the stand-in server, and an inbox that keeps what they get."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from codex_gateway.core.ids import BotName, ChatRef
from codex_gateway.core.inbox import RawUpdate
from codex_gateway.demo.bot_api import BotApiServer, Chat
from codex_gateway.telegram.allowance import Rate, Rates
from codex_gateway.telegram.api import BotApi
from codex_gateway.telegram.door import TelegramDoor
from codex_gateway.telegram.poller import PollPace
from codex_gateway.telegram.settings import BotSettings
from codex_gateway.telegram.wire import Wire

ALPHA = BotName("alpha")
BETA = BotName("beta")

#: Faults are tried again at once.
EAGER = PollPace(
    wait_s=5,
    limit_s=10.0,
    parked_s=0.02,
    conflict_first_s=0.02,
    conflict_cap_s=0.05,
    retry_first_s=0.02,
    retry_cap_s=0.05,
)

#: Telegram's limits with the time made short.
QUICK = Rates(
    private=Rate(burst=3, refill_s=0.05, reserve=2, in_turn=True),
    group=Rate(burst=20, refill_s=3.0, reserve=6),
    bot=Rate(burst=30, refill_s=0.05, reserve=6),
)


class Inbox:
    """Keeps every update it is given, but for as many batches as it was told to fail."""

    def __init__(self) -> None:
        self.kept: list[tuple[BotName, RawUpdate]] = []
        self.failures_left = 0
        self.failed = 0

    async def receive(self, bot: BotName, updates: Sequence[RawUpdate]) -> None:
        if self.failures_left:
            self.failures_left -= 1
            self.failed += 1
            raise OSError("disk full")
        self.kept += [(bot, update) for update in updates]

    def bodies(self, bot: BotName) -> list[str]:
        return [update.body for name, update in self.kept if name == bot]


class Stage:
    def __init__(self, server: BotApiServer) -> None:
        self.server = server
        self.inbox = Inbox()
        self.ada = server.person("Ada")
        self._wires: list[Wire] = []
        self._doors: list[TelegramDoor] = []
        self._tasks: list[asyncio.Task[None]] = []

    def settings(self, bot: str = "alpha", *, token: str | None = None, url: str | None = None) -> BotSettings:
        return BotSettings(
            BotName(bot), token or self.server.bot(bot).token, api_base_url=url or self.server.url, chunk_limit=3500
        )

    def api(self, settings: BotSettings | None = None) -> BotApi:
        settings = settings or self.settings()
        wire = Wire(api_base_url=settings.api_base_url, proxy=settings.proxy)
        self._wires.append(wire)
        return BotApi(settings, wire)

    def door(self, *settings: BotSettings, pace: PollPace = EAGER, rates: Rates = QUICK) -> TelegramDoor:
        """A door for the bots given, or for all; it does not run yet."""
        bots = settings or [self.settings(bot.name) for bot in self.server.bots]
        door = TelegramDoor(bots, self.inbox.receive, pace=pace, rates=rates)
        self._doors.append(door)
        return door

    def open(self, *settings: BotSettings, pace: PollPace = EAGER) -> TelegramDoor:
        """A door that runs."""
        door = self.door(*settings, pace=pace)
        self._tasks.append(asyncio.create_task(door.run()))
        return door

    def private_chat(self, bot: str = "alpha") -> Chat:
        """Ada's chat with the bot, as the server has it."""
        return self.server.private_chat(self.ada, self.server.bot(bot))

    def chat_of(self, bot: str = "alpha") -> ChatRef:
        """Ada's chat with the bot, as we call it."""
        return ChatRef(BotName(bot), self.private_chat(bot).id)

    async def until(self, condition: Callable[[], object], *, within_s: float = 60.0) -> None:
        """Wait for something to be true, here or on the server."""
        try:
            async with asyncio.timeout(within_s):
                while not condition():
                    await asyncio.sleep(0.003)
        except TimeoutError:
            raise TimeoutError(f"not within {within_s} s; {self.server.dump()}") from None

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        ends = await asyncio.gather(*self._tasks, return_exceptions=True)
        for end in ends:
            assert isinstance(end, asyncio.CancelledError), f"a door ended with {end!r}"
        for owned in (*self._wires, *self._doors):
            await owned.close()
