"""What comes behind the prompt that it belongs to, on a hall with a played agent: never lost, never refused."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from codex_gateway.core.attachment import ONLY_FILE, ONLY_FILES, Attachment, AttachmentKind
from codex_gateway.core.ids import ChatRef, UserId
from codex_gateway.core.policy import BotPolicy
from codex_gateway.core.request import Ask, AskHelp, Cancel, Shape
from codex_gateway.service.latecomers import ALBUM_LATE, FORWARDED_LATE
from support.hall import BOT, PERSON, Hall, KeptDownloads, PlayedAgent, hall, playing, policy, until

GROUP = ChatRef(BOT, -100)
ONE, TWO = Attachment(AttachmentKind.DOCUMENT, "one", "one.txt"), Attachment(AttachmentKind.DOCUMENT, "two", "two.txt")
FORWARDED, MORE = Ask("/stop me", shape=Shape.FORWARDED), Ask("two\nlines", (ONE,), shape=Shape.FORWARDED)
ALBUM = Ask("", (ONE,), shape=Shape.ALBUM, album="7")


def at(folder: Path, window_s: float = 600.0) -> list[BotPolicy]:
    (folder / "work").mkdir(exist_ok=True)
    return [replace(policy(), workdir=folder / "work", paste_window_s=window_s)]


def downloads() -> KeptDownloads:
    return KeptDownloads({"one": b"1", "two": b"2"})


def busy(gate: asyncio.Event) -> PlayedAgent:
    """An agent that works at "first" until the gate opens."""
    return PlayedAgent(plays={"first": playing(gate=gate)})


async def prompts(it: Hall) -> list[object]:
    return [prompt for (prompt,) in await it.query("SELECT prompt FROM runs ORDER BY id")]


async def nothing_is_open(it: Hall) -> bool:
    return await it.query("SELECT 1 FROM inbox WHERE state = 'received'") == []


def refusals(it: Hall) -> list[str]:
    return [text for text in it.chat.texts() if "ForwardedAlone" in text]


async def test_what_is_forwarded_behind_a_comment_that_waits_joins_it(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with hall(tmp_path, agent=busy(gate), policies=at(tmp_path), downloads=downloads()) as it:
        await it.say("first", sent_at=100)
        await it.say("sum it up", sent_at=110)
        await it.say(FORWARDED, sent_at=110)
        await it.say(MORE, sent_at=112)
        assert await prompts(it) == ["first", "sum it up\n\n> /stop me\n\n> two\n> lines"]
        assert await nothing_is_open(it)
        gate.set()
        await it.settled(2)
        assert it.agent.turns[1].prompt.endswith("- codex-inbox/one.txt")
        assert refusals(it) == []


async def test_behind_a_comment_that_is_at_work_it_is_one_prompt_of_its_own(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with hall(tmp_path, agent=busy(gate), policies=at(tmp_path, 0.05), downloads=downloads()) as it:
        await it.say("first", sent_at=100)
        await until(lambda: len(it.agent.turns) == 1)
        await it.say(FORWARDED, sent_at=100)
        await it.say(MORE, sent_at=101)
        gate.set()
        await it.settled(2)
        assert await prompts(it) == ["first", f"{FORWARDED_LATE}\n\n> /stop me\n\n> two\n> lines"]
        assert refusals(it) == [] and await nothing_is_open(it)


async def test_a_comment_that_has_been_answered_is_followed_as_well(tmp_path: Path) -> None:
    async with hall(tmp_path, policies=at(tmp_path, 0.0)) as it:
        await it.say("first", sent_at=100)
        await it.settled(1)
        await it.say(FORWARDED, sent_at=105)
        await it.settled(2)
        assert await prompts(it) == ["first", f"{FORWARDED_LATE}\n\n> /stop me"]


async def test_words_behind_it_make_it_a_part_of_theirs(tmp_path: Path) -> None:
    async with hall(tmp_path, policies=at(tmp_path)) as it:
        await it.say("first", sent_at=100)
        await it.settled(1)
        await it.say(FORWARDED, sent_at=101)
        await it.say("and this?", sent_at=102)
        assert await prompts(it) == ["first", "and this?\n\n> /stop me"]
        await it.settled(2)


async def test_what_is_later_elsewhere_or_somebody_elses_belongs_to_nothing(tmp_path: Path) -> None:
    people = [replace(each, allowed_user_ids=frozenset({PERSON, UserId(8)})) for each in at(tmp_path, 0.0)]
    async with hall(tmp_path, policies=people) as it:
        await it.say("first", sent_at=100)
        await it.settled(1)
        await it.say(FORWARDED, sent_at=106)
        await it.say(FORWARDED, sent_at=99)
        await it.say(FORWARDED)
        await it.say(FORWARDED, sent_at=100, user=UserId(8))
        await it.say(FORWARDED, sent_at=100, chat=ChatRef(BOT, 7, 5))
        await it.settled(1)
        assert len(refusals(it)) == 4 and "ForwardedAlone" in it.chat.texts(ChatRef(BOT, 7, 5))[0]
        assert await prompts(it) == ["first"]


async def test_behind_a_prompt_that_was_taken_back_it_starts_nothing(tmp_path: Path) -> None:
    async with hall(tmp_path, agent=busy(asyncio.Event()), policies=at(tmp_path, 0.0)) as it:
        await it.say("first", sent_at=100)
        await it.say(Cancel())
        await it.settled(1)
        await it.say(FORWARDED, sent_at=101)
        assert await prompts(it) == ["first"]
        await it.settled(1)
        assert len(refusals(it)) == 1


async def test_a_voice_that_nobody_can_listen_to_is_no_reason_to_lose_the_rest(tmp_path: Path) -> None:
    gate, voice = asyncio.Event(), Attachment(AttachmentKind.VOICE, "one", "voice.ogg")
    async with hall(tmp_path, agent=busy(gate), policies=at(tmp_path, 0.0), downloads=downloads()) as it:
        await it.say("first", sent_at=100)
        await it.say("what does she say?", sent_at=101)
        await it.say(Ask("", (voice,), shape=Shape.FORWARDED), sent_at=101)
        gate.set()
        await it.settled(2)
        assert it.agent.turns[1].prompt.startswith("what does she say?")
        assert it.agent.turns[1].prompt.endswith("- codex-inbox/voice.ogg")


async def test_the_last_files_of_an_album_find_its_prompt(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with hall(tmp_path, agent=busy(gate), policies=at(tmp_path, 0.0), downloads=downloads()) as it:
        await it.say("first")
        await it.say(ALBUM)
        await it.say(replace(ALBUM, attachments=(TWO,)))
        assert await prompts(it) == ["first", ONLY_FILES]
        gate.set()
        await it.settled(2)
        assert it.agent.turns[1].prompt.endswith("- codex-inbox/one.txt\n- codex-inbox/two.txt")
        await it.say(replace(ALBUM, attachments=(TWO,)))
        await it.say(replace(ALBUM, attachments=(TWO,), album="8"))
        await it.settled(4)
        assert (await prompts(it))[2:] == [ALBUM_LATE, ONLY_FILE]


async def test_in_a_group_an_album_is_ours_if_any_of_it_is_said_to_us(tmp_path: Path) -> None:
    loose = replace(ALBUM, is_addressed=False)
    ours = replace(ALBUM, prompt="compare", attachments=(TWO,))
    for folder, order in ((tmp_path / "a", (loose, ours, loose)), (tmp_path / "b", (ours, loose, loose))):
        folder.mkdir()
        async with hall(folder, policies=at(folder), downloads=downloads()) as it:
            for ask in order:
                await it.say(ask, chat=GROUP, private=False)
            assert await prompts(it) == []
            await it.say(AskHelp(), chat=GROUP, private=False)
            await it.settled(1)
            assert await prompts(it) == ["compare"]
            assert await it.query("SELECT count(*) FROM attachments") == [(3,)]


async def test_in_a_group_an_album_that_is_said_to_nobody_is_nobodys(tmp_path: Path) -> None:
    loose = replace(ALBUM, is_addressed=False)
    async with hall(tmp_path, policies=at(tmp_path), downloads=downloads()) as it:
        await it.say(loose, chat=GROUP, private=False)
        await it.say(loose, chat=GROUP, private=False)
        await it.say("hello", chat=GROUP, private=False)
        await it.settled(1)
        assert await prompts(it) == ["hello"]
        assert await it.query("SELECT count(*) FROM attachments") == [(0,)]
        assert await nothing_is_open(it)


async def test_in_a_group_what_is_forwarded_behind_a_comment_belongs_to_it_and_else_to_nobody(tmp_path: Path) -> None:
    loose = replace(FORWARDED, is_addressed=False)
    async with hall(tmp_path, policies=at(tmp_path, 0.0)) as it:
        await it.say(loose, chat=GROUP, private=False, sent_at=90)
        assert await nothing_is_open(it)
        await it.say("sum it up", chat=GROUP, private=False, sent_at=100)
        await it.settled(1)
        await it.say(loose, chat=GROUP, private=False, sent_at=100)
        await it.settled(2)
        assert await prompts(it) == ["sum it up", f"{FORWARDED_LATE}\n\n> /stop me"]
        assert not any("ForwardedAlone" in text for text in it.chat.texts(GROUP))
