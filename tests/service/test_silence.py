"""Runs that nothing is heard of: what the person is told, and what the watchdogs do."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from codex_gateway.core import event as ev
from codex_gateway.core import request as rq
from codex_gateway.core.diagnosis import Cause, Diagnosis, Evidence, Life
from codex_gateway.core.ids import ChatRef, RunId
from codex_gateway.core.outcome import Answered, Outcome, StopReason
from codex_gateway.core.ports import Emit
from codex_gateway.core.progress import Progress, advance
from codex_gateway.core.run import Attempt, Turn
from codex_gateway.core.watchdog import Limits, Watch
from codex_gateway.service import attendance
from codex_gateway.service.lookout import Lookout, patience_s
from codex_gateway.store.runs import Runs
from support.hall import BOT, CHAT, Hall, PlayedAgent, hall, playing, policy, until

RESTING = Evidence(taken_at=0.0, pid=7, life=Life.ALIVE, connections=1)
SLEEP = ev.CommandStarted("c1", "sleep 600")
OFF = Limits(0, 0, 0, 0)


def limits(*, run_timeout_s: float = 0, silence_s: float = 0) -> Limits:
    return Limits(run_timeout_s, silence_s, 0, 0)


def status_says(it: Hall) -> list[str]:
    return it.chat.sent[0].says


async def test_a_silence_is_ended_and_said_what_it_was(tmp_path: Path) -> None:
    agent = PlayedAgent(plays={"go": playing(ev.TurnStarted(), gate=asyncio.Event())}, shows=RESTING)
    async with hall(tmp_path, agent=agent, policies=[policy(limits=limits(silence_s=0.1))]) as it:
        await it.say("go")
        await it.settled(1)
        assert agent.cancelled == ["go"]
        [(state, reason, diagnosis)] = await it.query("SELECT state, stop_reason, diagnosis FROM runs")
        assert (state, reason, json.loads(str(diagnosis))["cause"]) == ("stopped", "silence", "model")
        assert "Cause.MODEL" in status_says(it)[-1]
        assert len(agent.turns) == 1  # a retry is offered, never done
        await it.say(rq.AskStatus())
        await until(lambda: any("StatusReport" in text and "Cause.MODEL" in text for text in it.chat.texts()))


async def test_the_time_limit_strikes_during_a_command_and_says_which(tmp_path: Path) -> None:
    agent = PlayedAgent(plays={"go": playing(ev.TurnStarted(), SLEEP, gate=asyncio.Event())})
    async with hall(tmp_path, agent=agent, policies=[policy(limits=limits(run_timeout_s=0.3, silence_s=0.05))]) as it:
        await it.say("go")
        await it.settled(1)
        [(reason, diagnosis)] = await it.query("SELECT stop_reason, diagnosis FROM runs")
        assert reason == "run_timeout"  # and not silence, which is over long before
        assert json.loads(str(diagnosis))["command"] == "sleep 600"


async def test_a_sign_of_life_while_we_look_is_heard(tmp_path: Path) -> None:
    @dataclass
    class Rousable(PlayedAgent):
        """Says something just when somebody looks for the first time, and answers when somebody looks again."""

        looks: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
        spoken: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

        async def evidence(self, attempt: Attempt) -> Evidence | None:
            self.looks.release()
            await self.spoken.acquire()
            return self.shows

    agent = Rousable()

    async def play(turn: Turn, emit: Emit) -> Outcome:
        await emit(ev.TurnStarted(), 100)
        await agent.looks.acquire()
        await emit(ev.Reasoning("here I am"), 200)
        agent.spoken.release()
        await agent.looks.acquire()
        return Answered("done")

    agent.plays["go"] = play
    async with hall(tmp_path, agent=agent, policies=[policy(limits=limits(silence_s=0.2))]) as it:
        await it.say("go")
        await it.settled(1)
        assert await it.query("SELECT state, stop_reason FROM runs") == [("succeeded", None)]


async def test_a_look_that_fails_keeps_no_watchdog_from_its_work(tmp_path: Path) -> None:
    class Blind(PlayedAgent):
        async def evidence(self, attempt: Attempt) -> Evidence | None:
            raise RuntimeError("no eyes")

    agent = Blind(plays={"go": playing(ev.TurnStarted(), gate=asyncio.Event())})
    async with hall(tmp_path, agent=agent, policies=[policy(limits=limits(silence_s=0.1))]) as it:
        await it.say("go")
        await it.settled(1)
        [(reason, diagnosis)] = await it.query("SELECT stop_reason, diagnosis FROM runs")
        assert (reason, json.loads(str(diagnosis))["cause"]) == ("silence", "unknown")


async def test_a_database_that_fails_for_a_moment_costs_no_commentary_and_no_watchdog(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = asyncio.Event()
    said = ev.Message("on my way", ev.Phase.COMMENTARY)
    agent = PlayedAgent(plays={"go": playing(ev.TurnStarted(), said, gate=gate)})
    monkeypatch.setattr(attendance, "_REST_S", 0.01)
    async with hall(tmp_path, agent=agent, policies=[policy(limits=limits(silence_s=0.5))]) as it:
        failures = _failing_once(monkeypatch, it.runs, "say") + _failing_once(monkeypatch, it.runs, "request_stop")
        await it.say("go")
        await it.settled(1)
        await until(lambda: any("on my way" in text for text in it.chat.texts()))
        assert await it.query("SELECT state, stop_reason FROM runs") == [("stopped", "silence")]
        assert [len(calls) for calls in failures] == [2, 2]


def _failing_once(monkeypatch: pytest.MonkeyPatch, runs: Runs, name: str) -> list[list[object]]:
    calls: list[object] = []
    works = getattr(runs, name)

    async def call(*args: object, **kwargs: object) -> object:
        calls.append(args)
        if len(calls) == 1:
            raise sqlite3.OperationalError("disk I/O error")
        return await works(*args, **kwargs)

    monkeypatch.setattr(runs, name, call)
    return [calls]


async def test_the_status_message_says_what_is_waited_for_until_something_is_heard(tmp_path: Path) -> None:
    gate, end = asyncio.Event(), asyncio.Event()

    async def play(turn: Turn, emit: Emit) -> Outcome:
        await emit(ev.TurnStarted(), 100)
        await gate.wait()
        await emit(ev.CommandStarted("c1", "ls"), 200)
        await end.wait()
        return Answered("done")

    agent = PlayedAgent(plays={"go": play}, shows=RESTING)
    async with hall(tmp_path, agent=agent, policies=[policy(limits=OFF, tick_s=0.05)]) as it:
        await it.say("go")
        await until(lambda: bool(it.chat.sent) and "Cause.MODEL" in status_says(it)[-1])
        assert (diagnosis := it.executor.diagnosis_of(RunId(1))) and diagnosis.cause is Cause.MODEL
        gate.set()
        await until(lambda: "Cause.MODEL" not in status_says(it)[-1])
        await until(lambda: "Cause.COMMAND" in status_says(it)[-1])
        end.set()
        await it.settled(1)


async def test_a_command_that_takes_long_is_asked_about_and_goes_on(tmp_path: Path) -> None:
    gate = asyncio.Event()
    agent = PlayedAgent(plays={"go": playing(ev.TurnStarted(), SLEEP, gate=gate)})
    async with hall(tmp_path, agent=agent, policies=[policy(limits=limits(silence_s=0.1), tick_s=0.05)]) as it:
        asked = await it.say("go")

        def questions() -> list[str]:
            return [text for text in it.chat.texts() if text.startswith("StillRunning")]

        await until(lambda: len(questions()) >= 2)
        assert "sleep 600" in questions()[0]
        assert next(sent for sent in it.chat.sent if sent.text.startswith("StillRunning")).reply_to == asked
        before = len(it.chat.sent)
        await it.say(rq.KeepWaiting(RunId(1)))
        assert not [sent for sent in it.chat.sent[before:] if not sent.text.startswith("StillRunning")]
        gate.set()
        await it.settled(1)
        assert await it.states() == ["succeeded"]
        assert await it.query("SELECT count(*) FROM inbox WHERE state <> 'handled'") == [(0,)]


async def test_waiting_for_what_does_not_run_says_so(tmp_path: Path) -> None:
    async with hall(tmp_path) as it:
        await it.say("hello")
        await it.settled(1)
        await it.say(rq.KeepWaiting(RunId(1)))
        await it.say(rq.KeepWaiting(RunId(99)))
        await until(lambda: it.chat.texts().count("NothingRuns()") == 2)


async def test_nobody_waits_for_a_run_of_another_chat(tmp_path: Path) -> None:
    gate = asyncio.Event()
    agent = PlayedAgent(plays={"mine": playing(gate=gate)})
    async with hall(tmp_path, agent=agent) as it:
        await it.say("mine")
        await until(lambda: len(agent.turns) == 1)
        await it.say(rq.KeepWaiting(RunId(1)), chat=ChatRef(BOT, -100), private=False)
        await until(lambda: it.chat.texts(ChatRef(BOT, -100)) == ["NothingRuns()"])
        gate.set()
        await it.settled(1)


async def test_a_stop_says_what_was_done_and_what_was_ended_with_it(tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def play(turn: Turn, emit: Emit) -> Outcome:
        await emit(ev.CommandStarted("c0", "ls"), 100)
        await emit(ev.CommandFinished("c0", "ls", 0), 200)
        await emit(SLEEP, 300)
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await emit(ev.ProcessesEnded(("setsid sleep 1000",)), 0)
        return Answered("never")

    async with hall(tmp_path, agent=PlayedAgent(plays={"go": play})) as it:
        await it.say("go")
        await begun.wait()
        await it.say(rq.Cancel())
        await it.settled(1)
        verdict = status_says(it)[-1]
        assert "text='ls', is_done=True" in verdict and "text='sleep 600', is_done=False" in verdict
        assert "setsid sleep 1000" in verdict


async def test_a_stop_is_shown_before_it_is_done(tmp_path: Path) -> None:
    leaving, gone = asyncio.Event(), asyncio.Event()

    async def play(turn: Turn, emit: Emit) -> Outcome:
        await emit(ev.TurnStarted(), 100)
        try:
            await asyncio.Event().wait()
        finally:
            leaving.set()
            await gone.wait()
        return Answered("never")

    async with hall(tmp_path, agent=PlayedAgent(plays={"go": play})) as it:
        await it.say("go")
        await until(lambda: any("is_stopping=False" in text for text in it.chat.texts()))
        await it.say(rq.Cancel(RunId(1)))
        await leaving.wait()
        await until(lambda: "is_stopping=True" in status_says(it)[-1])
        gone.set()
        await it.settled(1)


async def test_a_stop_after_the_answer_comes_too_late(tmp_path: Path) -> None:
    """The outcome is certain, the process takes its time to go: that is no run to stop any more."""
    end = asyncio.Event()
    agent = PlayedAgent(plays={"go": playing(ev.TurnStarted(), ev.Concluded(Answered("done")), gate=end)})
    async with hall(tmp_path, agent=agent) as it:
        await it.say("go")
        await until(lambda: it.chat.answers() == ["done"])
        await it.say(rq.Cancel())
        await it.say(rq.Cancel(RunId(1)))
        await until(lambda: it.chat.texts(CHAT).count("NothingRuns()") == 2)
        end.set()
        await it.settled(1)
        assert await it.query("SELECT state, stop_reason FROM runs") == [("succeeded", None)]
        assert agent.cancelled == []


async def test_why_a_run_was_stopped_outlives_us(tmp_path: Path) -> None:
    never = asyncio.Event()
    async with hall(tmp_path, agent=PlayedAgent(plays={"go": playing(gate=never)})) as it:
        await it.say("go")
        await until(lambda: len(it.agent.turns) == 1)
        diagnosis = Diagnosis(Cause.COMPACTING, 900.0)
        assert await it.runs.request_stop(RunId(1), StopReason.SILENCE, diagnosis)
    async with hall(tmp_path, agent=PlayedAgent(on_reattach=playing(gate=never))) as it:
        await it.settled(1)
        [(reason, text)] = await it.query("SELECT stop_reason, diagnosis FROM runs")
        assert (reason, json.loads(str(text))) == ("silence", {"cause": "compacting", "since_s": 900.0})
        assert any("Cause.COMPACTING" in said for said in it.chat.texts())


async def test_a_diagnosis_holds_until_something_is_heard() -> None:
    now = asyncio.get_running_loop().time()
    watch = Watch.begin(now - 100)

    async def look() -> Evidence:
        return RESTING

    async def remind(diagnosis: Diagnosis) -> None:
        raise AssertionError("nothing runs")

    it = Lookout(
        run_id=RunId(1),
        seen=lambda: (advance(Progress(), ev.TurnStarted()), watch),
        look=look,
        on_news=lambda: None,
        remind=remind,
        interval_s=15,
        patience_s=300,
    )
    assert it.diagnosis is None
    await it.examine()
    assert it.diagnosis is not None and it.diagnosis.cause is Cause.MODEL and it.diagnosis.since_s >= 100
    watch = watch.after(ev.OutputSeen(), now=now)
    assert it.diagnosis is None
    await it.examine()
    assert it.diagnosis is None, "a silence of a moment is not worth a word"


async def test_who_wants_to_wait_is_left_alone_for_the_whole_time() -> None:
    now = asyncio.get_running_loop().time()
    watch = Watch.begin(now - 5000).after(SLEEP, now=now - 4000)
    looks, told = asyncio.Semaphore(0), list[Diagnosis]()

    async def look() -> None:
        looks.release()

    async def remind(diagnosis: Diagnosis) -> None:
        told.append(diagnosis)

    def lookout(*, patience_s: float) -> Lookout:
        return Lookout(
            run_id=RunId(1),
            seen=lambda: (advance(Progress(), SLEEP), watch),
            look=look,
            on_news=lambda: None,
            remind=remind,
            interval_s=0.001,
            patience_s=patience_s,
            told_at=now - 4000,
        )

    async def after_some_looks(it: Lookout) -> int:
        told.clear()
        looking = asyncio.create_task(it.run())
        for _ in range(5):
            await looks.acquire()
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        return len(told)

    assert await after_some_looks(lookout(patience_s=600)) == 1, "told once, then not again for the whole patience"
    assert await after_some_looks(lookout(patience_s=0)) == 0, "zero is off"
    assert await after_some_looks(lookout(patience_s=4100)) == 0, "not yet"
    patient = lookout(patience_s=600)
    patient.go_on()
    assert await after_some_looks(patient) == 0


def test_how_long_a_command_runs_before_the_person_is_told() -> None:
    assert patience_s(Limits()) == 300
    assert patience_s(limits(silence_s=120)) == 120
    assert patience_s(OFF) == 0
