"""Times, counts and long texts, short enough for a phone."""

from __future__ import annotations

from datetime import datetime

from codex_gateway.telegram.tongue import _, mark

_WEEKDAYS = (mark("Mon"), mark("Tue"), mark("Wed"), mark("Thu"), mark("Fri"), mark("Sat"), mark("Sun"))
_MONTHS = (
    *(mark("Jan"), mark("Feb"), mark("Mar"), mark("Apr"), mark("May"), mark("Jun")),
    *(mark("Jul"), mark("Aug"), mark("Sep"), mark("Oct"), mark("Nov"), mark("Dec")),
)


def duration(seconds: float) -> str:
    """1:05, or 1:02:03 from an hour on."""
    total = max(0, int(seconds))
    minutes, rest = divmod(total, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


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
    then = datetime.fromtimestamp(unix_s).astimezone()
    return _("{weekday} {day} {month} {time}").format(
        weekday=_(_WEEKDAYS[then.weekday()]),
        day=then.day,
        month=_(_MONTHS[then.month - 1]),
        time=then.strftime("%H:%M %Z"),
    )


def span(seconds: float) -> str:
    """5 h, 7 d: a length of time that is a round one."""
    for unit_s, length in ((86_400, _("{n} d")), (3_600, _("{n} h"))):
        if seconds >= unit_s and seconds % unit_s == 0:
            return length.format(n=round(seconds / unit_s))
    return _("{n} min").format(n=f"{seconds / 60:.0f}")


def one_line(text: str, limit: int) -> str:
    """The text on one line of at most `limit` characters; an ellipsis stands for what is left out."""
    shown = " ".join(text.split())
    return shown if len(shown) <= limit else shown[: limit - 1].rstrip() + "…"


def squeezed(text: str, limit: int) -> str:
    """The text on one line of at most `limit` characters, an ellipsis in its middle: commands end in what matters."""
    shown = " ".join(text.split())
    if len(shown) <= limit:
        return shown
    head = limit // 2
    return f"{shown[:head].rstrip()}…{shown[len(shown) - (limit - 1 - head) :].lstrip()}"


def clipped(text: str, limit: int) -> str:
    """The text, its lines kept, cut to at most `limit` characters."""
    text = text.strip()
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
