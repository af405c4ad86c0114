"""What the bots asked, and waiting for it: every request in order, and a wake-up on every change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from codex_gateway.demo.bot_api.wire import JsonValue, write_json

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class ApiRequest:
    """One request. Times are of the monotonic clock, in seconds.

    `params` are decoded once the schema check has passed, and as they came until then. `status` is the
    HTTP status answered; None while it is under way, and for ever if the connection ended without one.
    """

    at: float
    bot: str
    method: str
    params: Mapping[str, JsonValue]
    status: int | None = None
    #: The description of a refusal.
    error: str | None = None
    #: When it was answered, reset, or left by its client.
    ended_at: float | None = None
    #: Whether the work was done, whatever the client came to know.
    done: bool = False
    #: Sizes in bytes of the files that came along, by field.
    file_sizes: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        params = write_json(dict(self.params))
        shown = params if len(params) <= 300 else params[:297] + "..."
        outcome = "no answer" if self.status is None else f"{self.status} {self.error or ''}".rstrip()
        return f"{self.at:.3f} {self.bot} {self.method} {shown} -> {outcome}"


@dataclass(frozen=True, slots=True)
class Violation:
    """A request that breaks the Bot API: `path` names the parameter or field, "" the method itself."""

    bot: str
    method: str
    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.bot} {self.method} {self.path}: {self.reason}"


class Journal:
    """The record that the server writes and tests read."""

    def __init__(self) -> None:
        self.requests: list[ApiRequest] = []
        self.violations: list[Violation] = []
        #: Requests for published methods that the stand-in does not have.
        self.unsupported: list[ApiRequest] = []
        #: Requests that came while a penalty for earlier ones was running.
        self.flood_violations: list[ApiRequest] = []
        self._wakers: set[asyncio.Event] = set()

    def changed(self) -> None:
        """Wake all who wait."""
        for waker in self._wakers:
            waker.set()

    async def wait_for(self, predicate: Callable[[], T], *, timeout_s: float) -> T:
        """Return the predicate's first true value; it is asked now and after every change.

        Raises TimeoutError with the last requests in its text.
        """
        waker = asyncio.Event()
        self._wakers.add(waker)
        try:
            async with asyncio.timeout(timeout_s):
                while not (value := predicate()):
                    waker.clear()
                    await waker.wait()
                return value
        except TimeoutError:
            raise TimeoutError(f"not within {timeout_s} s; {self.dump()}") from None
        finally:
            self._wakers.discard(waker)

    def dump(self, last: int = 15) -> str:
        """Return the last requests and all violations as text for a person."""
        lines = [f"{len(self.requests)} requests, the last ones:"]
        lines += [f"  {request}" for request in self.requests[-last:]]
        lines += [f"violation: {violation}" for violation in self.violations]
        return "\n".join(lines)
