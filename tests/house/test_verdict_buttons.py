"""The buttons under a verdict, pressed over HTTP: retry, log, the resume command; stale and foreign ones too."""

from __future__ import annotations

from pathlib import Path

import pytest

from codex_gateway.demo.bot_api import Message
from support.codex_lab import ALL, SCRIPTED, Cli
from support.house import House, house


def newest(it: House, bot: str = "alpha") -> Message:
    return it.bot(bot).chat.messages[-1]


async def pressed(it: House, under: Message, button: str, *, stale: bool = False, bot: str = "alpha") -> Message:
    """Press a button; returns the message that answers it."""
    before = newest(it, bot)
    it.bot(bot).chat.press(it.owner, under, button, stale=stale)
    await it.see(lambda: newest(it, bot) is not before)
    return newest(it, bot)


@pytest.mark.parametrize("cli", ALL)
async def test_the_log_of_a_run_tells_its_steps_also_after_a_restart(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        service = await it.start()
        await it.verdict(it.say("@comment Not of this run.\n@sh echo before\n@say before"))
        asked = it.say("@comment I look around.\n@sh echo one\n@sh exit 3\n@say finished")
        await it.verdict(asked)
        await it.verdict(it.say("@sh echo after\n@say after"))
        status = it.status_of(asked)
        assert [button.text for button in status.buttons] == ["🔁 Retry", "📜 Log", "📋 Copy resume command"]
        first = await pressed(it, status, "📜 Log")
        assert first.text.startswith("📜 Run 2 · 2 steps\n") and first.reply_to is status
        assert "💬 I look around.\n" in first.text and "💬 finished" in first.text
        assert "✓ echo one" in first.text and "✗ exit 3 (exit 3" in first.text
        assert "before" not in first.text and "after" not in first.text
        assert [entity.type for entity in first.entities] == ["expandable_blockquote", "code", "code"]
        await service.end()
        await it.start()
        assert (await pressed(it, status, "📜 Log")).text == first.text


async def test_a_long_log_comes_as_a_file(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        await it.start()
        commands = [f"echo {number} {'x' * 130}" for number in range(26)]
        asked = it.say("\n".join(f"@sh {command}" for command in commands) + "\n@say done")
        await it.verdict(asked)
        told = await pressed(it, it.status_of(asked), "📜 Log")
        assert told.text == "📜 Run 1 · 26 steps"
        assert told.document is not None and told.document.name == "run-1.txt"
        text = told.document.data.decode()
        assert all(f"✓ {command}" in text for command in commands)


async def test_reasoning_is_in_the_log_only_where_it_is_shown(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        service = await it.start()
        asked = it.say("@reason A secret thought\n@sh true\n@say done")
        await it.verdict(asked)
        assert "secret" not in (await pressed(it, it.status_of(asked), "📜 Log")).text
        await service.end()
        it.write_config(codex_jsonl_reasoning_mode="summary")
        await it.start()
        assert "💭 A secret thought" in (await pressed(it, it.status_of(asked), "📜 Log")).text


async def test_a_run_that_went_well_can_be_asked_for_again(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        await it.start()
        asked = it.say("@say hello")
        await it.verdict(asked)
        status = it.status_of(asked)
        it.bot().chat.press(it.owner, status, "🔁 Retry")
        await it.see(lambda: len(it.turns(it.bot().resume_id)) == 3)  # what the session came with, and two
        await it.see(lambda: [message.text for message in it.bot().chat.messages].count("hello") == 2)


async def test_the_command_that_is_copied_resumes_the_session(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        await it.start()
        asked = it.say("@say hello")
        await it.verdict(asked)
        rows = (it.status_of(asked).reply_markup or {})["inline_keyboard"]
        assert rows[-1] == [  # type: ignore[index]
            {"text": "📋 Copy resume command", "copy_text": {"text": f"codex resume {it.bot().resume_id}"}}
        ]


async def test_buttons_of_other_chats_and_of_no_run_are_answered_with_a_sentence(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED, bots=("alpha", "beta")) as it:
        await it.start()
        of_alpha, of_beta = it.say("@say mine"), it.say("@say yours", "beta")
        await it.verdict(of_alpha)
        await it.verdict(of_beta, "beta")
        [(foreign,)] = it.query("SELECT id FROM runs WHERE bot = 'alpha'")
        under = it.status_of(of_beta, "beta")
        for number in (foreign, 999_999):
            told = await pressed(it, under, f"log:{number}", stale=True, bot="beta")
            assert told.text == "I know no such run in this chat any more."
        for forged in ("log:0", "log:1;2"):
            told = await pressed(it, under, forged, stale=True, bot="beta")
            assert "button" in told.text
        it.bot("beta").chat.press(it.owner, under, "🔁 Retry")
        await it.see(lambda: [message.text for message in it.bot("beta").chat.messages].count("yours") == 2)


async def test_a_run_whose_session_is_gone_still_has_an_answer_to_the_log_button(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        await it.start()
        asked = it.say("@sh true\n@say hello")
        await it.verdict(asked)
        it.session_file(it.bot().resume_id).unlink()
        told = await pressed(it, it.status_of(asked), "📜 Log")
        assert told.text == "📜 Run 1\nIts session tells nothing of what it did."
