"""What a record says of tokens and of an account's allowance, version by version."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from codex_gateway.codex.reading import rollout as ro
from codex_gateway.core.event import Context, Tokens, Window

AT = "2026-11-20T17:00:58.523Z"
NOW = datetime.fromisoformat(AT).timestamp()
COUNTS = {"input_tokens": 980, "cached_input_tokens": 490, "output_tokens": 20, "reasoning_output_tokens": 5}
INFO = {
    "total_token_usage": {**COUNTS, "input_tokens": 1960, "total_tokens": 1980},
    "last_token_usage": {**COUNTS, "total_tokens": 1000},
    "model_context_window": 258_400,
}


def record(limits: object, info: object = INFO) -> ro.Record:
    payload = {"type": "token_count", "info": info, "rate_limits": limits}
    return ro.read_line(json.dumps({"timestamp": AT, "type": "event_msg", "payload": payload}).encode())


@pytest.mark.parametrize(
    ("limits", "windows"),
    [
        # 0.140 and 0.169, as they wrote it for the headers of a scripted service.
        (
            {
                "limit_id": "codex",
                "limit_name": None,
                "primary": {"used_percent": 91.0, "window_minutes": 300, "resets_at": 1795201258},
                "secondary": {"used_percent": 40.0, "window_minutes": 10080, "resets_at": 1795453258},
                "plan_type": None,
            },
            (Window(91.0, 18_000.0, 1795201258.0), Window(40.0, 604_800.0, 1795453258.0)),
        ),
        # Before 0.50.
        (
            {"primary": {"used_percent": 42.5, "window_minutes": 300, "resets_in_seconds": 3600}, "secondary": None},
            (Window(42.5, 18_000.0, NOW + 3600),),
        ),
        ({"primary": None, "secondary": {"used_percent": 7}}, (Window(7.0),)),
        ({"primary": None, "secondary": None, "credits": None}, ()),
        ({"primary": {"used_percent": None, "window_minutes": 300}}, ()),
        ({"primary": {"used_percent": True}, "secondary": {"used_percent": "91"}}, ()),
        ({"primary": {"used_percent": 1, "window_minutes": 1e300, "resets_at": -7}}, (Window(1.0),)),
        ({"primary": {"used_percent": 1, "resets_at": 1e300, "resets_in_seconds": "soon"}}, (Window(1.0),)),
        ({"primary": []}, ()),
        ([], ()),
        (None, ()),
    ],
)
def test_windows_are_read_whatever_they_are_called(limits: object, windows: tuple[Window, ...]) -> None:
    told = record(limits)
    assert isinstance(told, ro.Counted)
    assert told.usage.windows == windows


def test_before_the_first_answer_the_windows_come_alone() -> None:
    assert record({"primary": {"used_percent": 100.0}}, info=None) == ro.Limited((Window(100.0),))
    assert record({"primary": None}, info=None) == ro.Noise("event_msg/token_count")


def test_a_length_of_time_without_a_time_it_begins_at_is_left_out() -> None:
    limits = {"primary": {"used_percent": 1, "resets_in_seconds": 60}}
    line = {"type": "event_msg", "payload": {"type": "token_count", "info": INFO, "rate_limits": limits}}
    for told in (line, {**line, "timestamp": "yesterday"}, {**line, "timestamp": 7}):
        counted = ro.read_line(json.dumps(told).encode())
        assert isinstance(counted, ro.Counted) and counted.usage.windows == (Window(1.0),)


def test_what_a_compaction_leaves_is_told_by_the_total_alone() -> None:
    told = record(None)
    assert isinstance(told, ro.Counted) and told.usage.context == Context(1000, 258_400)
    left = dict.fromkeys(COUNTS, 0) | {"total_tokens": 6876}
    told = record(None, {**INFO, "last_token_usage": left})
    assert isinstance(told, ro.Counted)
    assert told.usage.last == Tokens() and told.usage.context == Context(6876, 258_400)
