"""Faults to inject: what goes wrong with a request, which requests it hits, and how many of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypedDict, Unpack

from codex_gateway.demo.bot_api.errors import ApiRefusal, too_many_requests
from codex_gateway.demo.bot_api.record import ApiRequest
from codex_gateway.demo.bot_api.wire import write_json

_BAD_GATEWAY = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n"
    "<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"
)


class Kind(StrEnum):
    """What goes wrong."""

    #: An answer is sent in place of the work.
    ANSWER = "answer"
    #: The connection is reset and nothing was done.
    RESET_BEFORE = "reset_before"
    #: The work is done, then the connection is reset: the client cannot know.
    RESET_AFTER = "reset_after"
    #: The work waits for a while.
    DELAY_BEFORE = "delay_before"
    #: The work is done at once, the answer waits for a while.
    DELAY_AFTER = "delay_after"
    #: The work waits until the fault is released.
    HANG_BEFORE = "hang_before"
    #: The work is done at once, the answer waits until the fault is released.
    HANG_AFTER = "hang_after"
    #: The work is done, but the answer is cut off in the middle of its JSON.
    MALFORMED = "malformed"


class Where(TypedDict, total=False):
    """Which requests a fault hits: all that are named must fit; none named means any, getUpdates included.

    `bot` is the bot's name; `chat_id` the parameter of that name.
    """

    method: str
    bot: str
    chat_id: int
    when: Callable[[ApiRequest], bool]


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to go wrong, made by the constructors below, each of which takes a `Where`."""

    kind: Kind
    where: Where
    status: int = 500
    body: str = ""
    content_type: str = "application/json"
    delay_s: float = 0.0

    @classmethod
    def flood(cls, *, retry_after_s: int, **where: Unpack[Where]) -> Fault:
        """429 with `parameters.retry_after`."""
        return cls._refusing(too_many_requests(retry_after_s), where)

    @classmethod
    def refusal(cls, *, status: int, description: str, **where: Unpack[Where]) -> Fault:
        """Any `ok: false` answer, such as 500 "Internal Server Error"."""
        return cls._refusing(ApiRefusal(status, description), where)

    @classmethod
    def bad_gateway(cls, **where: Unpack[Where]) -> Fault:
        """502 with a web page for a body, as the proxies in front of the real server send."""
        return cls(Kind.ANSWER, where, status=502, body=_BAD_GATEWAY, content_type="text/html")

    @classmethod
    def reset_before(cls, **where: Unpack[Where]) -> Fault:
        return cls(Kind.RESET_BEFORE, where)

    @classmethod
    def reset_after(cls, **where: Unpack[Where]) -> Fault:
        return cls(Kind.RESET_AFTER, where)

    @classmethod
    def delay_before(cls, *, delay_s: float, **where: Unpack[Where]) -> Fault:
        return cls(Kind.DELAY_BEFORE, where, delay_s=delay_s)

    @classmethod
    def delay_after(cls, *, delay_s: float, **where: Unpack[Where]) -> Fault:
        return cls(Kind.DELAY_AFTER, where, delay_s=delay_s)

    @classmethod
    def hang_before(cls, **where: Unpack[Where]) -> Fault:
        return cls(Kind.HANG_BEFORE, where)

    @classmethod
    def hang_after(cls, **where: Unpack[Where]) -> Fault:
        return cls(Kind.HANG_AFTER, where)

    @classmethod
    def malformed(cls, **where: Unpack[Where]) -> Fault:
        return cls(Kind.MALFORMED, where)

    @classmethod
    def _refusing(cls, refusal: ApiRefusal, where: Where) -> Fault:
        return cls(Kind.ANSWER, where, status=refusal.status, body=write_json(refusal.to_json()))

    def hits(self, request: ApiRequest) -> bool:
        """Whether the request is of those the fault is for."""
        where = self.where
        if "method" in where and where["method"].lower() != request.method.lower():
            return False
        if "bot" in where and where["bot"] != request.bot:
            return False
        if "chat_id" in where and str(where["chat_id"]) != str(request.params.get("chat_id")):
            return False
        return "when" not in where or where["when"](request)


@dataclass(slots=True, eq=False)
class Injection:
    """A fault that waits for requests to hit. `left` None: it hits all of them until it is lifted."""

    fault: Fault
    left: int | None
    #: The requests it has hit.
    struck: list[ApiRequest] = field(default_factory=list)
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    def lift(self) -> None:
        """Hit no more requests, and let go of those that hang."""
        self.left = 0
        self._released.set()

    def release(self) -> None:
        """Let go of the requests that hang."""
        self._released.set()

    async def pause(self) -> None:
        """Wait as the fault says: for its delay, or until released."""
        if self.fault.kind in (Kind.HANG_BEFORE, Kind.HANG_AFTER):
            await self._released.wait()
        else:
            try:
                async with asyncio.timeout(self.fault.delay_s):
                    await self._released.wait()
            except TimeoutError:
                pass


class FaultQueue:
    """The injections in order: a request is hit by the first one that fits."""

    def __init__(self) -> None:
        self._injections: list[Injection] = []

    def inject(self, fault: Fault, *, times: int | None) -> Injection:
        injection = Injection(fault, times)
        self._injections.append(injection)
        return injection

    def strike(self, request: ApiRequest) -> Injection | None:
        """Return the fault that hits the request, counted off."""
        for injection in self._injections:
            if injection.left != 0 and injection.fault.hits(request):
                if injection.left is not None:
                    injection.left -= 1
                injection.struck.append(request)
                return injection
        return None
