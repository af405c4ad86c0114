"""What a session file says of tokens and of an account's allowance; pure.

The names of a window's fields differ by version: 0.140 and 0.169 write `window_minutes` and `resets_at` (Unix seconds);
versions before 0.50 wrote `resets_in_seconds`, counted from the moment of the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from codex_gateway.core.event import Tokens, Usage, Window


def usage_of(payload: Mapping[str, object], *, written_at: str) -> Usage | None:
    """The counts in a `token_count` record; None when it has none, as before the first answer of the model."""
    match payload.get("info"):
        case {"total_token_usage": {**total}, "last_token_usage": {**last}, **rest}:
            latest = _tokens(last)
            filled = _whole(last.get("total_tokens"))
            return Usage(
                _tokens(total),
                latest,
                _whole(rest.get("model_context_window")),
                # 0.140 and 0.169 count nothing but the total after a compaction: what it has left
                context_used=None if filled == latest.total else filled,
                windows=windows_of(payload, written_at=written_at),
            )
        case _:
            return None


def windows_of(payload: Mapping[str, object], *, written_at: str) -> tuple[Window, ...]:
    """The windows in a `token_count` record. `written_at` is its timestamp, ISO 8601."""
    limits = payload.get("rate_limits")
    if not isinstance(limits, dict):
        return ()
    found = (_window(limits.get(name), written_at) for name in ("primary", "secondary"))
    return tuple(window for window in found if window is not None)


def _window(value: object, written_at: str) -> Window | None:
    if not isinstance(value, dict) or (used := _number(value.get("used_percent"))) is None:
        return None
    minutes = _number(value.get("window_minutes"))
    resets_at = _number(value.get("resets_at")) or None
    rest_s = _number(value.get("resets_in_seconds"))
    if resets_at is None and rest_s is not None and (then := _moment(written_at)) is not None:
        resets_at = then + rest_s
    return Window(used, None if minutes is None else minutes * 60, resets_at)


def _tokens(counts: Mapping[object, object]) -> Tokens:
    return Tokens(
        input=_whole(counts.get("input_tokens")) or 0,
        cached=_whole(counts.get("cached_input_tokens")) or 0,
        output=_whole(counts.get("output_tokens")) or 0,
        reasoning=_whole(counts.get("reasoning_output_tokens")) or 0,
    )


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = float(value)
    return number if 0 <= number < 1e11 else None  # neither infinite nor NaN, and a time that a calendar has


def _moment(written_at: str) -> float | None:
    try:
        return datetime.fromisoformat(written_at).timestamp()
    except (ValueError, OverflowError):
        return None
