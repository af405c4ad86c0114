"""Somebody else has the session open: the prompt waits, the card says for whom, and it goes on by itself."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from codex_gateway.demo.bot_api import Message
from support.codex_lab import MODERN, REAL, SCRIPTED, Cli, each, is_alive
from support.house import House, house
from support.real_codex import LEGACY, require_codex
from support.second_writer import idle_process, persons_turn, terminal

STARTS_BY_ITSELF = "Your prompt starts by itself when it is closed."


async def waiting(it: House, asked: Message) -> Message:
    """The status message, once it says that the prompt waits."""
    await it.see(lambda: any(m.reply_to is asked and m.text.startswith("⏸") for m in it.bot().chat.messages))
    return it.status_of(asked)


def buttons(message: Message) -> list[str | None]:
    return [button.data for button in message.buttons]


@pytest.mark.parametrize("cli", MODERN)
async def test_a_prompt_waits_for_a_persons_turn(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        before = len(it.turns(it.bot().resume_id))
        await it.start()
        async with persons_turn(it, "@sh sleep 1000\n@say never") as person:
            await it.sees_process("sleep\x001000")
            asked = it.say("@say my turn")
            card = await waiting(it, asked)
            # the scripted Codex is a Python program
            program = "codex" if cli.real else "python"
            assert f"{program} exec resume (pid {person.pid})." in card.text and card.text.endswith(STARTS_BY_ITSELF)
            assert "holder:1" not in buttons(card)
            assert person.returncode is None
            person.send_signal(signal.SIGINT)
            assert (await it.verdict(asked)).startswith("✅ Done")
            assert await person.wait() == 1
        assert [message.text for message in it.answers_to(asked)] == ["my turn"]
        assert len(it.turns(it.bot().resume_id)) == before + 2


@pytest.mark.parametrize("cli", MODERN)
async def test_a_prompt_waits_for_a_program_that_does_nothing(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        await it.start()
        async with idle_process(it) as program:
            asked, behind = it.say("@say one"), it.say("@say two")
            card = await waiting(it, asked)
            assert f"(pid {program.pid})" in card.text
            status = it.say("/status")
            await it.see(lambda: any(m.reply_to is status and "⏸" in m.text for m in it.bot().chat.messages))
        assert (await it.verdict(behind)).startswith("✅ Done")
        said = [message.text for message in it.bot().chat.messages if message.text in ("one", "two")]
        assert said == ["one", "two"]


@pytest.mark.parametrize("cli", MODERN)
async def test_who_takes_the_session_while_our_process_starts_is_waited_for(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        came, go = it.folder / "came", it.folder / "go"
        hesitating = it.folder / "hesitating"
        hesitating.write_text(
            f"#!/bin/sh\n[ \"$2\" = fork ] || ! mkdir '{came}' 2>/dev/null || "
            f"until [ -e '{go}' ]; do sleep 0.01; done\n"
            f"exec '{it.codex}' \"$@\"\n"
        )
        hesitating.chmod(0o755)
        it.write_config(codex_cli_cmd=str(hesitating), progress_tick_interval=1)
        await it.start()
        asked = it.say("@say mine")
        await it.see(came.exists)
        async with idle_process(it) as program:
            go.touch()
            assert f"(pid {program.pid})" in (await waiting(it, asked)).text
            assert it.query("SELECT state FROM runs") == [("running",)]
        assert (await it.verdict(asked)).startswith("✅ Done")
        assert [message.text for message in it.answers_to(asked)] == ["mine"]
        assert it.query("SELECT state, (SELECT count(*) FROM attempts) FROM runs") == [("succeeded", 1)]


@pytest.mark.parametrize("cli", each(REAL))
async def test_a_prompt_waits_for_a_persons_terminal(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        await it.start()
        async with terminal(it) as screen:
            asked = it.say("@say after you")
            card = await waiting(it, asked)
            assert f"codex resume (pid {screen.process.pid}, {screen.name})." in card.text
            assert buttons(card) == ["stop:1", "fork:1"]
            await screen.ask("@say by hand")  # and what goes on there is seen meanwhile
            await it.see(lambda: any("by hand" in m.text for m in it.bot().chat.messages if m.reply_to is not asked))
            assert it.status_of(asked).text.startswith("⏸")
            await screen.close()
            assert (await it.verdict(asked)).startswith("✅ Done")
        assert [message.text for message in it.answers_to(asked)] == ["after you"]


@pytest.mark.parametrize("cli", MODERN)
async def test_a_prompt_that_waits_is_stopped_or_survives_a_kill_of_the_service(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        before = len(it.turns(it.bot().resume_id))
        service = await it.start()
        async with idle_process(it) as program:
            unwanted, asked = it.say("@say never"), it.say("@say later")
            it.bot().chat.press(it.owner, await waiting(it, unwanted), "⏹ Stop")
            assert await it.verdict(unwanted) == "⏹ Taken out of the queue."
            await waiting(it, asked)
            await it.nothing_in_flight()
            await service.kill()
            await it.start()
            await it.see(lambda: it.query("SELECT state, (SELECT count(*) FROM attempts) FROM runs WHERE id = 2"))
            assert program.returncode is None
        assert (await it.verdict(asked)).startswith("✅ Done")
        assert [message.text for message in it.answers_to(asked)] == ["later"]
        assert len(it.turns(it.bot().resume_id)) == before + 1


@pytest.mark.parametrize("cli", each(REAL))
async def test_a_prompt_goes_on_in_a_fork_while_a_person_works(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        await it.start()
        await it.verdict(it.say("@sh echo before\n@say remembered"))
        async with persons_turn(it, "@sh sleep 1000\n@say never") as person:
            await it.sees_process("sleep\x001000")
            await _forks(it, person.pid)
            assert person.returncode is None


@pytest.mark.parametrize("cli", each(REAL))
async def test_a_session_of_an_older_codex_is_forked_without_its_history_being_told_again(
    tmp_path: Path, cli: Cli
) -> None:
    """Forking copies such a session's records, with all their turns, into the new file."""
    async with house(tmp_path, cli) as it:
        it.codex, current = require_codex(LEGACY), it.codex
        it.environment["CODEX_HOME"] = str(it.home)
        bot = it.bot()
        bot.resume_id = await it.new_session(bot.workdir, "@comment an old remark\n@sh echo old\n@say old")
        del it.environment["CODEX_HOME"]
        it.codex = current
        it.write_config()
        await it.start()
        async with persons_turn(it, "@comment mine\n@sh sleep 1000\n@say never") as person:
            await it.sees_process("sleep\x001000")
            # what the person does in the old session is seen as it happens, as long as the chat is bound to it
            await it.see(lambda: any(message.text == "mine" for message in bot.chat.messages))
            await _forks(it, person.pid)
        told = [message.text for message in bot.chat.messages]
        assert "an old remark" not in told and told.count("mine") == 1


