"""The HTTP sessions to one Bot API server: one for the long polls, one for what must not wait behind them."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import ClientTimeout

from codex_gateway.core.errors import GatewayError
from codex_gateway.telegram.lean import PRODUCTION, AiohttpSession, Bot, TelegramAPIServer, build, methods, types
from codex_gateway.telegram.lean import exceptions as tg
from codex_gateway.telegram.penalty import asked_to_wait_s

#: What every answer is read with.
build(types.ResponseParameters)

#: How long setting up a connection may take, in seconds: time that runs out there is known to have sent nothing.
CONNECT_LIMIT_S = 10.0

#: No cap on connections: the budget bounds the sends, and each bot has one long poll.
_NO_CAP = 0


class Session(AiohttpSession):
    """aiogram's session, taught the answers that it does not expect."""

    def check_response(
        self, bot: Bot, method: methods.TelegramMethod[Any], status_code: int, content: str
    ) -> methods.Response[Any]:
        """Classify by the status first: the body of a 502 is a web page, and a 429 may lack its parameters."""
        if status_code >= 500:
            raise tg.TelegramServerError(method=method, message=f"HTTP {status_code}")
        if status_code == 429:
            wait_s = asked_to_wait_s(content)
            raise tg.TelegramRetryAfter(method=method, message="Too Many Requests", retry_after=wait_s)
        return super().check_response(bot, method, status_code, content)

    async def close(self) -> None:
        """Close the connections; aiohttp waits for each, so aiogram's further quarter of a second is left out."""
        if self._session is not None:
            await self._session.close()


class Wire:
    """The two sessions to one server. Bots with the same server and proxy share one."""

    def __init__(self, *, api_base_url: str | None, proxy: str | None) -> None:
        """Raises GatewayError for a proxy that cannot be used."""
        server = TelegramAPIServer.from_base(api_base_url) if api_base_url else PRODUCTION
        try:
            self.poll = Session(proxy=proxy, limit=_NO_CAP, api=server)
            self.send = Session(proxy=proxy, limit=_NO_CAP, api=server)
        except (RuntimeError, ImportError):
            raise GatewayError(
                "telegram_proxy needs the package aiohttp-socks, which is not installed: "
                "pip install 'codex-session-gateway[proxy]'."
            ) from None
        except ValueError:
            raise GatewayError(
                "telegram_proxy is not the address of a proxy: write it like socks5://127.0.0.1:1080 "
                "or http://user:password@host:3128."
            ) from None
        #: What a request may raise when the proxy is down or refuses: nothing was sent then.
        self.proxy_faults = _proxy_faults() if proxy else ()

    async def close(self) -> None:
        """Close all connections."""
        await asyncio.gather(self.poll.close(), self.send.close())


def time_limit(total_s: float) -> ClientTimeout:
    """The limit of one request, in seconds, with a limit of its own for reaching the server."""
    return ClientTimeout(total=total_s, sock_connect=min(CONNECT_LIMIT_S, total_s))


def _proxy_faults() -> tuple[type[Exception], ...]:
    """Plain exceptions, related to nothing (aiohttp-socks 0.12)."""
    from aiohttp_socks import ProxyConnectionError, ProxyError, ProxyTimeoutError

    return (ProxyConnectionError, ProxyError, ProxyTimeoutError)
