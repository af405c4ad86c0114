"""When a limit that was hit begins anew, read from what Codex says of it; pure, time is passed in.

Codex 0.140 and 0.169 say "Try again at 7:00 PM." and, for another day, "Try again at Nov 23rd, 2026 9:00 AM.", in the
time of the machine; versions before 0.50 "Try again in 3 days 2 hours 5 minutes."; the service itself "in 1.898s".
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_UNITS_S = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_UNIT = r"(ms|milliseconds?|d|days?|h|hrs?|hours?|m|mins?|minutes?|s|secs?|seconds?)"
_AMOUNT = rf"(\d+(?:\.\d+)?)\s*{_UNIT}(?![a-z])"
_IN = re.compile(rf"try again (?:in|after) ((?:{_AMOUNT}[\s,]*(?:and\s+)?)+)", re.IGNORECASE)
_AT = re.compile(
    r"try again at (?:(?P<day>[a-z]{3} \d{1,2})(?:st|nd|rd|th),? (?P<year>\d{4}),? )?(?P<time>\d{1,2}:\d\d [ap]m)",
    re.IGNORECASE,
)


def reset_time(message: str, *, now: float) -> float | None:
    """The moment that `message` names, in Unix seconds; None when it names none."""
    if (distance := _IN.search(message)) is not None:
        amounts = re.findall(_AMOUNT, distance[1], re.IGNORECASE)
        return now + sum(float(amount) * _UNITS_S[_unit(unit)] for amount, unit in amounts)
    if (moment := _AT.search(message)) is not None:
        return _local(moment["day"], moment["year"], moment["time"], now)
    return None


def _unit(word: str) -> str:
    word = word.lower()
    return "ms" if word.startswith(("ms", "milli")) else word[0]


def _local(day: str | None, year: str | None, time: str, now: float) -> float | None:
    today = datetime.fromtimestamp(now)
    try:
        if day is not None:
            return datetime.strptime(f"{day} {year} {time}", "%b %d %Y %I:%M %p").timestamp()
        clock = datetime.strptime(time, "%I:%M %p")
    except (ValueError, OverflowError):
        return None
    moment = today.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
    # Without a day it is one of today, but for a message that was read after midnight.
    return (moment if moment >= today - timedelta(hours=12) else moment + timedelta(days=1)).timestamp()
