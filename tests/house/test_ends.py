"""How the service begins and ends, and what a kill in the middle costs."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

from support.codex_lab import ALL, SCRIPTED, Cli
from support.house import LIMIT_S, house

#: A command that goes on until the test makes this file in the work directory.
WAITS = "until test -e go; do sleep 0.05; done"


@pytest.mark.parametrize("cli", ALL)
async def test_a_turn_survives_a_kill_of_the_service(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        before = len(it.turns(it.bot().resume_id))
        service = await it.start()
        asked = it.say(f"@comment before the cut\n@sh {WAITS}; date +%s >> ran\n@say **survived**")
        await it.see(lambda: any(m.text == "before the cut" for m in it.bot().chat.messages))
        await it.nothing_in_flight()
        await service.kill()
        await it.start()
        (it.bot().workdir / "go").touch()
        assert (await it.verdict(asked)).startswith("✅ Done")
        assert [message.text for message in it.answers_to(asked)] == ["survived"]
        assert [message.text for message in it.bot().chat.messages].count("before the cut") == 1
        assert len(it.turns(it.bot().resume_id)) == before + 1
        assert len((it.bot().workdir / "ran").read_text().splitlines()) == 1


@pytest.mark.parametrize("cli", ALL)
async def test_a_turn_that_ends_while_the_service_is_dead_is_answered(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        before = len(it.turns(it.bot().resume_id))
        service = await it.start()
        asked = it.say(f"@comment at work\n@sh {WAITS}\n@say done meanwhile")
        await it.see(lambda: any(m.text == "at work" for m in it.bot().chat.messages))
        await it.nothing_in_flight()
        await service.kill()
        (it.bot().workdir / "go").touch()
        file = it.session_file(it.bot().resume_id)
        async with asyncio.timeout(LIMIT_S):
            while "done meanwhile" not in file.read_text("utf-8").rpartition("task_complete")[2]:
                await asyncio.sleep(0.05)
        await it.start()
        await it.verdict(asked)
        assert [message.text for message in it.answers_to(asked)] == ["done meanwhile"]
        assert len(it.turns(it.bot().resume_id)) == before + 1


@pytest.mark.parametrize("cli", ALL)
async def test_an_orderly_end_leaves_the_turn_to_the_next_start(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        service = await it.start()
        asked = it.say(f"@comment at work\n@sh {WAITS}\n@say still here")
        await it.see(lambda: any(m.text == "at work" for m in it.bot().chat.messages))
        assert await service.end() == 0, "it waits for no turn: this one ends after it"
        await it.start()
        (it.bot().workdir / "go").touch()
        await it.verdict(asked)
        assert [message.text for message in it.answers_to(asked)] == ["still here"]


@pytest.mark.parametrize("cli", ALL)
async def test_a_codex_that_dies_with_the_service_is_told_as_lost(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        service = await it.start()
        asked = it.say("@comment at work\n@sh sleep 600\n@say never")
        await it.see(lambda: any(m.text == "at work" for m in it.bot().chat.messages))
        await it.nothing_in_flight()
        await service.kill()
        for pid in it.codex_pids():
            os.kill(pid, signal.SIGKILL)
        await it.start()
        verdict = await it.verdict(asked)
        assert verdict.startswith("❌")
        assert it.answers_to(asked) == []
        _, out, _ = await it.command("runs", "--json")
        assert json.loads(out)["failure_kind"] in {"lost", "killed"}


async def test_a_second_service_on_the_same_data_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        first = await it.start()
        second = await it.launch()
        async with asyncio.timeout(LIMIT_S):
            assert await second.process.wait() == 75
        said = second.log.read_text("utf-8")
        assert f"process {first.pid} holds" in said and "Traceback" not in said
        await it.verdict(it.say("hello"))


async def test_codex_that_cannot_be_started_is_told_in_a_sentence(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        it.write_config(codex_cli_cmd="/nowhere/codex")
        await it.start()
        verdict = await it.verdict(it.say("hello"))
        assert verdict.startswith("❌") and "/nowhere/codex" in verdict


async def test_the_log_holds_no_token(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        service = await it.launch("--log-level", "DEBUG")
        await it.verdict(it.say("hello"))
        await it.server.stop()
        async with asyncio.timeout(LIMIT_S):
            while "unreachable" not in service.log.read_text("utf-8"):
                await asyncio.sleep(0.05)
        assert it.bot().account.token not in service.log.read_text("utf-8")
        await it.server.listen()
