"""The door to Telegram: all bots, their polls, and the chat through which they are answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from codex_gateway.core.ids import BotName, ChatRef
from codex_gateway.core.manner import Manner
from codex_gateway.telegram.allowance import Rates
from codex_gateway.telegram.api import BotApi
from codex_gateway.telegram.budget import Budget
from codex_gateway.telegram.chat import Outlet, TelegramChat
from codex_gateway.telegram.inbound import BotIdentity
from codex_gateway.telegram.poller import Health, Poller, PollPace, Receive
from codex_gateway.telegram.settings import BotSettings
from codex_gateway.telegram.wire import Wire


class TelegramDoor:
    """Built inside of a running loop; `run` and `chat` may be used until `close`."""

    def __init__(
        self,
        settings: Sequence[BotSettings],
        receive: Receive,
        *,
        pace: PollPace | None = None,
        rates: Rates | None = None,
        manner_of: Callable[[ChatRef], Manner] = lambda _: Manner(),
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Raises GatewayError for a proxy that cannot be used. The clocks are those of the budgets, in seconds."""
        self._wires: dict[tuple[str | None, str | None], Wire] = {}
        self._apis = {bot.name: BotApi(bot, self._wire(bot)) for bot in settings}
        self._pollers = {
            bot.name: Poller(self._apis[bot.name], receive, pace=pace, language=bot.language) for bot in settings
        }
        self._chat = TelegramChat(
            {
                bot.name: Outlet(
                    self._apis[bot.name],
                    bot.chunk_limit,
                    Budget(rates, monotonic=monotonic, wall=wall),
                    bot.most_messages,
                    has_drafts=bot.has_drafts,
                )
                for bot in settings
            },
            manner_of=manner_of,
        )

    @property
    def chat(self) -> TelegramChat:
        """How the hall reaches people; works whether or not the polls run."""
        return self._chat

    @property
    def health(self) -> dict[BotName, Health]:
        """How each bot's poll is doing."""
        return {name: poller.health for name, poller in self._pollers.items()}

    def identity(self, bot: BotName) -> BotIdentity:
        """Who the bot is; its username is None until Telegram has told it."""
        me = self._pollers[bot].me
        return BotIdentity(bot, self._apis[bot].id or 0, me.username if me else None)

    async def identified(self, bot: BotName) -> BotIdentity:
        """Who the bot is, with its username: waits until Telegram has told it, however long that takes.

        What was said in a group can't be judged before; polling itself begins only after it.
        """
        await self._pollers[bot].meet()
        return self.identity(bot)

    async def fetch(self, bot: BotName, file_id: str) -> bytes:
        """A file that somebody has sent to the bot."""
        return await self._apis[bot].download(file_id)

    async def run(self) -> None:
        """Poll for all bots until cancelled. A bot in trouble touches no other."""
        async with asyncio.TaskGroup() as group:
            for name, poller in self._pollers.items():
                group.create_task(poller.run(), name=f"poll of {name}")

    async def close(self) -> None:
        """Close the connections, once nobody runs or sends any more."""
        await asyncio.gather(*(wire.close() for wire in self._wires.values()))

    def _wire(self, bot: BotSettings) -> Wire:
        key = (bot.api_base_url, bot.proxy)
        if key not in self._wires:
            self._wires[key] = Wire(api_base_url=bot.api_base_url, proxy=bot.proxy)
        return self._wires[key]
