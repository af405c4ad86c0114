from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_gateway.core.ids import BotName, ChatRef, RunId, UserId
from codex_gateway.core.request import (
    Ask,
    AskHelp,
    AskLastResult,
    AskQueue,
    AskSession,
    AskSessions,
    AskStatus,
    AskWho,
    Bind,
    Cancel,
    ClearQueue,
    Drop,
    EndHolder,
    Fork,
    ForkSession,
    Misspoken,
    MisspokenReason,
    MoveUp,
    NewSession,
    Request,
    Retry,
    ShowLog,
    Unbind,
    Wish,
)
from codex_gateway.telegram.inbound import BotIdentity, interpret, pressed_query_id

THREAD = "01a1f920-e197-7680-af9c-1ed048038c95"
BOT = BotIdentity(BotName("alpha"), 8_000_000_001, "Alpha_bot")
ADA = {"id": 700_000_001, "is_bot": False, "first_name": "Ada"}
PRIVATE = {"id": 700_000_001, "type": "private", "first_name": "Ada"}
GROUP = {"id": -1_002_000_000_001, "type": "supergroup", "title": "Team"}
OURS = {"id": BOT.id, "is_bot": True, "first_name": "alpha"}
ANOTHER = {"id": 42, "is_bot": True, "first_name": "other"}


def message(text: str | None = None, **fields: Any) -> dict[str, Any]:
    body = {"message_id": 7, "date": 1, "chat": PRIVATE, "from": ADA, **fields}
    return {"update_id": 1, "message": body if text is None else {**body, "text": text}}


def read(update: object, bot: BotIdentity = BOT) -> Request | None:
    return interpret(bot, json.dumps(update))


def wish(text: str | None = None, bot: BotIdentity = BOT, **fields: Any) -> Wish | None:
    request = read(message(text, **fields), bot)
    return request.wish if request else None


def unknown(command: str) -> Misspoken:
    return Misspoken(MisspokenReason.UNKNOWN_COMMAND, command)


EMPTY_NEW = Misspoken(MisspokenReason.EMPTY_PROMPT, "/new")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fix the test", Ask("fix the test")),
        ("  fix\n\nthe test \n", Ask("fix\n\nthe test")),
        ("你好 👋🏽", Ask("你好 👋🏽")),
        ("a\0b", Ask("ab")),
        ("/new fix it", Ask("fix it")),
        ("/new\nfix it", Ask("fix it")),
        ("/new@alpha_bot fix it", Ask("fix it")),
        ("/new /status", Ask("/status")),
        ("/new", EMPTY_NEW),
        ("/new   ", EMPTY_NEW),
        ("/stop", Cancel()),
        ("/Stop", Cancel()),
        ("/stop now please", Cancel()),
        ("/stop@Alpha_bot", Cancel()),
        ("/retry", Retry()),
        ("/status", AskStatus()),
        ("/lastresult", AskLastResult()),
        ("/queue", AskQueue()),
        ("/session", AskSession()),
        ("/whoami", AskWho()),
        ("/help", AskHelp()),
        ("/start", AskHelp()),
        ("/start deep_link", AskHelp()),
        ("/stpo", unknown("/stpo")),
        ("/stpo@alpha_bot", unknown("/stpo")),
        ("/stop@another_bot", None),
        ("/usr/bin/env is missing", Ask("/usr/bin/env is missing")),
        ("/usr/bin", Ask("/usr/bin")),
        ("/Users is missing", Ask("/Users is missing")),
        ("/stop.", Ask("/stop.")),
        ("/stop/", Ask("/stop/")),
        ("/ is full", Ask("/ is full")),
        ("/", Ask("/")),
        ("//stop", Ask("//stop")),
        ("/命令", Ask("/命令")),
        ("/" + "a" * 33, Ask("/" + "a" * 33)),
        ("run /stop", Ask("run /stop")),
        ("@alpha_bot fix it", Ask("fix it")),
        ("@alpha_bot", Misspoken(MisspokenReason.EMPTY_PROMPT, "")),
    ],
)
def test_in_a_chat_of_two_everything_is_for_us(text: str, expected: Wish | None) -> None:
    assert wish(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fix the test", None),
        ("/usr/bin/env is missing", None),
        ("/stop", Cancel()),
        ("/new fix it", Ask("fix it")),
        ("/stop@alpha_bot", Cancel()),
        ("/stop@another_bot", None),
        ("/stop@another_bot @alpha_bot", None),
        ("/weather", None),
        ("/weather@alpha_bot", unknown("/weather")),
        ("@alpha_bot fix it", Ask("fix it")),
        ("@ALPHA_BOT: fix it", Ask("fix it")),
        ("@alpha_bot, fix it", Ask("fix it")),
        ("fix it @alpha_bot", Ask("fix it")),
        ("fix @alpha_bot it", Ask("fix @alpha_bot it")),
        ("@alpha_bot ask @alpha_bot to fix it @alpha_bot", Ask("ask @alpha_bot to fix it")),
        ("@alpha_bot /status", AskStatus()),
        ("@alpha_bot /weather", unknown("/weather")),
        ("@alpha_bot /usr/bin/env is missing", Ask("/usr/bin/env is missing")),
        ("@alpha_bot2 fix it", None),
        ("mail me@alpha_bot fix it", None),
        ("t.me/@alpha_bot", None),
        ("@alpha_bot", Misspoken(MisspokenReason.EMPTY_PROMPT, "")),
    ],
)
def test_in_a_group_only_what_is_said_to_us_counts(text: str, expected: Wish | None) -> None:
    assert wish(text, chat=GROUP) == expected


