"""Turns that nothing is heard of, in the whole house: what a person reads, and what the buttons do."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from codex_gateway.demo.bot_api import Message
from support.codex_lab import MODERN, REAL, REAL_LEGACY, Cli, each
from support.house import House, house, is_status


def ever_said(it: House, asked: Message) -> list[str]:
    """Everything that the status message of a prompt has said."""
    statuses = [message for message in it.bot().chat.messages if message.reply_to is asked and is_status(message)]
    return [edit.content.text for status in statuses for edit in status.edits]


async def says(it: House, asked: Message, words: str) -> None:
    await it.see(lambda: any(words in text for text in ever_said(it, asked)))


def questions(it: House) -> list[Message]:
    return [message for message in it.bot().chat.messages if message.text.startswith("⏱")]


@pytest.mark.parametrize("cli", each(REAL))
async def test_a_model_that_hangs_is_named_and_the_session_goes_on(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        it.write_config(no_output_idle_timeout_seconds=4, progress_tick_interval=0.5)
        await it.start()
        asked = it.say("@hang")
        verdict = await it.verdict(asked)
        assert any("Waiting for the model for 0:0" in text for text in ever_said(it, asked))
        assert verdict.startswith("⏹ Stopped after 0:0")
        assert "nothing was heard of Codex for too long. It had been waiting for the model for 0:0" in verdict
        assert "The session is intact" in verdict
        again = it.say("@say here I am")
        assert (await it.verdict(again)).startswith("✅")
        assert it.query("SELECT count(*) FROM runs") == [(2,)]


@pytest.mark.parametrize("cli", each(REAL))
async def test_a_compaction_that_hangs_is_named(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        it.write_config(no_output_idle_timeout_seconds=4, progress_tick_interval=0.5)
        await it.start()
        asked = it.say("@compact hang\n@sh echo hi\n@say never")
        verdict = await it.verdict(asked)
        assert any("Probably compacting the conversation" in text for text in ever_said(it, asked))
        assert "It had probably been compacting the conversation for 0:0" in verdict
        assert "✓ echo hi" in verdict


@pytest.mark.parametrize("cli", each(REAL, REAL_LEGACY))
async def test_a_compaction_before_the_prompt_that_hangs_is_named(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        it.write_config(no_output_idle_timeout_seconds=4, progress_tick_interval=0.5)
        await it.start()
        await it.verdict(it.say("@compact hang\n@say the window is full now"))
        asked = it.say("next")
        verdict = await it.verdict(asked)
        assert any("Probably compacting the conversation" in text for text in ever_said(it, asked))
        assert "It had probably been compacting the conversation for 0:0" in verdict


@pytest.mark.parametrize("prompts", [("@compact\n@say full", "@hang"), ("@compact\n@sh echo hi\n@hang",)], ids=len)
@pytest.mark.parametrize("cli", each(REAL, REAL_LEGACY))
async def test_a_silence_after_a_compaction_has_its_own_limit(
    tmp_path: Path, cli: Cli, prompts: tuple[str, ...]
) -> None:
    async with house(tmp_path, cli) as it:
        it.write_config(context_compaction_idle_timeout_seconds=2, progress_tick_interval=0.5)
        await it.start()
        *before, prompt = prompts
        for earlier in before:
            await it.verdict(it.say(earlier))
        verdict = await it.verdict(it.say(prompt))
        assert "Codex fell silent after it had compacted the conversation." in verdict
        assert "It had been waiting for the model for 0:0" in verdict and "The session is intact" in verdict
        assert it.query("SELECT stop_reason FROM runs ORDER BY id DESC LIMIT 1") == [("stuck_after_compaction",)]
        assert (await it.verdict(it.say("@say intact"))).startswith("✅")


@pytest.mark.parametrize("cli", each(REAL))
async def test_a_reconnect_is_counted(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        config = it.home / "config.toml"
        config.write_text(config.read_text("utf-8").replace("stream_max_retries = 1", "stream_max_retries = 5"))
        it.write_config(progress_tick_interval=0.2)
        await it.start()
        asked = it.say("@status 500")
        await says(it, asked, "Reconnecting 4/5 for 0:0")
        assert (await it.verdict(asked)).startswith("❌")


@pytest.mark.parametrize("cli", MODERN)
async def test_a_long_command_is_asked_about_until_it_is_stopped(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        it.write_config(no_output_idle_timeout_seconds=3, progress_tick_interval=0.5)
        await it.start()
        asked = it.say("@sh echo first\n@sh sleep 600\n@say never")
        await it.see(lambda: questions(it))
        question = questions(it)[0]
        assert question.text.startswith("⏱ sleep 600 has been running for 0:0") and question.reply_to is asked
        assert any("▸ sleep 600 · 0:0" in text for text in ever_said(it, asked))
        messages = len(it.bot().chat.messages)
        press = it.bot().chat.press(it.owner, question, "⏳ Go on waiting")
        await it.see(lambda: press.answer is not None)
        await it.see(lambda: len(questions(it)) == 2)
        assert len(it.bot().chat.messages) == messages + 1, "to wait is answered with nothing but the next question"
        it.bot().chat.press(it.owner, questions(it)[-1], "⏹ Stop")
        verdict = await it.verdict(asked)
        assert verdict.startswith("⏹ Stopped by you")
        assert "sleep 600 had been running for 0:0" in verdict and "⏹ sleep 600\n✓ echo first" in verdict
        assert (await it.verdict(it.say("@say intact"))).startswith("✅")


@pytest.mark.parametrize("cli", MODERN)
async def test_the_time_limit_says_what_ran_and_offers_a_retry(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        it.write_config(run_timeout_seconds=4, no_output_idle_timeout_seconds=1)
        await it.start()
        asked = it.say("@sh sleep 600\n@say never")
        verdict = await it.verdict(asked)
        assert "the time limit of a run was reached. sleep 600 had been running for 0:0" in verdict
        assert "The session is intact" in verdict
        assert it.query("SELECT count(*) FROM runs") == [(1,)]
        it.write_config(run_timeout_seconds=0)
        it.bot().chat.press(it.owner, it.status_of(asked), "🔁 Retry")
        await it.see(lambda: it.query("SELECT count(*) FROM runs") == [(2,)])
        it.say("/stop")
        await it.see(lambda: it.query("SELECT count(*) FROM runs WHERE ended_at IS NULL") == [(0,)])


@pytest.mark.parametrize("cli", MODERN)
async def test_a_codex_that_is_halted_is_named_and_can_be_stopped(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        it.write_config(progress_tick_interval=0.5)
        await it.start()
        asked = it.say("@comment here\n@hang")
        await it.see(lambda: any(message.text == "here" for message in it.bot().chat.messages))
        [(pid,)] = it.query("SELECT pid FROM attempts WHERE ended_at IS NULL")
        os.kill(pid, signal.SIGSTOP)
        await says(it, asked, f"Codex is halted by a signal: kill -CONT {pid} lets it go on")
        status = it.say("/status")
        await it.see(lambda: it.answers_to(status))
        assert f"kill -CONT {pid}" in it.answers_to(status)[0].text
        it.say("/stop")
        assert "was halted by a signal" in await it.verdict(asked)


@pytest.mark.parametrize("cli", MODERN)
async def test_what_a_stopped_turn_leaves_behind_is_ended_and_named(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        await it.start()
        asked = it.say("@sh setsid sleep 1001 & trap '' INT TERM; sleep 1000\n@say never")
        await it.sees_process("sleep\x001000")
        await it.sees_process("sleep\x001001")
        it.say("/stop")
        verdict = await it.verdict(asked)
        assert "sleep 1001" in verdict.partition("Ended with it")[2].partition("\n")[0]
