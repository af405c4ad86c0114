"""What a person does in the terminal is seen in the chat, once and in order."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from pathlib import Path

import pytest

from codex.session_lines import SessionLines
from codex_gateway.demo.script import markdown
from support.codex_lab import ALL, MODERN, SCRIPTED, SCRIPTED_LEGACY, Cli, each
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


@pytest.mark.parametrize("cli", MODERN)
async def test_a_turn_by_hand_that_is_quicker_than_ours_is_told_as_the_other_ones(tmp_path: Path, cli: Cli) -> None:
    """Somebody may get hold of the session when we have looked and Codex has not yet: nothing shuts that door."""
    async with house(tmp_path, cli) as it:
        quicker = it.folder / "quicker"
        by_hand = f"'{it.codex}' exec resume --skip-git-repo-check {it.bot().resume_id} '@say quicker' </dev/null >&2"
        quicker.write_text(
            f"#!/bin/sh\n[ \"$1\" = exec ] && CODEX_HOME='{it.home}' {by_hand}\nexec '{it.codex}' \"$@\"\n"
        )
        quicker.chmod(0o755)
        it.write_config(codex_cli_cmd=str(quicker))
        await it.start()
        await mirrors(it)
        asked = it.say("@say ours")
        await it.verdict(asked)
        await it.see(lambda: "quicker" in texts(it))
        assert [message.text for message in it.answers_to(asked)] == ["ours"]
        assert sorted(texts(it)) == sorted([typed("@say quicker"), "quicker", "ours"])


@pytest.mark.parametrize("cli", [SCRIPTED], ids=str)
async def test_killed_at_any_moment_it_puts_each_thing_into_the_outbox_once(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        service = await it.start()
        await mirrors(it)

        async def by_hand() -> list[str]:
            expected = []
            for number in range(6):
                script = f"@comment on {number}\n@sh sleep 0.3\n@say end {number}"
                while await it.at_terminal(script) != 0:  # a run of the bot was quicker, and holds the session
                    await asyncio.sleep(0.02)
                expected += [typed(script), f"on {number}", f"end {number}"]
            return expected

        typing = asyncio.ensure_future(by_hand())
        asked = []
        for number in range(4):
            asked.append(it.say(f"@comment way {number}\n@sh sleep 0.1\n@say ours {number}"))
            await asyncio.sleep(0.4 * (number + 1))
            await service.kill()
            service = await it.launch()
        expected = await typing
        for number, message in enumerate(asked):
            assert (await it.verdict(message)).startswith("✅")
            assert f"ours {number}" in [answer.text for answer in it.answers_to(message)]
        await it.see(lambda: all(text in texts(it) for text in expected))
        await it.nothing_in_flight()
        kept = it.query("SELECT parcel FROM outbox WHERE kind = 'mirror' ORDER BY id")
        assert [json.loads(parcel)["text"] for (parcel,) in kept] == expected


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


@pytest.mark.parametrize("cli", MODERN)
async def test_a_long_answer_by_hand_arrives_whole_in_the_topic_where_the_session_was_spoken_to(
    tmp_path: Path, cli: Cli
) -> None:
    async with house(tmp_path, cli) as it:
        group = it.server.group("Team", bots=[it.bot().account], is_forum=True)
        topic = group.add_topic("work", author=it.owner)
        it.bot().options["allowed_chat_ids"] = [group.id]
        it.write_config()
        await it.start()
        await mirrors(it)
        asked = group.say(it.owner, "/new @say ours", topic=topic)
        await it.see(lambda: any(m.reply_to is asked and m.text == "ours" for m in group.messages))
        before = len(group.messages)
        assert await it.at_terminal("@answer 12000") == 0
        await it.see(lambda: len(group.messages) > before + 1)
        await it.nothing_in_flight()  # all parts are in the outbox before the first of them is sent
        prompt, *parts = group.messages[before:]
        assert prompt.text == typed("@answer 12000") and len(parts) >= 3
        assert {message.topic for message in [prompt, *parts]} == {topic}
        visible = re.sub(r"^```\w*$|\(https?://\S+\)", "", markdown(12_000), flags=re.MULTILINE)
        assert re.findall(r"\w+", "\n".join(part.text for part in parts)) == re.findall(r"\w+", visible)
        assert it.bot().chat.messages == []


@pytest.mark.parametrize("cli", MODERN)
async def test_a_prompt_that_comes_while_a_turn_by_hand_is_at_work_is_answered_behind_it(
    tmp_path: Path, cli: Cli
) -> None:
    async with house(tmp_path, cli) as it:
        await it.start()
        await mirrors(it)
        by_hand = "@comment by hand\n@sh while [ ! -e go ]; do sleep 0.05; done\n@say their end"
        typing = asyncio.ensure_future(it.at_terminal(by_hand))
        await it.see(lambda: "by hand" in texts(it))
        asked = it.say("@comment at work\n@sh true\n@say ours")
        await it.see(lambda: any(m.reply_to is asked and m.text.startswith("⏸") for m in it.bot().chat.messages))
        (it.bot().workdir / "go").touch()
        assert await typing == 0
        assert (await it.verdict(asked)).startswith("✅ Done")
        await it.see(lambda: "their end" in texts(it))
        assert texts(it)[:2] == [typed(by_hand), "by hand"]
        assert sorted(texts(it)[2:]) == ["at work", "ours", "their end"]
        assert [message.text for message in it.answers_to(asked)] == ["ours"]
