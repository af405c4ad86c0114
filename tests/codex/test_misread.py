"""A Codex whose session files say nothing to us: the answer comes all the same, and the person is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from codex.turns import Bench, Ear
from codex_gateway.codex.reading import json_events as js
from codex_gateway.codex.reading import rollout as ro
from codex_gateway.codex.reading.turn_reader import TurnReader
from codex_gateway.codex.verdict import Evidence, is_misread, verdict
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


def test_a_turn_that_was_never_recognised_is_misread_though_its_messages_are_understood() -> None:
    known = Evidence(TurnReader(prompt="hello"))
    for record in (ro.TurnBegan("t"), ro.Noise("prompt of the future"), ro.Said("t", "hi", Phase.FINAL_ANSWER)):
        assert known.reader.read(record) == ()
    for event in (js.TurnBegan(), js.AgentSaid("hi"), js.TurnCompleted()):
        known.hear(event)
    assert is_misread(known) and verdict(known) == Answered("hi")


@pytest.fixture
def mute(future: Bench) -> Bench:
    """One whose standard output says nothing to us either."""
    program = future.folder / "mute"
    program.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && exec "{future.options.cli_cmd}" "$@"\n'
        f'"{future.options.cli_cmd}" "$@" >"$0.out" && sed "s/\\"type\\"/\\"kind\\"/g" "$0.out"\n'
    )
    program.chmod(0o755)
    return replace(future, options=replace(future.options, cli_cmd=str(program)))


async def test_if_nothing_at_all_is_understood_the_last_message_is_the_answer(scripted: Bench, mute: Bench) -> None:
    thread_id = await scripted.new_session()
    ear = Ear()
    assert await mute.ask("@comment one\n@say the answer", thread_id, ear=ear) == Answered("the answer")
    assert [misread.version for misread in ear.all(ev.Misread)] == [FUTURE]
    assert [type(event) for event in ear.events[-2:]] == [ev.Misread, ev.Concluded]


async def test_without_even_that_it_is_a_failure_that_names_the_version(scripted: Bench, mute: Bench) -> None:
    thread_id = await scripted.new_session()
    ear = Ear()
    outcome = await mute.ask("@say", thread_id, ear=ear)
    assert isinstance(outcome, Failed) and outcome.kind is FailureKind.NOT_UNDERSTOOD
    assert [misread.version for misread in ear.all(ev.Misread)] == [FUTURE]


async def test_a_program_that_writes_nothing_is_no_codex_of_the_future(scripted: Bench) -> None:
    ear = Ear()
    outcome = await scripted.ask("hello", ear=ear, cli_cmd="true")
    assert isinstance(outcome, Failed) and outcome.kind is FailureKind.NOT_UNDERSTOOD
    assert not ear.has(ev.Misread)


async def test_whoever_is_asked_for_its_version_sees_no_token(future: Bench) -> None:
    token = "123456789:AAtest-token_of-a-bot-0123456789abc"
    nosy = future.folder / "nosy"
    nosy.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && env > "{future.folder}/seen"\nexec "{future.options.cli_cmd}" "$@"\n'
    )
    nosy.chmod(0o755)
    environ = {**future.options.environ, "CODEX_FOO": token, "CODEX_BAR": "bar"}
    ear = Ear()
    await future.ask("hello", ear=ear, cli_cmd=str(nosy), environ=environ, secrets=frozenset({token}))
    seen = (future.folder / "seen").read_text()
    assert ear.has(ev.Misread) and "CODEX_BAR=bar" in seen and token not in seen
