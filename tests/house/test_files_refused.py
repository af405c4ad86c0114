"""Every way out of the work directory, every wrong name and every command that fails, over HTTP."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from codex_gateway.demo.bot_api import Message
from support.codex_lab import SCRIPTED
from support.house import House, house


async def reply(it: House, text: str) -> Message:
    """The one message that answers these words."""
    asked = it.say(text)
    await it.see(lambda: any(message.reply_to is asked for message in it.bot().chat.messages))
    return next(message for message in it.bot().chat.messages if message.reply_to is asked)


NOT_IN_IT = "{} is not in the work directory, and only files in it are sent."
LINK = "{} is or passes through a symbolic link, and those are not followed."
SECRET = "{} may hold passwords or keys, and such files are not sent."
MISSING = "There is no file {} in the work directory."
SPECIAL = "{} is no ordinary file."


def furnish(it: House) -> None:
    work = it.bot().workdir
    (it.folder / "private.txt").write_text("private")
    (work / "a.txt").write_text("in it")
    (work / "sub").mkdir()
    (work / "out").symlink_to(it.folder)
    (work / "sub" / "back").symlink_to("../../..")
    (work / "loop").symlink_to("loop")
    (work / "proc").symlink_to("/proc/self")
    os.mkfifo(work / "pipe")
    if os.getuid() == 0:
        os.mknod(work / "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    os.link(it.folder / "data" / "app.db", work / "notes.db")
    os.link(it.config, work / "notes.toml")
    for name in (".ENV", "Id_RSA", "server.PEM", ".netrc", "auth.json", ".git/config", ".codex/auth.json"):
        (work / name).parent.mkdir(exist_ok=True)
        (work / name).write_text("token")
    (work / "a\u202etxt.exe").write_text("turned round")
    (work / "b\nc.txt").write_text("two lines")


async def test_no_path_leads_out_of_the_work_directory_or_to_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        service = await it.start()
        furnish(it)
        work = it.bot().workdir
        monkeypatch.chdir(work)  # the name of a socket may not be long
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("door")
            said = {
                "../../private.txt": NOT_IN_IT,
                "sub/../../../private.txt": NOT_IN_IT,
                "..": NOT_IN_IT,
                "/": NOT_IN_IT,
                "/etc/passwd": NOT_IN_IT,
                "/proc/self/environ": NOT_IN_IT,
                f"{work}/../../private.txt": NOT_IN_IT,
                f"{work}-beside/a.txt": NOT_IN_IT,
                "out/private.txt": LINK,
                f"{work}/out/private.txt": LINK,
                "sub/back/private.txt": LINK,
                "loop": LINK,
                "proc/environ": LINK,
                "pipe": SPECIAL,
                "door": SPECIAL,
                **({"null": SPECIAL} if os.getuid() == 0 else {}),
                "a.txt/": None,
                "a.txt/x": MISSING,
                "~/a.txt": MISSING,
                "$HOME/a.txt": MISSING,
                "*.txt": MISSING,
                "x" * 300: MISSING,
                ".ENV": SECRET,
                "sub/../Id_RSA": SECRET,
                "server.PEM": SECRET,
                ".netrc": SECRET,
                "auth.json": SECRET,
                ".git/config": SECRET,
                ".GIT/config": SECRET,
                ".codex/auth.json": SECRET,
                "notes.db": SECRET,
                "notes.toml": SECRET,
            }
            for path, sentence in said.items():
                answer = await reply(it, f"/get {path}")
                if sentence is None:
                    assert answer.document is not None and answer.document.data == b"in it"
                else:
                    shown = path if len(path) < 200 else answer.text.split(" ")[4]
                    assert (answer.text, answer.document) == (sentence.format(shown), None)
        turned = await reply(it, "/get a\u202etxt.exe")
        assert turned.document is not None and turned.document.name == "a_txt.exe"
        lines = await reply(it, "/get b\nc.txt")
        assert lines.document is not None and (lines.document.data, lines.document.name) == (b"two lines", "b_c.txt")
        assert (await reply(it, "/get a\0.txt")).document is not None  # NULs are taken out of any text
        await it.nothing_in_flight()
        assert await service.end() == 0


async def test_a_path_that_is_swapped_for_a_link_all_the_time_never_leads_out(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        await it.start()
        work = it.bot().workdir
        for folder, text in ((work / "good", "good"), (it.folder / "evil", "evil")):
            folder.mkdir()
            (folder / "a.txt").write_text(text)
        swap = (
            "import os, sys\nos.symlink(sys.argv[1], 'link')\n"
            "while True:\n"
            "    os.rename('good', 'sub'); os.rename('sub', 'good')\n"
            "    os.rename('link', 'sub'); os.rename('sub', 'link')\n"
        )
        with subprocess.Popen([sys.executable, "-c", swap, str(it.folder / "evil")], cwd=work) as swapping:
            try:
                for _ in range(15):
                    answer = await reply(it, "/get sub/a.txt")
                    assert answer.document is None or answer.document.data == b"good"
            finally:
                swapping.kill()


def update(it: House, number: int, **fields: Any) -> None:
    """A message with what the stand-in's people could not send."""
    person = {"id": it.owner.id, "is_bot": False, "first_name": "Ada"}
    chat = {"id": it.bot().chat.id, "type": "private", "first_name": "Ada"}
    message = {"message_id": number, "date": number * 60, "chat": chat, "from": person, **fields}
    it.server.inject_update(it.bot().account, {"message": message})


