"""What a silent turn is at: each cause told apart."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from codex_gateway.core import event as ev
from codex_gateway.core.diagnosis import Cause, Diagnosis, Evidence, Life, ToolProcess, diagnose
from codex_gateway.core.progress import Progress, advance
from codex_gateway.core.watchdog import Watch

NOW = 100.0
STARTED = (1.0, ev.TurnStarted())
COMMAND = (10.0, ev.CommandStarted("c1", "make all"))
RETRY = ev.Notice("Reconnecting... 3/5 (why)", ev.Reconnect(3, 5))
ANSWER = ev.Message("so", ev.Phase.FINAL_ANSWER)
FULL = ev.Usage(ev.Tokens(input=250_000), ev.Tokens(input=250_000), 258_400)
HALF = ev.Usage(ev.Tokens(input=129_000), ev.Tokens(input=129_000), 258_400)

#: Codex rests, with a connection to the model's service.
RESTING = Evidence(taken_at=NOW, pid=7, life=Life.ALIVE, cpu_s=5.0, connections=1)
ALONE = replace(RESTING, connections=0)
#: What it looked like ten seconds before.
EARLIER = replace(RESTING, taken_at=NOW - 10)
TOOL = ToolProcess(pid=9, command="make all", age_s=90.0, cpu_s=40.0, call_id="c1")


def with_tools(*tools: ToolProcess) -> Evidence:
    return replace(ALONE, tools=tools)


@dataclass
class Case:
    events: list[tuple[float, ev.Event]]
    evidence: Evidence | None
    expected: Diagnosis
    before: Evidence | None = None


CASES = {
    "the model has not answered": Case([STARTED], RESTING, Diagnosis(Cause.MODEL, 99.0)),
    "silent for longer than we have listened": Case(
        [STARTED], replace(RESTING, quiet_s=500.0), Diagnosis(Cause.MODEL, 500.0)
    ),
    "the model after a command": Case(
        [STARTED, COMMAND, (20.0, ev.CommandFinished("c1", "make all", 0))], RESTING, Diagnosis(Cause.MODEL, 80.0)
    ),
    "the model, while something runs in the background": Case(
        [STARTED, COMMAND, (20.0, ev.CommandFinished("c1", "make all", 0))],
        replace(RESTING, tools=(TOOL,)),
        Diagnosis(Cause.MODEL, 80.0),
    ),
    "a command that we have no look at": Case(
        [STARTED, COMMAND], None, Diagnosis(Cause.COMMAND, 90.0, command="make all")
    ),
    "a command at work": Case(
        [STARTED, COMMAND],
        with_tools(TOOL),
        Diagnosis(Cause.COMMAND, 90.0, command="make all", is_at_work=True),
        before=replace(EARLIER, tools=(replace(TOOL, cpu_s=31.0),)),
    ),
    "a command that rests": Case(
        [STARTED, COMMAND],
        with_tools(TOOL),
        Diagnosis(Cause.COMMAND, 90.0, command="make all", is_at_work=False),
        before=replace(EARLIER, tools=(TOOL,)),
    ),
    "a command that began before we did": Case(
        [STARTED, COMMAND], with_tools(replace(TOOL, age_s=900.0)), Diagnosis(Cause.COMMAND, 900.0, command="make all")
    ),
    "a command that the agent waits for once more": Case(
        [STARTED, (90.0, ev.CommandStarted("c2", "waiting: make all"))],
        with_tools(replace(TOOL, age_s=900.0)),
        Diagnosis(Cause.COMMAND, 900.0, command="waiting: make all"),
    ),
    "a command beside an older one in the background": Case(
        [STARTED, COMMAND],
        with_tools(TOOL, replace(TOOL, pid=8, command="npm start", age_s=900.0, call_id="c0")),
        Diagnosis(Cause.COMMAND, 90.0, command="make all"),
    ),
    "a command that waits for input": Case(
        [STARTED, COMMAND],
        with_tools(replace(TOOL, awaits_input=True)),
        Diagnosis(Cause.INPUT, 90.0, command="make all", pid=9),
    ),
    "a command, and another that waits for input in the background": Case(
        [STARTED, COMMAND],
        with_tools(TOOL, replace(TOOL, pid=8, command="cat", call_id="c0", awaits_input=True)),
        Diagnosis(Cause.COMMAND, 90.0, command="make all"),
    ),
    "a command that is halted": Case(
        [STARTED, COMMAND],
        with_tools(replace(TOOL, is_halted=True)),
        Diagnosis(Cause.HALTED, 90.0, command="make all", pid=9),
    ),
    "a reconnect": Case([STARTED, (50.0, RETRY)], ALONE, Diagnosis(Cause.RECONNECTING, 50.0, attempt=3, attempts=5)),
    "a reconnect that is not counted": Case(
        [STARTED, (50.0, ev.Notice("Reconnecting... waiting for network", ev.Reconnect()))],
        ALONE,
        Diagnosis(Cause.RECONNECTING, 50.0),
    ),
    "a reconnect of this very moment": Case(
        [STARTED, (95.0, RETRY)], RESTING, Diagnosis(Cause.RECONNECTING, 5.0, attempt=3, attempts=5)
    ),
    "a reconnect that has worked": Case([STARTED, (50.0, RETRY)], RESTING, Diagnosis(Cause.MODEL, 50.0)),
    "a reconnect that is history": Case(
        [STARTED, (50.0, RETRY), (60.0, ev.Reasoning("so"))], ALONE, Diagnosis(Cause.UNKNOWN, 40.0)
    ),
    "another warning": Case([STARTED, (50.0, ev.Notice("old model"))], RESTING, Diagnosis(Cause.MODEL, 50.0)),
    "a full window": Case([STARTED, (50.0, FULL)], RESTING, Diagnosis(Cause.COMPACTING, 50.0)),
    "a half full window": Case([STARTED, (50.0, HALF)], RESTING, Diagnosis(Cause.MODEL, 50.0)),
    "a window that was full until it was compacted": Case(
        [STARTED, (50.0, FULL), (60.0, ev.Compacted())], RESTING, Diagnosis(Cause.MODEL, 40.0)
    ),
    "a compaction at the start": Case(
        [STARTED, (1.0, ev.CompactionExpected())], RESTING, Diagnosis(Cause.COMPACTING, 99.0)
    ),
    "a compaction that cannot reach the model": Case(
        [STARTED, (1.0, ev.CompactionExpected()), (50.0, RETRY)],
        ALONE,
        Diagnosis(Cause.RECONNECTING, 50.0, attempt=3, attempts=5),
    ),
    "a compaction before the prompt is taken up": Case(
        [(1.0, ev.CompactionExpected())], RESTING, Diagnosis(Cause.COMPACTING, 99.0)
    ),
    "a compaction before the prompt that cannot reach the model": Case(
        [(1.0, ev.CompactionExpected()), (50.0, RETRY)],
        ALONE,
        Diagnosis(Cause.RECONNECTING, 50.0, attempt=3, attempts=5),
    ),
    "nothing begun": Case([], RESTING, Diagnosis(Cause.STARTING, 100.0)),
    "nothing begun, and much to do": Case(
        [], ALONE, Diagnosis(Cause.STARTING, 100.0, is_at_work=True), before=replace(EARLIER, cpu_s=0.0)
    ),
    "Codex computes": Case([STARTED], ALONE, Diagnosis(Cause.BUSY, 99.0), before=replace(EARLIER, cpu_s=0.0)),
    "Codex rests, with no connection": Case([STARTED], ALONE, Diagnosis(Cause.UNKNOWN, 99.0), before=EARLIER),
    "nobody can look": Case([STARTED], None, Diagnosis(Cause.UNKNOWN, 99.0)),
    "the answer is there": Case([STARTED, (90.0, ANSWER)], RESTING, Diagnosis(Cause.ENDING, 10.0)),
    "Codex is halted": Case(
        [STARTED, COMMAND], replace(with_tools(TOOL), life=Life.HALTED), Diagnosis(Cause.HALTED, 90.0, pid=7)
    ),
    "Codex is gone": Case([STARTED], replace(ALONE, life=Life.GONE), Diagnosis(Cause.GONE, 99.0, pid=7)),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_what_a_silent_turn_is_at(case: Case) -> None:
    progress, watch = Progress(), Watch.begin(0.0)
    for at, event in case.events:
        progress, watch = advance(progress, event), watch.after(event, now=at)
    assert diagnose(progress, watch, evidence=case.evidence, before=case.before, now=NOW) == case.expected


def test_every_cause_is_told_by_some_case() -> None:
    assert {case.expected.cause for case in CASES.values()} == set(Cause)
