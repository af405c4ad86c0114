"""How a chat is spoken to: chosen by its people, kept, and heeded by the runs."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from codex_gateway.core import request as rq
from codex_gateway.core.event import Message, Phase, Reasoning
from codex_gateway.core.ids import ChatRef, UserId
from codex_gateway.core.manner import Chosen, Detail, Form, Language, LanguageChoice, Manner, Setting
from codex_gateway.core.policy import BotPolicy
from codex_gateway.service.manners import Manners
from codex_gateway.store.database import Database
from codex_gateway.store.manners import ChatManners
from support.hall import BOT, CHAT, OTHER_CHAT, PlayedAgent, hall, playing, policy, until

GROUP, TOPIC = ChatRef(BOT, -100), ChatRef(BOT, -100, 5)


async def opened(database: Database, language: LanguageChoice = LanguageChoice.AUTO) -> Manners:
    store = ChatManners(database)
    return Manners(store, await store.all(), languages={BOT: language}, clock=lambda: 1.0)


async def test_what_was_chosen_is_there_after_a_restart(tmp_path: Path) -> None:
    async with Database.open(tmp_path / "app.db") as database:
        manners = await opened(database)
        for choice in (Detail.FINAL, Detail.VERBOSE, Form.RICH, LanguageChoice.CHINESE):
            await manners.choose(CHAT, choice)
        assert manners.of(OTHER_CHAT) == Manner()
    async with Database.open(tmp_path / "app.db") as database:
        manners = await opened(database)
        assert manners.of(CHAT) == Manner(Language.CHINESE, Detail.VERBOSE, Form.RICH)
        assert manners.of(OTHER_CHAT) == Manner()
        assert manners.choice(CHAT, Setting.VERBOSE) is Detail.VERBOSE


async def test_a_topic_follows_its_chat_in_what_was_not_chosen_in_it(tmp_path: Path) -> None:
    async with Database.open(tmp_path / "app.db") as database:
        manners = await opened(database)
        await manners.choose(GROUP, Detail.FINAL)
        await manners.choose(GROUP, LanguageChoice.CHINESE)
        await manners.choose(TOPIC, Detail.VERBOSE)
        assert manners.of(TOPIC) == Manner(Language.CHINESE, Detail.VERBOSE)
        assert manners.of(GROUP) == Manner(Language.CHINESE, Detail.FINAL)


@pytest.mark.parametrize(
    ("owner", "chosen", "heard", "spoken"),
    [
        (LanguageChoice.AUTO, None, "zh-hans", Language.CHINESE),
        (LanguageChoice.AUTO, None, "de", Language.ENGLISH),
        (LanguageChoice.AUTO, None, None, Language.ENGLISH),
        (LanguageChoice.CHINESE, None, "en", Language.CHINESE),
        (LanguageChoice.CHINESE, LanguageChoice.AUTO, "en", Language.ENGLISH),
        (LanguageChoice.ENGLISH, LanguageChoice.CHINESE, "en", Language.CHINESE),
    ],
)
async def test_the_chat_decides_before_the_owner_and_the_owner_before_the_person(
    tmp_path: Path, owner: LanguageChoice, chosen: LanguageChoice | None, heard: str | None, spoken: Language
) -> None:
    async with Database.open(tmp_path / "app.db") as database:
        manners = await opened(database, owner)
        if chosen is not None:
            await manners.choose(CHAT, chosen)
        await manners.hear(CHAT, heard)
        assert manners.of(CHAT).language is spoken
        assert manners.choice(CHAT, Setting.LANGUAGE) is (chosen or owner)


async def test_a_person_whose_language_is_not_told_is_answered_as_the_one_before(tmp_path: Path) -> None:
    async with Database.open(tmp_path / "app.db") as database:
        manners = await opened(database)
        await manners.hear(CHAT, "zh")
        await manners.hear(CHAT, None)
        assert manners.of(CHAT).language is Language.CHINESE


async def test_a_choice_that_could_not_be_kept_does_not_hold(tmp_path: Path) -> None:
    async with Database.open(tmp_path / "app.db") as database:
        manners = await opened(database)
        await database.write(lambda tx: tx.run("DROP TABLE chat_manners"))
        with pytest.raises(sqlite3.OperationalError):
            await manners.choose(CHAT, Detail.FINAL)
        assert manners.of(CHAT) == Manner()


@pytest.mark.parametrize("column", ["language", "detail", "form", "heard"])
async def test_the_schema_takes_no_word_that_we_do_not_know(tmp_path: Path, column: str) -> None:
    async with Database.open(tmp_path / "app.db") as database:
        await ChatManners(database).keep(CHAT, Chosen(), now=1.0)
        with pytest.raises(sqlite3.IntegrityError):
            await database.write(lambda tx: tx.run(f"UPDATE chat_manners SET {column} = 'loud'"))


WHISPERS, SHOWS = policy(), policy(shows_reasoning=True)
SILENT = replace(policy(), shows_commentary=False)


@pytest.mark.parametrize(
    ("owner", "detail", "says", "thinks"),
    [
        (WHISPERS, None, True, False),
        (SHOWS, None, True, True),
        (SHOWS, Detail.FINAL, False, False),
        (SHOWS, Detail.NORMAL, True, True),
        (SILENT, Detail.NORMAL, False, False),
        (SILENT, Detail.VERBOSE, True, True),
    ],
)
async def test_a_run_tells_as_much_as_the_chat_wants(
    tmp_path: Path, owner: BotPolicy, detail: Detail | None, says: bool, thinks: bool
) -> None:
    gate = asyncio.Event()
    events = Message("on the way", Phase.COMMENTARY), Reasoning("a thought")
    agent = PlayedAgent(plays={"go": playing(*events, gate=gate)})
    async with hall(tmp_path, agent=agent, policies=[owner]) as it:
        if detail is not None:
            await it.say(rq.Choose(detail))
        await it.say("go")
        await until(lambda: any("Doing.THINKING" in said for sent in it.chat.sent for said in sent.says))
        gate.set()
        await it.settled(1)
        said = " ".join(text for sent in it.chat.sent for text in sent.says)
        assert ("commentary: on the way" in it.chat.texts()) is says
        assert ("a thought" in said) is thinks
        assert it.chat.answers() == ["done"]


async def test_a_stranger_chooses_nothing(tmp_path: Path) -> None:
    async with hall(tmp_path) as it:
        await it.say(rq.Choose(Detail.FINAL), user=UserId(666))
        await it.say(rq.Choose(Detail.FINAL), chat=ChatRef(BOT, -999), private=False)
        assert await it.query("SELECT * FROM chat_manners") == []
        assert it.chat.sent == []