async def test_a_file_of_any_name_is_saved_under_a_safe_one_and_over_nothing(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        await it.start()
        kept = it.bot().chat.send_document(it.owner, b"data", name="a.txt", caption="@say kept")
        await it.verdict(kept)
        assert kept.document is not None
        raw = kept.document.document_json()
        saved = {
            "../../../evil.txt": "evil.txt",
            "/etc/cron.d/job": "job",
            "a\0.txt": "a-2.txt",
            "gpj.\u202eexe": "gpj.exe",
            "😀" * 75: "file",
            "": "file-2",
            ".bashrc": "bashrc",
            ".gitignore": "gitignore",
            "a.txt": "a-3.txt",
            "-rf": "rf",
            "$(touch x);.txt": "touch_x_.txt",
            "é" * 150 + ".tar.gz": "é" * 48 + ".gz",
        }
        for number, name in enumerate(saved, start=901):
            update(it, number, document={**raw, "file_name": name}, caption="@say saved")
        await it.see(lambda: it.query("SELECT count(*) FROM runs WHERE ended_at IS NOT NULL") == [(1 + len(saved),)])
        found = [path for (path,) in it.query("SELECT saved FROM attachments WHERE run_id > 1 ORDER BY run_id")]
        assert found == [f"codex-inbox/{name}" for name in saved.values()]
        assert {path.read_bytes() for path in (it.bot().workdir / "codex-inbox").iterdir() if path.suffix} == {b"data"}


async def test_a_file_that_cannot_be_saved_gets_a_sentence_and_leaves_no_half(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        work, chat = it.bot().workdir, it.bot().chat
        inbox, outside = work / "codex-inbox", tmp_path / "outside"
        outside.mkdir()
        inbox.symlink_to(outside)
        await it.start()
        verdict = await it.verdict(chat.send_document(it.owner, b"data", name="a.txt", caption="@say never"))
        assert verdict.startswith("❌") and "a.txt could not be saved in codex-inbox: Not a directory" in verdict
        assert list(outside.iterdir()) == []
        inbox.unlink()
        inbox.touch()
        verdict = await it.verdict(chat.send_document(it.owner, b"data", name="a.txt", caption="@say never"))
        assert "a.txt could not be saved in codex-inbox: " in verdict
        inbox.unlink()
        if os.getuid() == 0 and full_disk(inbox):
            try:
                verdict = await it.verdict(
                    chat.send_document(it.owner, bytes(500_000), name="a.txt", caption="@say no")
                )
                assert "a.txt could not be saved in codex-inbox: No space left on device" in verdict
                assert [path.name for path in inbox.iterdir() if path.name != ".gitignore"] == []
            finally:
                subprocess.run(["umount", str(inbox)], check=True)


def full_disk(folder: Path) -> bool:
    """Make a disk of 64 KB of a folder; False where that is not allowed."""
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], check=False, capture_output=True
    )
    return made.returncode == 0


async def test_a_voice_command_that_misbehaves_gets_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        program = tmp_path / "hear"
        it.write_config(transcribe_cmd=[str(program), "{file}"])
        await it.start()
        chat = it.bot().chat
        kept = chat.send_document(it.owner, b"voice", name="v.ogg", caption="@say kept")
        await it.verdict(kept)
        assert kept.document is not None
        said = {
            "echo trying >&2; echo 'no model' >&2; exit 3": "transcribe_cmd ended with 3: no model",
            "true": "transcribe_cmd understood no words",
            "sleep 600 & setsid sleep 601 & exit 1": "transcribe_cmd ended with 1: it says nothing",
            "kill -9 $$": "transcribe_cmd ended with -9: it says nothing",
            "head -c 10000000 /dev/zero | tr '\\0' a": "transcribe_cmd printed more than 400 KB",
            "": "transcribe_cmd could not be started: ",
        }
        for number, (script, words) in enumerate(said.items(), start=901):
            program.unlink(missing_ok=True)
            if script:
                program.write_text(f"#!/bin/sh\n{script}\n")
                program.chmod(0o755)
            update(it, number, voice={"file_id": kept.document.file_id, "file_unique_id": "g", "duration": 1})
            await it.see(lambda words=words: words in chat.messages[-1].text)
            assert chat.messages[-1].text.startswith("❌")
            assert not any(b"sleep" in command or b"hear" in command for command in it.commands())
        # one that hangs is ended by the person
        program.write_text("#!/bin/sh\nsleep 600 & setsid sleep 601\n")
        program.chmod(0o755)
        update(it, 999, voice={"file_id": kept.document.file_id, "file_unique_id": "g", "duration": 1})
        await it.sees_process("sleep\x00601")
        it.say("/stop")
        await it.see(lambda: any(message.text.startswith("⏹") for message in chat.messages))
        assert list(Path(tempfile.gettempdir()).glob("codex-gateway-*/voice*")) == []
