"""What hostile Markdown costs as it grows, in ms per 10 KB, and how long an answer of 1 MB holds the event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from codex_gateway.core.ids import BotName, ChatRef, RunId
from codex_gateway.core.manner import Form, Manner
from codex_gateway.core.reply import Answer
from codex_gateway.telegram.allowance import Rates
from codex_gateway.telegram.budget import Budget
from codex_gateway.telegram.chat import Outlet, TelegramChat
from codex_gateway.telegram.markup import render, rich_parts, split
from codex_gateway.telegram.wording import word

_ANSWERS = Path(__file__).parents[1] / "tests/telegram/markup/corpus/answers"
_SIZES = (10_000, 100_000)
_LARGE = 1_000_000
_WORST = 6
_WAYS: dict[str, Callable[[str], object]] = {"text": lambda text: split(render(text), 3500), "rich": rich_parts}


def main() -> None:
    from support.hostile import HOSTILE  # the tests' own, which `python -m benchmarks` has put on the path

    for way, work in _WAYS.items():
        costs = {kind: [_cost_ms(work, make(size)) for size in _SIZES] for kind, make in HOSTILE.items()}
        worst = sorted(costs, key=lambda kind: -costs[kind][-1])[:_WORST]
        steepest = sorted(costs, key=lambda kind: -_growth(costs[kind]))[:_WORST]
        print(
            f"{len(HOSTILE)} kinds of hostile text as {way}, ms of processor per 10 KB at 10 KB, 100 KB (x), 1 MB (x)"
        )
        for kind in dict.fromkeys([*worst, *steepest]):
            small, middle = costs[kind]
            large = _cost_ms(work, HOSTILE[kind](_LARGE))
            print(f"  {kind:22} {small:7.1f} {middle:7.1f} ({middle / small:.1f}) {large:7.1f} ({large / small:.1f})")
    asyncio.run(_hold())


def _growth(costs: list[float]) -> float:
    """How much dearer the larger ones are; what costs next to nothing does not count."""
    return costs[-1] / max(costs[0], 5.0)


def _cost_ms(work: Callable[[str], object], text: str) -> float:
    start = time.process_time()
    work(text)
    return (time.process_time() - start) * 1000 / (len(text) / 10_000)


async def _hold() -> None:
    """The longest gap between two turns of a loop that wants one each millisecond."""
    text = "\n\n".join(path.read_text("utf-8") for path in sorted(_ANSWERS.glob("*.md")))
    text *= _LARGE // len(text)
    for form in Form:
        for name, work in (("at once", _at_once), ("in a thread", _in_a_thread)):
            took, gap = await _longest_gap(lambda work=work, form=form: work(text, form))
            print(f"an answer of {len(text):,} characters as {form}, {name}: {took:.0f} ms, the loop held {gap:.0f} ms")


async def _at_once(text: str, form: Form) -> None:
    word(Answer(RunId(1), text), limit=3500, most_messages=4, form=form)


async def _in_a_thread(text: str, form: Form) -> None:
    bot = BotName("a")
    outlet = Outlet(None, 3500, Budget(Rates()))  # type: ignore[arg-type] # nothing is sent
    await TelegramChat({bot: outlet}, manner_of=lambda _: Manner(form=form)).worded(
        ChatRef(bot, 1), Answer(RunId(1), text)
    )


async def _longest_gap(work: Callable[[], object]) -> tuple[float, float]:
    gap = 0.0

    async def tick() -> None:
        nonlocal gap
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            gap = max(gap, time.perf_counter() - before)

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0.02)
    gap, start = 0.0, time.perf_counter()
    await work()  # type: ignore[misc]
    took = time.perf_counter() - start
    await asyncio.sleep(0.01)
    ticking.cancel()
    return took * 1000, gap * 1000


if __name__ == "__main__":
    main()
