"""However hostile the text, its cost grows as it does; measured in calls, which a busy machine does not change."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType

import pytest

from codex_gateway.telegram.markup import render, rich_parts, split
from support.hostile import HOSTILE

_SMALL, _LARGE = 1_000, 4_000
#: What a text may cost beside what its size costs: memories that fill, divisions that begin.
_SLACK_CALLS = 10_000


def _calls(work: Callable[[], object]) -> int:
    """How many functions it calls, those of C too."""
    count = 0

    def seen(_frame: FrameType, event: str, _of: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


_WAYS: dict[str, Callable[[str], object]] = {
    "text": lambda text: split(render(text), 3500),
    "rich": rich_parts,
}


@pytest.mark.parametrize("way", _WAYS)
@pytest.mark.parametrize("kind", HOSTILE)
def test_four_times_the_text_costs_four_times_the_calls(kind: str, way: str) -> None:
    costs = []
    for size in (_SMALL, _LARGE):
        text = HOSTILE[kind](size)
        costs.append(_calls(lambda text=text: _WAYS[way](text)))
    growth = len(HOSTILE[kind](_LARGE)) / len(HOSTILE[kind](_SMALL))
    assert costs[1] <= 1.4 * growth * costs[0] + _SLACK_CALLS
    assert costs[1] <= 250 * _LARGE, "and it is little for each character"
