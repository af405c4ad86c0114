"""What can be found out about a failure beyond what Codex said: when a limit ends, what killed it, how old it is."""

from __future__ import annotations

import re
import time
from dataclasses import replace

from codex_gateway.codex.child.command import resolve_program
from codex_gateway.codex.options import CodexOptions
from codex_gateway.codex.reading.reset_time import reset_time
from codex_gateway.codex.version import version_of
from codex_gateway.core.event import Window
from codex_gateway.core.outcome import Failed, FailureKind

#: The oldest Codex whose options and records this program was tried on.
OLDEST = (0, 80)
#: A limit that ends sooner is not worth a time of day, in seconds.
_SOON_S = 120.0
#: Nothing lasts longer: a message that says so is misread.
_FAR_S = 366 * 86_400.0


async def examined(failed: Failed, *, windows: tuple[Window, ...], options: CodexOptions) -> Failed:
    """The failure with all that can be told of it.

    Takes no time to speak of, but for a call that Codex did not understand: its version is asked for then.
    """
    match failed.kind:
        case FailureKind.QUOTA | FailureKind.RATE_LIMITED:
            return replace(failed, resets_at=_end_of_limit(failed, windows, now=time.time()))
        case FailureKind.USAGE:
            return await _if_too_old(failed, options)
        case _:
            return failed


def _end_of_limit(failed: Failed, windows: tuple[Window, ...], *, now: float) -> float | None:
    """A window that is used up tells it to the second; the sentence to the minute, in the time of the machine."""
    used_up = [window.resets_at for window in windows if window.used_percent >= 100 and window.resets_at is not None]
    moment = max(used_up) if used_up and failed.kind is FailureKind.QUOTA else reset_time(failed.message, now=now)
    return moment if moment is not None and now + _SOON_S < moment < now + _FAR_S else None


async def _if_too_old(failed: Failed, options: CodexOptions) -> Failed:
    program = resolve_program(options.cli_cmd, search_path=options.environ.get("PATH"))
    seen = {name: options.environ[name] for name in ("PATH", "HOME") if name in options.environ}
    found = None if program is None else await version_of(program, seen)
    if found is None or _number(found) >= OLDEST:
        return failed
    oldest = ".".join(str(part) for part in OLDEST)
    return replace(
        failed,
        kind=FailureKind.TOO_OLD,
        message=f"This is Codex {found}; the gateway needs {oldest} or newer.\n{failed.message}",
    )


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