def test_a_reply_to_us_is_a_prompt_and_a_reply_to_somebody_else_is_not() -> None:
    assert wish("go on", chat=GROUP, reply_to_message={"message_id": 3, "from": OURS}) == Ask("go on")
    assert wish("/weather", chat=GROUP, reply_to_message={"message_id": 3, "from": OURS}) == unknown("/weather")
    assert wish("go on", chat=GROUP, reply_to_message={"message_id": 3, "from": ANOTHER}) is None


def test_a_topic_that_we_opened_does_not_make_everything_in_it_a_reply_to_us() -> None:
    opening = {"message_id": 3, "from": OURS, "forum_topic_created": {"name": "x"}}
    place = {"chat": GROUP, "is_topic_message": True, "message_thread_id": 3}
    assert wish("go on", **place, reply_to_message=opening) is None
    assert wish("go on", chat=GROUP, reply_to_message=opening) is None
    assert wish("go on", **place, reply_to_message={"message_id": 3, "from": OURS}) is None
    assert wish("go on", **place, reply_to_message={"message_id": 4, "from": OURS}) == Ask("go on")


def test_while_our_name_is_not_known_a_command_for_a_name_counts_only_between_two() -> None:
    nameless = BotIdentity(BOT.name, BOT.id, None)
    assert wish("/stop@alpha_bot", nameless) == Cancel()
    assert wish("/stop@alpha_bot", nameless, chat=GROUP) is None
    assert wish("/stop", nameless, chat=GROUP) == Cancel()


def test_a_request_says_who_and_where() -> None:
    assert read(message("hi")) == Request(
        ChatRef(BOT.name, 700_000_001), UserId(700_000_001), 7, is_private=True, wish=Ask("hi"), sent_at=1
    )
    in_topic = read(message("/stop", chat=GROUP, is_topic_message=True, message_thread_id=5))
    assert in_topic and in_topic.chat == ChatRef(BOT.name, GROUP["id"], 5) and not in_topic.is_private
    in_chain_of_replies = read(message("/stop", chat=GROUP, message_thread_id=5))
    assert in_chain_of_replies and in_chain_of_replies.chat.topic_id == 0


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"sticker": {}}, "sticker"),
        ({"venue": {}, "location": {}}, "venue"),
        ({"location": {}}, "location"),
        ({"poll": {}}, "poll"),
    ],
)
def test_what_is_no_text_is_named(fields: dict[str, Any], kind: str) -> None:
    expected = Misspoken(MisspokenReason.UNSUPPORTED_CONTENT, kind)
    assert wish(**fields) == expected
    assert wish(chat=GROUP, **fields) is None
    assert wish(chat=GROUP, reply_to_message={"from": OURS}, **fields) == expected
    assert wish(chat=GROUP, **{**fields, "caption": "@alpha_bot look"}) == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"sender_chat": GROUP},
        {"via_bot": ANOTHER},
        {"is_automatic_forward": True},
        {"from": ANOTHER},
        {"from": None},
        {"chat": {"id": -5, "type": "channel"}},
        {"chat": {"id": -5, "type": "sender"}},
        {"chat": {"id": -5}},
    ],
    ids=str,
)
def test_what_nobody_in_person_says_is_nobodys(fields: dict[str, Any]) -> None:
    assert wish("/stop", **fields) is None


@pytest.mark.parametrize("kind", ["channel_post", "inline_query", "business_message", "my_chat_member"])
def test_other_kinds_of_updates_are_left_alone(kind: str) -> None:
    assert read({"update_id": 1, kind: message("/stop")["message"]}) is None


@pytest.mark.parametrize(
    "service",
    [{"pinned_message": {}}, {"new_chat_members": [ADA]}, {"forum_topic_created": {"name": "x"}}, {}],
    ids=str,
)
def test_a_message_that_says_nothing_is_left_alone(service: dict[str, Any]) -> None:
    assert wish(**service) is None


def press(data: str | None, **fields: Any) -> dict[str, Any]:
    shown = {"message_id": 9, "date": 1, "chat": PRIVATE, "from": OURS, "text": "working"}
    query = {"id": "123", "from": ADA, "message": shown, "chat_instance": "1", "data": data, **fields}
    return {"update_id": 1, "callback_query": query}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("stop:12", Cancel(RunId(12))),
        ("fork:12", Fork(RunId(12))),
        ("holder:12", EndHolder(RunId(12))),
        ("log:12", ShowLog(RunId(12))),
        ("drop:12", Drop(RunId(12))),
        ("up:12", MoveUp(RunId(12))),
        ("clear:12", ClearQueue(RunId(12))),
        (f"pick:{THREAD}", Bind(THREAD)),
        ("list:0", AskSessions(0, in_place=True)),
        ("list:12", AskSessions(12, in_place=True)),
        ("retry:999999999999999999", Retry(RunId(10**18 - 1))),
    ],
)
def test_our_buttons_are_wishes(data: str, expected: Wish) -> None:
    assert read(press(data)) == Request(
        ChatRef(BOT.name, 700_000_001), UserId(700_000_001), 9, is_private=True, wish=expected
    )
    assert pressed_query_id(json.dumps(press(data))) == "123"


