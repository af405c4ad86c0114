"""The commands about sessions with everything that people write behind them; over HTTP."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from codex_gateway.demo.bot_api import Chat, Message
from support.codex_lab import REAL, SCRIPTED, SCRIPTED_LEGACY, Cli, each
from support.house import House, house


async def told(it: House, text: str, chat: Chat | None = None) -> Message:
    """What a command is answered with."""
    chat = chat or it.bot().chat
    asked = chat.say(it.owner, text)
    await it.see(lambda: any(message.reply_to is asked for message in chat.messages))
    return next(message for message in chat.messages if message.reply_to is asked)


def put(it: House, thread_id: str, title: str, *, changed_at: float) -> Path:
    """A session of another id and title in CODEX_HOME, as Codex would have left it."""
    own = it.session_file(it.bot().resume_id)
    path = own.with_name(own.name.replace(it.bot().resume_id, thread_id))
    text = own.read_text("utf-8").replace(it.bot().resume_id, thread_id).replace("@say ready", title)
    path.write_text(text, "utf-8")
    os.utime(path, (changed_at, changed_at))
    return path


@pytest.mark.parametrize("cli", each(REAL))
async def test_a_fork_begins_where_the_session_stands_and_leaves_it_as_it_is(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        await it.start()
        own = it.bot().resume_id
        assert own in (await told(it, "/fork")).text
        session = await told(it, "/session")
        assert f"The first prompt forks it from {own}" in session.text
        turns = len(it.turns(own))
        assert (await it.verdict(it.say("@say in the fork"))).startswith("✅")
        assert len(it.turns(own)) == turns, "the session itself is not touched"
        [(forked,)] = it.query("SELECT s.thread_id FROM runs r JOIN sessions s ON s.id = r.session_id")
        assert forked != own and "ready" in it.session_file(forked).read_text("utf-8")
        assert forked in (await told(it, "/session")).text
        assert own in (await told(it, "/unbind")).text


async def test_what_cannot_be_forked_is_said(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED_LEGACY) as it:
        await it.start()
        assert "has no codex exec fork" in (await told(it, "/fork")).text
        await told(it, "/newsession")
        assert "There is nothing to fork yet" in (await told(it, "/fork")).text


async def test_a_new_session_begins_in_each_directory_that_is_allowed_and_in_no_other(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        work = it.bot().workdir
        outside, allowed = it.folder / "outside", it.folder / "allowed"
        for directory in (work / "shop", work / "with space", outside, allowed / "deep"):
            directory.mkdir(parents=True)
        (work / "a-file").write_text("x", "utf-8")
        (work / "out").symlink_to(outside)
        (work / "in").symlink_to(work / "shop")
        it.bot().options["allowed_workdirs"] = [str(allowed)]
        it.write_config()
        await it.start()
        for words, fault in (
            ("../..", "this bot may not work there"),
            (str(outside), "this bot may not work there"),
            ("out", "this bot may not work there"),
            ("~", "this bot may not work there"),
            ("/", "this bot may not work there"),
            ("a-file", "that is no directory"),
            ("a-file/deeper", "there is no such directory"),
            ("nowhere", "there is no such directory"),
            ("x" * 300, "there is no such directory"),
        ):
            said = await told(it, f"/newsession {words}")
            assert fault in said.text and "Nothing was changed." in said.text, (words, said.text)
        assert it.query("SELECT count(*) FROM bindings WHERE chat_id <> 0") == [(0,)]
        for words, directory in (
            ("shop", work / "shop"),
            ("with space", work / "with space"),
            ("in", work / "shop"),
            (str(allowed / "deep"), allowed / "deep"),
            (".", work),
        ):
            said = await told(it, f"/newsession {words}")
            assert "begins a new session" in said.text and str(directory) in said.text, (words, said.text)
        await told(it, "/newsession shop")
        await it.verdict(it.say("@sh touch here\n@say done"))
        assert (work / "shop" / "here").exists()


async def test_a_session_is_named_by_its_id_its_beginning_or_its_title_with_a_directory_behind(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        work = it.bot().workdir
        (work / "shop").mkdir()
        one, two = "01b1f920-e197-7680-af9c-00000000000a", "01b1f920-e197-7680-af9c-00000000000b"
        put(it, one, "Fix the LOGIN / sign-up page", changed_at=1000)
        put(it, two, "Fix the shop", changed_at=2000)
        await it.start()
        chat = it.bot().chat
        for words, session in (
            (one, one),
            (one.upper(), one),
            ("01b1f920-e197-7680-af9c-00000000000b", two),
            ("login", one),
            ("LOGIN / sign-up", one),
            ("the shop", two),
        ):
            said = await told(it, f"/bind {words}")
            assert session in said.text, (words, said.text)
        said = await told(it, "/bind login ./shop")
        assert one in said.text and str(work / "shop") in said.text
        moved = await told(it, "/bind ./")
        assert str(work) in moved.text and one not in moved.text
        assert one in (await told(it, "/session")).text
        for several in ("fix", "01b1f920"):
            which = await told(it, f"/bind {several}")
            assert which.text.startswith("Several sessions are called that.")
            assert [button.data for button in which.buttons] == [f"pick:{two}", f"pick:{one}"]
        chat.press(it.owner, which, "1")
        await it.see(lambda: chat.messages[-1].text.startswith("🔗") and two in chat.messages[-1].text)
        for wrong in ("01c1f920", two[:-1] + "f", "no such title", "x" * 500, "%", "'; DROP TABLE runs; --"):
            said = await told(it, f"/bind {wrong}")
            assert said.text.startswith("No session has that id or title: "), (wrong, said.text)
        said = await told(it, "/bind shop /etc")
        assert "this bot may not work there" in said.text
        assert two in (await told(it, "/session")).text


async def test_two_hundred_sessions_are_paged_through_and_none_is_said(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        ids = [f"01b1f920-e197-7680-af9c-{number:012x}" for number in range(200)]
        for number, thread_id in enumerate(ids):
            put(it, thread_id, f"Task {number}", changed_at=1_000_000 + number)
        await it.start()
        chat = it.bot().chat
        listed = await told(it, "/sessions")
        everyone = [it.bot().resume_id, *reversed(ids)]
        for first, turn in (
            (1, "Older ▶"),
            (7, "Older ▶"),
            (13, "◀ Newer"),
            (7, "list:190"),
            (191, "Older ▶"),
            (197, ""),
        ):
            await it.see(lambda first=first: listed.text.startswith(f"Sessions {first}–"))  # type: ignore[misc]
            shown = [(button.data or "").removeprefix("pick:") for button in listed.buttons if button.text.isdigit()]
            assert shown == everyone[first - 1 : first + 5]
            if turn:
                chat.press(it.owner, listed, turn, stale=turn.startswith("list"))
        last = [button.text for button in listed.buttons]
        assert last == ["197", "198", "199", "200", "201", "◀ Newer"] and "Task 0" in listed.text
        chat.press(it.owner, listed, "201")
        await it.see(lambda: chat.messages[-1].text.startswith("🔗") and ids[0] in chat.messages[-1].text)

        for path in (it.home / "sessions").rglob("*.jsonl"):
            path.unlink()
        assert (await told(it, "/sessions")).text == "There is no session yet: the first prompt begins one."
        chat.press(it.owner, listed, "200")  # it was there when the list was made
        await it.see(lambda: "No session has that id" in chat.messages[-1].text)
        chat.press(it.owner, listed, "◀ Newer")
        await it.see(lambda: listed.text == "There is no session yet: the first prompt begins one.")
