"""How much of a run its status message tells."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from codex_gateway.core.manner import Detail
from codex_gateway.core.progress import Step, latest
from codex_gateway.core.reply import Reply, RunningCard, SettledCard
from codex_gateway.telegram.markup import utf16_len
from codex_gateway.telegram.units import one_line

_FEW = 8
#: UTF-16 units of a log, so that the message stays within Telegram's limit with all that may stand around it.
_LOG_UNITS = 2400
#: A line of the log: its text is cut, and what stands around it is no longer than this.
_TEXT_LIMIT = 44
_AROUND_UNITS = 24


def told(reply: Reply, detail: Detail) -> Reply:
    """The reply with as many steps of a run as the chat wants."""
    match reply:
        case RunningCard(progress=progress):
            return replace(reply, progress=replace(progress, steps=_steps(progress.steps, detail)))
        case SettledCard(steps=steps):
            return replace(reply, steps=() if detail is Detail.FINAL else _steps(steps, detail))
        case _:
            return reply


def _steps(steps: tuple[Step, ...], detail: Detail) -> tuple[Step, ...]:
    match detail:
        case Detail.FINAL:
            return latest(steps, 0)  # what runs now is no log
        case Detail.NORMAL:
            return latest(steps, _FEW)
        case Detail.VERBOSE:
            return latest(steps, max(_FEW, _fitting(steps)))
        case _:
            assert_never(detail)


def _fitting(steps: tuple[Step, ...]) -> int:
    """How many of the latest steps fit into the log."""
    room = _LOG_UNITS
    for count, step in enumerate(reversed(steps)):
        room -= utf16_len(one_line(step.text, _TEXT_LIMIT)) + _AROUND_UNITS
        if room < 0:
            return count
    return len(steps)