@pytest.mark.parametrize(
    "data",
    [
        "",
        "stop",
        "stop:",
        "stop:0",
        "stop:-1",
        "stop:1 ",
        "stop:1\n",
        "stop:٣",
        "stop:1e3",
        "sudo:1",
        "stop:" + "9" * 19,
        "list:-1",
        "list:1000000",
        f"pick:{THREAD} ",
        "pick:../../etc/passwd",
        None,
    ],
)
def test_a_button_that_is_not_ours_is_answered_with_a_sentence(data: str | None) -> None:
    request = read(press(data))
    wish = None if request is None else request.wish
    assert wish == (None if data is None else Misspoken(MisspokenReason.UNKNOWN_BUTTON, ""))
    assert pressed_query_id(json.dumps(press(data))) == "123"


def test_a_button_under_a_message_too_old_to_be_shown_still_works() -> None:
    old = {"message_id": 9, "date": 0, "chat": GROUP}
    request = read(press("stop:12", message=old))
    assert request and request.chat.chat_id == GROUP["id"] and not request.is_private


def test_a_button_without_a_message_is_nothing() -> None:
    assert read(press("stop:12", message=None)) is None


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "null",
        "[]",
        '"message"',
        "[" * 100_000,
        '{"message":' + "[" * 5000 + "]" * 5000 + "}",
        '{"message":{"message_id":1,"chat":{"id":1,"type":"private"},"from":{"id":1},"text":"\\ud800"}}',
        '{"message":{"message_id":' + "9" * 400 + "}}",
        "\ud800",
        '{"message": NaN}',
        "\0",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_not_even_an_update_is_nothing(body: str) -> None:
    assert interpret(BOT, body) is None
    assert pressed_query_id(body) is None


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**30, 1.5, "7", True])
def test_numbers_that_no_row_can_hold_are_nothing(number: object) -> None:
    assert wish("hi", chat={**PRIVATE, "id": number}) is None
    assert wish("hi", **{"from": {**ADA, "id": number}}) is None
    assert wish("hi", message_id=number) is None
    assert wish("hi", is_topic_message=True, message_thread_id=number) is None


hostile = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("private") | st.just("/stop"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
full = message(
    "/stop",
    chat=GROUP,
    is_topic_message=True,
    message_thread_id=5,
    caption="c",
    reply_to_message={"message_id": 3, "from": OURS, "forum_topic_created": {}},
)
PATHS = [
    *[("message", key) for key in full["message"]],
    ("message", "chat", "id"),
    ("message", "chat", "type"),
    ("message", "from", "id"),
    ("message", "from", "is_bot"),
    ("message", "reply_to_message", "from"),
    ("message", "photo"),
    ("message", "sender_chat"),
]


@given(path=st.sampled_from(PATHS), value=hostile)
def test_any_type_in_any_field_of_a_message_raises_nothing(path: tuple[str, ...], value: Any) -> None:
    update = json.loads(json.dumps(full))
    inner = update
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    request = read(update)
    if request is not None:
        assert abs(request.chat.chat_id) < 2**63 and abs(request.user_id) < 2**63 and request.message_id < 2**63


@given(key=st.sampled_from(["id", "from", "message", "data"]), value=hostile)
def test_any_type_in_any_field_of_a_press_raises_nothing(key: str, value: Any) -> None:
    update = press("stop:1")
    update["callback_query"][key] = value
    read(update)
    pressed_query_id(json.dumps(update))


@given(st.text())
def test_any_text_raises_nothing_and_between_two_it_is_always_something(text: str) -> None:
    interpret(BOT, text)
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    request = read(message(text))
    assert request is not None or "@" in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/sessions", AskSessions()),
        (f"/bind {THREAD}", Bind(THREAD)),
        ("/bind the login page", Bind("the login page")),
        ("/bind login ~/projects/my shop", Bind("login", "~/projects/my shop")),
        ("/bind login /srv", Bind("login", "/srv")),
        ("/bind ./api", Bind(None, "./api")),
        ("/bind ..", Bind(None, "..")),
        ("/bind and/or", Bind("and/or")),
        ("/bind login / sign-up", Bind("login / sign-up")),
        ("/bind ~", Bind(None, "~")),
        ("/bind", Bind(None)),
        ("/unbind", Unbind()),
        ("/newsession", NewSession()),
        ("/newsession my shop", NewSession("my shop")),
        ("/fork", ForkSession()),
    ],
)
def test_sessions_are_chosen_by_words(text: str, expected: Wish) -> None:
    assert wish(text) == expected
