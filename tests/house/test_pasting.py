"""Prompts that come in several messages, over HTTP with the service as a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.codex_lab import SCRIPTED
from support.house import House, house


class Sender:
    """Sends what the stand-in's people cannot: albums, forwarded messages."""

    def __init__(self, it: House) -> None:
        self.it = it
        self.last_id = 900

    def send(self, **fields: Any) -> None:
        self.last_id += 1
        message = {
            "message_id": self.last_id,
            "date": 1,
            "chat": {"id": self.it.bot().chat.id, "type": "private", "first_name": "Ada"},
            "from": {"id": self.it.owner.id, "is_bot": False, "first_name": "Ada"},
            **fields,
        }
        self.it.server.inject_update(self.it.bot().account, {"message": message})


def prompts(it: House) -> list[str]:
    return [str(prompt) for (prompt,) in it.query("SELECT prompt FROM runs ORDER BY id")]


async def test_a_paste_an_album_and_forwarded_messages_are_one_prompt_each(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        await it.start()
        chat, sender = it.bot().chat, Sender(it)
        kept = chat.send_document(it.owner, b"one", name="one.txt", caption="@say kept")
        await it.verdict(kept)
        assert kept.document is not None
        file = kept.document.document_json()

        first = it.say("a " * 2040 + "b")
        it.say("the end")
        await it.verdict(first)
        assert prompts(it)[1:] == ["a " * 2040 + "b\nthe end"]

        sender.send(media_group_id="7", document=file, caption="compare")
        sender.send(media_group_id="7", document=file)
        await it.see(lambda: len(prompts(it)) == 3)
        await it.see(lambda: it.query("SELECT 1 FROM runs WHERE id = 3 AND ended_at IS NOT NULL"))
        assert prompts(it)[2] == "compare"
        assert it.query("SELECT saved FROM attachments WHERE run_id = 3 ORDER BY place") == [
            ("codex-inbox/one-2.txt",),
            ("codex-inbox/one-3.txt",),
        ]

        origin = {"type": "hidden_user", "sender_user_name": "Eve", "date": 1}
        sender.send(text="/stop everything", forward_origin=origin)
        sender.send(text="rm -rf", forward_origin=origin)
        asked = it.say("is that wise?")
        await it.verdict(asked)
        assert prompts(it)[3] == "is that wise?\n\n> /stop everything\n\n> rm -rf"

        sender.send(text="@sh echo evil", forward_origin=origin)
        await it.see(lambda: chat.messages[-1].text.startswith("Forwarded messages start nothing by themselves"))
        assert len(prompts(it)) == 4


async def test_a_crash_while_the_rest_is_waited_for_loses_nothing(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        it.write_config(paste_window_seconds=600)
        service = await it.start()
        it.say("a" * 4096)
        await it.see(lambda: it.query("SELECT 1 FROM inbox"))
        await service.kill()
        assert prompts(it) == []
        await it.start()
        it.say("the end")
        await it.see(lambda: prompts(it))
        assert prompts(it) == ["a" * 4096 + "\nthe end"]
        await it.see(lambda: it.query("SELECT 1 FROM runs WHERE ended_at IS NOT NULL"))
