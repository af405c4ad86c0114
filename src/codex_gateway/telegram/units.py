"""Times, counts and long texts, short enough for a phone."""

from __future__ import annotations

from datetime import datetime


def duration(seconds: float) -> str:
    """1:05, or 1:02:03 from an hour on."""
    total = max(0, int(seconds))
    minutes, rest = divmod(total, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def count(number: int, noun: str) -> str:
    """1 step, 2 steps."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def rough(number: int) -> str:
    """999, 12.3k, 1.2M."""
    if number < 1000:
        return str(number)
    if number < 999_950:
        return f"{number / 1000:.1f}k"
    return f"{number / 1_000_000:.1f}M"


def size(count_bytes: int) -> str:
    """999 B, 12 kB, 1.2 MB."""
    if count_bytes < 1000:
        return f"{count_bytes} B"
    if count_bytes < 999_500:
        return f"{count_bytes / 1000:.0f} kB"
    return f"{count_bytes / 1_000_000:.1f} MB"


def moment(unix_s: float) -> str:
    """Fri 20 Nov 19:00 UTC, in the time zone of the machine, which is named."""
    return datetime.fromtimestamp(unix_s).astimezone().strftime("%a %-d %b %H:%M %Z")


def span(seconds: float) -> str:
    """5 h, 7 d: a length of time that is a round one."""
    for unit_s, unit in ((86_400, "d"), (3_600, "h")):
        if seconds >= unit_s and seconds % unit_s == 0:
            return f"{seconds / unit_s:.0f} {unit}"
    return f"{seconds / 60:.0f} min"


def one_line(text: str, limit: int) -> str:
    """The text on one line of at most `limit` characters; an ellipsis stands for what is left out."""
    shown = " ".join(text.split())
    return shown if len(shown) <= limit else shown[: limit - 1].rstrip() + "…"


def clipped(text: str, limit: int) -> str:
    """The text, its lines kept, cut to at most `limit` characters."""
    text = text.strip()
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
