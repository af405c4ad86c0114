"""What the chat refuses while a run works, over HTTP: messages and topics that are gone, a blocked bot, long texts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codex_gateway.demo.bot_api import Fault, Message
from codex_gateway.demo.bot_api.chat_state import ChatKind
from codex_gateway.demo.bot_api.errors import ApiRefusal
from codex_gateway.demo.bot_api.faults import Kind
from support.codex_lab import SCRIPTED
from support.house import House, house, is_status

#: Works until the test lets it go on.
WORKS = "@sh while [ ! -e go ]; do sleep 0.05; done\n@say the answer"


def go_on(it: House) -> None:
    (it.bot().workdir / "go").touch()


def statuses(it: House, asked: Message) -> list[Message]:
    """What was ever a status message of the prompt, deleted ones too."""
    return [message for message in it.bot().chat.timeline if message.reply_to is asked and is_status(message)]


async def working(it: House, asked: Message, count: int) -> Message:
    """Wait for the status message of that number, at work."""

    def found() -> Message | None:
        found = statuses(it, asked)
        return found[count - 1] if len(found) >= count and found[-1].text.startswith("⚙️") else None

    message: Message = await it.see(found)
    return message


async def test_a_status_message_that_somebody_deletes_comes_again_once_and_works(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        it.write_config(progress_tick_interval=0.3)
        await it.start()
        asked = it.say(WORKS)
        chat = it.bot().chat
        chat.remove(await working(it, asked, 1))
        second = await working(it, asked, 2)
        await it.see(lambda: len(second.edits) >= 2)  # it is painted as the first one was
        chat.remove(second)
        tried = len(it.server.calls("editMessageText"))
        await it.see(lambda: len(it.server.calls("editMessageText")) > tried)
        go_on(it)
        await it.see(lambda: any(message.text.startswith("✅ Done") for message in chat.messages))
        assert len(statuses(it, asked)) == 3  # the last is the verdict, which is never left out
        assert [message.text for message in it.answers_to(asked)] == ["the answer"]


async def test_the_stop_button_of_a_renewed_status_message_stops_the_run(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        it.write_config(progress_tick_interval=0.3)
        await it.start()
        asked = it.say(WORKS)
        it.bot().chat.remove(await working(it, asked, 1))
        second = await working(it, asked, 2)
        it.bot().chat.press(it.owner, second, second.buttons[0].text)
        await it.see(lambda: second.text.startswith("⏹ Stopped by you"))
        assert len(statuses(it, asked)) == 2


async def test_a_status_message_too_old_to_be_edited_is_sent_anew(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        it.write_config(progress_tick_interval=0.3)
        await it.start()
        asked = it.say(WORKS)
        first = await working(it, asked, 1)
        it.server.inject(
            Fault.refusal(
                status=400,
                description="Bad Request: message can't be edited",
                method="editMessageText",
                when=lambda request: str(request.params.get("message_id")) == str(first.id),
            ),
            times=None,
        )
        second = await working(it, asked, 2)
        go_on(it)
        await it.see(lambda: second.text.startswith("✅ Done"))


@pytest.mark.parametrize("how", ["deleted", "closed"])
async def test_what_belongs_into_a_topic_that_is_gone_comes_in_the_chat_around_it(tmp_path: Path, how: str) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        forum = it.server.group("Team", bots=[it.bot().account], is_forum=True)
        it.bot().options["allowed_chat_ids"] = [forum.id]
        it.write_config(progress_tick_interval=0.3)
        await it.start()
        topic = forum.add_topic("work", author=it.owner)
        asked = forum.say(it.owner, f"/new {WORKS}", topic=topic)
        await it.see(lambda: any(m.reply_to is asked and m.text.startswith("⚙️") for m in forum.messages))
        if how == "deleted":
            forum.remove_topic(topic)
        else:
            it.server.inject(
                Fault.refusal(
                    status=400,
                    description="Bad Request: TOPIC_CLOSED",
                    when=lambda request: str(request.params.get("message_thread_id")) == str(topic),
                ),
                times=None,
            )
        go_on(it)
        await it.see(lambda: any(message.text == "the answer" for message in forum.messages))
        await it.nothing_in_flight()
        around = [message.text for message in forum.messages if message.topic is None]
        said = "The topic that this belongs to was deleted or closed, so it goes on here."
        assert around.count(said) == 1 and around.index(said) < around.index("the answer")
        assert any(message.text.startswith("✅ Done") for message in forum.messages)
        assert it.query("SELECT count(*) FROM outbox WHERE state = 'refused'") == [(0,)]


async def test_who_blocks_the_bot_is_left_alone_and_finds_the_answer_when_back(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        it.write_config(progress_tick_interval=0.1)
        await it.start()
        chat = it.bot().chat
        asked = it.say(WORKS)
        await working(it, asked, 1)
        chat.block()
        await it.see(lambda: it.server.requests[-1].status == 403)
        go_on(it)
        await it.see(lambda: it.query("SELECT count(*) FROM runs WHERE ended_at IS NOT NULL") == [(1,)])
        await it.nothing_in_flight()
        refused = [request for request in it.server.requests if request.status == 403]
        # One repaint, the answer, and the verdict as an edit and as a message: nothing is tried for ever.
        assert len(refused) == 4
        chat.unblock()
        it.say("/lastresult")
        await it.see(lambda: any("the answer" in message.text for message in chat.messages))
        assert it.query("SELECT answer FROM runs") == [("the answer",)]
        again = it.say("@say all is well")
        await it.verdict(again)


async def test_an_answer_that_the_server_finds_too_long_comes_in_smaller_parts(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        it.server.inject(
            Fault.refusal(
                status=400,
                description="Bad Request: message is too long",
                when=lambda request: len(str(request.params.get("text", ""))) > 1000,
            ),
            times=None,
        )
        await it.start()
        asked = it.say("@answer 3000")
        assert (await it.verdict(asked)).startswith("✅ Done")
        await it.nothing_in_flight()
        parts = [message for message in it.bot().chat.messages if not is_status(message)]
        assert len(parts) >= 3 and max(len(message.text) for message in parts) <= 1000
        [(answer,)] = it.query("SELECT answer FROM runs")
        assert len(answer) == 3000
        shown = "".join(message.text for message in parts)
        headings = [line.strip("# ") for line in answer.splitlines() if line.startswith("#")]
        assert len(headings) > 3 and [shown.index(each) for each in headings] == sorted(map(shown.index, headings))


async def test_a_group_that_becomes_a_supergroup_in_mid_run_gets_everything_under_its_new_id(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        account = it.bot().account
        old = it.server.group("Team", bots=[account], kind=ChatKind.GROUP)
        new = it.server.group("Team", bots=[account])
        it.bot().options["allowed_chat_ids"] = [old.id, new.id]
        it.write_config(progress_tick_interval=0.5)
        await it.start()
        asked = old.say(it.owner, f"/new {WORKS}")
        await it.see(lambda: any(m.reply_to is asked and m.text.startswith("⚙️") for m in old.messages))
        old.say(it.owner, "/verbose final")
        await it.see(lambda: it.query("SELECT count(*) FROM chat_manners WHERE detail = 'final'") == [(1,)])
        moved = ApiRefusal(
            400,
            "Bad Request: group chat was upgraded to a supergroup chat",
            parameters={"migrate_to_chat_id": new.id},
        )
        it.server.inject(
            Fault(Kind.ANSWER, {"chat_id": old.id}, status=400, body=json.dumps(moved.to_json())), times=None
        )
        await it.see(lambda: any(message.text.startswith("⚙️") and message.edits for message in new.messages))
        go_on(it)
        await it.see(lambda: any(message.text == "the answer" for message in new.messages))
        await it.see(lambda: any(message.text.startswith("✅ Done") for message in new.messages))
        await it.nothing_in_flight()
        assert len([message for message in new.messages if is_status(message)]) == 1
        for table in ("bindings", "chat_manners", "runs"):
            chats = it.query(f"SELECT DISTINCT chat_id FROM {table} WHERE chat_id < 0")
            assert chats in ([], [(new.id,)])
        new.say(it.owner, "/lastresult")
        await it.see(lambda: sum("the answer" in message.text for message in new.messages) == 2)
