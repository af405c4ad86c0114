from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_gateway.core.errors import ChatBusy
from codex_gateway.demo.bot_api.limits import Limiter, RateLimits
from codex_gateway.telegram.allowance import Allowance, Rate, Rates
from codex_gateway.telegram.budget import Budget

ADA, BOB, TEAM = 1, 2, -3
PRIVATE, GROUP, BOT = Rates().private, Rates().group, Rates().bot


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now + 1_700_000_000


class Senders:
    """Requests that take no time, or as long as they are held; `sent` tells when each left."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.budget = Budget(monotonic=self.clock, wall=self.clock.wall)
        self.sent: list[tuple[str, float]] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.held: dict[str, asyncio.Event] = {}

    async def ask(self, name: str, chat: int, *, urgent: bool = True, waive: bool = False, hold: bool = False) -> None:
        """Begin a request and let it come as far as it can."""
        if hold:
            self.held[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._send(name, chat, urgent, waive))
        await self.settle()

    async def _send(self, name: str, chat: int, urgent: bool, waive: bool) -> None:
        async with self.budget.turn(chat, is_urgent=urgent) as turn:
            if waive:
                turn.waive()
                return
            self.sent.append((name, self.clock.now - 1000))
            if name in self.held:
                await self.held[name].wait()

    async def pass_time(self, seconds: float, *, step_s: float = 0.25) -> None:
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.now = min(end, self.clock.now + step_s)
            self.budget.serve()
            await self.settle()

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.sent]


@pytest.fixture
async def senders() -> AsyncIterator[Senders]:
    senders = Senders()
    yield senders
    for task in senders.tasks.values():
        task.cancel()
    await asyncio.gather(*senders.tasks.values(), return_exceptions=True)
    assert not senders.budget._waiting
    assert senders.budget._bot._in_flight == 0


async def test_a_private_chat_takes_three_at_once_and_then_one_a_second(senders: Senders) -> None:
    for number in range(6):
        await senders.ask(f"{number}", ADA)
    await senders.pass_time(10)
    assert senders.sent == [("0", 0), ("1", 0), ("2", 0), ("3", 1), ("4", 2), ("5", 3)]


async def test_a_group_takes_twenty_in_any_minute(senders: Senders) -> None:
    for number in range(45):
        await senders.ask(f"{number}", TEAM)
    await senders.pass_time(130, step_s=1)
    times = [at for _, at in senders.sent]
    assert len(times) == 45
    assert all(later - earlier >= 60 for earlier, later in zip(times, times[20:], strict=False))
    assert times[20] == 60


async def test_all_chats_of_a_bot_together_take_thirty_in_any_second(senders: Senders) -> None:
    for number in range(70):
        await senders.ask(f"{number}", 100 + number)
    await senders.pass_time(3)
    times = [at for _, at in senders.sent]
    assert times == [0.0] * 30 + [1.0] * 30 + [2.0] * 10
    assert senders.names == [str(number) for number in range(70)], "first come, first served"


async def test_in_a_chat_one_request_is_under_way_at_a_time(senders: Senders) -> None:
    await senders.ask("slow", ADA, hold=True)
    await senders.ask("next", ADA)
    await senders.ask("elsewhere", BOB)
    assert senders.names == ["slow", "elsewhere"]
    senders.held["slow"].set()
    await senders.settle()
    assert senders.names == ["slow", "elsewhere", "next"]


async def test_tokens_come_back_only_after_the_answer(senders: Senders) -> None:
    for number in range(3):
        await senders.ask(f"{number}", ADA, hold=number == 2)
    await senders.ask("next", ADA)
    await senders.pass_time(0.75)
    senders.held["2"].set()
    await senders.pass_time(0.25)
    assert ("next", 1.0) in senders.sent
    await senders.ask("one more", ADA)
    await senders.pass_time(5)
    assert ("one more", 2.0) in senders.sent


async def test_a_repaint_gives_way_to_every_result_in_its_chat(senders: Senders) -> None:
    await senders.ask("slow", ADA, hold=True)
    await senders.ask("repaint", ADA, urgent=False)
    await senders.ask("answer 1", ADA)
    await senders.ask("answer 2", ADA)
    senders.held["slow"].set()
    await senders.pass_time(10)
    assert senders.names == ["slow", "answer 1", "answer 2", "repaint"]


async def test_a_repaint_leaves_a_reserve_for_results(senders: Senders) -> None:
    await senders.ask("repaint 1", ADA, urgent=False)
    await senders.ask("repaint 2", ADA, urgent=False)
    assert senders.names == ["repaint 1"]
    await senders.ask("answer 1", ADA)
    await senders.ask("answer 2", ADA)
    assert senders.names == ["repaint 1", "answer 1", "answer 2"]
    await senders.pass_time(10)
    assert senders.sent[-1] == ("repaint 2", 3.0)


async def test_a_repaint_that_has_nothing_to_show_costs_nothing(senders: Senders) -> None:
    for number in range(10):
        await senders.ask(f"nothing {number}", ADA, urgent=False, waive=True)
    for number in range(3):
        await senders.ask(f"{number}", ADA)
    assert senders.names == ["0", "1", "2"]


async def test_repaints_of_one_chat_do_not_wait_for_another_chat(senders: Senders) -> None:
    await senders.ask("slow", ADA, hold=True)
    await senders.ask("answer", ADA)
    await senders.ask("repaint", BOB, urgent=False)
    assert senders.names == ["slow", "repaint"]


async def test_a_parked_chat_is_left_alone_until_its_deadline_and_others_are_not(senders: Senders) -> None:
    senders.budget.park(ADA, senders.clock.wall() + 20)
    await senders.ask("parked", ADA)
    await senders.ask("elsewhere", BOB)
    await senders.pass_time(19.5)
    assert senders.names == ["elsewhere"]
    await senders.pass_time(1)
    assert senders.sent[-1] == ("parked", 20.0)


async def test_a_chat_parked_for_long_says_so_at_once_and_to_those_who_wait_already(senders: Senders) -> None:
    await senders.ask("slow", ADA, hold=True)
    await senders.ask("waits", ADA)
    senders.budget.park(ADA, senders.clock.wall() + 300)
    await senders.settle()
    await senders.ask("late", ADA)
    for name in ("waits", "late"):
        error = senders.tasks[name].exception()
        assert isinstance(error, ChatBusy)
        assert error.retry_after_s == pytest.approx(300)
    senders.held["slow"].set()
    await senders.pass_time(300, step_s=10)
    await senders.ask("after", ADA)
    assert senders.names == ["slow", "after"]


async def test_a_shorter_penalty_does_not_end_a_longer_one_and_a_past_one_is_none(senders: Senders) -> None:
    senders.budget.park(ADA, senders.clock.wall() + 300)
    senders.budget.park(ADA, senders.clock.wall() + 5)
    assert senders.budget.parked_s(ADA) == pytest.approx(300)
    senders.budget.park(BOB, senders.clock.wall() - 5)
    assert senders.budget.parked_s(BOB) == 0
    await senders.ask("now", BOB)
    assert senders.names == ["now"]


async def test_one_who_leaves_the_queue_holds_up_nobody(senders: Senders) -> None:
    for number in range(3):
        await senders.ask(f"{number}", ADA)
    await senders.ask("leaves", ADA)
    await senders.ask("stays", ADA)
    senders.tasks["leaves"].cancel()
    await senders.settle()
    await senders.pass_time(1)
    assert senders.sent[-1] == ("stays", 1.0)


async def test_one_who_is_cancelled_in_the_moment_of_his_turn_gives_it_back(senders: Senders) -> None:
    for number in range(3):
        await senders.ask(f"{number}", ADA)
    await senders.ask("unlucky", ADA)
    senders.clock.now += 1
    senders.budget.serve()
    assert not senders.budget._waiting, "it is his turn"
    senders.tasks["unlucky"].cancel()
    await senders.settle()
    assert senders.tasks["unlucky"].cancelled()
    await senders.ask("next", ADA)
    assert senders.sent[-1] == ("next", 1.0)


async def test_a_request_that_fails_gives_the_chat_free(senders: Senders) -> None:
    with pytest.raises(OSError, match="reset"):
        async with senders.budget.turn(ADA, is_urgent=True):
            raise OSError("reset")
    await senders.ask("next", ADA)
    assert senders.names == ["next"]


async def test_waiting_really_ends_by_itself() -> None:
    budget = Budget(Rates(private=Rate(burst=2, refill_s=0.01, reserve=0, in_turn=True)))
    async with asyncio.timeout(60):
        for _ in range(4):
            async with budget.turn(ADA, is_urgent=True):
                pass


async def test_chats_with_nothing_to_remember_are_forgotten(senders: Senders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codex_gateway.telegram.budget._CHATS_KEPT", 5)
    senders.budget.park(ADA, senders.clock.wall() + 3600)
    for number in range(100):
        await senders.ask(f"{number}", 100 + number)
        await senders.pass_time(5)
    assert len(senders.budget._lanes) <= 6
    assert senders.budget.parked_s(ADA) > 0


@given(
    rate=st.sampled_from([PRIVATE, GROUP, BOT]),
    waits=st.lists(st.floats(0, 3), min_size=1, max_size=150),
    delays=st.lists(st.floats(0, 2), min_size=1, max_size=150),
)
def test_the_server_never_counts_more_than_it_allows_however_slow_the_way(
    rate: Rate, waits: list[float], delays: list[float]
) -> None:
    """Requests one after another: each arrives somewhere between its leaving and its answer."""
    clock = Clock()
    server = Limiter(RateLimits(), clock)
    allowance = Allowance(rate)
    chat = ADA if rate is PRIVATE else TEAM
    for index, wait in enumerate(waits):
        way_s = delays[index % len(delays)]
        allowance.tick(clock.now)
        clock.now = max(clock.now, allowance.free_at(reserve=0))
        allowance.tick(clock.now)
        allowance.take()
        clock.now += way_s * (index % 3) / 2
        chat_id = chat if rate is not BOT else 100 + index
        assert server.charge(bot="alpha", method="sendMessage", chat_id=chat_id) is None
        clock.now += way_s * (1 - (index % 3) / 2)
        allowance.settle(clock.now, was_sent=True)
        clock.now += wait if index % 4 == 0 else 0
