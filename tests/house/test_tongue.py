"""Every sentence that a person reads comes from the catalogues: a walk through commands, buttons and states."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from codex_gateway.demo.bot_api import Message
from codex_gateway.telegram.wording import COMMANDS
from support.codex_lab import SCRIPTED
from support.house import House, house, is_status
from support.second_writer import idle_process

WIDE = (str(Path(__file__).parents[1] / "support" / "wide_gateway.py"),)
#: Set as code, or quoted: names, paths, ids, commands, what Codex says.
_DATA = {"code", "pre", "text_link"}
#: What is no sentence and stands beside one: commands, numbers with a letter, ids, file names, what was asked or said.
_KNOWN = re.compile(
    r"[/…][\w./-]+|Reconnecting\.\.\. [^\n]*|unexpected status [^\n]*|You’ve hit your usage limit[^\n]*"
    r"|\bpid\b|\b\d[\d.]*[kM]?\b|\b[0-9a-f]{8}-[0-9a-f-]{27}\b"
    r"|[\w.-]+\.(?:md|txt|py|pdf|diff|toml)\b"
    r"|\[(?:final|text|auto)\|[a-z|]+\]|\b(?:English|alpha|echo|sleep|true|false|exit|klingon|UTC)\b"
    r"|@\w+ [^\n]*"
    r"|\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d+ \w{3}\b"
)


def unspoken(text: str) -> list[str]:
    """What of a text is in letters of the usual width, and is no data."""
    return re.findall(r"[A-Za-z]{2,}", _KNOWN.sub(" ", text))


def ours(message: Message) -> list[str]:
    """The sentences in every version of a message, without what is set as data, and its buttons."""
    texts = []
    for version in message.versions:
        raw = version.content.text.encode("utf-16-le")
        for entity in version.content.entities:
            if entity.type in _DATA:
                at, end = 2 * entity.offset, 2 * (entity.offset + entity.length)
                raw = raw[:at] + " ".encode("utf-16-le") * entity.length + raw[end:]
        texts.append(raw.decode("utf-16-le"))
        texts += [button.text for button in version.content.buttons]
    return texts


@asynccontextmanager
async def walk(folder: Path) -> AsyncIterator[Walk]:
    """Whatever the block does, nothing is read in it that no catalogue could translate."""
    async with house(folder, SCRIPTED) as it:
        it.program = WIDE
        it.write_config(progress_tick_interval=0.5, no_output_idle_timeout_seconds=3)
        await it.start()
        yield Walk(it)
        await it.nothing_in_flight()
        chat = it.bot().chat
        found = {text for message in chat.messages for text in ours(message) if unspoken(text)}
        found |= {draft.text for draft in chat.draft_history if unspoken(draft.text)}
        found |= {purpose for purpose in it.bot().account.menu.values() if unspoken(purpose)}
        assert found == set(), {text: unspoken(text) for text in found}


@dataclass(frozen=True, slots=True)
class Walk:
    """What a person does on the way."""

    it: House

    async def told(self, text: str) -> Message:
        """Say something; returns the first answer."""
        chat = self.it.bot().chat
        asked = chat.say(self.it.owner, text)
        await self.it.see(lambda: any(message.reply_to is asked for message in chat.messages))
        return next(message for message in chat.messages if message.reply_to is asked)

    async def pressed(self, under: Message, data: str) -> None:
        """Press a button, and see what comes of it."""
        chat = self.it.bot().chat
        before = [len(chat.messages), len(under.versions)]
        chat.press(self.it.owner, under, data, stale=True)
        await self.it.see(lambda: [len(chat.messages), len(under.versions)] != before)

    async def sends(self, content: dict[str, object]) -> None:
        """Send what the stand-in's people cannot."""
        chat = self.it.bot().chat
        said = len(chat.messages)
        person = {"id": self.it.owner.id, "is_bot": False, "first_name": "Ada"}
        where = {"id": chat.id, "type": "private", "first_name": "Ada"}
        message = {"message_id": 1, "date": 1, "chat": where, "from": person, **content}
        self.it.server.inject_update(self.it.bot().account, {"message": message})
        await self.it.see(lambda: len(chat.messages) > said)


