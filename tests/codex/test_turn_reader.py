"""One turn's events out of real session files."""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile
from pathlib import Path

import pytest

from codex_gateway.codex.reading import rollout as ro
from codex_gateway.codex.reading import tools
from codex_gateway.codex.reading.turn_reader import TurnReader
from codex_gateway.core import event as ev
from codex_gateway.core.event import Phase

SAMPLES = Path(__file__).parent / "samples" / "rollouts"
FORK_PROMPT = "@comment on my way\n@sh echo two\n@say forked"
ONE = ev.Tokens(980, 490, 20, 5)


def told(name: str, *, skip: int = 0, prompt: str | None = None) -> tuple[TurnReader, list[ev.Event]]:
    """What a reader tells that begins behind the first `skip` lines."""
    reader = TurnReader(prompt=prompt)
    lines = (SAMPLES / name).read_bytes().splitlines()[skip:]
    return reader, [event for line in lines for event in reader.read(ro.read_line(line))]


def read(*records: ro.Record) -> tuple[TurnReader, list[ev.Event]]:
    reader = TurnReader()
    return reader, [event for record in records for event in reader.read(record)]


def usage(total: ev.Tokens, last: ev.Tokens = ONE) -> ev.Usage:
    return ev.Usage(total, last, 258_400)


def test_a_turn_with_tools() -> None:
    first, second, third, fourth = (
        "call_4187dc3ca42e430386e2664c",
        "call_c867574d7d61482d9b310f8f",
        "call_00759b1450b7400498d75eb2",
        "call_dd3e20218e0e45cea8932ba5",
    )
    reader, events = told("tools-classic-then-resume.jsonl")
    assert events == [
        ev.TurnStarted("01a1f920-e1af-7b62-b43a-a7d162ff12ec"),
        ev.Reasoning("**Thinking about it**\\n\\nI should look at the files."),
        ev.Message("I will list the files first.", Phase.COMMENTARY),
        ev.CommandStarted(first, "ls -la; echo err >&2; exit 3"),
        ev.CommandFinished(first, "ls -la; echo err >&2; exit 3", 3),
        usage(ONE),
        ev.CommandStarted(second, "apply_patch hello.txt"),
        ev.FileChanged(("/home/dev/repo/hello.txt",)),
        ev.CommandFinished(second, "apply_patch hello.txt", 0),
        usage(ev.Tokens(1960, 980, 40, 10)),
        ev.CommandStarted(third, "echo one; sleep 1"),
        ev.CommandStarted(fourth, "echo two"),
        ev.CommandFinished(fourth, "echo two", 0),
        ev.CommandFinished(third, "echo one; sleep 1", 0),
        usage(ev.Tokens(2940, 1470, 60, 15)),
        ev.Message("All done: hello.txt written.", Phase.FINAL_ANSWER),
        usage(ev.Tokens(3920, 1960, 80, 20)),
    ]
    assert reader.end == ro.TurnEnded(
        "01a1f920-e1af-7b62-b43a-a7d162ff12ec", "All done: hello.txt written.", None, names_errors=True
    )


def test_what_is_before_the_offset_and_behind_the_turn_is_not_told() -> None:
    _, events = told("sigint-in-tool-then-resume.jsonl", skip=18)
    assert [event for event in events if isinstance(event, ev.Message)] == [
        ev.Message("echo: are you there?", Phase.FINAL_ANSWER)
    ]
    _, events = told("sigint-in-tool-then-resume.jsonl")
    assert [event.text for event in events if isinstance(event, ev.Message)] == ["starting"]


def test_an_aborted_turn_ends_with_its_command() -> None:
    reader, events = told("sigint-in-tool-then-resume.jsonl")
    assert isinstance(events[-2], ev.CommandFinished)
    assert events[-2].exit_code is None
    assert reader.end == ro.TurnAborted("01a1f921-cf35-7df3-933d-7e0658fc1ab8", "interrupted")


def test_the_command_of_a_script_is_one_step() -> None:
    _, events = told("tools-code-mode-gpt6.jsonl")
    steps = [event for event in events if isinstance(event, ev.CommandStarted | ev.CommandFinished)]
    first, second = "call_a2fb89eac502422e80f0e14d", "call_a9bdda02757240c589463597"
    assert steps == [
        ev.CommandStarted(first, "echo hi from js; sleep 0.5"),
        ev.CommandFinished(first, "echo hi from js; sleep 0.5", 0),
        ev.CommandStarted(second, "apply_patch js.txt"),
        ev.CommandFinished(second, "apply_patch js.txt", 1),
    ]


def test_a_command_that_a_script_did_not_name_is_a_step_of_its_own() -> None:
    _, events = read(
        ro.TurnBegan("t"),
        ro.Called("t", "c", tools.custom_call("exec", 'tools.exec_command({cmd: "make " + goal})')),
        ro.Executed("t", "exec-1", "make all", 2),
        ro.Returned("t", "c", tools.Result(0)),
    )
    assert events[1:] == [
        ev.CommandStarted("c", "make "),
        ev.CommandFinished("exec-1", "make all", 2),
        ev.CommandFinished("c", "make ", 0),
    ]


