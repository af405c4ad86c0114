"""Ten bots in thirty chats, all of them chatty, against a server that enforces Telegram's limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from codex_gateway.core import event as ev
from codex_gateway.core import request as rq
from codex_gateway.core.ids import BotName, ChatRef, ThreadId, UserId
from codex_gateway.core.outcome import Answered, Outcome
from codex_gateway.core.policy import BotPolicy, Pace
from codex_gateway.core.ports import Emit
from codex_gateway.core.run import Turn
from codex_gateway.demo.bot_api import BotApiServer, Chat, Fault, RateLimits
from codex_gateway.telegram.door import TelegramDoor
from codex_gateway.telegram.settings import BotSettings
from support.hall import Hall, PlayedAgent, hall, policy
from support.hurry import hurrying_loop, in_a_hurry

#: The first bot is in many chats, so that its own limit is felt; every second one is in a group.
CHATS_OF = (21, *[1] * 9)
PENALTY_S = 300
STEPS = 25
COMMENTS = 5
WORDS = 1_000
#: Questions that are answered at once, in a chat of two and in a group.
ASKED_PRIVATELY, ASKED_IN_GROUPS = 4, 16
PATIENCE_S = 7_200.0


def answer(prompt: str) -> str:
    return " ".join(f"{prompt}.{number}" for number in range(WORDS))


async def chatty(turn: Turn, emit: Emit) -> Outcome:
    """Something happens every fifth of a second."""
    await emit(ev.TurnStarted(), 1)
    for step in range(STEPS):
        await emit(ev.CommandStarted(str(step), f"make step-{step}"), step * 3 + 2)
        await asyncio.sleep(0.2)
        await emit(ev.CommandFinished(str(step), f"make step-{step}", 0), step * 3 + 3)
        if step % (STEPS // COMMENTS) == 0:
            await emit(ev.Message(f"{turn.prompt} says {step}.", ev.Phase.COMMENTARY), step * 3 + 4)
    return Answered(answer(turn.prompt))


class Crowd:
    """The bots, the people, and where they meet."""

    def __init__(self, server: BotApiServer) -> None:
        self.server = server
        self.places: list[tuple[ChatRef, UserId, Chat]] = []
        for index, (bot, count) in enumerate(zip(server.bots, CHATS_OF, strict=True)):
            for number in range(count):
                person = server.person(f"Person {len(self.places)}")
                chat = (
                    server.group("Team", bots=[bot])
                    if number == 0 and index % 2 == 0
                    else server.private_chat(person, bot)
                )
                self.places.append((ChatRef(BotName(bot.name), chat.id), UserId(person.id), chat))

    def policies(self) -> list[BotPolicy]:
        pace = Pace(flush_interval_s=1.0, tick_interval_s=5.0, reasoning_throttle_s=0.0)
        return [
            replace(
                policy(BotName(bot.name), resume_id=ThreadId(f"01a1f920-e197-7680-af9c-{number:012}")),
                allowed_user_ids=frozenset(user for place, user, _ in self.places if place.bot == bot.name),
                allowed_chat_ids=frozenset(place.chat_id for place, _, _ in self.places if place.bot == bot.name),
                pace=pace,
                shows_drafts=True,
            )
            for number, bot in enumerate(self.server.bots)
        ]

    @asynccontextmanager
    async def gateway(self, folder: Path) -> AsyncIterator[Hall]:
        """A hall with its door, as one life of the service has them; people speak past the door."""
        loop = hurrying_loop()

        async def nobody(*_: object) -> None:
            raise AssertionError

        settings = [BotSettings(BotName(bot.name), bot.token, self.server.url) for bot in self.server.bots]
        door = TelegramDoor(settings, nobody, monotonic=loop.time, wall=loop.wall)
        plays = {f"{place}-{turn}": chatty for place in range(len(self.places)) for turn in (1, 2)}
        agent = PlayedAgent(plays=dict(plays))
        try:
            async with hall(folder, agent=agent, chat=door.chat, policies=self.policies(), clock=loop.wall) as it:
                it.last_update_id = int(loop.wall() * 1000)  # ids of an earlier life are not used again
                yield it
        finally:
            await door.close()

    async def ask_everywhere(self, it: Hall, turn: int) -> None:
        for number, (place, user, _) in enumerate(self.places):
            await it.say(f"{number}-{turn}", chat=place, user=user, private=place.chat_id > 0)
        for place, user, _ in self.places:
            for _ in range(ASKED_PRIVATELY if place.chat_id > 0 else ASKED_IN_GROUPS):
                await it.say(rq.AskHelp(), chat=place, user=user, private=place.chat_id > 0)


async def nothing_left(it: Hall, sql: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await it.query(sql) != [(0,)]:
            await asyncio.sleep(1.0)


UNFINISHED = "SELECT count(*) FROM runs WHERE ended_at IS NULL"
UNSENT = "SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending')"


def test_every_answer_arrives_whole_and_in_order_and_nothing_is_sent_into_a_penalty(tmp_path: Path) -> None:
    in_a_hurry(_flood(tmp_path))


async def _flood(tmp_path: Path) -> None:
    loop = hurrying_loop()
    names = [f"bot{number}" for number in range(len(CHATS_OF))]
    limits = RateLimits()  # 1/s with a burst of 3, 20 a minute in a group, 30/s a bot
    async with BotApiServer.start(
        bots=names, rate_limits=limits, monotonic=loop.time, clock=loop.wall, seed=1
    ) as server:
        crowd = Crowd(server)
        assert len(crowd.places) == 30
        parked = next(chat for place, _, chat in crowd.places if place.bot == "bot3")
        penalty = server.inject(
            # In the middle of a turn: whoever else sends there, repaints and drafts too, must hear of it.
            Fault.flood(
                retry_after_s=PENALTY_S,
                bot="bot3",
                chat_id=parked.id,
                when=lambda request: "says 5." in str(request.params.get("text")),
            )
        )
        async with crowd.gateway(tmp_path) as it:
            await crowd.ask_everywhere(it, 1)
            await nothing_left(it, UNFINISHED)
            [struck] = penalty.struck
            await nothing_left(it, f"{UNSENT} AND chat_id <> {parked.id}")
            assert loop.time() < struck.at + PENALTY_S and await it.query(UNSENT) != [(0,)]
        async with crowd.gateway(tmp_path) as it:  # a restart while the penalty runs
            assert loop.time() < struck.at + PENALTY_S
            await crowd.ask_everywhere(it, 2)
            await nothing_left(it, UNFINISHED)
            await nothing_left(it, UNSENT)
        _check(crowd, struck_at=struck.at, parked=parked)


def _check(crowd: Crowd, *, struck_at: float, parked: Chat) -> None:
    server = crowd.server
    assert server.flood_violations == [] and server.violations == []
    refused = [request.at for request in server.requests if request.status == 429]
    # What was sent in the moment before a restart is not known after it, so a chat may refuse the first message then.
    assert refused[0] == struck_at and len(refused) <= 1 + len(crowd.places)
    to_parked = [r.at for r in server.requests if r.bot == "bot3" and str(r.params.get("chat_id")) == str(parked.id)]
    assert not [at for at in to_parked if struck_at < at < struck_at + PENALTY_S]
    assert any(at > struck_at for at in to_parked)
    for number, (_, _, chat) in enumerate(crowd.places):
        texts = [message.text for message in chat.messages if message.is_from_bot]
        for turn in (1, 2):
            name = f"{number}-{turn}"
            parts = [text for text in texts if text.startswith(f"{name}.")]
            assert " ".join(parts) == answer(name) and len(parts) > 1
            said = [line for text in texts for line in text.splitlines() if line.startswith(f"{name} says ")]
            assert said == [f"{name} says {step}." for step in range(0, STEPS, STEPS // COMMENTS)]
            assert _places(texts, said) < _places(texts, parts)
        assert sum(text.startswith("✅ Done") for text in texts) == 2
        asked = ASKED_PRIVATELY if chat.id > 0 else ASKED_IN_GROUPS
        assert sum(text.startswith("Write what Codex is to do") for text in texts) == 2 * asked
        # What people see while it works is far from everything that happened.
        assert 2 <= sum(len(message.edits) for message in chat.messages) < 2 * 2 * STEPS
        assert chat.id > 0 or not chat.draft_history
    assert any(chat.draft_history for _, _, chat in crowd.places)
    assert any(len(message.edits) >= 3 for _, _, chat in crowd.places for message in chat.messages)
    busiest = sorted(r.at for r in server.requests if r.bot == "bot0" and r.method == "sendMessage")
    assert any(last - first < 1.0 for first, last in zip(busiest, busiest[24:], strict=False))  # its limit was felt


def _places(texts: list[str], some: list[str]) -> list[int]:
    return [next(at for at, text in enumerate(texts) if one in text) for one in some]
