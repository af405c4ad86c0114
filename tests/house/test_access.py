"""Who is heard, and what each button does in the wrong hands or too late: every command and every button, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from codex_gateway.core.manner import CHOICES
from codex_gateway.demo.bot_api import Chat, Message, Person
from codex_gateway.telegram.inbound import _BUTTON_WISHES, _UNSUPPORTED
from codex_gateway.telegram.wording import COMMANDS
from support.codex_lab import SCRIPTED
from support.house import House, house

NOBODY = "01a1f920-e197-7680-af9c-000000000001"
#: Every button there is, with the id of a run that is another chat's, has ended, or never was.
BUTTONS: dict[str, Callable[[int], str]] = {
    **{name: (lambda run, name=name: f"{name}:{run}") for name in _BUTTON_WISHES},  # type: ignore[misc]
    "pick": lambda _: f"pick:{NOBODY}",
}
#: Those that name no run and no session: they mean the chat that they are pressed in.
OF_THE_CHAT = {"list": "list:0", **{setting.value: f"{setting}:{CHOICES[setting][-1]}" for setting in CHOICES}}
FORGED = (
    "",
    "stop",
    "stop:0",
    "stop:1;drop",
    "sudo:1",
    "stop:" + "9" * 30,
    "pick:../../etc",
    "list:-1",
    "verbose:klingon",
    "verbose",
    "停:1",
    "x" * 64,
)


async def answered(it: House, chat: Chat, asked: Message) -> Message:
    """The one message that answers."""
    await it.see(lambda: any(message.reply_to is asked and message.is_from_bot for message in chat.messages))
    return next(message for message in chat.messages if message.reply_to is asked and message.is_from_bot)


def of_bot(chat: Chat) -> list[Message]:
    return [message for message in chat.messages if message.is_from_bot]


async def barrier(it: House) -> None:
    """Everything that was said before has been acted on: a bot's updates are, one after another."""
    await answered(it, it.bot().chat, it.say("/whoami"))