@pytest.mark.parametrize(("codes", "expected"), [((0, 0), 0), ((3, 0), 3), ((0, 4), 4)])
def test_a_script_ends_as_badly_as_its_worst_command(codes: tuple[int, int], expected: int) -> None:
    script = 'tools.exec_command({cmd: "one"}); tools.exec_command({cmd: `two`})'
    _, events = read(
        ro.TurnBegan("t"),
        ro.Called("t", "c", tools.custom_call("exec", script)),
        ro.Executed("t", "exec-1", "one", codes[0]),
        ro.Executed("t", "exec-2", "two", codes[1]),
        ro.Returned("t", "c", tools.Result(0)),
    )
    assert events[-1] == ev.CommandFinished("c", "one\ntwo", expected)
    assert len(events) == 3


def test_a_compaction_is_told_once_and_its_summary_is_not_said() -> None:
    _, events = told("auto-compact-pre-turn-and-mid-turn.jsonl", skip=24)
    assert events == [
        ev.TurnStarted("01a1f924-64df-7440-b78e-bda51ef805c8"),
        ev.CompactionExpected(),
        usage(ev.Tokens(10140, 5070, 60, 15), ev.Tokens(280, 140, 20, 5)),
        ev.Compacted(),
        replace(usage(ev.Tokens(10140, 5070, 60, 15), ev.Tokens()), context_used=6876),
        ev.Message("echo: third after overflow", Phase.FINAL_ANSWER),
        usage(ev.Tokens(11120, 5560, 80, 20)),
    ], "the count that is repeated at the beginning belongs to the turn before"


def test_a_compaction_is_expected_before_the_prompt_is_written() -> None:
    _, events = told("auto-compact-pre-turn-and-mid-turn.jsonl", skip=24, prompt="third after overflow")
    began = events.index(ev.TurnStarted("01a1f924-64df-7440-b78e-bda51ef805c8"))
    assert events[:began] == [ev.CompactionExpected(), ev.Compacted()]


def test_a_file_without_marks() -> None:
    reader, events = told("v0.80.0-tools-errors-compact.jsonl")
    events = list(takewhile(lambda event: event != ev.Message("echo: resumed", Phase.UNKNOWN), events))
    shell, patch = "call_7811d3d1ec4a4976b23add09", "call_5b6cab5d8fe7453db8a74ad6"
    assert events == [
        ev.TurnStarted(None),
        ev.Reasoning("**Think**"),
        ev.Message("note", Phase.UNKNOWN),
        ev.CommandStarted(shell, "echo hi"),
        usage(ONE),
        ev.CommandFinished(shell, "echo hi", 0),
        ev.CommandStarted(patch, "apply_patch old.txt"),
        usage(ev.Tokens(1960, 980, 40, 10)),
        ev.FileChanged(("old.txt",)),
        ev.CommandFinished(patch, "apply_patch old.txt", 0),
        ev.Message("final", Phase.UNKNOWN),
        usage(ev.Tokens(2940, 1470, 60, 15)),
    ]
    assert not reader.is_marked


def test_a_second_writers_messages_are_left_out() -> None:
    """Before 0.147 two processes wrote into one file, and only the marks of their turns name them."""
    reader, events = told("v0.140.0-legacy.jsonl", skip=18)
    said = [event.text for event in events if isinstance(event, ev.Message)]
    assert said == ["from A", "A done"]
    assert reader.end == ro.TurnEnded("01a1f92b-6693-7ce1-ac08-e7d6ff172d23", "A done", None)
    reader, events = told("v0.140.0-legacy.jsonl", skip=24)
    assert [event.text for event in events if isinstance(event, ev.Message)] == ["B done"]


def test_a_second_prompt_in_a_file_without_marks_ends_what_can_be_told() -> None:
    _, events = told("v0.80.0-tools-errors-compact.jsonl", skip=52)
    assert [event.text for event in events if isinstance(event, ev.Message)] == ["from A"]


def test_a_turn_can_be_known_by_its_prompt() -> None:
    prompt = "are you there?"
    _, events = told("sigint-in-tool-then-resume.jsonl", prompt=prompt)
    assert events[0] == ev.TurnStarted("01a1f921-d841-78e1-83ac-b9c54488a717")
    assert [event.text for event in events if isinstance(event, ev.Message)] == ["echo: are you there?"]
    reader, events = told("v0.140.0-legacy.jsonl", prompt="again")
    assert reader.turn_id == "01a1f92b-780e-7d91-95b8-8265ed988459"
    reader, events = told("v0.140.0-legacy.jsonl", prompt="never asked")
    assert events == []
    assert not reader.has_begun


