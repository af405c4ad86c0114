"""Files that come with a prompt, on a hall with a played agent."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from codex_gateway.core.attachment import ONLY_FILE, ONLY_FILES, Attachment, AttachmentKind
from codex_gateway.core.errors import ChatRefused, ChatUnreachable
from codex_gateway.core.outcome import Failed, FailureKind, Outcome
from codex_gateway.core.policy import BotPolicy
from codex_gateway.core.ports import Emit
from codex_gateway.core.request import Ask, Bind, Cancel, Retry
from codex_gateway.core.run import Turn
from codex_gateway.service import luggage, transcript
from support.hall import KeptDownloads, PlayedAgent, PlayedShelf, hall, policy, until

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
PHOTO = Attachment(AttachmentKind.IMAGE, "photo")
PDF = Attachment(AttachmentKind.DOCUMENT, "pdf", "my report.pdf")
VOICE = Attachment(AttachmentKind.VOICE, "voice", "voice.ogg")


def at(folder: Path, *words: str) -> list[BotPolicy]:
    (folder / "work").mkdir(exist_ok=True)
    return [replace(policy(), workdir=folder / "work", transcribe_cmd=words, paste_window_s=0.0)]


async def test_files_are_saved_named_in_the_prompt_and_images_shown(tmp_path: Path) -> None:
    downloads = KeptDownloads({"photo": PNG, "pdf": b"%PDF"})
    async with hall(tmp_path, policies=at(tmp_path), downloads=downloads) as it:
        await it.say(Ask("What is it?", (PHOTO, PDF)))
        await it.settled(1)
        [turn] = it.agent.turns
        assert turn.prompt == (
            "What is it?\n\nAttached files, saved in the work directory:\n"
            "- codex-inbox/photo.png (image, attached)\n- codex-inbox/my_report.pdf"
        )
        assert turn.images == (Path("codex-inbox/photo.png"),)
        assert (turn.workdir / "codex-inbox/my_report.pdf").read_bytes() == b"%PDF"

        await it.say(Retry())  # has them already
        await it.settled(2)
        assert it.agent.turns[1] == turn and downloads.fetched == ["photo", "pdf"]
        (turn.workdir / "codex-inbox/photo.png").unlink()
        await it.say(Retry())
        await it.settled(3)
        assert it.agent.turns[2] == turn and downloads.fetched == ["photo", "pdf", "photo"]


async def test_a_retry_in_another_directory_takes_no_other_file_of_the_same_name(tmp_path: Path) -> None:
    downloads, elsewhere = KeptDownloads({"photo": PNG}), tmp_path / "elsewhere"
    shelf = PlayedShelf(workdirs={elsewhere})
    async with hall(tmp_path, policies=at(tmp_path), downloads=downloads, shelf=shelf) as it:
        await it.say(Ask("What is it?", (PHOTO,)))
        await it.settled(1)
        (elsewhere / "codex-inbox").mkdir(parents=True)
        (elsewhere / "codex-inbox/photo.png").write_bytes(PNG + b"somebody else")
        await it.say(Bind(None, str(elsewhere)))
        await it.say(Retry())
        await it.settled(2)
        turn = it.agent.turns[1]
        assert (turn.workdir, turn.images) == (elsewhere, (Path("codex-inbox/photo-2.png"),))
        assert (elsewhere / "codex-inbox/photo-2.png").read_bytes() == PNG


async def test_files_without_words_get_some(tmp_path: Path) -> None:
    downloads = KeptDownloads({"photo": PNG, "pdf": b"%PDF"})
    async with hall(tmp_path, policies=at(tmp_path), downloads=downloads) as it:
        await it.say(Ask("", (PDF,)))
        await it.say(Ask("", (PHOTO, PDF)))
        await it.settled(2)
        assert [turn.prompt.partition("\n")[0] for turn in it.agent.turns] == [ONLY_FILE, ONLY_FILES]


async def test_what_only_says_that_it_is_an_image_is_not_shown_to_the_model(tmp_path: Path) -> None:
    async with hall(tmp_path, policies=at(tmp_path), downloads=KeptDownloads({"photo": b"no image"})) as it:
        await it.say(Ask("look", (PHOTO,)))
        await it.settled(1)
        [turn] = it.agent.turns
        assert turn.images == () and turn.prompt.endswith("\n- codex-inbox/photo")


async def test_a_download_that_fails_is_tried_again_and_in_the_end_the_run_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(luggage.Backoff, "next_s", lambda _: 0.0)
    downloads = KeptDownloads({"pdf": ChatUnreachable("the line is dead", uncertain=False)})
    async with hall(tmp_path, policies=at(tmp_path), downloads=downloads) as it:
        await it.say(Ask("look", (PDF,)))
        await it.settled(1)
        assert await it.query("SELECT state, failure_kind, error FROM runs") == [
            ("failed", "attachment", "my report.pdf: the line is dead")
        ]
        assert len(downloads.fetched) == 4 and it.agent.turns == []
        downloads.files["pdf"] = ChatRefused("file is too big")
        await it.say(Retry())
        await it.settled(2)
        assert len(downloads.fetched) == 5  # what is refused is not tried again
        downloads.files["pdf"] = b"%PDF"
        await it.say(Retry())
        await it.settled(3)
        assert await it.states() == ["failed", "failed", "succeeded"]


async def test_a_slow_download_holds_up_nothing_and_is_stopped(tmp_path: Path) -> None:
    downloads = KeptDownloads({"pdf": b"%PDF"}, gate=asyncio.Event())
    async with hall(tmp_path, policies=at(tmp_path), downloads=downloads) as it:
        await it.say(Ask("look", (PDF,)))
        await until(lambda: downloads.fetched == ["pdf"])
        await it.say("and then this")
        await it.say(Cancel())
        await it.settled(2)
        assert await it.states() == ["stopped", "succeeded"]
        assert [turn.prompt for turn in it.agent.turns] == ["and then this"]


async def test_a_restart_in_the_middle_of_a_download_fetches_again(tmp_path: Path) -> None:
    downloads = KeptDownloads({"photo": PNG, "pdf": b"%PDF"}, gate=asyncio.Event())
    async with hall(tmp_path, policies=at(tmp_path), downloads=downloads) as it:
        await it.say(Ask("look", (PHOTO, PDF)))
        await until(lambda: downloads.fetched == ["photo"])
        for task in asyncio.all_tasks():
            if task.get_name().startswith("run "):
                task.cancel()
        await until(lambda: not it.executor.live)
    agent, downloads = PlayedAgent(), KeptDownloads(downloads.files)

    async def never_began(turn: Turn, emit: Emit) -> Outcome:
        return Failed(FailureKind.NOT_STARTED, "")

    agent.on_reattach = never_began
    async with hall(tmp_path, agent=agent, policies=at(tmp_path), downloads=downloads) as it:
        await it.settled(1)
        assert await it.states() == ["succeeded"]
        [turn] = agent.turns
        assert turn.images == (Path("codex-inbox/photo.png"),)
        names = {path.name for path in (tmp_path / "work/codex-inbox").iterdir()}
        assert names == {".gitignore", "photo.png", "my_report.pdf"}


HEAR = (sys.executable, "-c", "import sys; print('  words of', open(sys.argv[1]).read(), '  ')", "{file}")


async def test_a_voice_message_is_understood_and_shown(tmp_path: Path) -> None:
    async with hall(tmp_path, policies=at(tmp_path, *HEAR), downloads=KeptDownloads({"voice": b"Ada"})) as it:
        await it.say(Ask("", (VOICE,)))
        await it.settled(1)
        await it.say(Ask("Caption", (replace(VOICE, kind=AttachmentKind.AUDIO),)))
        await it.settled(2)
        await it.say(Retry())
        await it.settled(3)
        said = ["words of Ada", "Caption\n\nwords of Ada", "Caption\n\nwords of Ada"]
        assert [turn.prompt for turn in it.agent.turns] == said
        assert await it.query("SELECT prompt FROM runs ORDER BY id") == [(words,) for words in said]
        assert [text for text in it.chat.texts() if "Heard" in text] == [
            f"Heard(run_id={number}, words='words of Ada')" for number in (1, 2)
        ]


async def test_without_a_command_a_voice_message_gets_a_sentence_and_music_is_a_file(tmp_path: Path) -> None:
    async with hall(tmp_path, policies=at(tmp_path), downloads=KeptDownloads({"voice": b"Ada"})) as it:
        await it.say(Ask("", (VOICE,)))
        await it.say(Ask("", (Attachment(AttachmentKind.AUDIO, "voice", "song.mp3"),)))
        await it.settled(1)
        assert "voice_not_configured" in it.chat.texts()[0]
        assert it.agent.turns[0].prompt.endswith("- codex-inbox/song.mp3")


@pytest.mark.parametrize(
    ("program", "error"),
    [
        ("import sys; sys.exit('a\\nno model')", "transcribe_cmd ended with 1: no model"),
        ("pass", "transcribe_cmd understood no words"),
        ("import time; time.sleep(600)", "transcribe_cmd took more than 1 s and was stopped"),
        (None, "transcribe_cmd could not be started: /nonexistent: No such file or directory"),
    ],
)
async def test_a_command_that_fails_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str | None, error: str
) -> None:
    limited = transcript.transcribe
    monkeypatch.setattr(luggage, "transcribe", lambda *words, **more: limited(*words, **more, limit_s=1.0))
    command = ("/nonexistent",) if program is None else (sys.executable, "-c", program)
    async with hall(tmp_path, policies=at(tmp_path, *command), downloads=KeptDownloads({"voice": b"Ada"})) as it:
        await it.say(Ask("", (VOICE,)))
        await it.settled(1)
        assert await it.query("SELECT failure_kind, error FROM runs") == [("attachment", error)]
