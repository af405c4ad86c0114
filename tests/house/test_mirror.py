"""What a person does in the terminal is seen in the chat, once and in order."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import signal
import struct
import termios
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from codex.session_lines import SessionLines
from support.codex_lab import ALL, REAL, REAL_LEGACY, SCRIPTED, SCRIPTED_LEGACY, Cli, each
from support.house import LIMIT_S, House, house, is_status


def texts(it: House, bot: str = "alpha") -> list[str]:
    """What the bot has said, without the status messages of its runs."""
    return [message.text for message in it.bot(bot).chat.messages if not is_status(message)]


def typed(prompt: str) -> str:
    return f"🖥 In the terminal:\n{prompt}"


async def mirrors(it: House) -> None:
    """Wait until every binding is followed."""
    async with asyncio.timeout(LIMIT_S):
        while it.query("SELECT count(*) FROM mirrors") != [(len(it.bots),)]:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("cli", ALL)
async def test_turns_by_hand_are_seen_in_the_chat_and_runs_are_not_repeated(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        await it.start()
        await it.verdict(it.say("@comment on my way\n@sh true\n@say ours"))
        by_hand = "@comment looking\n@sh true\n@say by **hand**"
        assert await it.at_terminal(by_hand) == 0
        await it.see(lambda: "by hand" in texts(it))
        await it.verdict(it.say("@say ours again"))
        assert await it.at_terminal("@say more") == 0
        await it.see(lambda: "more" in texts(it))
        expected = ["on my way", "ours", typed(by_hand), "looking", "by hand", "ours again", typed("@say more"), "more"]
        assert texts(it) == expected


@pytest.mark.parametrize("cli", ALL)
async def test_what_was_done_while_the_service_was_dead_is_told_at_its_start(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        service = await it.start()
        await mirrors(it)
        asked = it.say("@comment at work\n@sh sleep 1\n@say ours")
        await it.see(lambda: "at work" in texts(it))
        await it.nothing_in_flight()
        await service.kill()
        await it.turn_ended("ours")
        for number in range(3):
            assert await it.at_terminal(f"@say by hand {number}") == 0
        await it.start()
        await it.verdict(asked)
        by_hand = [text for number in range(3) for text in (typed(f"@say by hand {number}"), f"by hand {number}")]
        await it.see(lambda: len(texts(it)) >= 8)
        assert [text for text in texts(it) if text not in ("at work", "ours")] == by_hand
        assert texts(it).count("ours") == 1
        service = it.services[-1]
        await it.nothing_in_flight()
        await service.kill()
        await it.start()
        await it.verdict(it.say("hello"))
        assert texts(it)[8:] == ["echo: hello"], "nothing is told again"


@pytest.mark.parametrize("cli", ALL)
async def test_a_kill_in_the_middle_of_a_turn_by_hand_neither_repeats_nor_loses(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        service = await it.start()
        await mirrors(it)
        script = "@comment one\n@sh while [ ! -e go ]; do sleep 0.05; done\n@comment two\n@sh true\n@say the end"
        typing = asyncio.ensure_future(it.at_terminal(script))
        await it.see(lambda: "one" in texts(it))
        await it.nothing_in_flight()
        await service.kill()
        await it.start()
        (it.bot().workdir / "go").touch()
        assert await typing == 0
        await it.see(lambda: "the end" in texts(it))
        assert texts(it) == [typed(script), "one", "two", "the end"]


@pytest.mark.parametrize("cli", ALL)
async def test_how_turns_by_hand_fail_is_told_in_a_line(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        await it.start()
        await mirrors(it)
        await it.at_terminal("@status 400")
        stopped = asyncio.ensure_future(it.at_terminal("@comment about to stop\n@sh sleep 600"))
        await it.see(lambda: "about to stop" in texts(it))
        await it.sees_process("sleep\x00600")
        [codex] = [pid for pid in it.codex_pids() if b"resume" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        os.kill(codex, signal.SIGINT)
        await stopped
        await it.see(lambda: "stopped there" in texts(it)[-1])
        failed = texts(it)[1]
        assert failed.startswith("🖥 It failed there: ") if cli.modern else "without saying anything" in failed
        assert "\n" not in failed
        assert texts(it)[2:] == [
            typed("@comment about to stop\n@sh sleep 600"),
            "about to stop",
            "🖥 It was stopped there.",
        ]


async def test_what_is_mirrored_makes_no_sound_and_an_answer_does(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        await it.start()
        await mirrors(it)
        await it.verdict(it.say("@say ours"))
        assert await it.at_terminal("@say theirs") == 0
        await it.see(lambda: "theirs" in texts(it))
        silent = {
            call.params["text"]: call.params.get("disable_notification") for call in it.server.calls("sendMessage")
        }
        assert silent["ours"] is None
        assert silent["theirs"] is silent[typed("@say theirs")] is True


async def test_a_bot_that_is_told_to_mirrors_nothing(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        it.write_config(codex_mirror_outside_turns=False)
        await it.start()
        assert await it.at_terminal("@say theirs") == 0
        await it.verdict(it.say("@say ours"))
        assert texts(it) == ["ours"]


async def test_two_bots_on_one_session_see_each_other(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED, bots=("alpha", "beta")) as it:
        it.bot("beta").resume_id = it.bot("alpha").resume_id
        it.write_config()
        await it.start()
        await mirrors(it)
        await it.verdict(it.say("@say one"))
        await it.see(lambda: "one" in texts(it, "beta"))
        await it.verdict(it.say("@say two", "beta"), "beta")
        await it.see(lambda: "two" in texts(it))
        assert await it.at_terminal("@say three") == 0
        await it.see(lambda: "three" in texts(it) and "three" in texts(it, "beta"))
        by_hand = [typed("@say three"), "three"]
        assert texts(it) == ["one", "🖥 Through beta:\n@say two", "two", *by_hand]
        assert texts(it, "beta") == ["🖥 Through alpha:\n@say one", "one", "two", *by_hand]


@pytest.mark.parametrize("cli", each(SCRIPTED_LEGACY))
async def test_with_an_old_codex_a_turn_by_hand_beside_a_run_is_told(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        await it.start()
        await mirrors(it)
        ours = it.say("@comment at work\n@sh while [ ! -e go ]; do sleep 0.05; done\n@say ours")
        waits = it.say("@say waited")
        await it.see(lambda: "at work" in texts(it))
        assert await it.at_terminal("@say beside") == 0
        await it.see(lambda: "beside" in texts(it))
        (it.bot().workdir / "go").touch()
        await it.verdict(ours)
        await it.verdict(waits)
        assert texts(it) == ["at work", typed("@say beside"), "beside", "ours", "waited"]


async def test_a_terminal_that_stays_open_and_writes_in_pieces_is_followed(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        await it.start()
        await mirrors(it)
        lines = SessionLines()
        turn = lines.turn("t1", "by hand", "the answer", says=["hm"]) + lines.turn("t2", "and again", "yes")
        with it.session_file(it.bot().resume_id).open("ab", buffering=0) as file:
            for at in range(0, len(turn), 97):
                file.write(turn[at : at + 97])
                await asyncio.sleep(0.002)
        await it.see(lambda: len(texts(it)) == 5)
        assert texts(it) == [typed("by hand"), "hm", "the answer", typed("and again"), "yes"]


@asynccontextmanager
async def terminal(it: House, cli: Cli) -> AsyncIterator[Callable[[str], object]]:
    """The bot's session open in Codex's own interface; yields what types into it."""
    alone = ("--disable", "daemon_auto_start") if cli.modern else ()  # else it leaves a server running behind it
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    process = await asyncio.create_subprocess_exec(
        it.codex,
        *("resume", *alone, "-s", "danger-full-access", "-a", "never", it.bot().resume_id),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=it.bot().workdir,
        env=it.environment | {"CODEX_HOME": str(it.home), "TERM": "xterm-256color"},
        start_new_session=True,
    )
    os.close(theirs)
    loop = asyncio.get_running_loop()
    loop.add_reader(ours, _answer_as_a_terminal_does, ours)
    try:
        yield lambda keys: os.write(ours, keys.encode())
    finally:
        loop.remove_reader(ours)
        process.kill()
        await process.wait()
        os.close(ours)


def _answer_as_a_terminal_does(terminal: int) -> None:
    """Codex asks where the cursor is, what the terminal can do, and which colours it has."""
    try:
        shown = os.read(terminal, 65536)
    except OSError:
        asyncio.get_running_loop().remove_reader(terminal)
        return
    for question, answer in (
        (b"\x1b[6n", b"\x1b[1;1R"),
        (b"\x1b[c", b"\x1b[?62;c"),
        (b"\x1b]10;?", b"\x1b]10;rgb:ffff/ffff/ffff\x1b\\"),
        (b"\x1b]11;?", b"\x1b]11;rgb:0000/0000/0000\x1b\\"),
    ):
        if question in shown:
            os.write(terminal, answer)


@pytest.mark.parametrize("cli", each(REAL, REAL_LEGACY))
async def test_what_is_typed_into_codexs_own_interface_is_seen_in_the_chat(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        await it.start()
        await mirrors(it)
        async with terminal(it, cli) as type_in, asyncio.timeout(LIMIT_S):
            while len(texts(it)) < 2:  # what is typed before the prompt is there, or into a greeting, goes astray
                type_in("hello")
                await asyncio.sleep(0.5)
                type_in("\r")
                await asyncio.sleep(1.5)
        asked, answer = texts(it)[:2]
        assert asked.startswith(typed("hello")) and answer == f"echo: {asked.removeprefix(typed(''))}"


async def test_a_person_whom_the_bot_may_not_write_to_costs_nothing_but_a_line_in_the_log(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        it.bot().chat.block()
        service = await it.start()
        await mirrors(it)
        assert await it.at_terminal("@say theirs") == 0
        async with asyncio.timeout(LIMIT_S):
            while it.query("SELECT count(*) FROM outbox WHERE state = 'refused'") != [(2,)]:
                await asyncio.sleep(0.05)
        assert service.log.read_text("utf-8").count("message.refused") == 2
