"""Lines of `--json`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_gateway.codex.reading import json_events as js

SAMPLES = Path(__file__).parent / "samples" / "exec-json"
LINES = [line for path in sorted(SAMPLES.iterdir()) for line in path.read_bytes().splitlines()]
WEB = "We’re currently experiencing high demand, which may cause temporary errors."
CUT = "stream disconnected before completion: stream closed before response.completed"


def events(name: str) -> Sequence[js.JsonEvent]:
    lines = (SAMPLES / f"{name}.jsonl").read_bytes().splitlines()
    return [event for line in lines if not isinstance(event := js.read_line(line), js.Unread)][1:]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("compact-pre-turn", [js.TurnBegan(), js.AgentSaid("echo: third after overflow"), js.TurnCompleted()]),
        ("err-500", [js.TurnBegan(), js.ErrorTold(f"Reconnecting... 1/1 ({WEB})", is_passing=True),
                     js.ErrorTold(WEB, is_passing=False), js.TurnFailed(WEB)]),
        ("err-cutmid", [js.TurnBegan(), js.AgentSaid("part"),
                        js.ErrorTold(f"Reconnecting... 1/1 ({CUT})", is_passing=True), js.AgentSaid("part"),
                        js.ErrorTold(CUT, is_passing=False), js.TurnFailed(CUT)]),
        ("sig-SIGKILL-in-tool", [js.TurnBegan(), js.AgentSaid("starting")]),
        ("v0.80.0-tools", [js.TurnBegan(), js.AgentSaid("note"), js.AgentSaid("final"), js.TurnCompleted()]),
        ("tools-code-mode", [js.TurnBegan(), js.AgentSaid("I will look around"), js.AgentSaid("finished code mode"),
                             js.TurnCompleted()]),
    ],
)  # fmt: skip
def test_what_starts_and_ends_a_turn_is_read(name: str, expected: Sequence[js.JsonEvent]) -> None:
    assert events(name) == expected


def test_every_sample_names_its_thread_first() -> None:
    for path in SAMPLES.iterdir():
        first = js.read_line(path.read_bytes().splitlines()[0])
        assert isinstance(first, js.ThreadStarted)
        assert len(first.thread_id) == 36


def test_a_body_of_the_service_in_a_passing_error_is_unwrapped_and_kept_in_the_final_one() -> None:
    body = r'"{\"error\":{\"message\":\"No such model.\"}}"'
    passing = js.read_line(b'{"type":"error","message":%b}' % body.encode())
    assert passing == js.ErrorTold("No such model.", is_passing=False)
    final = js.read_line(b'{"type":"turn.failed","error":{"message":%b}}' % body.encode())
    assert final == js.TurnFailed('{"error":{"message":"No such model."}}')


def test_a_terminals_line_end_does_not_matter() -> None:
    assert js.read_line(b'{"type":"turn.completed"}\r') == js.TurnCompleted()


def test_other_items_are_not_even_decoded() -> None:
    item = b'{"type":"item.completed","item":{"id":"item_2","type":"command_execution","aggregated_output":"'
    assert js.read_line(item + b"x" * 1_000) == js.Unread("")
    said = b'{"type":"item.completed","item":{"id":"item_2","type":"agent_message","text":"hi"}}'
    assert js.read_line(said) == js.AgentSaid("hi")


def test_what_is_no_json_is_kept_as_text() -> None:
    assert js.read_line(b"thread 'main' panicked\r\n") == js.Unread("thread 'main' panicked")
    assert js.read_line(b'{"type":"item.started"}') == js.Unread("")
    assert js.read_line(b'{"type":"turn.failed"') == js.Unread('{"type":"turn.failed"')


@given(st.sampled_from(LINES), st.integers(0, 5_000), st.integers(0, 20), st.binary(max_size=12))
def test_no_damaged_line_is_an_exception(sample: bytes, at: int, removed: int, inserted: bytes) -> None:
    at %= len(sample) + 1
    js.read_line(sample[:at] + inserted + sample[at + removed :])
