"""Requests are held against the published schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from codex_gateway.demo import bot_api
from codex_gateway.demo.bot_api import BotApiServer, Chat
from codex_gateway.demo.bot_api.errors import RuleBroken
from codex_gateway.demo.bot_api.schema_check import (
    check_parameters,
    check_type,
    known_method,
    update_types,
)

SCHEMA = Path(bot_api.__file__).with_name("bot_api_schema.json")

BUTTON = {"text": "Stop", "callback_data": "stop"}


def test_the_schema_names_its_source_and_stays_small() -> None:
    document = json.loads(SCHEMA.read_text())
    assert document["source"].startswith("aiogram 3.31.0")
    assert document["licence"].startswith("MIT")
    assert document["bot_api"] == "10.3"
    assert SCHEMA.stat().st_size < 400_000


def test_every_published_method_and_type_has_a_checker() -> None:
    document = json.loads(SCHEMA.read_text())
    for method in document["methods"]:
        with pytest.raises(RuleBroken, match="has no such parameter"):
            check_parameters(method, {"no such parameter": 1})
    for type_name in document["types"]:
        if type_name != "InputFile":
            with pytest.raises(RuleBroken):
                check_type(type_name, 1.5)


def test_methods_are_known_in_any_case() -> None:
    assert known_method("SENDMESSAGE") == "sendMessage"
    assert known_method("sendMessages") is None


def test_the_types_of_updates_come_from_the_schema() -> None:
    assert {"message", "callback_query", "stopped_message_generation"} <= set(update_types())
    assert "update_id" not in update_types()


@pytest.mark.parametrize(
    ("method", "given", "decoded"),
    [
        ("sendMessage", {"chat_id": "5", "text": "7"}, {"chat_id": 5, "text": "7"}),
        ("sendMessage", {"chat_id": "@team", "text": "x"}, {"chat_id": "@team", "text": "x"}),
        (
            "sendMessage",
            {"chat_id": 5, "text": "x", "disable_notification": "true"},
            {"chat_id": 5, "text": "x", "disable_notification": True},
        ),
        ("getUpdates", {"allowed_updates": '["message"]'}, {"allowed_updates": ["message"]}),
        (
            "sendMessage",
            {"chat_id": 5, "text": "x", "reply_markup": json.dumps({"inline_keyboard": [[BUTTON]]})},
            {"chat_id": 5, "text": "x", "reply_markup": {"inline_keyboard": [[BUTTON]]}},
        ),
        ("sendLocation", {"chat_id": 5, "latitude": "1.5", "longitude": 2}, None),
        ("sendMessage", {"chat_id": 5, "text": "x", "reply_markup": {"remove_keyboard": True}}, None),
        ("sendMessage", {"chat_id": 5, "text": "x", "reply_markup": {"force_reply": True}}, None),
        ("setMessageReaction", {"chat_id": 5, "message_id": 1, "reaction": '[{"type":"emoji","emoji":"👍"}]'}, None),
        ("setMyCommands", {"commands": [], "scope": {"type": "chat", "chat_id": 5}}, None),
        (
            "sendRichMessage",
            {
                "chat_id": 5,
                "rich_message": {"blocks": [{"type": "paragraph", "text": ["a", {"type": "bold", "text": "b"}]}]},
            },
            None,
        ),
    ],
)
def test_right_parameters_are_accepted_and_decoded(
    method: str, given: dict[str, Any], decoded: dict[str, Any] | None
) -> None:
    checked = check_parameters(method, given)
    assert decoded is None or checked == decoded


def sending(**more: Any) -> dict[str, Any]:
    return {"chat_id": 5, "text": "x", **more}


@pytest.mark.parametrize(
    ("given", "path"),
    [
        (sending(reply_to_message_id=3), "reply_to_message_id"),
        ({"chat_id": 5}, "text"),
        ({"text": "x"}, "chat_id"),
        (sending(text=7), "text"),
        (sending(chat_id=[5]), "chat_id"),
        (sending(chat_id=True), "chat_id"),
        (sending(message_thread_id="five"), "message_thread_id"),
        (sending(message_thread_id=1.5), "message_thread_id"),
        (sending(disable_notification="maybe"), "disable_notification"),
        (sending(disable_notification=1), "disable_notification"),
        (sending(entities={"type": "bold", "offset": 0, "length": 1}), "entities"),
        (sending(entities=["bold"]), "entities[0]"),
        (sending(entities="[not json"), "entities"),
        (sending(entities=[{"type": "bold", "offset": 0}]), "entities[0].length"),
        (sending(entities=[{"type": "bold", "offset": "0", "length": 1}]), "entities[0].offset"),
        (sending(entities=[{"type": "big", "offset": 0, "length": 1}]), "entities[0].type"),
        (sending(entities=[{"type": "bold", "offset": 0, "length": 1, "size": 2}]), "entities[0].size"),
        (sending(reply_parameters={"message_id": "1"}), "reply_parameters.message_id"),
        (sending(reply_parameters={"message_id": 1, "quiet": True}), "reply_parameters.quiet"),
        (sending(link_preview_options={"is_disabled": "yes"}), "link_preview_options.is_disabled"),
        (sending(reply_markup={"inline_keyboard": [BUTTON]}), "reply_markup.inline_keyboard[0]"),
        (
            sending(reply_markup={"inline_keyboard": [[{"callback_data": "x"}]]}),
            "reply_markup.inline_keyboard[0][0].text",
        ),
        (
            sending(reply_markup={"inline_keyboard": [[{**BUTTON, "style": "red"}]]}),
            "reply_markup.inline_keyboard[0][0].style",
        ),
        (sending(reply_markup=[]), "reply_markup"),
    ],
)
def test_a_wrong_parameter_is_named_by_its_path(given: dict[str, Any], path: str) -> None:
    with pytest.raises(RuleBroken) as caught:
        check_parameters("sendMessage", given)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("method", "given", "path"),
    [
        (
            "setMessageReaction",
            {"chat_id": 5, "message_id": 1, "reaction": [{"type": "emoji"}]},
            "reaction[0].emoji",
        ),
        ("setMessageReaction", {"chat_id": 5, "message_id": 1, "reaction": [{"type": "smile"}]}, "reaction[0].type"),
        ("setMyCommands", {"commands": [{"command": "x"}]}, "commands[0].description"),
        ("setMyCommands", {"commands": [], "scope": {"type": "chat"}}, "scope.chat_id"),
        ("sendDocument", {"chat_id": 5}, "document"),
    ],
)
def test_a_fault_in_a_union_is_named_in_the_member_that_was_meant(
    method: str, given: dict[str, Any], path: str
) -> None:
    with pytest.raises(RuleBroken) as caught:
        check_parameters(method, given)
    assert caught.value.path == path


def test_an_uploaded_file_is_the_parameter_of_its_name() -> None:
    check_parameters("sendDocument", {"chat_id": 5}, files={"document"})


async def test_a_violation_is_refused_and_recorded(server: BotApiServer, chat: Chat, raw: Any) -> None:
    status, body = await raw.form("sendMessage", chat_id=chat.id, text="x", colour="red")
    assert (status, body["ok"], body["error_code"]) == (400, False, 400)
    [violation] = server.violations
    assert (violation.bot, violation.method, violation.path) == ("alpha", "sendMessage", "colour")
    assert not chat.messages


async def test_an_unknown_method_is_a_violation(server: BotApiServer, raw: Any) -> None:
    assert await raw.json("sendTelegram") == (
        404,
        {"ok": False, "error_code": 404, "description": "Not Found: method not found"},
    )
    assert [(violation.method, violation.path) for violation in server.violations] == [("sendTelegram", "")]


async def test_a_published_method_that_is_not_here_is_unsupported(server: BotApiServer, chat: Chat, raw: Any) -> None:
    status, body = await raw.json("sendDice", chat_id=chat.id)
    assert (status, body["description"]) == (404, "Not Found: method is not part of this stand-in")
    assert [request.method for request in server.unsupported] == ["sendDice"]
    assert not server.violations


async def test_a_wrong_call_of_a_method_that_is_not_here_is_a_violation_all_the_same(
    server: BotApiServer, raw: Any
) -> None:
    status, _ = await raw.json("sendDice", chat=5)
    assert status == 400
    assert server.violations and not server.unsupported


def test_the_trimming_keeps_what_the_checks_need() -> None:
    source = Path(__file__).with_name("make_schema.py")
    namespace: dict[str, Any] = {"__file__": str(source), "__name__": "make_schema"}
    exec(compile(source.read_text(), source, "exec"), namespace)  # the script is in no package
    fields = [
        {"name": "type", "type": "String", "required": True, "description": "Kind of it, must be dot"},
        {"name": "style", "type": "String", "required": False, "description": "Must be one of 'a' or 'b'"},
    ]
    dot = {"name": "Dot", "category": "types", "description": "", "annotations": fields}
    mark = {"name": "Mark", "category": "types", "description": "One of\n - Dot\n - Line", "annotations": []}
    draw = {"name": "draw", "category": "methods", "description": "", "annotations": fields[1:]}
    published = {"api": {"version": "99"}, "items": [{"children": [dot, mark, draw]}]}
    trimmed = namespace["trim"](published, "1.2")
    assert trimmed["methods"] == {"draw": {"style": {"type": "String", "words": ["a", "b"]}}}
    assert trimmed["types"]["Mark"] == {"one_of": ["Dot", "Line"]}
    assert trimmed["types"]["Dot"]["fields"]["type"] == {"type": "String", "required": True, "words": ["dot"]}
