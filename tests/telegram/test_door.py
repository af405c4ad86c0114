from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace

import pytest

from codex_gateway.core.ids import ChatRef, UserId
from codex_gateway.core.manner import Language
from codex_gateway.core.request import Ask, Cancel, Request
from codex_gateway.demo.bot_api import BotApiServer, Fault
from codex_gateway.demo.bot_api.faults import Kind
from codex_gateway.telegram.door import TelegramDoor
from codex_gateway.telegram.inbound import BotIdentity, interpret
from codex_gateway.telegram.markup import Formatted
from codex_gateway.telegram.message import Message
from codex_gateway.telegram.poller import PollPace, PollState
from codex_gateway.telegram.settings import BotSettings
from codex_gateway.telegram.wording import COMMANDS, menu
from telegram.stage import ALPHA, BETA, EAGER, Stage


async def polling(stage: Stage, door: TelegramDoor, *bots: str) -> None:
    """Wait until the bots, or all of them, poll."""
    names = bots or tuple(door.health)
    await stage.until(lambda: all(stage.server.calls("getUpdates", bot=name) for name in names))


async def test_what_a_person_writes_is_kept_and_can_be_interpreted(stage: Stage) -> None:
    door = stage.open()
    asked = stage.private_chat().say(stage.ada, "hello 👋")
    await stage.until(lambda: stage.inbox.kept)
    [body] = stage.inbox.bodies(ALPHA)
    assert interpret(door.identity(ALPHA), body) == Request(
        ChatRef(ALPHA, stage.ada.id),
        UserId(stage.ada.id),
        asked.id,
        is_private=True,
        wish=Ask("hello 👋"),
        language="en",
        sent_at=asked.date,
    )


async def test_what_was_written_while_we_were_down_is_received(stage: Stage) -> None:
    stage.private_chat().say(stage.ada, "anybody there?")
    stage.open()
    await stage.until(lambda: stage.inbox.kept)
    assert "anybody there?" in stage.inbox.bodies(ALPHA)[0]


async def test_updates_are_confirmed_only_once_they_are_kept(stage: Stage) -> None:
    stage.inbox.failures_left = 2
    stage.private_chat().say(stage.ada, "precious")
    stage.open()
    await stage.until(lambda: stage.inbox.kept)
    assert stage.inbox.failed == 2
    polls = stage.server.calls("getUpdates", bot="alpha")
    assert [poll.params.get("offset") for poll in polls[:3]] == [None, None, None]

    await stage.until(lambda: not stage.server.bot("alpha").updates.waiting)
    assert len(stage.inbox.bodies(ALPHA)) == 1


async def test_a_poll_ended_while_updates_are_being_kept_has_not_confirmed_them(stage: Stage) -> None:
    under_way = asyncio.Event()

    async def receive(*_: object) -> None:
        under_way.set()
        await asyncio.Event().wait()

    door = TelegramDoor([stage.settings()], receive, pace=EAGER)
    poll = asyncio.create_task(door.run())
    stage.private_chat().say(stage.ada, "precious")
    await asyncio.wait_for(under_way.wait(), 60)
    poll.cancel()
    await asyncio.gather(poll, return_exceptions=True)
    await door.close()
    assert len(stage.server.bot("alpha").updates.waiting) == 1

    stage.open()
    await stage.until(lambda: stage.inbox.kept)


