"""A private chat with topic mode: each topic has its own session, directory, queue and drafts; over HTTP."""

from __future__ import annotations

from pathlib import Path

from codex_gateway.demo.bot_api import Message
from support.codex_lab import SCRIPTED
from support.house import House, house, is_status


def said_in(it: House, topic: int | None) -> list[Message]:
    return [message for message in it.bot().chat.messages if message.topic == topic]


def status_of(it: House, asked: Message) -> Message | None:
    found = [message for message in it.bot().chat.messages if message.reply_to is asked and is_status(message)]
    return found[0] if found else None


async def shows(it: House, asked: Message, words: str) -> Message:
    """The status message of a prompt, once it says these words."""
    await it.see(lambda: (status := status_of(it, asked)) is not None and words in status.text)
    status = status_of(it, asked)
    assert status is not None
    return status


async def test_topics_of_a_private_chat_work_side_by_side_and_each_is_answered_in_its_own(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        chat, owner = it.bot().chat, it.owner
        shop = it.bot().workdir / "shop"
        shop.mkdir()
        it.write_config(progress_tick_interval=1)
        await it.start()
        one, two = (chat.add_topic(name, author=owner) for name in ("one", "two"))
        for topic, directory in ((one, " ./shop"), (two, "")):
            asked = chat.say(owner, f"/newsession{directory}", topic=topic)
            await it.see(lambda asked=asked: any(m.reply_to is asked for m in chat.messages))  # type: ignore[misc]

        busy = "@comment I look around.\n@sh pwd > where; sleep 600\n@say never"
        first, second = (chat.say(owner, busy, topic=topic) for topic in (one, two))
        waits = chat.say(owner, "@say the queue of one went on", topic=one)
        for asked in (first, second):
            await shows(it, asked, "sleep 600")
        await shows(it, waits, "1 ahead")
        await it.verdict(chat.say(owner, "@say in no topic"))  # the bot's own session is a third one
        assert (shop / "where").exists() and (it.bot().workdir / "where").exists()
        assert it.query("SELECT count(DISTINCT session_id) FROM runs") == [(3,)]

        queue = chat.say(owner, "/queue", topic=two)
        await it.see(lambda: any(m.reply_to is queue and "Nothing waits" in m.text for m in said_in(it, two)))
        await it.see(lambda: {draft.topic for draft in chat.drafts if "sleep 600" in draft.text} == {one, two})

        [of_one] = [draft for draft in chat.drafts if draft.topic == one]
        chat.stop_draft(of_one.id)
        assert (await shows(it, first, "Stopped by you")).topic == one
        await it.see(lambda: any(m.text == "the queue of one went on" for m in said_in(it, one)))
        assert it.query("SELECT count(*) FROM runs WHERE state = 'running'") == [(1,)], "the other topic works on"

        chat.press(owner, await shows(it, second, "sleep 600"), "⏹ Stop")
        assert (await shows(it, second, "Stopped by you")).topic == two
        for topic, theirs in ((one, {first, waits}), (two, {second}), (None, set())):
            prompts = {m.reply_to for m in said_in(it, topic) if m.reply_to is not None and is_status(m)}
            assert theirs <= prompts and not prompts & ({first, second, waits} - theirs)


async def test_what_a_topic_has_chosen_is_its_own_and_survives_a_restart(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        chat, owner = it.bot().chat, it.owner
        service = await it.start()
        topic = chat.add_topic("one", author=owner)

        async def told(text: str, where: int | None) -> str:
            asked = chat.say(owner, text, topic=where)
            await it.see(lambda: any(m.reply_to is asked for m in chat.messages))
            answer = next(m for m in chat.messages if m.reply_to is asked)
            assert answer.topic == where
            return answer.text

        assert it.bot().resume_id in await told("/session", topic)
        await told("/newsession", topic)
        assert "✓" in await told("/verbose final", topic)
        asked = chat.say(owner, "@say begun", topic=topic)
        await it.see(lambda: any(m.text == "begun" and m.topic == topic for m in chat.messages))
        await shows(it, asked, "Done")
        await service.end()
        it.environment["CODEX_HOME"] = str(it.home)
        other = await it.new_session(it.bot().workdir, "@say another of the bot's own")
        del it.environment["CODEX_HOME"]
        it.bot().resume_id = other  # what the config says is for those who have chosen nothing
        it.write_config()
        await it.start()
        [(session,)] = it.query("SELECT s.thread_id FROM runs r JOIN sessions s ON s.id = r.session_id")
        assert session in await told("/session", topic) and other in await told("/session", None)
        assert "final" in await told("/verbose", topic) and "normal" in await told("/verbose", None)
