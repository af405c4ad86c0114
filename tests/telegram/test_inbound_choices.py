from __future__ import annotations

import json
from typing import Any

import pytest

from codex_gateway.core.ids import BotName
from codex_gateway.core.manner import Detail, Form, LanguageChoice, Setting
from codex_gateway.core.request import AskChoice, Choose, Misspoken, MisspokenReason, Request, Wish
from codex_gateway.telegram.inbound import BotIdentity, interpret, pressed_query_id

STALE = Misspoken(MisspokenReason.UNKNOWN_BUTTON, "")
BOT = BotIdentity(BotName("alpha"), 8_000_000_001, "Alpha_bot")
WEI = {"id": 7, "is_bot": False, "first_name": "Wei", "language_code": "zh-hans"}
PRIVATE = {"id": 7, "type": "private", "first_name": "Wei"}


def said(text: str, **fields: Any) -> Request | None:
    message = {"message_id": 7, "date": 1, "chat": PRIVATE, "from": WEI, "text": text, **fields}
    return interpret(BOT, json.dumps({"update_id": 1, "message": message}))


def press(data: str) -> dict[str, Any]:
    message = {"message_id": 5, "date": 1, "chat": PRIVATE}
    return {"update_id": 1, "callback_query": {"id": "1", "from": WEI, "message": message, "data": data}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/verbose", AskChoice(Setting.VERBOSE)),
        ("/verbose final", Choose(Detail.FINAL)),
        ("/Verbose  NORMAL ", Choose(Detail.NORMAL)),
        ("/verbose@alpha_bot verbose", Choose(Detail.VERBOSE)),
        ("/verbose loud", AskChoice(Setting.VERBOSE, "loud")),
        ("/verbose final please", AskChoice(Setting.VERBOSE, "final please")),
        ("/verbose rich", AskChoice(Setting.VERBOSE, "rich")),
        ("/format", AskChoice(Setting.FORMAT)),
        ("/format rich", Choose(Form.RICH)),
        ("/format text", Choose(Form.TEXT)),
        ("/language", AskChoice(Setting.LANGUAGE)),
        ("/language auto", Choose(LanguageChoice.AUTO)),
        ("/language en", Choose(LanguageChoice.ENGLISH)),
        ("/language zh-CN", Choose(LanguageChoice.CHINESE)),
        ("/language klingon", AskChoice(Setting.LANGUAGE, "klingon")),
    ],
)
def test_a_choice_is_understood(text: str, expected: Wish) -> None:
    request = said(text)
    assert request is not None and request.wish == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("verbose:final", Choose(Detail.FINAL)),
        ("format:rich", Choose(Form.RICH)),
        ("language:zh", Choose(LanguageChoice.CHINESE)),
        ("verbose:loud", STALE),
        ("verbose:rich", STALE),
        ("language:zh-CN", STALE),
        ("verbose:", STALE),
        ("verbose", STALE),
        ("", STALE),
    ],
)
def test_a_button_of_a_choice_is_understood_and_nothing_like_it(data: str, expected: Wish) -> None:
    request = interpret(BOT, json.dumps(press(data)))
    assert request is not None and request.wish == expected
    assert pressed_query_id(json.dumps(press(data))) == "1"


def test_the_language_of_the_person_comes_along() -> None:
    asked, pressed = said("hello"), interpret(BOT, json.dumps(press("stop:1")))
    assert asked is not None and asked.language == "zh-hans"
    assert pressed is not None and pressed.language == "zh-hans"
    unknown = said("hello", **{"from": {"id": 7, "first_name": "Wei"}})
    assert unknown is not None and unknown.language is None
