"""What a person is told of a turn's cost and of its failure, end to end."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from support.codex_lab import ALL, MODERN, SCRIPTED, Cli
from support.house import House, house


async def _told_by(it: House, command: str) -> str:
    asked = it.say(command)
    await it.see(lambda: it.answers_to(asked))
    return it.answers_to(asked)[0].text


async def _runs(it: House) -> list[dict[str, object]]:
    code, out, err = await it.command("runs", "--json")
    assert code == 0, err
    return [json.loads(line) for line in out.splitlines()]


@pytest.mark.parametrize("cli", ALL)
async def test_what_a_turn_cost_and_what_is_left_is_told_everywhere(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        it.write_config(progress_tick_interval=0.5)
        await it.start()
        verdict = await it.verdict(it.say("@limits 91 40\n@tokens 98192\n@say done"))
        limits = r"⚠️ 5 h limit 91% used · 7 d limit 40% used"
        assert re.fullmatch(rf"✅ Done · \d:\d\d · 98\.2k tokens · 62% context left · {limits}", verdict)
        status = await _told_by(it, "/status")
        assert verdict in status
        assert re.search(r"⚠️ 5 h limit 91% used, renewed \w{3} \d+ \w{3} \d\d:\d\d \S+$", status, re.M)
        assert re.search(r"📊 7 d limit 40% used, renewed ", status)
        [run] = await _runs(it)
        assert run["context"] == {"used": 98192, "size": 258400}
        assert [limit["used_percent"] for limit in run["rate_limits"]] == [91.0, 40.0]  # type: ignore[attr-defined]
        assert run["usage"]["input_tokens"] == 98172  # type: ignore[index]
        _, table, _ = await it.command("runs")
        assert "62% left" in table and "98192" in table and "5h:91% 7d:40%" in table
        assert " · 1.0k tokens · 99% context left" in await it.verdict(it.say("@say a turn costs its own tokens"))
        stopped = it.say("@tokens 3000\n@sh true\n@sh sleep 600\n@say never")
        await it.see(lambda: any("▸ sleep 600 · 0:0" in message.text for message in it.bot().chat.messages))
        it.say("/stop")
        verdict = await it.verdict(stopped)
        assert ". sleep 600 had been running for 0:0" in verdict and "\n2 steps · 3.0k tokens\n" in verdict
        [run, *_] = await _runs(it)
        assert run["diagnosis"]["cause"] == "command" and run["diagnosis"]["command"] == "sleep 600"  # type: ignore[index]


@pytest.mark.parametrize("cli", ALL)
async def test_a_used_up_allowance_says_until_when(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        await it.start()
        asked = it.say("@limits 40 100\n@status usage-limit")
        verdict = await it.verdict(asked)
        assert "the account's allowance is used up." in verdict
        assert re.search(r"It is renewed \w{3} \d+ \w{3} \d\d:\d\d \S+\. Retry then, or log Codex in", verdict)
        [run] = await _runs(it)
        assert (run["failure_kind"], run["state"]) == ("quota", "failed") and run["resets_at"]


@pytest.mark.parametrize("cli", MODERN)
async def test_each_failure_has_its_sentence_and_its_next_step(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        await it.start()
        for prompt, sentence, step in (
            ("@status 401", "Codex is not logged in", "Run codex login"),
            ("@status 404", "does not take the request", "codex_cli_args"),
            ("@status context-window", "no longer fits", "compact it there"),
            ("@status 429", "too many requests", "Wait a minute"),
        ):
            asked = it.say(prompt)
            verdict = await it.verdict(asked)
            assert sentence in verdict and step in verdict, verdict
            assert "{" not in verdict


async def test_a_tool_of_codex_sees_what_is_allowed_and_never_a_token(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        token = it.bot().account.token
        it.environment |= {"MY_TOOLS": "x y", "MY_COPY": f"bot{token}", "NOT_NAMED": "z", "TELEGRAM_BOT_TOKEN": token}
        it.environment |= {"CODEX_GATEWAY_LEVEL": "9", "CODEX_WORKDIR": "/w"}
        it.write_config(child_env_allow=["MY_*", "TELEGRAM_*", "CODEX_GATEWAY_*", "CODEX_TEST_HOUSE"])
        await it.start()
        await it.verdict(it.say("@sh env > seen\n@say done"))
        lines = (it.bot().workdir / "seen").read_text("utf-8").splitlines()
        seen = dict(line.split("=", 1) for line in lines if "=" in line)
        assert seen["MY_TOOLS"] == "x y"
        assert (seen["TERM"], seen["PROMPT_TOOLKIT_NO_CPR"]) == ("xterm-256color", "1")
        assert not {"MY_COPY", "NOT_NAMED", "TELEGRAM_BOT_TOKEN", "CODEX_GATEWAY_LEVEL", "CODEX_WORKDIR"} & seen.keys()
        assert token not in "\n".join(lines)


async def test_a_codex_that_is_not_to_be_used_says_so_with_the_next_step(tmp_path: Path) -> None:
    old = tmp_path / "old codex"
    complaint = "error: unexpected argument '-o' found"
    old.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo codex-cli 0.42.0 && exit\necho {shlex.quote(complaint)} >&2\nexit 2\n'
    )
    async with house(tmp_path, SCRIPTED) as it:
        for program, mode, words in (
            (tmp_path / "none", None, ("Codex was not found.", "Install it")),
            (old, 0o644, ("the gateway may not execute Codex.", "chmod +x")),
            (old, 0o755, ("this Codex is too old", "npm install", "This is Codex 0.42.0", complaint)),
        ):
            if mode is not None:
                program.chmod(mode)
            it.write_config(codex_cli_cmd=str(program))
            service = await it.start()
            verdict = await it.verdict(it.say("hello"))
            assert all(word in verdict for word in words), verdict
            await service.end()