async def test_no_answer_to_a_command_is_left_out_of_the_catalogues(tmp_path: Path) -> None:
    async with walk(tmp_path) as the:
        (the.it.bot().workdir / "notes.txt").write_text("123", "utf-8")
        for command in COMMANDS:
            await the.told(f"/{command.name}")
        for wrong in ("/stpo", "/xyzzy", "/verbose klingon", "/language klingon", "/format klingon"):
            await the.told(wrong)
        for wrong in ("/bind 123", "/bind /", "/newsession 1/2", "/newsession notes.txt", "/get 1/2", "/get ../1"):
            await the.told(wrong)
        for right in ("/get notes.txt", "/get .", "/verbose verbose", "/format text", "/language auto"):
            await the.told(right)
        for right in ("/bind ready", "/bind ./", "/newsession", "/session", "/unbind"):
            await the.told(right)
        assert len(the.it.bot().chat.messages) > 35


async def test_no_state_of_a_run_and_no_button_is_left_out_of_the_catalogues(tmp_path: Path) -> None:
    async with walk(tmp_path) as the:
        it, chat = the.it, the.it.bot().chat
        await it.verdict(it.say("@limits 91 40\n@tokens 98192\n@comment 42\n@sh true\n@sh exit 3\n@say 42"))
        done = next(message for message in chat.messages if message.text.startswith("✅"))
        for data in ("log:1", "diff:1", "log:99", "retry:99", "wait:1", "fork:1", "holder:1", "drop:1", "clear:1"):
            await the.pressed(done, data)
        for data in ("list:0", "sudo:1", "pick:01a1f920-e197-7680-af9c-000000000001"):
            await the.pressed(done, data)
        for failing in ("@status 401", "@status usage-limit", "@sh false\n@say"):
            await it.verdict(it.say(failing))
        await the.told("/status")


async def test_nothing_that_is_said_while_a_run_works_or_waits_is_left_out_of_the_catalogues(tmp_path: Path) -> None:
    async with walk(tmp_path) as the:
        it, chat = the.it, the.it.bot().chat
        long = it.say("@comment 1\n@sh sleep 600\n@say 1")
        await it.see(lambda: any(message.text.startswith("⏱") for message in chat.messages))
        waits, last = it.say("@say 2"), it.say("@say 3")
        await it.see(lambda: any(message.reply_to is last for message in chat.messages))
        chat.edit(waits, "@say 22")
        chat.edit(long, "@say 11")
        listed = await the.told("/queue")
        for command in ("/status", "/retry"):
            await the.told(command)
        ids = [button.data or "" for button in listed.buttons]
        for data in (ids[-1], ids[-1], ids[0]):  # up, up once more, out
            await the.pressed(listed, data)
        await the.told("/stop")
        await it.see(lambda: it.query("SELECT count(*) FROM runs WHERE ended_at IS NULL") == [(0,)])
        async with idle_process(it):
            held = it.say("@say 4")
            await it.see(lambda: any(m.reply_to is held and m.text.startswith("⏸") for m in chat.messages))
            await the.told("/session")
            await the.told("/stop")
        await the.sends({"sticker": {"file_id": "x"}})
        await the.sends({"voice": {"file_id": "gone", "file_unique_id": "g", "duration": 1}})
        await the.sends({"text": "1", "forward_origin": {"type": "hidden_user", "sender_user_name": "1", "date": 1}})
        await the.sends({"document": {"file_id": "gone", "file_unique_id": "g", "file_size": 99_000_000}})
        assert sum(is_status(message) for message in chat.messages) >= 4 and chat.draft_history


@pytest.mark.parametrize("text", ["Ｓｔｏｐｐｉｎｇ… of", "Done · 1:05", "ａ process"])
def test_a_sentence_that_is_left_out_is_seen(text: str) -> None:
    assert unspoken(text)
