"""The main job, end to end: a person writes to a bot, Codex works in its session, the answer comes back."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from codex_gateway.demo.bot_api import Fault, RateLimits
from codex_gateway.demo.script import markdown
from support.codex_lab import ALL, MODERN, SCRIPTED, Cli
from support.house import house


@pytest.mark.parametrize("cli", ALL)
async def test_two_bots_on_two_sessions_answer_side_by_side(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli, bots=("alpha", "beta")) as it:
        before = {name: len(it.turns(bot.resume_id)) for name, bot in it.bots.items()}
        await it.start()
        to_alpha, to_beta = it.say("@say I am **alpha**"), it.say("@say I am **beta**", "beta")
        assert (await it.verdict(to_alpha)).startswith("✅ Done")
        assert (await it.verdict(to_beta, "beta")).startswith("✅ Done")
        assert [message.text for message in it.answers_to(to_alpha)] == ["I am alpha"]
        assert [message.text for message in it.answers_to(to_beta, "beta")] == ["I am beta"]
        assert len(it.bot("alpha").chat.messages) == len(it.bot("beta").chat.messages) == 2
        for name, bot in it.bots.items():
            assert len(it.turns(bot.resume_id)) == before[name] + 1
        assert len(list(it.home.glob("sessions/*/*/*/*.jsonl"))) == 2  # no conversation was begun on the side


@pytest.mark.parametrize("cli", ALL)
async def test_a_message_sent_while_the_service_is_down_is_answered(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        service = await it.start()
        first = it.say("hello")
        await it.verdict(first)
        assert await service.end() == 0
        asked = it.say("anybody there?")
        await it.start()
        await it.verdict(asked)
        assert [message.text for message in it.answers_to(asked)] == ["echo: anybody there?"]
        assert len(it.answers_to(first)) == 1


@pytest.mark.parametrize("cli", ALL)
async def test_a_turn_with_tools_shows_its_steps(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        await it.start()
        asked = it.say("@comment I look around first.\n@sh echo one; sleep 3\n@sh exit 3\n@say finished")
        verdict = await it.verdict(asked)
        assert "2 steps" in verdict
        shown = [edit.content.text for edit in it.status_of(asked).edits]
        assert any("echo one; sleep 3" in text for text in shown), shown
        messages = [message.text for message in it.bot().chat.messages]
        assert messages.index("I look around first.") < messages.index("finished")


@pytest.mark.parametrize("cli", ALL)
async def test_a_long_answer_with_code_fences_arrives_whole_and_in_order(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        await it.start()
        asked = it.say("@answer 30000")
        await it.verdict(asked)
        parts = [message for message in it.bot().chat.messages if message is not it.status_of(asked)]
        assert len(parts) >= 8 and parts[0].reply_to is asked
        assert [part.id for part in parts] == sorted(part.id for part in parts)
        expected = markdown(30_000)
        visible = re.sub(r"^```\w*$|\(https?://\S+\)", "", expected, flags=re.MULTILINE)
        assert re.findall(r"\w+", "\n".join(part.text for part in parts)) == re.findall(r"\w+", visible)
        assert sum(entity.type == "pre" for part in parts for entity in part.entities) >= expected.count("```") // 2


@pytest.mark.parametrize("cli", MODERN)
async def test_prompts_wait_in_line_and_stop_ends_the_one_at_work(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        await it.start()
        long = it.say("@sh sleep 600 & setsid sleep 600 & sleep 601\n@say never")
        await it.sees_process("sleep\x00601")
        waiting = it.say("@say I waited")
        await it.see(lambda: any("ahead" in message.text for message in it.bot().chat.messages))
        it.say("/stop")
        assert (await it.verdict(long)).startswith("⏹")
        assert (await it.verdict(waiting)).startswith("✅")
        assert [message.text for message in it.answers_to(waiting)] == ["I waited"]


@pytest.mark.parametrize("cli", MODERN)
async def test_the_first_prompt_starts_a_session_that_is_kept(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        it.bot().resume_id = ""
        it.write_config()
        service = await it.start()
        await it.verdict(it.say("first"))
        await service.end()
        await it.start()
        await it.verdict(it.say("second"))
        code, out, _ = await it.command("runs", "--json")
        assert code == 0
        sessions = {json.loads(line)["session"] for line in out.splitlines()}
        assert len(sessions) == 1 and len(it.turns(sessions.pop())) == 2


async def test_commands_answer_and_an_unknown_one_is_never_a_run(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        await it.start()
        await it.verdict(it.say("/new @say **bold** answer"))
        replies = {}
        for command in ("/status", "/lastresult", "/queue", "/session", "/whoami", "/help", "/retyr", "/stop"):
            asked = it.say(command)
            await it.see(lambda asked=asked: it.answers_to(asked))
            replies[command] = it.answers_to(asked)[0].text
        assert it.bot().resume_id in replies["/session"] and str(it.bot().workdir) in replies["/session"]
        assert replies["/lastresult"] == "bold answer"
        assert str(it.owner.id) in replies["/whoami"]
        assert "/retry" in replies["/retyr"]
        _, out, _ = await it.command("runs", "--json")
        assert len(out.splitlines()) == 1
        again = it.say("/retry")
        await it.verdict(again)
        assert it.answers_to(again)[0].text == "bold answer"
        assert set(it.bot().account.menu) >= {"new", "stop", "retry", "lastresult"}


async def test_a_stranger_gets_silence_and_a_line_in_the_log(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        service = await it.start()
        stranger = it.server.person("Mallory")
        chat = it.server.private_chat(stranger, it.bot().account)
        chat.say(stranger, "run rm -rf /")
        await it.verdict(it.say("hello"))
        assert chat.messages == []
        assert f"user={stranger.id}" in service.log.read_text("utf-8")


async def test_a_broken_bot_touches_no_other(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED, bots=("alpha", "beta", "gamma")) as it:
        it.server.inject(Fault.refusal(status=401, description="Unauthorized", method="getMe", bot="beta"), times=1000)
        it.server.inject(Fault.bad_gateway(method="getUpdates", bot="gamma"), times=2)
        await it.start()
        await it.verdict(it.say("hello"))
        await it.verdict(it.say("hello", "gamma"), "gamma")


async def test_resets_and_refusals_on_the_way_lose_nothing(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        it.server.inject(Fault.reset_before(method="sendMessage"), times=1)
        it.server.inject(Fault.bad_gateway(method="sendMessage"), times=1)
        it.server.inject(Fault.flood(retry_after_s=1, method="sendMessage"), times=1)
        it.server.inject(Fault.reset_after(method="editMessageText"), times=1)
        await it.start()
        asked = it.say("hello")
        await it.verdict(asked)
        assert [message.text for message in it.answers_to(asked)] == ["echo: hello"]


async def test_within_the_published_limits_every_answer_arrives(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED, rate_limits=RateLimits()) as it:
        await it.start()
        asked = it.say("@comment one\n@sh sleep 1\n@comment two\n@sh sleep 1\n@answer 9000")
        await it.verdict(asked)
        assert it.server.flood_violations == []
        assert sum(len(message.text) for message in it.bot().chat.messages) > 7000


async def test_a_codex_of_the_future_answers_and_is_named_to_the_person_and_in_the_log(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        it.environment["CODEX_SCRIPTED_FORMAT"] = "future"
        service = await it.start()
        asked = it.say("@comment on the way\n@sh echo\n@say the answer")
        verdict = await it.verdict(asked)
        assert [message.text for message in it.answers_to(asked)] == ["the answer"]
        assert "Codex 0.999.0 keeps its sessions in a way that this gateway does not understand" in verdict
        assert "session.not_understood version=0.999.0" in service.log.read_text("utf-8")