def test_a_compaction_before_the_prompt_is_expected_though_the_turn_is_known_by_its_prompt_alone() -> None:
    count = ro.Counted(usage(ONE))
    reader = TurnReader(prompt="hi", thread_before=ONE)
    told = [
        reader.read(record)
        for record in (
            *(ro.TurnBegan("t"), count, ro.HistoryCompacted(), count, ro.Prompted("t", "hi")),
            *(ro.Said("t", "ho", Phase.FINAL_ANSWER), ro.TurnEnded("t", "ho", None)),
        )
    ]
    said = ev.Message("ho", Phase.FINAL_ANSWER)
    assert told == [(), (ev.CompactionExpected(),), (ev.Compacted(),), (), (ev.TurnStarted("t"),), (said,), ()]


def test_a_count_in_somebody_elses_turn_is_no_compaction_of_ours() -> None:
    reader = TurnReader(prompt="hi")
    for record in (ro.TurnBegan("x"), ro.Prompted("x", "theirs"), ro.Counted(usage(ONE)), ro.TurnEnded("x", "", None)):
        assert reader.read(record) == ()
    assert reader.read(ro.Counted(usage(ONE))) == ()
    assert (reader.read(ro.TurnBegan("y")), reader.read(ro.TurnAborted("y", "interrupted"))) == ((), ())
    assert reader.read(ro.Counted(usage(ONE))) == ()


@pytest.mark.parametrize("name", ["fork.jsonl", "fork-of-legacy.jsonl"])
def test_the_turn_of_a_fork_is_known_by_its_prompt_too(name: str) -> None:
    forked = next(
        record.text
        for line in reversed((SAMPLES / name).read_bytes().splitlines())
        if isinstance(record := ro.read_line(line), ro.Prompted)
    )
    assert told(name, prompt=forked)[1] == told(name)[1] != []


def test_a_message_that_a_retried_stream_repeats_is_told_once() -> None:
    said = ro.Said("t", "part", Phase.COMMENTARY)
    call = ro.Called("t", "c", tools.Call("ls"))
    _, events = read(ro.TurnBegan("t"), said, ro.Replied(), said, call, said)
    assert events == [
        ev.TurnStarted("t"),
        ev.Message("part", Phase.COMMENTARY),
        ev.CommandStarted("c", "ls"),
        ev.Message("part", Phase.COMMENTARY),
    ]


def test_a_background_command_is_named_when_it_is_waited_for() -> None:
    _, events = read(
        ro.TurnBegan("t"),
        ro.Called("t", "a", tools.Call("make all")),
        ro.Returned("t", "a", tools.Result(None, background=7)),
        ro.Called("t", "b", tools.function_call("write_stdin", '{"session_id": 7, "chars": ""}')),
        ro.Executed("t", "a", "make all", 0),
        ro.Returned("t", "b", tools.Result(0)),
        ro.Called("t", "c", tools.function_call("write_stdin", '{"session_id": 8, "chars": "y\\n"}')),
    )
    assert events[1:] == [
        ev.CommandStarted("a", "make all"),
        ev.CommandFinished("a", "make all", None),
        ev.CommandStarted("b", "waiting: make all"),
        ev.CommandFinished("b", "waiting: make all", 0),
        ev.CommandStarted("c", "background command 8 ← y\\n"),
    ]


def test_what_is_not_understood_is_counted() -> None:
    reader, events = read(ro.Garbage(), ro.Noise("x"), ro.Noise("x"), ro.Noise("y"))
    assert events == []
    assert (reader.garbage_lines, reader.unread) == (1, {"x": 2, "y": 1})


@pytest.mark.parametrize("name", ["fork.jsonl", "fork-of-legacy.jsonl"])
@pytest.mark.parametrize("is_known_by_prompt", [False, True])
def test_a_fork_tells_nothing_of_the_thread_that_it_goes_on_from(name: str, is_known_by_prompt: bool) -> None:
    """It begins with the abort of the turn that was under way there, in the legacy format with all its records too."""
    reader, events = told(name, prompt=FORK_PROMPT if is_known_by_prompt else None)
    assert [event for event in events if isinstance(event, ev.TurnStarted)] == events[:1]
    assert [event.text for event in events if isinstance(event, ev.Message)] == ["on my way", "forked"]
    assert [event.command for event in events if isinstance(event, ev.CommandStarted)] == ["echo two"]
    assert isinstance(reader.end, ro.TurnEnded) and reader.end.answer == "forked"


def test_a_compaction_before_the_fork_is_not_the_forks() -> None:
    forked = ro.ThreadForked("01a1f9e5-2f0e-7371-a4bc-a482fb2ec19c")
    before, own = "01a1f9e5-2e5f-75d0-8e14-aebcf842265f", "01a1f9e5-2f23-7361-9202-1e9a69abb6ca"
    old = [
        ro.TurnBegan(before),
        ro.Prompted(before, "hi"),
        ro.HistoryCompacted(),
        ro.TurnAborted(before, "interrupted"),
    ]
    _, events = read(forked, *old, ro.TurnBegan(own), ro.HistoryCompacted())
    assert events == [ev.TurnStarted(own), ev.Compacted()]