async def _forks(it: House, holder: int) -> None:
    """Fork at the touch of a button; the next prompt goes there as well, and the old session is as it was."""
    bot = it.bot()
    old = it.session_file(bot.resume_id).read_text("utf-8")
    asked, behind = it.say("@sh echo forked\n@say from the fork"), it.say("@say and this")
    card = await waiting(it, asked)
    assert f"(pid {holder})" in card.text
    it.bot().chat.press(it.owner, card, "🔀 Fork")
    verdict = await it.verdict(asked)
    assert verdict.startswith("✅ Done") and "1 step" in verdict and "2k tokens" in verdict.replace(".0k", "k"), verdict
    assert (await it.verdict(behind)).startswith("✅ Done")
    assert [message.text for message in it.answers_to(asked)] == ["from the fork"]
    assert [message.text for message in it.answers_to(behind)] == ["and this"]
    [said] = [message.text for message in it.bot().chat.messages if message.text.startswith("🔀")]
    [(new,)] = it.query(f"SELECT thread_id FROM sessions WHERE forked_from = '{bot.resume_id}'")
    assert new in said and f"codex resume {bot.resume_id}" in said
    assert len([turn for turn in it.turns(new) if turn["payload"]["turn_id"] > new]) == 2
    assert it.session_file(bot.resume_id).read_text("utf-8") == old
    it.bot().chat.press(it.owner, card, card_data(card, "fork"), stale=True)
    await it.see(lambda: any("not waiting for its session any more" in m.text for m in it.bot().chat.messages))


def card_data(card: Message, verb: str) -> str:
    """The data of a button that the card had while it waited."""
    shown = [button.data for edit in card.edits for button in edit.content.buttons]
    return next(data for data in shown if data is not None and data.startswith(f"{verb}:"))


@pytest.mark.parametrize("cli", each(SCRIPTED))
async def test_a_codex_that_cannot_fork_offers_no_fork(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        await it.start()
        async with idle_process(it):
            asked = it.say("@say later")
            assert buttons(await waiting(it, asked)) == ["stop:1"]
        await it.verdict(asked)


@pytest.mark.parametrize("cli", MODERN)
async def test_a_leftover_of_ours_is_ended_and_nothing_else(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli, bots=("alpha", "beta")) as it:
        await it.start()
        left_behind = it.folder / "data" / "attempts" / "77"
        async with persons_turn(it, "@sh sleep 1000\n@say never", attempt=left_behind) as leftover:
            await it.sees_process("sleep\x001000")
            [tool] = [pid for pid in it.codex_pids() if _command_line(pid).startswith(b"sleep\x001000")]
            async with persons_turn(it, "@sh sleep 2000\n@say never", bot="beta") as person:
                await it.sees_process("sleep\x002000")
                asked = it.say("@say at last")
                card = await waiting(it, asked)
                assert f"(pid {leftover.pid}), which an earlier run of mine has left behind" in card.text
                it.bot().chat.press(it.owner, card, f"🧹 End process {leftover.pid}")
                assert (await it.verdict(asked)).startswith("✅ Done")
                assert not is_alive(tool) and person.returncode is None
        assert [message.text for message in it.answers_to(asked)] == ["at last"]
        assert any(m.text.startswith("Ending ") and f"pid {leftover.pid}" in m.text for m in it.bot().chat.messages)


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
