"""The stage: the service is real, and nothing of it stays, however it ends."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from codex_gateway.demo import sample, stage
from codex_gateway.demo.sample import WAIT_FOR_NEWS
from codex_gateway.demo.stage import Cast, Stage, StageBroken, is_at_work
from support.codex_lab import until

LIMIT_S = 60.0
HANGS = "@sh sleep 600"


@asynccontextmanager
async def at_work(ground) -> AsyncIterator[Stage]:
    """A stage on which one prompt runs, its command too, and another waits."""
    async with Stage.open(Cast()) as opened:
        opened.say(HANGS)
        opened.say("And then?")
        await opened.until(
            lambda: sum(map(is_at_work, opened.chat.messages)) == 2, "two prompts at work", limit_s=LIMIT_S
        )
        await until(lambda: ground.processes("sleep 600"))
        yield opened


async def test_leaving_stops_what_runs_and_what_waits_before_the_service(ground) -> None:
    async with at_work(ground) as opened:
        await opened.until(lambda: opened.chat.messages[0].edits, "a step in the status", limit_s=LIMIT_S)
    ran, waited = [message for message in opened.chat.messages if message.text.startswith("⏹")][:2]
    assert ran.text.startswith("⏹ Stopped by you")
    assert waited.text.startswith("⏹ Taken out of the queue")
    assert opened.server.violations == []
    assert opened.server.unsupported == []
    ground.assert_clean()


async def test_an_exception_on_the_stage_leaves_nothing_behind(ground) -> None:
    with pytest.raises(ZeroDivisionError):
        async with at_work(ground):
            raise ZeroDivisionError
    ground.assert_clean()


async def test_a_service_that_was_killed_is_told_and_its_turn_is_not_left_behind(ground) -> None:
    with pytest.raises(StageBroken, match="ended by itself, with exit code -9") as broken:
        async with at_work(ground) as opened:
            (service,) = ground.processes("codex_gateway run")
            os.kill(service, signal.SIGKILL)
            assert ground.processes("sleep 600"), "turns outlive the service; that is why they have to be looked for"
            await opened.until(lambda: False, "nothing", limit_s=LIMIT_S)
    assert "run.started" in broken.value.log
    ground.assert_clean()


async def test_being_cancelled_while_it_ends_makes_it_hurry(ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "STOP_LIMIT_S", 1000.0)
    monkeypatch.setattr(stage, "END_LIMIT_S", 1000.0)
    opened: list[Stage] = []
    left = asyncio.Event()

    async def visit() -> None:
        async with at_work(ground) as now:
            opened.append(now)
            for pid in ground.processes("codex_gateway run"):
                os.kill(pid, signal.SIGSTOP)  # it will neither stop a turn nor end
            left.set()

    visiting = asyncio.create_task(visit())
    await left.wait()
    await until(lambda: any(message.text == "/stop" for message in opened[0].chat.timeline))
    visiting.cancel()
    await asyncio.sleep(0)
    visiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await visiting
    ground.assert_clean()


async def test_what_does_not_come_in_time_is_told_with_the_log(ground) -> None:
    async with Stage.open(Cast()) as opened:
        with pytest.raises(StageBroken, match=r"^Nothing did not come within 0\.01 s\.$"):
            await opened.until(lambda: False, "Nothing", limit_s=0.01)
    ground.assert_clean()


async def test_codex_works_in_the_sample_and_sees_nothing_of_the_home_directory(
    ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEX_HOME", "/somebodys/codex")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-somebodys")
    async with Stage.open(Cast()) as opened:

        async def answer(prompt: str) -> str:
            asked = opened.say(prompt)
            answers = await opened.until(
                lambda: [message for message in opened.chat.messages if message.reply_to is asked][1:],
                "the answer",
                limit_s=LIMIT_S,
            )
            return answers[0].text

        assert (await answer("which python does it  need")).startswith("Python 3.11 or newer")
        assert await answer('@sh env > "$HOME/seen"\n@say ok') == "ok"
        seen = (opened.folder / "seen").read_text("utf-8")
        assert f"HOME={opened.folder}\n" in seen
        assert "somebodys" not in seen
        project = opened.folder / "project"
        assert {file.name: file.read_text("utf-8") for file in project.iterdir()} == sample.FILES
    ground.assert_clean()


def test_what_the_answers_say_of_the_sample_is_true() -> None:
    for name in ("todo.py", "test_todo.py"):
        assert f"| {name} | {sample.FILES[name].count(chr(10))} |" in sample.REPERTOIRE
    numbered = enumerate(sample.FILES["todo.py"].splitlines(), start=1)
    (line,) = [number for number, text in numbered if "TODO" in text]
    assert f"`todo.py`, line {line})" in sample.REPERTOIRE
    compile(sample.FILES["todo.py"], "todo.py", "exec")
    assert WAIT_FOR_NEWS in sample.REPERTOIRE
