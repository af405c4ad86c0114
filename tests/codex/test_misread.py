"""A Codex whose session files say nothing to us: the answer comes all the same, and the person is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from codex.turns import Bench, Ear
from codex_gateway.codex import json_events as js
from codex_gateway.codex import rollout as ro
from codex_gateway.codex.turn_reader import TurnReader
from codex_gateway.codex.verdict import Evidence, is_misread
from codex_gateway.core import event as ev
from codex_gateway.core.event import Phase
from codex_gateway.core.outcome import Answered, Failed, FailureKind

FUTURE = "0.999.0"


@pytest.fixture
def future(scripted: Bench) -> Bench:
    environ = {**scripted.options.environ, "CODEX_SCRIPTED_FORMAT": "future"}
    return replace(scripted, options=replace(scripted.options, environ=environ))


async def test_the_answer_arrives_and_the_person_is_told(future: Bench) -> None:
    ear = Ear()
    assert await future.ask("@comment one\n@sh echo\n@say the answer", ear=ear) == Answered("the answer")
    [misread] = ear.all(ev.Misread)
    assert misread.version == FUTURE
    assert misread.records > 5
    thread_id = ear.all(ev.SessionIdentified)[0].thread_id
    again = Ear()
    assert await future.ask("@say and again", thread_id, ear=again) == Answered("and again")
    told = [type(event) for event in again.events if isinstance(event, ev.Misread | ev.Concluded)]
    assert told == [ev.Misread, ev.Concluded], "before the verdict is written"


async def test_a_failure_is_one_there_too(future: Bench) -> None:
    ear = Ear()
    outcome = await future.ask("@status 500", ear=ear)
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.MODEL_ERROR
    assert ear.has(ev.Misread)


async def test_a_turn_that_is_understood_is_not_called_misread(scripted: Bench) -> None:
    ear = Ear()
    await scripted.ask("@say\n@sh echo", ear=ear)
    await scripted.ask("@status 400", ear=ear)
    assert not ear.has(ev.Misread)


async def test_a_version_that_nobody_tells_is_none_at_all(future: Bench) -> None:
    mute = future.folder / "mute"
    mute.write_text(f'#!/bin/sh\n[ "$1" = --version ] && exit 1\nexec "{future.options.cli_cmd}" "$@"\n')
    mute.chmod(0o755)
    ear = Ear()
    assert await future.ask("hello", ear=ear, cli_cmd=str(mute)) == Answered("echo: hello")
    assert ear.all(ev.Misread)[0].version is None


def test_a_turn_of_which_only_the_marks_are_understood_is_misread_too() -> None:
    known = Evidence(TurnReader())
    for event in (js.TurnBegan(), js.AgentSaid("hi"), js.TurnCompleted()):
        known.hear(event)
    assert not is_misread(known), "no session file at all is another matter"
    known.reader.read(ro.TurnBegan("t"))
    assert is_misread(known)
    known.reader.read(ro.Said("t", "hi", Phase.FINAL_ANSWER))
    assert not is_misread(known)
