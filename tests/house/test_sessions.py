"""Several sessions in one bot, as people see them in the topics of a forum: over HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest

from codex_gateway.demo.bot_api import Chat, Message
from support.codex_lab import MODERN, SCRIPTED, Cli
from support.house import House, house


async def answer(it: House, chat: Chat, asked: Message) -> Message:
    def replies() -> list[Message]:
        return [message for message in chat.messages if message.reply_to is asked and message.is_from_bot]

    await it.see(replies)
    return replies()[0]


async def worked(it: House, chat: Chat, text: str) -> None:
    await it.see(lambda: any(message.text == text and message.is_from_bot for message in chat.messages))


@pytest.mark.parametrize("cli", MODERN)
async def test_topics_have_sessions_and_directories_of_their_own_over_a_restart(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        account = it.bot().account
        forum = it.server.group("work", bots=[account], is_forum=True)
        shop = it.bot().workdir / "shop"
        shop.mkdir()
        it.environment["CODEX_HOME"] = str(it.home)
        session = await it.new_session(shop, "@say the shop is open")
        del it.environment["CODEX_HOME"]
        it.bot().options["allowed_chat_ids"] = [forum.id]
        it.write_config()
        service = await it.start()
        one, two = (forum.add_topic(name, author=it.owner) for name in ("one", "two"))

        listed = await answer(it, forum, forum.say(it.owner, "/sessions", topic=one))
        assert listed.text.startswith("Sessions 1–2 of 2") and "the shop is open" in listed.text
        [pick] = [button for button in listed.buttons if button.data == f"pick:{session}"]
        forum.press(it.owner, listed, pick.text)
        await it.see(lambda: any(str(shop) in message.text for message in forum.messages if message.topic == one))

        began = await answer(it, forum, forum.say(it.owner, "/newsession ./shop", topic=two))
        assert "begins a new session" in began.text and began.topic == two
        await service.end()
        await it.start()

        prompt = f"/new@{account.username} @sh pwd > where; pwd\n@say "
        forum.say(it.owner, prompt + "in one", topic=one)
        forum.say(it.owner, prompt + "in two", topic=two)
        await worked(it, forum, "in one")
        await worked(it, forum, "in two")
        assert (shop / "where").read_text("utf-8").strip() == str(shop)
        assert len(it.turns(session)) == 2 and len(it.turns(it.bot().resume_id)) == 1
        sessions = dict(it.query("SELECT r.topic_id, s.thread_id FROM runs r JOIN sessions s ON s.id = r.session_id"))
        assert sessions[one] == session and sessions[two] not in (session, it.bot().resume_id)

        told = await answer(it, forum, forum.say(it.owner, "/session", topic=one))
        assert session in told.text and str(shop) in told.text and "Installed: Codex" in told.text
        assert "Format: " in told.text and "the shop is open" in told.text


async def test_wrong_words_about_sessions_get_a_sentence_and_change_nothing(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        await it.start()
        chat = it.bot().chat
        for text, words in (
            ("/bind", "Say which session"),
            ("/bind no such thing", "No session has that id or title: no such thing"),
            ("/bind 01a1f920-e197-7680-af9c-000000000001", "No session has that id"),
            ("/bind ~/.ssh", "this bot may not work there"),
            ("/bind ready /etc", "this bot may not work there"),
            ("/newsession ../..", "this bot may not work there"),
            ("/newsession not-there", "there is no such directory"),
            ("/unbind", "speaks to the bot’s own session already"),
        ):
            said = await answer(it, chat, it.say(text))
            assert words in said.text, (text, said.text)
        assert it.query("SELECT count(*) FROM bindings WHERE chat_id <> 0") == [(0,)]
        chosen = await answer(it, chat, it.say(f"/bind {it.bot().resume_id}"))
        assert "ready" in chosen.text and it.bot().resume_id in chosen.text
        back = await answer(it, chat, it.say("/unbind"))
        assert "again" in back.text


async def test_the_list_turns_its_pages_in_place(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        own = it.session_file(it.bot().resume_id)
        for number in range(7):
            name = own.name.replace(it.bot().resume_id, f"01a1f920-e197-7680-af9c-{number:012x}")
            own.with_name(name).write_bytes(own.read_bytes())
        await it.start()
        chat = it.bot().chat
        listed = await answer(it, chat, it.say("/sessions"))
        assert listed.text.startswith("Sessions 1–6 of 8")
        chat.press(it.owner, listed, "Older ▶")
        await it.see(lambda: listed.text.startswith("Sessions 7–8 of 8"))
        chat.press(it.owner, listed, "◀ Newer")
        await it.see(lambda: listed.text.startswith("Sessions 1–6 of 8"))
        chat.press(it.owner, listed, "list:600", stale=True)
        await it.see(lambda: listed.text.startswith("Sessions 7–8 of 8"))
