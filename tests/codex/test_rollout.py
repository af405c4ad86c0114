"""Lines of real session files, and lines that nobody would wish for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_gateway.codex.reading import rollout as ro
from codex_gateway.codex.reading.tools import Call, Result
from codex_gateway.core.event import Phase, Tokens, Usage

SAMPLES = Path(__file__).parent / "samples" / "rollouts"
LINES = [line for path in sorted(SAMPLES.glob("*.jsonl")) for line in path.read_bytes().splitlines()]


def records(name: str) -> list[ro.Record]:
    lines = (SAMPLES / name).read_bytes().splitlines()
    return [record for line in lines if not isinstance(record := ro.read_line(line), ro.Noise)]


def line(kind: str, payload: object) -> bytes:
    return json.dumps({"timestamp": "2026-11-20T13:21:00.000Z", "type": kind, "payload": payload}).encode()


def test_a_turn_of_the_paginated_format_is_read() -> None:
    turn = "01a1f920-e80f-7ba2-bfef-c4814492368f"
    found = records("tools-classic-then-resume.jsonl")
    begin = found.index(ro.TurnBegan(turn))
    call_id = "call_a571deb4c3084f8981913162"
    one = Tokens(input=980, cached=490, output=20, reasoning=5)
    assert [record for record in found[begin:] if not isinstance(record, ro.Replied)] == [
        ro.TurnBegan(turn),
        ro.Prompted(turn, "@reason hmm\n@comment note\n@sh echo hi\n@say final text"),
        ro.Thought(turn, "hmm"),
        ro.Said(turn, "note", Phase.COMMENTARY),
        ro.Called(turn, call_id, Call("echo hi")),
        ro.Executed(turn, call_id, "echo hi", 0),
        ro.Returned(turn, call_id, Result(0)),
        ro.Counted(Usage(Tokens(4900, 2450, 100, 25), one, 258_400)),
        ro.Said(turn, "final text", Phase.FINAL_ANSWER),
        ro.Counted(Usage(Tokens(5880, 2940, 120, 30), one, 258_400)),
        ro.TurnEnded(turn, "final text", None, names_errors=True),
    ]


def test_a_turn_of_the_legacy_format_is_read() -> None:
    turn = "01a1f92b-642b-7fd3-97e8-5b56bc2d327a"
    found = [record for record in records("v0.140.0-legacy.jsonl") if not isinstance(record, ro.Replied | ro.Counted)]
    call_id = "call_0fb6e20e82ba4f72acd67b4a"
    assert found[: found.index(ro.TurnBegan("01a1f92b-6693-7ce1-ac08-e7d6ff172d23"))] == [
        ro.TurnBegan(turn),
        ro.Prompted(None, "old\n@reason **Think**\n@comment note\n@sh echo hi\n@say final"),
        ro.Thought(None, "**Think**"),
        ro.Said(None, "note", Phase.COMMENTARY),
        ro.Called(None, call_id, Call("echo hi")),
        ro.Returned(None, call_id, Result(0)),
        ro.Said(None, "final", Phase.FINAL_ANSWER),
        ro.TurnEnded(turn, "final", None, names_errors=False),
    ]


def test_a_file_without_marks_is_read() -> None:
    found = records("v0.80.0-tools-errors-compact.jsonl")
    assert not any(isinstance(record, ro.TurnBegan | ro.TurnEnded) for record in found)
    assert ro.Said(None, "note", Phase.UNKNOWN) in found
    assert ro.Returned(None, "call_5b6cab5d8fe7453db8a74ad6", Result(0, paths=("old.txt",))) in found
    assert found.count(ro.HistoryCompacted()) == 2


def test_a_script_of_code_mode_is_read() -> None:
    turn = "01a1f924-68f3-7a43-91a2-4fb980a988e7"
    found = records("tools-code-mode-gpt6.jsonl")
    command = "echo hi from js; sleep 0.5"
    assert ro.Called(turn, "call_a2fb89eac502422e80f0e14d", Call(command, runs=(command,))) in found
    assert ro.Executed(turn, "exec-fc91cfc1-7d8e-4f53-bcbb-8660cd2169c1", command, 0) in found
    assert ro.Returned(turn, "call_a9bdda02757240c589463597", Result(1)) in found, "the script failed"


def test_the_ends_of_turns_are_read() -> None:
    [ended] = [record for record in records("error-http-500.jsonl") if isinstance(record, ro.TurnEnded)]
    assert ended.error is not None
    assert ended.error.info == "internal_server_error"
    aborted = ro.TurnAborted("01a1f921-cf35-7df3-933d-7e0658fc1ab8", "interrupted")
    assert aborted in records("sigint-in-tool-then-resume.jsonl")
    assert records("auto-compact-pre-turn-and-mid-turn.jsonl").count(ro.HistoryCompacted()) == 2


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (
            {"codex_error_info": {"http_connection_failed": {"http_status_code": 502}}, "message": "m"},
            ro.TurnError("m", "http_connection_failed"),
        ),
        ({"message": "m"}, ro.TurnError("m")),
        ({"codex_error_info": 7, "message": "m"}, ro.TurnError("m")),
        ("m", ro.TurnError("m")),
        (7, ro.TurnError("Codex reports an error that it does not explain.")),
    ],
)
def test_an_error_is_read_in_any_shape(payload: object, expected: ro.TurnError) -> None:
    record = ro.read_line(line("event_msg", {"type": "task_complete", "turn_id": "t", "error": payload}))
    assert record == ro.TurnEnded("t", None, expected, names_errors=True)


def test_changed_files_are_read_in_both_shapes() -> None:
    item = {"type": "FileChange", "id": "c", "status": "completed"}
    moved = {"/a": {"type": "update", "move_path": "/b"}}
    for changes, paths in ((moved, ("/a", "/b")), ([{"path": "/a", "kind": "add"}], ("/a",))):
        told = line("event_msg", {"type": "item_completed", "turn_id": "t", "item": {**item, "changes": changes}})
        assert ro.read_line(told) == ro.Wrote("t", "c", paths)
    refused = {**item, "changes": moved, "status": "declined"}
    assert isinstance(ro.read_line(line("event_msg", {"type": "item_completed", "item": refused})), ro.Noise)


def test_an_unknown_record_is_noise_with_its_name() -> None:
    assert ro.read_line(line("event_msg", {"type": "brand_new", "x": 1})) == ro.Noise("event_msg/brand_new")
    assert ro.read_line(line("brand_new", {"x": 1})) == ro.Noise("brand_new")


def test_the_order_of_keys_does_not_matter() -> None:
    turned = json.dumps({"payload": {"turn_id": "t", "type": "task_started"}, "type": "event_msg"}).encode()
    assert ro.read_line(turned) == ro.TurnBegan("t")


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"\n",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b'{"type":"event_msg"}',
        b'{"type":"event_msg","payload":null}',
        b'{"type":7,"payload":{}}',
        b'{"timestamp":"x","type":"event_msg","payload":{"type":"task_complete","turn_id":"t","last_agent',
        b'{"type":"event_msg","payload":{"type":"agent_message","message":"\xff\xfe"}}',
        b"[" * 100_000,
        b'{"type":"event_msg","payload":' + b"[" * 100_000,
        b"\x00" * 50,
    ],
)
def test_what_is_no_record_is_garbage(bad: bytes) -> None:
    assert ro.read_line(bad) == ro.Garbage()


TORN = (
    b'{"timestamp":"2026-11-20T13:21:00.000Z","type":"event_msg","payload":{"type":"task_complete","turn_id":"a","las'
)


@pytest.mark.parametrize(
    "torn",
    [
        *(TORN, TORN[:20], TORN[:60], TORN * 3, b"\xef\xbb\xbf" + TORN, b"\0" * 4096),
        line("compacted", {"message": ""})[:-4],
        line("world_state", {"text": "x" * 9000})[:-10],
    ],
    ids=["", "in its head", "in its type", "often", "with a mark", "as zeros", "a compaction", "of no interest"],
)
def test_a_record_that_stands_behind_a_torn_one_in_its_line_is_read(torn: bytes) -> None:
    """As 0.140 and 0.98 write it after a crash; 0.145 and 0.169 begin a new line."""
    assert ro.read_line(torn + line("event_msg", {"type": "task_started", "turn_id": "b"})) == ro.TurnBegan("b")


def test_a_compaction_that_a_crash_has_torn_is_none() -> None:
    whole = line("compacted", {"message": "", "replacement_history": []})
    assert ro.read_line(whole) == ro.HistoryCompacted()
    assert ro.read_line(whole[:-3]) == ro.Garbage()


def test_a_record_within_another_one_is_not_read() -> None:
    inner = json.loads(line("event_msg", {"type": "task_complete", "turn_id": "b"}))
    assert ro.read_line(line("world_state", {"last": inner})) == ro.Noise("world_state")
    assert ro.read_line(line("event_msg", {"type": "turn_started", "turn_id": "a", "last": inner})) == ro.TurnBegan("a")


@pytest.mark.parametrize("place", ["phase", "content", "type"])
def test_no_depth_is_an_exception(place: str) -> None:
    """The stack is fuller in life than here: from each height of it, values as deep as can be decoded, and deeper."""

    def at_height(height: int, content: bytes) -> ro.Record:
        return at_height(height - 1, content) if height else ro.read_line(content)

    for depth in range(100, 1200, 3):
        said = {"type": "agent_message", "message": "m", "phase": "p", place: 0}
        text = line("event_msg", said)
        for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
            nested = text.replace(b": 0", b": " + opening * depth + b"0" + closing * depth)
            for height in (0, 150, 300, 450):
                at_height(height, nested)


@given(st.sampled_from(LINES), st.integers(0, 40_000), st.integers(0, 20), st.binary(max_size=12))
def test_no_damaged_line_is_an_exception(sample: bytes, at: int, removed: int, inserted: bytes) -> None:
    at %= len(sample) + 1
    ro.read_line(sample[:at] + inserted + sample[at + removed :])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from([json.loads(sample) for sample in LINES]), st.randoms(), JSON)
def test_no_value_in_the_wrong_place_is_an_exception(record: object, random: object, value: object) -> None:
    """Any one value of a record replaced by any other."""
    places: list[tuple[object, object]] = []

    def walk(node: object) -> None:
        children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, child in children:
            places.append((node, key))
            walk(child)

    copy = json.loads(json.dumps(record))
    walk(copy)
    node, key = random.choice(places)  # type: ignore[attr-defined]
    node[key] = value
    ro.read_line(json.dumps(copy).encode())


@given(st.binary(max_size=200))
def test_no_bytes_are_an_exception(content: bytes) -> None:
    ro.read_line(content)
