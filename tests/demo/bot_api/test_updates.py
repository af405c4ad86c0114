"""getUpdates: what is kept, what an offset confirms, what is listened to, and who may poll."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramConflictError, TelegramUnauthorizedError
from aiohttp import ClientError, ClientSession, ClientTimeout

from codex_gateway.demo.bot_api import BotAccount, BotApiServer, Chat, Person

OTHER_POLLER = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"


def texts(updates: Any) -> list[str]:
    return [update.message.text for update in updates]


@pytest.fixture
def three(chat: Chat, ada: Person) -> list[str]:
    said = ["one", "two", "three"]
    for text in said:
        chat.say(ada, text)
    return said


async def test_updates_come_again_until_an_offset_confirms_them(bot: Bot, three: list[str]) -> None:
    first = await bot.get_updates()
    assert texts(first) == three
    assert texts(await bot.get_updates()) == three
    assert texts(await bot.get_updates(offset=first[0].update_id)) == three
    assert texts(await bot.get_updates(offset=first[0].update_id + 1)) == three[1:]
    assert texts(await bot.get_updates()) == three[1:]
    assert texts(await bot.get_updates(offset=first[-1].update_id + 1)) == []
    assert texts(await bot.get_updates()) == []


async def test_update_ids_grow_by_one(bot: Bot, three: list[str]) -> None:
    ids = [update.update_id for update in await bot.get_updates()]
    assert ids == [ids[0], ids[0] + 1, ids[0] + 2]


async def test_update_ids_of_two_bots_start_apart() -> None:
    async with BotApiServer.start(bots=["alpha", "beta"]) as server:
        ids = [server.inject_update(bot, {}) for bot in server.bots]
    assert ids[0] != ids[1]


async def test_a_limit_cuts_the_list_and_confirms_nothing(bot: Bot, three: list[str]) -> None:
    assert texts(await bot.get_updates(limit=2)) == three[:2]
    assert texts(await bot.get_updates()) == three


async def test_no_more_than_a_hundred_come_at_once(bot: Bot, chat: Chat, ada: Person) -> None:
    for number in range(101):
        chat.say(ada, str(number))
    assert len(await bot.get_updates(limit=1000)) == 100


async def test_a_negative_offset_keeps_the_last_and_forgets_the_others(bot: Bot, three: list[str]) -> None:
    assert texts(await bot.get_updates(offset=-1)) == three[-1:]
    assert texts(await bot.get_updates()) == three[-1:]


async def test_a_negative_offset_beyond_the_first_keeps_all(bot: Bot, three: list[str]) -> None:
    assert texts(await bot.get_updates(offset=-9)) == three


async def test_a_long_poll_wakes_on_an_update(
    server: BotApiServer, bot: Bot, chat: Chat, ada: Person, alpha: BotAccount
) -> None:
    async with asyncio.TaskGroup() as tasks:
        poll = tasks.create_task(bot.get_updates(timeout=50))
        await server.wait_for(lambda: alpha.poll)
        chat.say(ada, "awake?")
    assert texts(poll.result()) == ["awake?"]


async def test_a_long_poll_ends_empty_at_its_timeout(bot: Bot) -> None:
    assert await bot.get_updates(timeout=1) == []


async def test_a_second_long_poll_ends_the_first_with_409(
    server: BotApiServer, bot: Bot, raw: Any, chat: Chat, ada: Person, alpha: BotAccount
) -> None:
    async with asyncio.TaskGroup() as tasks:
        older = tasks.create_task(raw.json("getUpdates", timeout=50))
        first = await server.wait_for(lambda: alpha.poll)
        newer = tasks.create_task(bot.get_updates(timeout=50))
        await server.wait_for(lambda: alpha.poll is not first)
        status, body = await older
        assert (status, body["error_code"], body["description"]) == (409, 409, OTHER_POLLER)
        chat.say(ada, "to the newer one")
    assert texts(newer.result()) == ["to the newer one"]


async def test_two_bots_poll_side_by_side(server: BotApiServer, raw: Any, session: ClientSession) -> None:
    beta = server.bot("beta")
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(raw.json("getUpdates", timeout=50))
        url = f"{server.url}/bot{beta.token}/getUpdates?timeout=50"
        second = tasks.create_task(session.get(url))
        await server.wait_for(lambda: all(bot.poll for bot in server.bots))
        for account in server.bots:
            server.inject_update(account, {"about": account.name})
    async with second.result() as response:
        assert (await response.json())["result"][0]["about"] == "beta"
    assert first.result()[1]["result"][0]["about"] == "alpha"


async def test_a_long_poll_whose_client_has_gone_gives_its_place_up(
    server: BotApiServer, alpha: BotAccount, session: ClientSession
) -> None:
    with pytest.raises((TimeoutError, ClientError)):
        await session.get(f"{server.url}/bot{alpha.token}/getUpdates?timeout=50", timeout=ClientTimeout(total=0.2))
    await server.wait_for(lambda: alpha.poll is None)
    assert server.requests[-1].status is None


async def test_a_webhook_and_polling_exclude_each_other(
    server: BotApiServer, bot: Bot, alpha: BotAccount, raw: Any
) -> None:
    async with asyncio.TaskGroup() as tasks:
        poll = tasks.create_task(raw.json("getUpdates", timeout=50))
        await server.wait_for(lambda: alpha.poll)
        assert await bot.set_webhook("https://example.org/hook")
    assert poll.result()[1]["description"] == "Conflict: terminated by setWebhook request"
    with pytest.raises(TelegramConflictError, match="can't use getUpdates method while webhook is active"):
        await bot.get_updates()
    await bot.delete_webhook()
    assert await bot.get_updates() == []


async def test_a_webhook_can_drop_what_waits(bot: Bot, three: list[str]) -> None:
    assert (await bot.get_webhook_info()).pending_update_count == 3
    await bot.delete_webhook(drop_pending_updates=True)
    assert await bot.get_updates() == []


async def test_a_webhook_must_be_https(raw: Any) -> None:
    status, body = await raw.json("setWebhook", url="http://example.org/hook")
    assert status == 400
    assert "HTTPS URL must be provided" in body["description"]


async def test_allowed_updates_are_remembered_when_left_out(
    server: BotApiServer, bot: Bot, chat: Chat, ada: Person
) -> None:
    await bot.get_updates(allowed_updates=["edited_message"])
    chat.edit(chat.say(ada, "not heard"), "heard")
    [update] = await bot.get_updates()
    assert update.message is None and update.edited_message is not None
    assert (await bot.get_webhook_info()).allowed_updates == ["edited_message"]


async def test_allowed_updates_do_not_touch_what_waits_already(bot: Bot, three: list[str]) -> None:
    assert texts(await bot.get_updates(allowed_updates=["callback_query"])) == three


async def test_an_empty_list_of_allowed_updates_means_the_defaults(alpha: BotAccount, raw: Any) -> None:
    await raw.json("getUpdates", allowed_updates=["message_reaction"])
    assert alpha.updates.listens_to("message_reaction") and not alpha.updates.listens_to("message")
    await raw.json("getUpdates", allowed_updates=[])
    assert alpha.updates.listens_to("message") and alpha.updates.listens_to("stopped_message_generation")


@pytest.mark.parametrize("kind", ["chat_member", "message_reaction", "message_reaction_count"])
def test_the_defaults_leave_out_what_must_be_asked_for(alpha: BotAccount, kind: str) -> None:
    assert alpha.updates.put(kind, {}) is None
    assert not alpha.updates.waiting


async def test_an_unknown_type_of_update_is_a_violation(server: BotApiServer, raw: Any) -> None:
    status, _ = await raw.json("getUpdates", allowed_updates=["message", "messages"])
    assert status == 400
    assert [violation.path for violation in server.violations] == ["allowed_updates[1]"]


async def test_updates_outlive_an_outage(
    server: BotApiServer, bot: Bot, chat: Chat, ada: Person, three: list[str]
) -> None:
    url = server.url
    await server.stop()
    chat.say(ada, "anybody?")
    await server.listen()
    assert server.url == url
    assert texts(await bot.get_updates()) == [*three, "anybody?"]


async def test_any_json_can_be_injected(server: BotApiServer, alpha: BotAccount, raw: Any) -> None:
    server.inject_update(alpha, {"message": "\ud800", "x": [None, {"é": 1.5}]})
    own = server.inject_update(alpha, {"update_id": 5})
    _, body = await raw.json("getUpdates")
    assert body["result"][0]["message"] == "\ud800"
    assert body["result"][1] == {"update_id": own} == {"update_id": 5}


async def test_a_revoked_token_is_unauthorized_also_in_a_long_poll(
    server: BotApiServer, bot: Bot, alpha: BotAccount, raw: Any
) -> None:
    async with asyncio.TaskGroup() as tasks:
        poll = tasks.create_task(raw.json("getUpdates", timeout=50))
        await server.wait_for(lambda: alpha.poll)
        server.revoke(alpha)
    assert poll.result()[0] == 401
    with pytest.raises(TelegramUnauthorizedError):
        await bot.get_me()