async def test_a_stranger_and_a_group_that_is_not_listed_get_silence_for_every_command_and_button(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        account = it.bot().account
        listed = it.server.group("listed", bots=[account])
        other = it.server.group("not listed", bots=[account])
        it.bot().options["allowed_chat_ids"] = [listed.id]
        it.write_config()
        await it.start()
        mallory = it.server.person("Mallory")
        alone = it.server.private_chat(mallory, account)
        hers = listed.say(it.owner, "/whoami")
        answer = await answered(it, listed, hers)
        run = it.say("@sh sleep 600\n@say never")
        await it.sees_process("sleep\x00600")
        said: list[tuple[Chat, Person]] = [(alone, mallory), (listed, mallory), (other, it.owner)]
        for chat, person in said:
            for command in COMMANDS:
                chat.say(person, f"/{command.name}@{account.username} x")
        for data in [*(make(1) for make in BUTTONS.values()), *OF_THE_CHAT.values(), *FORGED]:
            listed.press(mallory, answer, data, stale=True)
        await barrier(it)
        assert of_bot(alone) == [] and of_bot(other) == [] and of_bot(listed) == [answer]
        assert answer.edits == []
        assert it.query("SELECT state FROM runs") == [("running",)]
        assert it.query("SELECT count(*) FROM bindings WHERE chat_id <> 0") == [(0,)]
        assert it.query("SELECT count(*) FROM chat_manners WHERE detail IS NOT NULL OR form IS NOT NULL") == [(0,)]
        it.say("/stop")
        assert (await it.verdict(run)).startswith("⏹")


async def test_a_button_of_another_chat_a_forged_one_and_one_that_never_was_get_a_sentence_and_do_nothing(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        account = it.bot().account
        group = it.server.group("listed", bots=[account])
        it.bot().options["allowed_chat_ids"] = [group.id]
        it.write_config()
        await it.start()
        mine = it.say("@sh sleep 600\n@say never")
        await it.sees_process("sleep\x00600")
        waits = it.say("@say later")
        await it.see(lambda: any("1 ahead" in message.text for message in it.bot().chat.messages))
        under = await answered(it, group, group.say(it.owner, f"/whoami@{account.username}"))
        presses = [make(1) for make in BUTTONS.values()] + ["sudo:1"]  # a group takes 20 messages a minute
        for data in presses:
            before = len(of_bot(group))
            pressed = group.press(it.owner, under, data, stale=True)
            await it.see(lambda before=before: len(of_bot(group)) > before)  # type: ignore[misc]
            await it.see(lambda pressed=pressed: pressed.answer is not None)  # type: ignore[misc]
            sentence = of_bot(group)[-1].text
            assert len(of_bot(group)) == before + 1 and sentence.endswith((".", "?")), (data, sentence)
        assert under.edits == []
        assert it.query("SELECT state FROM runs ORDER BY id") == [("running",), ("queued",)]
        assert it.query("SELECT count(*) FROM bindings WHERE chat_id <> 0") == [(0,)]
        it.say("/stop")
        assert (await it.verdict(mine)).startswith("⏹")
        assert (await it.verdict(waits)).startswith("✅")


async def test_each_button_of_a_run_that_has_ended_is_answered(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        await it.start()
        chat = it.bot().chat
        asked = it.say("@say done")
        await it.verdict(asked)
        status = it.status_of(asked)
        for name, make in BUTTONS.items():
            if name == "retry":
                continue  # that is what it is for
            before = len(of_bot(chat))
            chat.press(it.owner, status, make(1), stale=True)
            await it.see(lambda before=before: len(of_bot(chat)) > before)  # type: ignore[misc]
            assert of_bot(chat)[-1].text, name
        assert it.query("SELECT state FROM runs") == [("succeeded",)]


async def test_a_button_that_names_no_run_acts_where_it_is_pressed_and_wipes_no_run_out(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        account = it.bot().account
        group = it.server.group("listed", bots=[account])
        it.bot().options["allowed_chat_ids"] = [group.id]
        it.write_config()
        await it.start()
        asked = it.say("@say done")
        await it.verdict(asked)
        status = it.status_of(asked)
        under = await answered(it, group, group.say(it.owner, f"/whoami@{account.username}"))
        for chat, message in ((it.bot().chat, status), (group, under)):
            for data in OF_THE_CHAT.values():
                before = [len(of_bot(chat)), len(message.edits)]
                pressed = chat.press(it.owner, message, data, stale=True)
                await it.see(lambda pressed=pressed: pressed.answer is not None)  # type: ignore[misc]
                await it.see(
                    lambda before=before, chat=chat, message=message: (  # type: ignore[misc]
                        [len(of_bot(chat)), len(message.edits)] != before
                    )
                )
            assert of_bot(chat)[-1].text.startswith("✓")
            answered_before = (await answered(it, chat, chat.say(it.owner, f"/language@{account.username}"))).text
            assert "中文" in answered_before
        assert status.text.startswith("✅"), "the list came as a message of its own"
        assert under.text.startswith("Sessions 1–1 of 1")
        assert it.query("SELECT count(*) FROM bindings WHERE chat_id <> 0") == [(0,)]


async def test_every_command_with_words_that_it_has_no_use_for_is_answered_and_starts_nothing(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        await it.start()
        chat = it.bot().chat
        for name in [*(command.name for command in COMMANDS if command.name != "new"), "start"]:
            said = await answered(it, chat, it.say(f"/{name.upper()} 🤷 ../../{'x' * 300} <b>{{0}} %s"))
            assert said.text and "Traceback" not in said.text, name
        assert "Write the prompt behind /new" in (await answered(it, chat, it.say("/new  "))).text
        assert it.query("SELECT count(*) FROM runs") == [(0,)]
        assert it.query("SELECT count(*) FROM bindings WHERE chat_id <> 0") == [(0,)]


async def test_every_kind_of_message_that_cannot_be_taken_gets_a_sentence_and_a_strangers_gets_none(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        await it.start()
        mallory = it.server.person("Mallory")
        alone = it.server.private_chat(mallory, it.bot().account)
        kinds = sorted(set(_UNSUPPORTED) - {"photo", "voice", "audio", "video", "video_note", "document", "animation"})
        for number, kind in enumerate(kinds, start=1):
            for person, chat in ((mallory, alone), (it.owner, it.bot().chat)):
                update: dict[str, object] = {
                    "message": {
                        "message_id": 1,  # what is answered is found
                        "date": number,
                        "chat": {"id": chat.id, "type": "private", "first_name": "x"},
                        "from": {"id": person.id, "is_bot": False, "first_name": "x"},
                        kind: {"nobody": "knows"},
                    }
                }
                it.server.inject_update(it.bot().account, update)
            await it.see(lambda number=number: len(of_bot(it.bot().chat)) == number)  # type: ignore[misc]
            assert of_bot(it.bot().chat)[-1].text.startswith("I cannot take "), kind
        assert len(kinds) > 8 and of_bot(alone) == []
        assert it.query("SELECT count(*) FROM runs") == [(0,)]
