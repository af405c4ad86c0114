"""Things remembered up to a number, the latest ones; pure."""

from __future__ import annotations

from typing import TypeVar

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


def forget_oldest(kept: dict[_Key, _Value], *, beyond: int) -> None:
    """Leave the `beyond` entries that were put in last."""
    while len(kept) > beyond:
        del kept[next(iter(kept))]
