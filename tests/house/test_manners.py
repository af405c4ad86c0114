"""Languages and manners, end to end: each command and button over HTTP, wrong input too."""

from __future__ import annotations

from pathlib import Path

import pytest

from codex_gateway.demo.bot_api import Chat, Message, Person
from support.codex_lab import SCRIPTED
from support.house import House, house, is_status


async def told(it: House, chat: Chat, person: Person, text: str) -> Message:
    """What a command is answered with."""
    asked = chat.say(person, text)
    await it.see(lambda: any(message.reply_to is asked for message in chat.messages))
    return next(message for message in chat.messages if message.reply_to is asked)


async def pressed(it: House, chat: Chat, person: Person, message: Message, button: str) -> Message:
    """What a press is answered with."""
    before = len(chat.messages)
    press = chat.press(person, message, button)
    await it.see(lambda: press.answer is not None and len(chat.messages) > before)
    return chat.messages[-1]


def buttons(message: Message) -> list[str]:
    return [button.text for button in message.buttons]


@pytest.mark.parametrize(
    ("command", "labels", "button", "says", "now"),
    [
        (
            "/verbose",
            ["final", "✓ normal", "verbose"],
            "final",
            "✓ How much is told here of a run: final – the verdict and the answer.",
            ["✓ final", "normal", "verbose"],
        ),
        (
            "/format",
            ["✓ text", "rich"],
            "rich",
            "✓ The form of answers here: rich – rich messages with real tables, which some apps still show blank.",
            ["text", "✓ rich"],
        ),
        (
            "/language",
            ["✓ automatic", "English", "中文"],
            "中文",
            "✓ 本聊天的语言：中文。",
            ["自动", "English", "✓ 中文"],
        ),
    ],
)
async def test_a_choice_is_made_by_a_button_and_by_a_word(
    tmp_path: Path, command: str, labels: list[str], button: str, says: str, now: list[str]
) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        await it.start()
        chat, owner = it.bot().chat, it.owner
        wrong = await told(it, chat, owner, f"{command} klingon")
        assert wrong.text.startswith("klingon is none of the choices.\n")
        assert buttons(wrong) == buttons(await told(it, chat, owner, command)) == labels
        assert (await pressed(it, chat, owner, wrong, button)).text == says
        assert buttons(await told(it, chat, owner, command)) == now
        for word in ("normal", "text", "en"):
            await told(it, chat, owner, f"{command} {word}")
        stale = chat.press(owner, wrong, f"{command[1:]}:nonsense", stale=True)
        await it.see(lambda: stale.answer is not None)
        stranger = it.server.person("Mallory")
        chat.press(stranger, wrong, button)
        await told(it, chat, owner, "/whoami")
        assert buttons(await told(it, chat, owner, command))[0].startswith("✓") is (command == "/format")
        await it.services[0].end()
        await it.start()
        assert "✓" in " ".join(buttons(await told(it, chat, owner, command)))


async def test_a_chat_is_told_as_much_as_it_wants_also_after_a_restart(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        service = await it.start()
        script = "@reason I weigh it\n@comment on the way\n@sh sleep 0.5\n@say the answer"
        for detail, expected in (
            ("final", ["the answer"]),
            ("normal", ["on the way", "the answer"]),
            ("verbose", ["on the way", "the answer"]),
        ):
            await told(it, it.bot().chat, it.owner, f"/verbose {detail}")
            await service.end()
            service = await it.start()
            asked = it.say(script)
            await it.verdict(asked)
            said = [message for message in it.bot().chat.messages if message.id > asked.id and not is_status(message)]
            assert [message.text for message in said] == expected


async def test_a_status_message_has_a_log_where_the_chat_wants_one(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        await it.start()
        for detail, has_log in (("final", False), ("normal", True)):
            await told(it, it.bot().chat, it.owner, f"/verbose {detail}")
            asked = it.say("@sh echo first\n@sh sleep 600\n@say never")
            await it.see(lambda: any("▸ sleep 600" in message.text for message in it.bot().chat.messages))
            assert ("✓ echo first" in it.status_of(asked).text) is has_log
            it.say("/stop")
            assert ("✓ echo first" in await it.verdict(asked)) is has_log


async def test_a_person_with_a_chinese_telegram_reads_chinese_from_the_first_message_to_the_last(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        wei = it.server.person("伟", language_code="zh-hans")
        it.guests.append(wei)
        it.write_config(progress_tick_interval=0.5)
        await it.start()
        chat = it.server.private_chat(wei, it.bot().account)

        async def ends(prompt: str) -> None:
            asked = chat.say(wei, prompt)

            def ended() -> bool:
                replies = [message for message in chat.messages if message.reply_to is asked and is_status(message)]
                return bool(replies) and replies[0].text.startswith(("✅", "❌", "⏹"))

            await it.see(ended)

        for command in ("/start", "/status", "/lastresult", "/queue", "/retry", "/stop", "/session", "/whoami"):
            await told(it, chat, wei, command)
        for wrong in ("/stpo", "/new", "/xyzzy"):
            await told(it, chat, wei, wrong)
        await ends("@limits 91 40\n@tokens 98192\n@comment 我先看看\n@sh true\n@say 完成了")
        await ends("@status 401")
        await ends("@status usage-limit")
        await ends("@sh false\n@say")
        chat.say(wei, "@sh sleep 600\n@say 永远不会")
        await it.see(lambda: any("▸ sleep 600 · 0:0" in message.text for message in chat.messages))
        chat.say(wei, "第二条")
        await it.see(lambda: any("前面还有 1 个" in message.text for message in chat.messages))
        for command in ("/queue", "/status", "/stop"):
            await told(it, chat, wei, command)
        await it.see(lambda: any("当时 sleep 600 已运行" in message.text for message in chat.messages))
        await it.see(lambda: chat.messages[-1].text == "echo: 第二条")
        for command in ("/verbose", "/format", "/language", "/language fr", "/verbose final", "/language auto"):
            await told(it, chat, wei, command)
        await it.nothing_in_flight()
        conversation = "\n\n".join(f"{m.text}\n{buttons(m) or ''}" for m in chat.messages if m.sender is not wei)
        (tmp_path / "conversation.txt").write_text(conversation, "utf-8")
        assert it.server.bot("alpha").menu_in("zh")["stop"] == "停止当前任务"
        english = await told(it, chat, wei, "/language en")
        assert english.text == "✓ The language here: English."
        assert (await told(it, chat, wei, "/stop")).text == "Nothing is running here."


async def test_the_owner_sets_the_language_of_a_bot(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED, bots=("alpha", "beta")) as it:
        it.bot("beta").options["language"] = "zh"
        it.write_config()
        await it.start()
        assert (await told(it, it.bot("alpha").chat, it.owner, "/stop")).text == "Nothing is running here."
        assert (await told(it, it.bot("beta").chat, it.owner, "/stop")).text == "这里没有正在运行的任务。"
