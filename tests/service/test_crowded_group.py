"""Ten runs at once in one group, which takes twenty messages a minute: results come first, and time is seen to pass."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from codex_gateway.core import event as ev
from codex_gateway.core import request as rq
from codex_gateway.core.ids import BotName, ChatRef, ThreadId, UserId
from codex_gateway.core.outcome import Answered, Outcome
from codex_gateway.core.policy import Pace
from codex_gateway.core.ports import Emit
from codex_gateway.core.run import Turn
from codex_gateway.demo.bot_api import BotApiServer, RateLimits
from codex_gateway.telegram.door import TelegramDoor
from codex_gateway.telegram.settings import BotSettings
from support.hall import PlayedAgent, hall, policy
from support.hurry import hurrying_loop, in_a_hurry

RUNS = 10
#: How long each works, in seconds: the first ends after this, the next ones a little later.
WORKS_S, APART_S = 600.0, 20.0
PATIENCE_S = 3_600.0


def test_ten_runs_in_one_group_get_their_results_first_and_none_of_them_looks_dead(tmp_path: Path) -> None:
    in_a_hurry(_crowd(tmp_path))


async def _crowd(tmp_path: Path) -> None:
    loop = hurrying_loop()
    ended: dict[str, float] = {}

    async def works(turn: Turn, emit: Emit) -> Outcome:
        """Says nothing for long, as a build does."""
        await emit(ev.TurnStarted(), 1)
        await emit(ev.CommandStarted("1", "make all"), 2)
        await asyncio.sleep(WORKS_S + APART_S * int(turn.prompt))
        ended[turn.prompt] = loop.time()
        return Answered(f"answer {turn.prompt}")

    async def nobody(*_: object) -> None:
        raise AssertionError

    async with BotApiServer.start(
        bots=["alpha"], rate_limits=RateLimits(), monotonic=loop.time, clock=loop.wall, seed=1
    ) as server:
        person, bot = server.person("Ada"), server.bot("alpha")
        group = server.group("Team", bots=[bot], is_forum=True)
        topics = [ChatRef(BotName("alpha"), group.id, group.add_topic(str(n), author=person)) for n in range(RUNS)]
        settings = BotSettings(BotName("alpha"), bot.token, server.url)
        door = TelegramDoor([settings], nobody, monotonic=loop.time, wall=loop.wall)
        owner = replace(
            policy(BotName("alpha"), resume_id=ThreadId("01a1f920-e197-7680-af9c-000000000000")),
            allowed_user_ids=frozenset({UserId(person.id)}),
            allowed_chat_ids=frozenset({group.id}),
            pace=Pace(flush_interval_s=1.5, tick_interval_s=15.0),
            shows_drafts=True,
        )
        agent = PlayedAgent(plays={str(number): works for number in range(RUNS)})
        try:
            async with hall(tmp_path, agent=agent, chat=door.chat, policies=[owner], clock=loop.wall) as it:
                for number, topic in enumerate(topics):
                    await it.say(rq.NewSession(None), chat=topic, user=UserId(person.id), private=False)
                    await it.say(str(number), chat=topic, user=UserId(person.id), private=False)
                async with asyncio.timeout(PATIENCE_S):
                    while await it.query("SELECT count(*) FROM runs WHERE ended_at IS NOT NULL") != [(RUNS,)]:
                        await asyncio.sleep(1.0)
                    while await it.query("SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending')") != [(0,)]:
                        await asyncio.sleep(1.0)
        finally:
            await door.close()
        assert server.flood_violations == [] and server.violations == []
        assert {request.status for request in server.requests} == {200}
        waited_s = 0.0
        for number, topic in enumerate(topics):
            here = [message for message in group.messages if message.topic == topic.topic_id]
            [answer] = [message for message in here if message.text == f"answer {number}"]
            [status] = [message for message in here if message.text.startswith("✅ Done")]
            waited_s += max(answer.at, status.edits[-1].at) - ended[str(number)]
            painted = [edit.at for edit in status.edits if edit.at <= ended[str(number)]]
            gaps = [later - earlier for earlier, later in pairwise(painted)]
            assert len(painted) >= 8 and max(gaps) < 120, (number, gaps)
        assert waited_s < 60, "without the reserve, or in line with the repaints, each waits for the end of a minute"
        most = [request.at for request in server.requests if request.method != "getUpdates"]
        assert all(last - first >= 60.0 for first, last in zip(most, most[20:], strict=False))
