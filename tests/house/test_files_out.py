"""/get and /diff, over HTTP, with the service as a process of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from codex_gateway.demo.bot_api import Fault, Message
from support.codex_lab import SCRIPTED
from support.house import House, house


async def reply_to(it: House, text: str, *, count: int = 1) -> list[Message]:
    asked = it.say(text)
    return list(
        await it.see(
            lambda: (
                found
                if len(found := [m for m in it.bot().chat.messages if m.reply_to is asked]) >= 1
                and len(it.bot().chat.messages) >= count
                else None
            )
        )
    )


async def test_a_file_is_sent_as_it_was_checked_and_nothing_else_is(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        work = it.bot().workdir
        (work / "notes.md").write_text("# Notes\n")
        (work / ".env").write_text("TOKEN=1")
        (work / "empty.txt").touch()
        (work / "src").mkdir()
        (work / "src" / "app.py").write_text("code")
        (work / "link").symlink_to("/etc/passwd")
        os.link(it.config, work / "copied.toml")
        with (work / "huge.bin").open("wb") as file:
            file.truncate(60_000_000)
        service = await it.start()
        [sent] = await reply_to(it, "/get notes.md")
        assert sent.document is not None
        assert (sent.document.data, sent.document.name, sent.text) == (b"# Notes\n", "notes.md", "notes.md")
        [deep] = await reply_to(it, f"/get {work}/src/app.py")
        assert deep.document is not None and deep.document.data == b"code"
        for words, said in {
            "/get": "Write the path behind it, such as: /get README.md",
            "/get nothing": "There is no file nothing in the work directory.",
            "/get ../../config.toml": "../../config.toml is not in the work directory, and only files in it are sent.",
            "/get link": "link is or passes through a symbolic link, and those are not followed.",
            "/get .env": ".env may hold passwords or keys, and such files are not sent.",
            "/get copied.toml": "copied.toml may hold passwords or keys, and such files are not sent.",
            "/get src": "src is a directory. In it:\napp.py",
            "/get empty.txt": "empty.txt is empty.",
            "/get huge.bin": "huge.bin is larger than the 50 MB that Telegram lets a bot send.",
        }.items():
            [answer] = await reply_to(it, words)
            assert (answer.text, answer.document) == (said, None)
        await it.nothing_in_flight()
        assert await service.end() == 0
        assert list((it.folder / "data" / "outbox").iterdir()) == []


async def test_a_file_that_could_not_be_sent_before_a_crash_is_sent_after_it(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        (it.bot().workdir / "notes.md").write_text("then")
        broken = it.server.inject(Fault.bad_gateway(method="sendDocument"), times=None)
        service = await it.start()
        asked = it.say("/get notes.md")
        await it.see(lambda: it.server.calls("sendDocument"))
        await service.kill()
        (it.bot().workdir / "notes.md").write_text("now")
        (it.folder / "data" / "outbox" / "999").write_text("left by a life that was cut short")
        broken.lift()
        service = await it.start()
        answer = await it.see(lambda: next((m for m in it.bot().chat.messages if m.reply_to is asked), None))
        assert answer.document.data == b"then"
        await it.nothing_in_flight()
        assert await service.end() == 0
        assert list((it.folder / "data" / "outbox").iterdir()) == []


def git(folder: Path, *words: str) -> None:
    person = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    subprocess.run(["git", *person, *words], cwd=folder, check=True, capture_output=True)


async def test_the_diff_comes_as_text_or_as_a_file_or_as_a_sentence(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED, bots=("alpha", "beta")) as it:
        work = it.bot().workdir
        await it.start()
        [none] = await reply_to(it, "/diff")
        assert none.text == "The work directory is in no git repository, so there is no diff."
        git(work, "init")
        (work / "a.py").write_text("x = 1\n")
        git(work, "add", "-A")
        git(work, "commit", "-m", "begin")
        git(work, "config", "filter.odd.clean", f"touch {it.folder}/sprung; cat")
        (work / ".git" / "info" / "attributes").write_text("*.py filter=odd\n")
        [same] = await reply_to(it, "/diff")
        assert same.text == "Nothing differs from the last commit."
        (work / "a.py").write_text("x = '```'\n")
        (work / "new.py").write_text("")
        before = len(it.bot().chat.messages)
        [summary] = await reply_to(it, "/diff", count=before + 2)
        assert summary.text == "1 file changed · +1 −1\nNew, and not known to git yet (/get sends one):\nnew.py"
        text = it.bot().chat.messages[-1]
        assert "+x = '```'" in text.text and [(e.type, e.language) for e in text.entities] == [("pre", "diff")]
        (work / "a.py").write_text("y = 2\n" * 3000)
        [long] = await reply_to(it, "/diff")
        assert long.document is not None and long.document.name == "changes.diff"
        assert long.document.data.count(b"+y = 2") == 3000
        assert not (it.folder / "sprung").exists()

        # the button of a run's verdict, and one that was made for another bot's run
        asked = it.say("hello")
        await it.verdict(asked)
        foreign = it.say("hello", "beta")
        await it.verdict(foreign, "beta")
        [[own_run], [other_run]] = it.query("SELECT id FROM runs ORDER BY id")
        for run_id, said in ((own_run, "1 file changed"), (other_run, "That run is none of this chat's.")):
            it.bot().chat.press(it.owner, it.status_of(asked), f"diff:{run_id}", stale=True)
            await it.see(lambda said=said: it.bot().chat.messages[-1].text.startswith(said))
