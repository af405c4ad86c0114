"""Moments in the life of a turn, for whoever wants to break in just there."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from codex_gateway.demo.bot_api import ApiRequest, Fault
from support.house import LIMIT_S, House
from support.torture import Asked, until


class Turn:
    """A prompt with two tools, both of which leave a trace, that says something on the way. `number` is its name."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.comment = f"on the way {number}"
        self.answer = f"answer {number}"
        self.traces = (f"trace-{number}-one", f"trace-{number}-two")

    @property
    def prompt(self) -> str:
        one, two = self.traces
        return (
            f"@sh echo ran >> {one}; sleep 0.2\n@comment {self.comment}\n@sh sleep 0.2; echo ran >> {two}\n"
            f"@say {self.answer}"
        )


#: Waits for its moment in a turn; what it has arranged for is undone by the function that it returns.
Moment = Callable[[House, Asked, Turn, random.Random], Awaitable[Callable[[], None]]]


def nothing() -> None:
    """There is nothing to undo."""


async def received(it: House, asked: Asked, turn: Turn, rng: random.Random) -> Callable[[], None]:
    """While the update is fetched, kept and made a run."""
    return await _after(rng, 0.08)


async def starting(it: House, asked: Asked, turn: Turn, rng: random.Random) -> Callable[[], None]:
    """Around the birth of the process."""
    prompted = f"SELECT id FROM runs WHERE chat_id = {asked.chat.id} AND prompt_message_id = {asked.message.id}"
    await _rows(it, f"SELECT id FROM attempts WHERE run_id IN ({prompted})")
    return await _after(rng, 0.12)


async def in_a_tool(it: House, asked: Asked, turn: Turn, rng: random.Random) -> Callable[[], None]:
    """While a tool is at work."""
    trace = asked.bot.workdir / turn.traces[0]
    await until(trace.exists, limit_s=LIMIT_S)
    return await _after(rng, 0.4)


async def concluded(it: House, asked: Asked, turn: Turn, rng: random.Random) -> Callable[[], None]:
    """Around the settlement: the last tool has done its work."""
    trace = asked.bot.workdir / turn.traces[1]
    await until(trace.exists, limit_s=LIMIT_S)
    return await _after(rng, 0.1)


async def settled(it: House, asked: Asked, turn: Turn, rng: random.Random) -> Callable[[], None]:
    """Between the settlement and the last sending."""
    which = f"chat_id = {asked.chat.id} AND prompt_message_id = {asked.message.id}"
    await _rows(it, f"SELECT id FROM runs WHERE {which} AND ended_at IS NOT NULL")
    return await _after(rng, 0.03)


async def sending_status(it: House, asked: Asked, turn: Turn, rng: random.Random) -> Callable[[], None]:
    """While the status message is in mid-air: Telegram has it, we do not know."""
    return await _in_flight(it, asked, "⏳")


async def sending_answer(it: House, asked: Asked, turn: Turn, rng: random.Random) -> Callable[[], None]:
    """While the answer is in mid-air."""
    return await _in_flight(it, asked, turn.answer)


async def whenever(it: House, asked: Asked, turn: Turn, rng: random.Random) -> Callable[[], None]:
    """At any time at all."""
    return await _after(rng, 1.5)


#: From the first to the last.
LIFE: tuple[Moment, ...] = (received, starting, in_a_tool, concluded, settled, whenever)
MOMENTS: tuple[Moment, ...] = (*LIFE, sending_status, sending_answer)


async def _after(rng: random.Random, at_most_s: float) -> Callable[[], None]:
    await asyncio.sleep(rng.uniform(0, at_most_s))  # the moment is to be a random one: there is nothing to wait for
    return nothing


async def _rows(it: House, sql: str) -> None:
    await until(lambda: it.query(sql), limit_s=LIMIT_S)


async def _in_flight(it: House, asked: Asked, text: str) -> Callable[[], None]:
    def is_it(request: ApiRequest) -> bool:
        return str(request.params.get("text", "")).startswith(text)

    def is_there() -> bool:
        return any(message.text.startswith(text) for message in (*asked.statuses, *asked.others))

    injection = it.server.inject(Fault.hang_after(method="sendMessage", chat_id=asked.chat.id, when=is_it))
    await it.see(lambda: injection.struck or is_there())
    return injection.lift