async def test_an_update_without_a_usable_id_is_skipped_and_those_beside_it_are_kept(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    strange = ["x", None, 7, [], {}, {"update_id": "12"}, {"update_id": True}, {"update_id": -1}, {"update_id": 2**70}]
    good = [{"update_id": 41, "message": []}, {"update_id": 42, "message": "\ud800"}]
    answer = {"ok": True, "result": [*strange[:4], good[0], *strange[4:], good[1]]}
    fault = Fault.refusal(status=200, description="", method="getUpdates")
    object.__setattr__(fault, "body", json.dumps(answer))
    stage.server.inject(fault)
    stage.open(stage.settings())
    await stage.until(lambda: len(stage.server.calls("getUpdates")) > 1)
    assert [update.update_id for _, update in stage.inbox.kept] == [41, 42]
    assert [json.loads(body) for body in stage.inbox.bodies(ALPHA)] == good
    assert all(body.isascii() for body in stage.inbox.bodies(ALPHA))
    assert stage.server.calls("getUpdates")[1].params["offset"] == 43
    assert sum("update.without_id" in record.message for record in caplog.records) == len(strange)


async def test_an_answer_with_nothing_to_confirm_is_asked_for_again_with_a_wait(stage: Stage) -> None:
    fault = Fault.refusal(status=200, description="", method="getUpdates")
    object.__setattr__(fault, "body", '{"ok":true,"result":[{"no":"id"}]}')
    stage.server.inject(fault, times=3)
    door = stage.open(stage.settings())
    await stage.until(lambda: "updates without ids" in (door.health[ALPHA].sentence or ""))
    stage.private_chat().say(stage.ada, "hello")
    await stage.until(lambda: stage.inbox.kept)
    await stage.until(lambda: door.health[ALPHA].sentence is None)


POLL_FAULTS = {
    "429": Fault.flood(retry_after_s=1, method="getUpdates"),
    "500": Fault.refusal(status=500, description="Internal Server Error", method="getUpdates"),
    "502": Fault.bad_gateway(method="getUpdates"),
    "reset before": Fault.reset_before(method="getUpdates"),
    "reset after": Fault.reset_after(method="getUpdates"),
    "malformed": Fault.malformed(method="getUpdates"),
    "hang": Fault.hang_before(method="getUpdates"),
    "409": Fault.refusal(
        status=409, description="Conflict: terminated by other getUpdates request", method="getUpdates"
    ),
    "401": Fault.refusal(status=401, description="Unauthorized", method="getUpdates"),
    "400": Fault.refusal(status=400, description="Bad Request: whatever", method="getUpdates"),
    "getMe 500": Fault.refusal(status=500, description="Internal Server Error", method="getMe"),
    "getMe malformed": Fault.malformed(method="getMe"),
    "getMe 401": Fault.refusal(status=401, description="Unauthorized", method="getMe"),
    "the menu": Fault.bad_gateway(method="setMyCommands"),
}


@pytest.mark.parametrize("fault", POLL_FAULTS.values(), ids=POLL_FAULTS.keys())
async def test_after_each_fault_the_poll_goes_on_and_nothing_is_lost(stage: Stage, fault: Fault) -> None:
    stage.private_chat().say(stage.ada, "hello")
    injected = stage.server.inject(fault, times=1)
    hangs = fault.kind is Kind.HANG_BEFORE
    door = stage.open(stage.settings(), pace=replace(EAGER, wait_s=1, limit_s=1.5) if hangs else EAGER)
    await stage.until(lambda: injected.struck and stage.inbox.kept)
    assert "hello" in stage.inbox.bodies(ALPHA)[0]
    await stage.until(lambda: stage.server.bot("alpha").menu and not stage.server.bot("alpha").updates.waiting)
    await stage.until(lambda: door.health[ALPHA].state is PollState.POLLING and door.health[ALPHA].sentence is None)


HEALTHS = {
    "401": (Fault.refusal(status=401, description="Unauthorized", method="getUpdates"), PollState.PARKED, "BotFather"),
    "404": (Fault.refusal(status=404, description="Not Found", method="getMe"), PollState.PARKED, "BotFather"),
    "409": (
        Fault.refusal(status=409, description="Conflict: terminated by other getUpdates request", method="getUpdates"),
        PollState.CONFLICT,
        "Another program polls",
    ),
    "409 webhook": (
        Fault.refusal(
            status=409,
            description="Conflict: can't use getUpdates method while webhook is active; use deleteWebhook first",
            method="getUpdates",
        ),
        PollState.CONFLICT,
        "deleteWebhook",
    ),
    "500": (
        Fault.refusal(status=500, description="Internal Server Error", method="getUpdates"),
        PollState.UNREACHABLE,
        "HTTP 500",
    ),
    "reset": (Fault.reset_before(method="getUpdates"), PollState.UNREACHABLE, "does not reach Telegram"),
    "429": (Fault.flood(retry_after_s=600, method="getUpdates"), PollState.UNREACHABLE, "wait 600 s"),
}


@pytest.mark.parametrize(("fault", "state", "hint"), HEALTHS.values(), ids=HEALTHS.keys())
async def test_health_says_what_is_wrong_and_the_log_says_it_once(
    stage: Stage, caplog: pytest.LogCaptureFixture, fault: Fault, state: PollState, hint: str
) -> None:
    injected = stage.server.inject(fault, times=None)
    door = stage.open(stage.settings())
    needed = 1 if state is PollState.UNREACHABLE and fault.status == 429 else 3
    await stage.until(lambda: len(injected.struck) >= needed)
    await stage.until(lambda: door.health[ALPHA].state is state)
    health = door.health[ALPHA]
    assert hint in (health.sentence or "")
    assert health.last_answer_at is None
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len([line for line in warnings if line.startswith(f"bot.{state}")]) == 1
    assert stage.settings().token not in caplog.text


async def test_a_poll_that_hangs_is_given_up_and_begun_again(stage: Stage) -> None:
    hanging = stage.server.inject(Fault.hang_before(method="getUpdates"))
    stage.open(stage.settings(), pace=replace(EAGER, limit_s=0.5))
    stage.private_chat().say(stage.ada, "hello")
    await stage.until(lambda: hanging.struck and stage.inbox.kept)


async def test_an_outage_of_the_server_is_survived(stage: Stage, server: BotApiServer) -> None:
    door = stage.open(stage.settings())
    await polling(stage, door)
    await server.stop()
    await stage.until(lambda: door.health[ALPHA].state is PollState.UNREACHABLE)
    stage.private_chat().say(stage.ada, "written during the outage")
    await server.listen()
    await stage.until(lambda: stage.inbox.kept)
    await stage.until(lambda: not server.bot("alpha").updates.waiting)
    assert len(stage.inbox.kept) == 1


@pytest.mark.parametrize("token", ["7:AAnobody", "nonsense"])
async def test_one_bots_bad_token_leaves_the_other_alone(stage: Stage, token: str) -> None:
    door = stage.open(BotSettings(ALPHA, token, api_base_url=stage.server.url), stage.settings("beta"))
    stage.private_chat("beta").say(stage.ada, "hello")
    await stage.until(lambda: stage.inbox.kept)
    assert door.health[ALPHA].state is PollState.PARKED
    await stage.until(lambda: door.health[BETA].state is PollState.POLLING)


@pytest.mark.parametrize("fault", ["hang", "500", "reset"])
async def test_one_bots_trouble_leaves_the_other_alone(stage: Stage, fault: str) -> None:
    faults = {
        "hang": Fault.hang_before(bot="alpha"),
        "500": Fault.bad_gateway(bot="alpha"),
        "reset": Fault.reset_before(bot="alpha"),
    }
    injected = stage.server.inject(faults[fault], times=None)
    stage.open()
    await stage.until(lambda: injected.struck)
    for number in range(3):
        stage.private_chat("beta").say(stage.ada, f"message {number}")
        await stage.until(lambda number=number: len(stage.inbox.bodies(BETA)) > number)
    injected.lift()


async def test_a_token_that_is_revoked_while_we_poll_parks_the_bot(stage: Stage) -> None:
    door = stage.open()
    await polling(stage, door)
    stage.server.revoke(stage.server.bot("alpha"))
    stage.private_chat("beta").say(stage.ada, "hello")
    await stage.until(lambda: stage.inbox.bodies(BETA))
    assert door.health[ALPHA].state is PollState.PARKED


async def test_two_gateways_on_one_bot_both_hear_of_the_conflict_and_nothing_is_lost(stage: Stage) -> None:
    doors = [stage.open(stage.settings()), stage.open(stage.settings())]
    await stage.until(lambda: any(door.health[ALPHA].state is PollState.CONFLICT for door in doors))
    for number in range(5):
        stage.private_chat().say(stage.ada, f"message {number}")
    await stage.until(lambda: len(set(stage.inbox.bodies(ALPHA))) == 5)


async def test_the_menu_shows_every_command(stage: Stage) -> None:
    stage.open(stage.settings())
    await stage.until(lambda: stage.server.bot("alpha").menu)
    assert stage.server.bot("alpha").menu == {command.name: command.purpose for command in COMMANDS}


async def test_the_menu_speaks_the_language_of_each_person(stage: Stage) -> None:
    stage.open(stage.settings())
    await stage.until(lambda: stage.server.bot("alpha").menu_in("zh"))
    assert stage.server.bot("alpha").menu_in("zh") == dict(menu(Language.CHINESE))
    assert stage.server.bot("alpha").menu_in("zh")["stop"] == "停止当前任务"


async def test_the_menu_speaks_the_language_that_the_owner_has_set(stage: Stage) -> None:
    stage.open(replace(stage.settings(), language=Language.CHINESE))
    await stage.until(lambda: stage.server.bot("alpha").menu_in("zh"))
    assert stage.server.bot("alpha").menu == stage.server.bot("alpha").menu_in("zh") == dict(menu(Language.CHINESE))


async def test_a_menu_that_is_refused_or_hangs_does_not_keep_the_bot_from_working(stage: Stage) -> None:
    stage.server.inject(
        Fault.refusal(status=400, description="BOT_COMMAND_INVALID", method="setMyCommands", bot="beta")
    )
    stage.server.inject(Fault.hang_before(method="setMyCommands", bot="alpha"))
    stage.open()
    for bot in ("alpha", "beta"):
        stage.private_chat(bot).say(stage.ada, "hello")
    await stage.until(lambda: len(stage.inbox.kept) == 2)


async def test_a_press_of_our_button_is_answered_and_understood(stage: Stage) -> None:
    door = stage.open()
    chat = stage.private_chat()
    await door._apis[ALPHA].send(chat.id, Message(Formatted("working"), ((("Stop", "stop:12"),),)))
    [message] = chat.messages
    press = chat.press(stage.ada, message, "Stop")
    await stage.until(lambda: press.answer is not None)
    assert interpret(door.identity(ALPHA), stage.inbox.bodies(ALPHA)[0]) == Request(
        ChatRef(ALPHA, chat.id), UserId(stage.ada.id), message.id, is_private=True, wish=Cancel(12), language="en"
    )


async def test_a_press_that_can_no_longer_be_answered_harms_nothing(stage: Stage) -> None:
    stale = stage.server.inject(
        Fault.refusal(status=400, description="Bad Request: query is too old", method="answerCallbackQuery")
    )
    door = stage.open()
    chat = stage.private_chat()
    await door._apis[ALPHA].send(chat.id, Message(Formatted("working"), ((("Stop", "stop:12"),),)))
    chat.press(stage.ada, chat.messages[0], "Stop")
    await stage.until(lambda: stale.struck)
    press = chat.press(stage.ada, chat.messages[0], "Stop")
    await stage.until(lambda: press.answer is not None)


async def test_presses_that_cannot_be_answered_do_not_hold_up_the_poll(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.server.inject(Fault.hang_before(method="answerCallbackQuery"), times=None)
    door = stage.open()
    chat = stage.private_chat()
    await door._apis[ALPHA].send(chat.id, Message(Formatted("working"), ((("Stop", "stop:12"),),)))
    for _ in range(40):
        chat.press(stage.ada, chat.messages[0], "Stop")
    chat.say(stage.ada, "hello")
    await stage.until(lambda: len(stage.inbox.kept) == 41)
    await stage.until(lambda: not stage.server.bot("alpha").updates.waiting)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_the_server_is_asked_for_exactly_the_updates_that_we_read(stage: Stage) -> None:
    door = stage.open(stage.settings())
    await polling(stage, door)
    assert stage.server.calls("getUpdates")[0].params["allowed_updates"] == [
        "message",
        "edited_message",
        "callback_query",
        "stopped_message_generation",
    ]


async def test_a_bots_name_is_known_once_telegram_has_told_it(stage: Stage) -> None:
    door = stage.door(stage.settings())
    alpha = stage.server.bot("alpha")
    assert door.identity(ALPHA) == BotIdentity(ALPHA, alpha.id, None)
    stage.server.inject(Fault.bad_gateway(method="getMe"), times=2)
    door = stage.open(stage.settings())
    known = BotIdentity(ALPHA, alpha.id, alpha.username)
    assert await asyncio.wait_for(door.identified(ALPHA), 60) == known == door.identity(ALPHA)


async def test_cancelling_ends_a_waiting_poll(stage: Stage) -> None:
    door = stage.door(pace=PollPace())
    task = asyncio.create_task(door.run())
    await polling(stage, door)
    task.cancel()
    async with asyncio.timeout(PollPace().wait_s / 2):
        await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
