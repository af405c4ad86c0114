"""The buttons and sentences of the queue."""

from __future__ import annotations

from collections.abc import Sequence

from codex_gateway.core.reply import RunLine, Stopping
from codex_gateway.telegram.message import Keyboard
from codex_gateway.telegram.tongue import _, plural

#: A list with more than this many rows of buttons no longer fits on a phone.
_ROWS = 10


def buttons(waiting: Sequence[RunLine]) -> Keyboard:
    """A row for each of the first prompts that wait, if they are this chat's: take it out, let it go before."""
    rows: list[tuple[tuple[str, str], ...]] = []
    for place, line in enumerate(waiting[:_ROWS], start=1):
        if line.is_own:
            out = (_("✖ {place}. Take out").format(place=place), f"drop:{line.run_id}")
            up = (_("⬆ {place}. Move up").format(place=place), f"up:{line.run_id}")
            rows.append((out,) if place == 1 else (out, up))
    return tuple(rows)


def clear_button(reply: Stopping) -> Keyboard:
    """Under the answer to /stop: the rest of what this chat has waiting."""
    if reply.last_waiting is None:
        return ()
    return (((_("🧹 Clear the queue too"), f"clear:{reply.last_waiting}"),),)


def cleared(count: int) -> str:
    """What is said in the place of the offer."""
    if not count:
        return _("Nothing of that waits any more.")
    return plural("Taken out of the queue: {n} prompt.", "Taken out of the queue: {n} prompts.", count)
