"""When a turn is overdue."""

from __future__ import annotations

import pytest

from codex_gateway.core import event as ev
from codex_gateway.core.outcome import StopReason
from codex_gateway.core.watchdog import Limits, Watch

LIMITS = Limits(run_timeout_s=900, silence_s=300, after_compaction_s=60, after_answer_s=30)
COMMAND = ev.CommandStarted("c1", "make")
DONE = ev.CommandFinished("c1", "make", 0)
FINAL = ev.Message("answer", ev.Phase.FINAL_ANSWER)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([], (300, StopReason.SILENCE), id="silence from the start"),
        pytest.param([(10, ev.TurnStarted())], (310, StopReason.SILENCE), id="a sign puts it off"),
        pytest.param([(10, ev.OutputSeen())], (310, StopReason.SILENCE), id="output is a sign"),
        pytest.param([(10, ev.Compacted())], (70, StopReason.STUCK_AFTER_COMPACTION), id="after a compaction"),
        pytest.param(
            [(10, ev.Compacted()), (20, ev.Usage(ev.Tokens(), ev.Tokens()))],
            (80, StopReason.STUCK_AFTER_COMPACTION),
            id="accounting is no progress beyond the compaction",
        ),
        pytest.param(
            [(10, ev.Compacted()), (11, ev.TurnStarted())],
            (71, StopReason.STUCK_AFTER_COMPACTION),
            id="the prompt that waited for the compaction",
        ),
        pytest.param(
            [(10, ev.Compacted()), (11, ev.Notice("Heads up: Long threads"))],
            (71, StopReason.STUCK_AFTER_COMPACTION),
            id="an older Codex warns of each compaction",
        ),
        pytest.param(
            [(10, ev.Compacted()), (11, ev.Notice("Reconnecting... 1/5", ev.Reconnect(1, 5)))],
            (311, StopReason.SILENCE),
            id="it tries to go on",
        ),
        pytest.param([(10, ev.Compacted()), (20, ev.Reasoning("so"))], (320, StopReason.SILENCE), id="it went on"),
        pytest.param([(10, FINAL)], (40, StopReason.STUCK_AFTER_ANSWER), id="after the answer"),
        pytest.param([(10, FINAL), (11, COMMAND), (12, DONE)], (312, StopReason.SILENCE), id="no answer after all"),
        pytest.param([(10, COMMAND)], (900, StopReason.RUN_TIMEOUT), id="a command that runs is not silence"),
        pytest.param([(10, COMMAND), (500, DONE)], (800, StopReason.SILENCE), id="silence once it ended"),
        pytest.param([(700, ev.TurnStarted())], (900, StopReason.RUN_TIMEOUT), id="the whole turn"),
    ],
)
def test_the_next_deadline(events: list[tuple[float, ev.Event]], expected: tuple[float, StopReason]) -> None:
    watch = Watch.begin(0)
    for now, event in events:
        watch = watch.after(event, now=now)
    assert watch.deadlines(LIMITS)[0] == expected


def test_a_limit_of_zero_is_off() -> None:
    assert Watch.begin(0).after(FINAL, now=1).deadlines(Limits(0, 0, 0, 0)) == []
