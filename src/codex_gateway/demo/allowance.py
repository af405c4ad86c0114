"""How much of an account's allowance is used, as the service says it in the headers of its answers, and as Codex does.

Codex 0.140 and 0.169 read `x-codex-{primary,secondary}-{used-percent,window-minutes,reset-at}`; the time is in Unix
seconds. The body of a refusal for a used-up allowance names the time too.
"""

from __future__ import annotations

import time

from codex_gateway.demo.script import WINDOWS_S, Reply

_NAMES = ("primary", "secondary")


def headers(reply: Reply) -> dict[str, str]:
    """What ``@limits`` adds to the headers of a reply or a refusal; nothing without it."""
    said: dict[str, str] = {}
    for name, percent, (window_s, reset_s) in zip(_NAMES, reply.limits, WINDOWS_S, strict=False):
        said[f"x-codex-{name}-used-percent"] = str(percent)
        said[f"x-codex-{name}-window-minutes"] = str(window_s // 60)
        said[f"x-codex-{name}-reset-at"] = str(_soon(reset_s))
    return said


def snapshot(reply: Reply) -> dict[str, object]:
    """The same as Codex writes it down, beside each count of tokens."""
    return {
        name: {"used_percent": float(percent), "window_minutes": window_s // 60, "resets_at": _soon(reset_s)}
        for name, percent, (window_s, reset_s) in zip(_NAMES, reply.limits, WINDOWS_S, strict=False)
    }


def when(reply: Reply) -> str:
    """How Codex tells of that moment: in the time of the machine, with the day if it is not today."""
    moment = resets_at(reply)
    if moment is None:
        return "later"
    then, today = time.localtime(moment), time.localtime()
    clock = time.strftime("%I:%M %p", then).lstrip("0")
    if then[:3] == today[:3]:
        return f"at {clock}"
    ending = {1: "st", 2: "nd", 3: "rd"}.get(then.tm_mday % 10, "th") if then.tm_mday not in (11, 12, 13) else "th"
    return f"at {time.strftime('%b', then)} {then.tm_mday}{ending}, {then.tm_year} {clock}"


def resets_at(reply: Reply) -> int | None:
    """When the window that is most used begins anew; None without ``@limits``."""
    used = zip(reply.limits, WINDOWS_S, strict=False)
    return max(((percent, _soon(reset_s)) for percent, (_, reset_s) in used), default=(0, None))[1]


def _soon(seconds: int) -> int:
    return int(time.time()) + seconds
