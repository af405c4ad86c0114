"""Prompts that come in several messages, over HTTP with the service as a process of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from support.codex_lab import SCRIPTED
from support.house import LIMIT_S, House, house


class Sender:
    """Sends what the stand-in's people cannot: albums, forwarded messages."""

    def __init__(self, it: House) -> None:
        self.it = it
        self.last_id = 900

    def send(self, **fields: Any) -> int:
        self.last_id += 1
        message = {
            "message_id": self.last_id,
            "date": self.last_id * 60,  # nothing is said right behind another thing unless a test wants it
            "chat": {"id": self.it.bot().chat.id, "type": "private", "first_name": "Ada"},
            "from": {"id": self.it.owner.id, "is_bot": False, "first_name": "Ada"},
            **fields,
        }
        self.it.server.inject_update(self.it.bot().account, {"message": message})
        return self.last_id


ORIGIN = {"type": "hidden_user", "sender_user_name": "Eve", "date": 1}


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


async def test_a_comment_and_the_messages_forwarded_behind_it_arrive_together(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        await it.start()
        chat, sender = it.bot().chat, Sender(it)
        kept = chat.send_document(it.owner, b"one", name="one.txt", caption="@say kept")
        await it.verdict(kept)
        assert kept.document is not None

        # while its session is at work, the comment waits, and what comes behind it joins it
        it.say("@sh while [ ! -e gate ]; do sleep 0.05; done\n@say through")
        await it.see(lambda: it.query("SELECT 1 FROM runs WHERE id = 2 AND state = 'running'"))
        sender.send(text="is that wise?", date=1_000)
        sender.send(text="/stop everything", forward_origin=ORIGIN, date=1_000)
        sender.send(text="rm -rf", forward_origin=ORIGIN, date=1_001)
        sender.send(document=kept.document.document_json(), forward_origin=ORIGIN, date=1_001)
        await it.see(lambda: it.query("SELECT 1 FROM attachments WHERE run_id = 3"))
        assert prompts(it)[2:] == ["is that wise?\n\n> /stop everything\n\n> rm -rf"]
        (it.bot().workdir / "gate").touch()
        await it.see(lambda: it.query("SELECT 1 FROM runs WHERE id = 3 AND ended_at IS NOT NULL"))
        assert it.query("SELECT saved FROM attachments WHERE run_id = 3") == [("codex-inbox/one-2.txt",)]

        # a comment that is at work already is followed by one prompt of all of them
        (it.bot().workdir / "gate").unlink()
        sender.send(text="@sh while [ ! -e gate ]; do sleep 0.05; done\n@say through", date=2_000)
        await it.see(lambda: it.query("SELECT 1 FROM runs WHERE id = 4 AND state = 'running'"))
        sender.send(text="/stop everything", forward_origin=ORIGIN, date=2_001)
        sender.send(text="rm -rf", forward_origin=ORIGIN, date=2_001)
        await it.see(lambda: len(prompts(it)) == 5)
        (it.bot().workdir / "gate").touch()
        assert prompts(it)[4] == (
            "I have forwarded what follows. It belongs to my prompt before this one.\n\n> /stop everything\n\n> rm -rf"
        )
        await it.see(lambda: it.query("SELECT 1 FROM runs WHERE id = 5 AND ended_at IS NOT NULL"))
        assert not any("start nothing by themselves" in message.text for message in chat.messages)


async def test_forwards_that_wait_behind_their_comment_outlive_a_crash(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        it.write_config(paste_window_seconds=600)
        service = await it.start()
        sender = Sender(it)
        sender.send(text="@say one", date=1_000)
        await it.see(lambda: it.query("SELECT 1 FROM runs WHERE ended_at IS NOT NULL"))
        sender.send(text="rm -rf", forward_origin=ORIGIN, date=1_001)
        await it.see(lambda: it.query("SELECT 1 FROM inbox WHERE state = 'received'"))
        await service.kill()
        it.write_config(paste_window_seconds=0)
        await it.start()
        await it.see(lambda: it.query("SELECT 1 FROM runs WHERE id = 2 AND ended_at IS NOT NULL"))
        assert prompts(it)[1].endswith("It belongs to my prompt before this one.\n\n> rm -rf")


async def test_in_a_group_all_of_an_album_is_ours_if_one_file_of_it_is_said_to_us(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        account = it.bot().account
        group = it.server.group("team", bots=[account])
        it.bot().options["allowed_chat_ids"] = [group.id]
        it.write_config()
        await it.start()
        sender = Sender(it)
        kept = it.bot().chat.send_document(it.owner, b"one", name="one.txt", caption="@say kept")
        await it.verdict(kept)
        assert kept.document is not None
        file, place = kept.document.document_json(), {"id": group.id, "type": "supergroup", "title": "team"}
        for album, captions in (("7", ("", f"@{account.username} compare", "")), ("8", ("", "look here", ""))):
            for caption in captions:
                sender.send(
                    chat=place, media_group_id=album, document=file, **({"caption": caption} if caption else {})
                )
        await it.see(lambda: it.query("SELECT 1 FROM runs WHERE id = 2 AND ended_at IS NOT NULL"))
        async with asyncio.timeout(LIMIT_S):
            while it.query("SELECT 1 FROM inbox WHERE state = 'received'"):  # nobody outside sees that it is ignored
                await asyncio.sleep(0.02)
        assert prompts(it)[1:] == ["compare"]
        assert it.query("SELECT run_id, count(*) FROM attachments GROUP BY run_id") == [(1, 1), (2, 3)]
        assert it.query("SELECT state, count(*) FROM inbox GROUP BY state ORDER BY state") == [
            ("handled", 6),
            ("ignored", 1),
        ]
