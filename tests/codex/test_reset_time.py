"""When a limit begins anew, in the words of every version."""

from __future__ import annotations

from datetime import datetime

import pytest

from codex_gateway.codex.reading.reset_time import reset_time

#: A Friday, 17:00 in the time of the machine.
NOW = datetime(2026, 11, 20, 17, 0).timestamp()
HOUR_S, DAY_S = 3_600, 86_400


def at(year: int, month: int, day: int, hour: int, minute: int) -> float:
    return datetime(year, month, day, hour, minute).timestamp()


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        # 0.140 and 0.169
        ("You’ve hit your usage limit. Try again at 7:00 PM.", at(2026, 11, 20, 19, 0)),
        ("You've hit your usage limit. Upgrade to Pro (https://x) or try again at 12:05 AM.", at(2026, 11, 21, 0, 5)),
        ("You've hit your usage limit. Try again at 4:59 PM.", at(2026, 11, 20, 16, 59)),
        ("You've hit your usage limit or try again at Nov 23rd, 2026 9:05 AM.", at(2026, 11, 23, 9, 5)),
        ("Switch to another model now, or try again at Dec 1st, 2026 12:00 PM.", at(2026, 12, 1, 12, 0)),
        # before 0.50
        ("Try again in 3 days 2 hours 5 minutes.", NOW + 3 * DAY_S + 2 * HOUR_S + 300),
        ("or try again in 1 day and 1 hour.", NOW + DAY_S + HOUR_S),
        ("Try again in less than a minute.", None),
        # the service itself
        ("Rate limit reached for gpt-5.5: Please try again in 1.5s. Visit …", NOW + 1.5),
        ("Please try again in 500ms.", NOW + 0.5),
        ("Please try again in 1m30s.", NOW + 90),
        ("Please try again in 6m0s", NOW + 360),
        # none
        ("You've hit your usage limit. Try again later.", None),
        ("Try again at noon.", None),
        ("Try again at 99:99 PM.", None),
        ("Try again at Foo 31st, 2026 9:05 AM.", None),
        ("", None),
    ],
)
def test_the_moment_is_read_from_the_words(message: str, expected: float | None) -> None:
    assert reset_time(message, now=NOW) == expected
