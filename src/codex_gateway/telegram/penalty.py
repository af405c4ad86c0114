"""How long a 429 asks to wait, whatever form it says it in."""

from __future__ import annotations

import json
import math
import re

#: The wait after a 429 that does not say how long, in seconds.
_UNSAID_S = 5
#: The shortest and the longest wait that is believed, in seconds: a second and a year.
_LEAST_S, _MOST_S = 1, 366 * 86_400

#: The description says it too: "Too Many Requests: retry after 35" (Bot API 10.3).
_IN_WORDS = re.compile(r"retry after (\d+(?:\.\d+)?)", re.IGNORECASE)


def asked_to_wait_s(body: str) -> int:
    """Whole seconds, rounded up: coming back a moment too early makes the next penalty longer.

    `parameters.retry_after` may be a number or the text of one; else the description is read, else a few seconds do.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    seconds = None
    match answer:
        case {"parameters": {"retry_after": bool()}}:
            pass
        case {"parameters": {"retry_after": int() | float() | str() as given}}:
            seconds = _number(given)
    if seconds is None:
        match answer:
            case {"description": str(words)} if (said := _IN_WORDS.search(words)) is not None:
                seconds = _number(said[1])
    return _UNSAID_S if seconds is None else math.ceil(min(max(seconds, _LEAST_S), _MOST_S))


def _number(given: float | str) -> float | None:
    try:
        seconds = float(given)
    except ValueError:
        return None
    except OverflowError:  # a whole number of hundreds of digits
        return math.inf
    return None if math.isnan(seconds) else seconds
