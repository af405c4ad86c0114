"""How a turn ended, by everything that can be known of it."""

from __future__ import annotations

import pytest

from codex_gateway.codex.reading import json_events as js
from codex_gateway.codex.reading import rollout as ro
from codex_gateway.codex.reading.turn_reader import TurnReader
from codex_gateway.codex.verdict import Evidence, verdict
from codex_gateway.core.event import Phase
from codex_gateway.core.outcome import Answered, Failed, FailureKind

BEGAN = ro.TurnBegan("t")
FINAL = ro.Said("t", "yes", Phase.FINAL_ANSWER)
UNMARKED = ro.Said("t", "yes", Phase.UNKNOWN)
DONE = ro.TurnEnded("t", "yes", None, names_errors=True)
DONE_OLD = ro.TurnEnded("t", "yes", None)


def evidence(*facts: ro.Record | js.JsonEvent, is_gone: bool = False, status: int | None = None) -> Evidence:
    known = Evidence(TurnReader(), is_gone=is_gone, status=status)
    for fact in facts:
        if isinstance(fact, js.JsonEvent):
            known.hear(fact)
        else:
            known.reader.read(fact)
    return known


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ((BEGAN, FINAL, DONE), Answered("yes")),
        ((BEGAN, FINAL), None),
        # These could still turn out to be failures: standard output says so a moment later.
        ((BEGAN, FINAL, DONE_OLD), None),
        ((BEGAN, UNMARKED, DONE), None),
        ((BEGAN, js.ErrorTold("Reconnecting...", is_passing=True), FINAL, DONE), None),
        ((BEGAN, ro.TurnEnded("t", None, None, names_errors=True)), None),
        ((BEGAN, FINAL, DONE_OLD, js.TurnCompleted()), Answered("yes")),
        ((BEGAN, UNMARKED, DONE, js.TurnCompleted()), Answered("yes")),
        ((BEGAN, FINAL, DONE_OLD, js.TurnFailed("high demand")), Failed(FailureKind.MODEL_ERROR, "high demand")),
        ((BEGAN, ro.TurnEnded("t", None, None), js.TurnCompleted()), Answered("")),
        # No marks in the file, or nothing understood of it.
        ((ro.Prompted(None, "p"), ro.Said(None, "a", Phase.UNKNOWN), js.TurnCompleted()), Answered("a")),
        ((js.AgentSaid("note"), js.AgentSaid("a"), js.TurnCompleted()), Answered("a")),
        ((js.TurnCompleted(),), Answered("")),
        ((js.ErrorTold("high demand", is_passing=False),), None),
        ((js.ErrorTold("high demand", is_passing=False), js.TurnFailed("")),
         Failed(FailureKind.MODEL_ERROR, "high demand")),
        ((BEGAN, ro.TurnAborted("t", "interrupted")),
         Failed(FailureKind.KILLED, "The turn was ended from outside (interrupted).")),
    ],
)  # fmt: skip
def test_what_is_certain_while_the_process_still_runs(facts: tuple[ro.Record, ...], expected: object) -> None:
    assert verdict(evidence(*facts)) == expected


@pytest.mark.parametrize(
    ("facts", "status", "kind"),
    [
        ((BEGAN,), -9, FailureKind.KILLED),
        ((BEGAN, UNMARKED, DONE), 0, None),
        ((BEGAN, UNMARKED, DONE), None, None),
        ((BEGAN, UNMARKED, DONE), 1, FailureKind.OTHER),
        ((BEGAN, ro.TurnEnded("t", None, None)), 0, None),
        ((BEGAN, ro.TurnEnded("t", None, None)), None, FailureKind.LOST),
        ((BEGAN, FINAL), 0, FailureKind.NOT_UNDERSTOOD),
        ((), 0, FailureKind.NOT_UNDERSTOOD),
        ((BEGAN, FINAL), None, FailureKind.LOST),
        ((js.TurnBegan(),), None, FailureKind.LOST),
        ((), None, FailureKind.NOT_STARTED),
        ((js.ErrorTold("Reconnecting... (connection refused)", is_passing=True),), 1, FailureKind.NETWORK),
    ],
)
def test_what_is_left_to_say_once_the_process_is_gone(
    facts: tuple[ro.Record, ...], status: int | None, kind: FailureKind | None
) -> None:
    outcome = verdict(evidence(*facts, is_gone=True, status=status))
    assert (outcome.kind if isinstance(outcome, Failed) else None) is kind
    assert isinstance(outcome, Failed | Answered)


def test_the_last_message_file_is_an_answer_of_last_resort() -> None:
    known = evidence(is_gone=True, status=0)
    known.last_message = "from the file"
    assert verdict(known) == Answered("from the file")
