"""Faults: each does to a client what its name says, to the requests it is for, as often as asked."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import (
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiohttp import ClientConnectionError, ClientSession

from codex_gateway.demo.bot_api import BotApiServer, Chat, Fault, Person


async def test_a_flood_answer_says_how_long_to_wait(server: BotApiServer, bot: Bot, chat: Chat) -> None:
    server.inject(Fault.flood(retry_after_s=17))
    with pytest.raises(TelegramRetryAfter) as caught:
        await bot.send_message(chat.id, "x")
    assert caught.value.retry_after == 17
    assert not chat.messages
    assert server.requests[-1].status == 429


async def test_any_refusal_can_be_injected(server: BotApiServer, bot: Bot) -> None:
    server.inject(Fault.refusal(status=500, description="Internal Server Error"))
    with pytest.raises(TelegramServerError, match="Internal Server Error"):
        await bot.get_me()


async def test_a_bad_gateway_answers_with_a_web_page(server: BotApiServer, session: ClientSession, chat: Chat) -> None:
    server.inject(Fault.bad_gateway())
    async with session.get(f"{server.url}/bot{server.bots[0].token}/getMe") as response:
        assert (response.status, response.content_type) == (502, "text/html")
        assert "<h1>502 Bad Gateway</h1>" in await response.text()


async def test_a_reset_before_leaves_nothing_done(server: BotApiServer, bot: Bot, chat: Chat) -> None:
    server.inject(Fault.reset_before(method="sendMessage"))
    with pytest.raises(TelegramNetworkError):
        await bot.send_message(chat.id, "x")
    assert not chat.messages
    assert (server.requests[-1].status, server.requests[-1].done) == (None, False)


async def test_a_reset_after_leaves_the_work_done(server: BotApiServer, bot: Bot, chat: Chat) -> None:
    server.inject(Fault.reset_after(method="sendMessage"))
    with pytest.raises(TelegramNetworkError):
        await bot.send_message(chat.id, "x")
    assert [message.text for message in chat.messages] == ["x"]
    assert (server.requests[-1].status, server.requests[-1].done) == (None, True)


async def test_a_reset_is_a_reset_on_the_wire(server: BotApiServer, chat: Chat) -> None:
    server.inject(Fault.reset_before())
    reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
    writer.write(f"GET /bot{server.bots[0].token}/getMe HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


async def test_half_of_an_answer_is_not_json(server: BotApiServer, chat: Chat, raw: Any) -> None:
    server.inject(Fault.malformed())
    async with raw.session.post(f"{raw.base}/sendMessage", json={"chat_id": chat.id, "text": "x"}) as response:
        assert response.status == 200
        with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
            await response.json()
    assert len(chat.messages) == 1


async def test_a_hang_before_does_the_work_once_released(server: BotApiServer, bot: Bot, chat: Chat) -> None:
    hang = server.inject(Fault.hang_before(method="sendMessage"))
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(bot.send_message(chat.id, "x"))
        await server.wait_for(lambda: hang.struck)
        await bot.get_me()
        assert not sending.done() and not chat.messages
        hang.release()
    assert sending.result().message_id == chat.messages[0].id


async def test_a_hang_after_has_the_work_done_at_once(server: BotApiServer, bot: Bot, chat: Chat) -> None:
    hang = server.inject(Fault.hang_after(method="sendMessage"))
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(bot.send_message(chat.id, "x"))
        await server.wait_for(lambda: chat.messages)
        await bot.get_me()
        assert not sending.done()
        hang.release()


async def test_a_hang_ends_when_its_client_goes(server: BotApiServer, chat: Chat, raw: Any) -> None:
    hang = server.inject(Fault.hang_before(), times=None)
    sending = asyncio.create_task(raw.json("sendMessage", chat_id=chat.id, text="x"))
    await server.wait_for(lambda: hang.struck)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await server.wait_for(lambda: server.requests[0].ended_at)
    hang.lift()
    assert (await raw.json("getMe"))[0] == 200
    assert not chat.messages


async def test_a_delay_is_before_or_after_the_work(server: BotApiServer, chat: Chat, raw: Any) -> None:
    server.inject(Fault.delay_before(delay_s=0.05))
    before = asyncio.create_task(raw.json("sendMessage", chat_id=chat.id, text="one"))
    await server.wait_for(lambda: server.requests and server.requests[-1].params)
    assert not chat.messages
    await before
    server.inject(Fault.delay_after(delay_s=0.05))
    after = asyncio.create_task(raw.json("sendMessage", chat_id=chat.id, text="two"))
    await server.wait_for(lambda: len(chat.messages) == 2)
    assert server.requests[-1].ended_at is None
    assert (await after)[0] == 200
    for request in server.requests:
        assert request.ended_at is not None and request.ended_at - request.at >= 0.05


async def test_a_fault_hits_as_often_as_asked(server: BotApiServer, raw: Any) -> None:
    injection = server.inject(Fault.bad_gateway(), times=2)
    statuses = []
    for _ in range(3):
        async with raw.session.get(f"{raw.base}/getMe") as response:
            statuses.append(response.status)
    assert statuses == [502, 502, 200]
    assert [request.method for request in injection.struck] == ["getMe", "getMe"]


async def test_faults_queue_up(server: BotApiServer, raw: Any) -> None:
    server.inject(Fault.flood(retry_after_s=1))
    server.inject(Fault.refusal(status=500, description="Internal Server Error"))
    assert [(await raw.json("getMe"))[0] for _ in range(3)] == [429, 500, 200]


async def test_a_fault_hits_only_what_it_is_for(
    server: BotApiServer, bot: Bot, chat: Chat, ada: Person, connect: Any, raw: Any
) -> None:
    beta = connect(server, server.bot("beta"))
    fault = Fault.flood(
        retry_after_s=1,
        method="sendMessage",
        bot="alpha",
        chat_id=chat.id,
        when=lambda request: request.params.get("text") == "bad",
    )
    injection = server.inject(fault, times=None)
    other = server.private_chat(server.person("Bob"), server.bot("alpha"))
    theirs = server.private_chat(ada, server.bot("beta"))
    assert theirs.id == chat.id
    await bot.get_me()
    await bot.send_message(chat.id, "good")
    await bot.send_message(other.id, "bad")
    await beta.send_message(theirs.id, "bad")
    assert injection.struck == []
    assert (await raw.form("sendMessage", chat_id=chat.id, text="bad"))[0] == 429
    assert (await raw.json("sendMessage", chat_id=chat.id, text="bad"))[0] == 429
    injection.lift()
    await bot.send_message(chat.id, "bad")


async def test_a_violation_is_recorded_also_when_the_answer_is_lost(server: BotApiServer, raw: Any, chat: Chat) -> None:
    server.inject(Fault.reset_after())
    with pytest.raises(ClientConnectionError):
        await raw.json("sendMessage", chat_id=chat.id, text="x", colour="red")
    assert [violation.path for violation in server.violations] == ["colour"]


async def test_stopping_cuts_what_hangs_and_does_not_do_it(raw: Any, server: BotApiServer, chat: Chat) -> None:
    hang = server.inject(Fault.hang_before())
    request = asyncio.create_task(raw.json("sendMessage", chat_id=chat.id, text="x"))
    await server.wait_for(lambda: hang.struck)
    poll = asyncio.create_task(raw.json("getUpdates", timeout=50))
    await server.wait_for(lambda: server.bots[0].poll)
    await server.stop()
    results = await asyncio.gather(request, poll, return_exceptions=True)
    assert all(isinstance(result, ClientConnectionError) for result in results)
    assert not chat.messages
