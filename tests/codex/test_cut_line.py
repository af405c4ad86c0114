"""Lines too long to be kept whole, read from what is left of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.tellings import session_samples
from codex_gateway.codex.reading import rollout as ro
from codex_gateway.codex.reading import tools
from codex_gateway.codex.reading.cut_line import completed, number_in, word_in
from codex_gateway.codex.reading.follow import LONGEST_LINE_BYTES, Tail

#: More than a line may have.
LONG = 'a line with "quotes", \\ and \N{PILE OF POO}\n' * (LONGEST_LINE_BYTES // 30)
LINES = [line for sample in session_samples() for line in sample.read_bytes().splitlines()]


def through_a_file(folder: Path, *contents: bytes) -> list[ro.Record]:
    path = folder / "session.jsonl"
    path.write_bytes(b"".join(content + b"\n" for content in contents))
    tail, records, more = Tail(path), list[ro.Record](), True
    while more:
        lines, more = tail.read()
        records += [ro.read_line(line.content, line.tail) for line in lines]
    tail.close()
    return records


def inflated(kind: str, payload: dict[str, object]) -> bytes:
    line = {"timestamp": "2026-11-20T13:21:00.000Z", "ordinal": 3, "type": kind, "payload": payload}
    return json.dumps(line, separators=(",", ":")).encode()


TURN = {"turn_id": "t"}
COMMAND = {"type": "CommandExecution", "id": "c", "command": ["/bin/bash", "-lc", "make"], "status": "failed"}


@pytest.mark.parametrize(
    ("line", "record"),
    [
        (
            inflated(
                "event_msg",
                {"type": "item_completed", **TURN, "item": {**COMMAND, "aggregated_output": LONG, "exit_code": 2}},
            ),
            ro.Executed("t", "c", "make", 2),
        ),
        (
            inflated(
                "response_item",
                {
                    "type": "function_call_output",
                    "call_id": "c",
                    "output": "Process exited with code 2\nOutput:\n" + LONG,
                    "internal_chat_message_metadata_passthrough": TURN,
                },
            ),
            ro.Returned("t", "c", tools.Result(2)),
        ),
        (
            inflated(
                "response_item",
                {
                    "type": "custom_tool_call",
                    "call_id": "c",
                    "name": "apply_patch",
                    "input": "*** Add File: a\n" + LONG,
                },
            ),
            ro.Called(None, "c", tools.Call("apply_patch a")),
        ),
        (inflated("event_msg", {"type": "exec_command_output_delta", "chunk": LONG}), ro.Noise),
        (inflated("compacted", {"message": LONG}), ro.HistoryCompacted()),
        (
            inflated(
                "event_msg", {"type": "task_complete", **TURN, "last_agent_message": LONG, "error": {"message": "x"}}
            ),
            ro.TurnEnded,
        ),
    ],
    ids=["command", "output", "patch", "noise", "compaction", "end"],
)
def test_what_counts_of_a_long_line_is_read(tmp_path: Path, line: bytes, record: object) -> None:
    found, after = through_a_file(tmp_path, line, inflated("event_msg", {"type": "turn_aborted", "reason": "x"}))
    assert found == record if not isinstance(record, type) else isinstance(found, record)
    assert after == ro.TurnAborted(None, "x")


def test_an_end_whose_error_may_stand_in_the_gap_is_not_called_good(tmp_path: Path) -> None:
    payload = {"type": "task_complete", **TURN, "last_agent_message": LONG, "error": {"message": "x"}, "started_at": 1}
    [end] = through_a_file(tmp_path, inflated("event_msg", payload))
    assert isinstance(end, ro.TurnEnded)
    assert not end.names_errors


def test_a_long_line_that_a_crash_has_torn_is_garbage(tmp_path: Path) -> None:
    line = inflated("event_msg", {"type": "exec_command_output_delta", "chunk": LONG})
    assert through_a_file(tmp_path, line[:-3]) == [ro.Garbage()]


@given(st.sampled_from(LINES), st.data())
def test_any_beginning_of_a_line_becomes_a_whole_one(line: bytes, data: st.DataObject) -> None:
    cut = line[: data.draw(st.integers(re.search(rb'"payload": ?{', line).end(), len(line)))]
    whole = msgspec.json.decode(completed(cut), type=dict[str, object])
    told = msgspec.json.decode(line, type=dict[str, object])
    assert whole["type"] == told["type"]
    assert isinstance(whole["payload"], dict)


@given(st.binary())
def test_any_bytes_are_fine(text: bytes) -> None:
    assert isinstance(completed(text), bytes)
    number_in(text, "exit_code")
    word_in(text, "turn_id")


def test_what_a_command_has_printed_is_no_key_of_ours() -> None:
    printed = inflated("x", {"output": '"exit_code":7,"turn_id":"u"}'})
    assert number_in(printed, "exit_code") is None
    assert word_in(printed, "turn_id") is None
