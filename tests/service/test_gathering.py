"""Messages that belong to one prompt, on a hall with a played agent; any other prompt never waits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from codex_gateway.core.attachment import Attachment, AttachmentKind
from codex_gateway.core.ids import ChatRef
from codex_gateway.core.inbox import RawUpdate
from codex_gateway.core.policy import BotPolicy
from codex_gateway.core.ports import Parcel
from codex_gateway.core.reply import QueuedCard, Reply
from codex_gateway.core.request import Amend, Ask, AskHelp, Bind, Cancel, Shape
from support.hall import BOT, Hall, KeptChat, KeptDownloads, PlayedShelf, hall, policy, until

CUT = Ask("a" * 4000, shape=Shape.CUT)
FORWARDED = Ask("/stop me", shape=Shape.FORWARDED)
FILES = {"one": b"1", "two": b"2"}
ONE, TWO = Attachment(AttachmentKind.DOCUMENT, "one", "one.txt"), Attachment(AttachmentKind.DOCUMENT, "two", "two.txt")


def policies(folder: Path, window_s: float) -> list[BotPolicy]:
    (folder / "work").mkdir(exist_ok=True)
    return [replace(policy(), workdir=folder / "work", paste_window_s=window_s)]


#: Never over in a test: what is passed on was complete, or something else ended the waiting.
LONG = 600.0
SHORT = 0.05


async def prompts(it: Hall) -> list[object]:
    return [prompt for (prompt,) in await it.query("SELECT prompt FROM runs ORDER BY id")]


async def open_updates(it: Hall) -> int:
    [(count,)] = await it.query("SELECT count(*) FROM inbox WHERE state = 'received'")
    assert isinstance(count, int)
    return count


async def test_a_normal_prompt_is_queued_before_its_update_is_confirmed(tmp_path: Path) -> None:
    async with hall(tmp_path, policies=policies(tmp_path, LONG), downloads=KeptDownloads(dict(FILES))) as it:
        for wish in (Ask("hello"), Ask("x" * 3999), Ask("look", (ONE,))):
            await it.say(wish)
            assert await open_updates(it) == 0
        assert len(await prompts(it)) == 3


async def test_a_text_that_was_cut_is_one_prompt(tmp_path: Path) -> None:
    async with hall(tmp_path, policies=policies(tmp_path, LONG)) as it:
        await it.say(CUT)
        await it.say(CUT)
        assert (await prompts(it), await open_updates(it)) == ([], 2)
        await it.say(Ask("the end"))
        assert await prompts(it) == [f"{CUT.prompt}\n{CUT.prompt}\nthe end"]
        assert await open_updates(it) == 0
        await it.settled(1)


async def test_a_long_text_that_was_not_cut_goes_its_way_after_the_window(tmp_path: Path) -> None:
    async with hall(tmp_path, policies=policies(tmp_path, SHORT)) as it:
        await it.say(CUT)
        await it.settled(1)
        assert await prompts(it) == [CUT.prompt]


async def test_an_album_is_one_prompt_with_the_caption_of_any_of_its_files(tmp_path: Path) -> None:
    async with hall(tmp_path, policies=policies(tmp_path, SHORT), downloads=KeptDownloads(dict(FILES))) as it:
        await it.say(Ask("", (ONE,), shape=Shape.ALBUM, album="7"))
        await it.say(Ask("compare", (TWO,), shape=Shape.ALBUM, album="7"))
        await it.settled(1)
        [turn] = it.agent.turns
        assert turn.prompt == (
            "compare\n\nAttached files, saved in the work directory:\n- codex-inbox/one.txt\n- codex-inbox/two.txt"
        )


async def test_another_album_is_another_prompt(tmp_path: Path) -> None:
    async with hall(tmp_path, policies=policies(tmp_path, LONG), downloads=KeptDownloads(dict(FILES))) as it:
        await it.say(Ask("first", (ONE,), shape=Shape.ALBUM, album="7"))
        await it.say(Ask("second", (TWO,), shape=Shape.ALBUM, album="8"))
        assert await prompts(it) == ["first"]
        await it.say(AskHelp())
        assert await prompts(it) == ["first", "second"]
        await it.settled(2)


async def test_the_words_behind_a_file_are_its_prompt_and_without_any_there_is_one(tmp_path: Path) -> None:
    async with hall(tmp_path, policies=policies(tmp_path, LONG), downloads=KeptDownloads(dict(FILES))) as it:
        await it.say(Ask("", (ONE,)))
        await it.say(Ask("what is it?"))
        await it.say(Ask("", (TWO,)))
        assert await prompts(it) == ["what is it?"]
        await it.say(AskHelp())
        assert await prompts(it) == ["what is it?", "Look at the attached file."]
        await it.settled(2)


async def test_what_was_forwarded_is_quoted_behind_the_words_and_alone_starts_nothing(tmp_path: Path) -> None:
    async with hall(tmp_path, policies=policies(tmp_path, LONG), downloads=KeptDownloads(dict(FILES))) as it:
        await it.say(FORWARDED)
        await it.say(replace(FORWARDED, prompt="two\nlines", attachments=(ONE,)))
        await it.say(Ask("sum it up"))
        assert await prompts(it) == ["sum it up\n\n> /stop me\n\n> two\n> lines"]
        await it.settled(1)
        await it.say(FORWARDED)
        await it.say(FORWARDED)
        await it.say(AskHelp())
        assert len(await prompts(it)) == 1 and await open_updates(it) == 0
        assert sum("ForwardedAlone" in text for text in it.chat.texts()) <= 1
        await it.settled(1)
        assert sum("ForwardedAlone" in text for text in it.chat.texts()) == 1


async def test_where_nothing_is_waited_for_each_message_stands_alone(tmp_path: Path) -> None:
    async with hall(tmp_path, policies=policies(tmp_path, 0.0)) as it:
        await it.say(CUT)
        await it.say("the end")
        await it.say(FORWARDED)
        await it.settled(2)
        assert await prompts(it) == [CUT.prompt, "the end"]
        assert any("ForwardedAlone" in text for text in it.chat.texts())


async def test_a_command_comes_behind_what_waits(tmp_path: Path) -> None:
    async with hall(tmp_path, policies=policies(tmp_path, LONG)) as it:
        await it.say(CUT)
        await it.say(Cancel())
        await it.settled(1)
        assert await prompts(it) == [CUT.prompt]


async def test_other_people_and_chats_are_not_mixed(tmp_path: Path) -> None:
    async with hall(tmp_path, policies=policies(tmp_path, LONG)) as it:
        await it.say(CUT)
        await it.say("in a group", chat=ChatRef(BOT, -100), private=False)
        assert await prompts(it) == ["in a group"]
        await it.say("the end")
        assert await prompts(it) == ["in a group", f"{CUT.prompt}\nthe end"]
        await it.settled(2)


async def test_parts_that_wait_outlive_us(tmp_path: Path) -> None:
    async with hall(tmp_path, policies=policies(tmp_path, LONG)) as it:
        await it.say(CUT)
        wishes = it.wishes
    async with hall(tmp_path, policies=policies(tmp_path, LONG)) as it:
        it.wishes.update(wishes)
        it.last_update_id = 1
        await it.intake.replay(BOT)
        assert await prompts(it) == []
        await it.intake.replay(BOT)  # what waits is not taken twice
        await it.say("the end")
        assert await prompts(it) == [f"{CUT.prompt}\nthe end"]
        await it.settled(1)


async def test_an_edit_of_a_part_changes_nothing_and_says_so(tmp_path: Path) -> None:
    async with hall(tmp_path, policies=policies(tmp_path, LONG)) as it:
        await it.say(CUT)
        part = await it.say("the end")
        it.wishes["901"] = replace(it.wishes[str(part)], wish=Amend(Ask("the very end")))
        await it.intake.receive(BOT, [RawUpdate(901, "901")])
        await it.settled(1)
        assert await prompts(it) == [f"{CUT.prompt}\nthe end"]
        assert any("PromptInParts" in text for text in it.chat.texts())


class OutOfWords(KeptChat):
    """A chat that has no words for a prompt as long as it is `broken`."""

    broken = True

    def compose(self, chat: ChatRef, reply: Reply) -> list[Parcel]:
        if self.broken and isinstance(reply, QueuedCard):
            raise ValueError("no words")
        return super().compose(chat, reply)


async def test_a_prompt_that_can_neither_be_queued_nor_closed_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    chat = OutOfWords()
    async with hall(tmp_path, policies=policies(tmp_path, SHORT), chat=chat) as it:
        await it.database.write(
            lambda tx: tx.run("CREATE TRIGGER no BEFORE UPDATE ON inbox BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        )
        await it.say(CUT)
        await until(lambda: any("update.not_closed" in line.getMessage() for line in caplog.records))
        await it.database.write(lambda tx: tx.run("DROP TRIGGER no"))
        chat.broken = False
        await it.say(CUT)
        await it.settled(1)


async def test_all_parts_of_a_prompt_are_done_with_when_nobody_may_work_where_it_was_to_be(tmp_path: Path) -> None:
    shelf = PlayedShelf(workdirs={tmp_path})
    async with hall(tmp_path, policies=policies(tmp_path, LONG), shelf=shelf) as it:
        await it.say(Bind(None, str(tmp_path)))
        shelf.workdirs.clear()  # as after a change of the configuration
        await it.say(CUT)
        await it.say(Ask("the end"))
        await until(lambda: any("NoWorkdir" in text for text in it.chat.texts()))
        assert (await prompts(it), await open_updates(it)) == ([], 0)
