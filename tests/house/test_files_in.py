"""Photos, files and voice messages over HTTP, with the service as a process of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from codex_gateway.demo.bot_api import Fault
from support.codex_lab import ALL, SCRIPTED, Cli
from support.house import house

#: A real image of one pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003010100c9fe"
    "92ef0000000049454e44ae426082"
)


@pytest.mark.parametrize("cli", ALL)
async def test_photos_and_files_reach_codex(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        await it.start()
        chat, bot = it.bot().chat, it.bot()
        photo = chat.send_photo(it.owner, PNG, caption="What is this?")
        assert (await it.verdict(photo)).startswith("✅")
        file = chat.send_document(it.owner, b"1,2\n", name="../../numbers of today.csv", caption="@say read it")
        assert (await it.verdict(file)).startswith("✅")
        bare = chat.send_document(it.owner, PNG, name="a.png", mime_type="image/png")
        assert (await it.verdict(bare)).startswith("✅")
        # the session goes on: its images are sent to the model again with each turn
        assert (await it.verdict(it.say("hello"))).startswith("✅")
        saved = {path.name: path.read_bytes() for path in (bot.workdir / "codex-inbox").iterdir()}
        assert saved.pop(".gitignore")
        assert saved == {"photo.png": PNG, "numbers_of_today.csv": b"1,2\n", "a.png": PNG}
        records = [json.loads(line) for line in it.session_file(bot.resume_id).read_text("utf-8").splitlines()]
        text = json.dumps(records)
        assert "What is this?\\n\\nAttached file, saved in the work directory:\\n- codex-inbox/photo.png" in text
        assert "- codex-inbox/numbers_of_today.csv" in text
        assert "Look at the attached file." in text
        if cli.modern:
            assert text.count('"local_image"') == 2
        if cli.real:
            assert [request.position.images for request in it.model.requests][-4:] == [1, 0, 1, 0]


async def test_a_crash_in_the_middle_of_a_download_loses_nothing(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        stalled = it.server.inject(Fault.hang_before(method="getFile"), times=None)
        service = await it.start()
        asked = it.bot().chat.send_document(it.owner, b"data", name="a.txt", caption="@say done")
        await it.see(lambda: it.server.calls("getFile"))
        await service.kill()
        stalled.lift()
        await it.start()
        assert (await it.verdict(asked)).startswith("✅")
        assert {path.name for path in (it.bot().workdir / "codex-inbox").iterdir()} == {"a.txt", ".gitignore"}


async def test_a_slow_download_does_not_hold_up_stop(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        stalled = it.server.inject(Fault.hang_before(method="getFile"), times=None)
        await it.start()
        asked = it.bot().chat.send_photo(it.owner, PNG)
        await it.see(lambda: it.server.calls("getFile"))
        it.say("/stop")
        assert (await it.verdict(asked)).startswith("⏹")
        stalled.lift()


async def test_what_cannot_be_taken_is_said(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        await it.start()
        chat = it.bot().chat

        async def said(text: str) -> None:
            await it.see(lambda: any(message.text == text for message in chat.messages))

        chat.send_document(it.owner, bytes(20_000_001), name="big.iso", caption="look")
        await said(
            "big.iso is larger than the 20 MB that Telegram lets a bot download: copy it into the work directory, and"
            " name it in the prompt."
        )
        update = {
            "message": {
                "message_id": 900,
                "date": 1,
                "chat": {"id": chat.id, "type": "private", "first_name": "Ada"},
                "from": {"id": it.owner.id, "is_bot": False, "first_name": "Ada"},
                "voice": {"file_id": "gone", "file_unique_id": "g", "duration": 1},
            }
        }
        it.server.inject_update(it.bot().account, update)
        await said(
            "I cannot listen yet: set transcribe_cmd in the configuration to a command that prints the words of a"
            " sound file, or write it as text."
        )
        del update["message"]["voice"]
        update["message"] |= {"message_id": 901, "document": {"file_id": "gone", "file_unique_id": "g"}}
        it.server.inject_update(it.bot().account, update)
        await it.see(lambda: chat.messages[-1].text.startswith("❌ Failed"))
        assert "a file that came with the prompt could not be used." in chat.messages[-1].text
        assert "wrong file_id" in chat.messages[-1].text
        assert it.bot().account.token not in chat.messages[-1].text


async def test_a_voice_message_is_a_prompt(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        hear = tmp_path / "hear.py"
        hear.write_text("import os, sys\nassert 'TELEGRAM' not in str(os.environ)\nprint(open(sys.argv[1]).read())\n")
        it.write_config(transcribe_cmd=[sys.executable, str(hear), "{file}"])
        await it.start()
        chat = it.bot().chat
        kept = chat.send_document(
            it.owner, b"@say I am a voice", name="v.ogg", mime_type="audio/ogg", caption="@say ok"
        )
        await it.verdict(kept)
        update = {
            "message": {
                "message_id": 900,
                "date": 1,
                "chat": {"id": chat.id, "type": "private", "first_name": "Ada"},
                "from": {"id": it.owner.id, "is_bot": False, "first_name": "Ada"},
                "voice": {"file_id": kept.document.file_id, "file_unique_id": "g", "duration": 1},
            }
        }
        it.server.inject_update(it.bot().account, update)
        await it.see(lambda: any(message.text == "I am a voice" for message in chat.messages))
        assert any(message.text == "🎤 I heard:\n@say I am a voice" for message in chat.messages)
