from __future__ import annotations

import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from codex_gateway.core.errors import (
    ChatBusy,
    ChatClosed,
    ChatError,
    ChatRefused,
    ChatUnreachable,
    GatewayError,
    MessageGone,
)
from codex_gateway.demo.bot_api import BotApiServer, Fault
from codex_gateway.demo.bot_api.faults import Kind
from codex_gateway.telegram import api as api_module
from codex_gateway.telegram.api import PollConflict, TokenRefused
from codex_gateway.telegram.markup import Entity, Formatted
from codex_gateway.telegram.message import Document, Message
from codex_gateway.telegram.refusals import EntitiesRefused, MessageRefused, MethodUnknown, TooLong, TopicGone
from codex_gateway.telegram.settings import BotSettings
from codex_gateway.telegram.wire import Wire
from telegram.stage import Stage


async def error_of(call: Awaitable[object]) -> ChatError:
    """The error that a call ends with, which must not hold a token."""
    with pytest.raises(ChatError) as caught:
        await call
    error = caught.value
    assert ":AA" not in f"{error!r} {error.__cause__!r} {vars(error)}"
    return error


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_a_message_carries_its_formatting_its_buttons_and_what_it_replies_to(stage: Stage) -> None:
    chat = stage.private_chat()
    asked = chat.say(stage.ada, "hello")

    message_id = await stage.api().send(
        chat.id,
        Message(Formatted("ls -la", (Entity("code", 0, 6),)), ((("Stop", "stop:1"), ("Retry", "retry:1")),)),
        reply_to=asked.id,
    )

    [message] = chat.messages
    assert message.id == message_id
    assert [(entity.type, entity.offset, entity.length) for entity in message.entities] == [("code", 0, 6)]
    assert [button.data for button in message.buttons] == ["stop:1", "retry:1"]
    assert message.reply_to is asked
    assert stage.server.calls("sendMessage")[0].params["link_preview_options"] == {"is_disabled": True}


async def test_a_document_goes_with_its_caption_and_its_buttons(stage: Stage, tmp_path: Path) -> None:
    chat = stage.private_chat()
    kept = tmp_path / "kept"
    kept.write_bytes(b"\x00\xff")
    for document in (Document("答 answer.md", text="# 你好"), Document("core.bin", path=kept)):
        message = Message(
            Formatted("the whole", (Entity("bold", 4, 5),)), ((("Retry", "retry:1"),),), document=document
        )
        await stage.api().send(chat.id, message)
    assert [(m.text, [b.data for b in m.buttons], m.entities[0].type) for m in chat.messages] == [
        ("the whole", ["retry:1"], "bold")
    ] * 2
    files = [message.document for message in chat.messages]
    assert [(file.name, file.data) for file in files if file] == [
        ("答 answer.md", "# 你好".encode()),
        ("core.bin", b"\x00\xff"),
    ]


async def test_a_document_that_has_gone_is_refused_for_good(stage: Stage, tmp_path: Path) -> None:
    chat = stage.private_chat()
    with pytest.raises(ChatRefused, match=r"x\.log cannot be read any more"):
        await stage.api().send(chat.id, Message(Formatted(""), document=Document("x.log", path=tmp_path / "gone")))
    assert chat.messages == []


async def test_a_message_is_sent_although_what_it_replies_to_is_gone(stage: Stage) -> None:
    chat = stage.chat_of()
    assert await stage.api().send(chat.chat_id, Message(Formatted("hi")), reply_to=987654)


async def test_an_edit_takes_the_buttons_away_unless_they_are_given_again(stage: Stage) -> None:
    chat = stage.chat_of()
    api = stage.api()
    message_id = await api.send(chat.chat_id, Message(Formatted("working"), ((("Stop", "stop:1"),),)))
    await api.edit_message(chat.chat_id, message_id, "done")
    [message] = stage.private_chat().messages
    assert (message.text, message.buttons) == ("done", [])


async def test_an_edit_that_changes_nothing_is_a_success(stage: Stage) -> None:
    chat = stage.chat_of()
    api = stage.api()
    message_id = await api.send(chat.chat_id, Message(Formatted("same")))
    await api.edit_message(chat.chat_id, message_id, "same")
    assert "not modified" in (stage.server.calls("editMessageText")[0].error or "")


FAULTS: dict[str, tuple[Callable[[], Fault], type[ChatError], bool | None]] = {
    "429": (lambda: Fault.flood(retry_after_s=77), ChatBusy, None),
    "429 that does not say how long": (
        lambda: Fault.refusal(status=429, description="Too Many Requests"),
        ChatBusy,
        None,
    ),
    "500": (lambda: Fault.refusal(status=500, description="Internal Server Error"), ChatUnreachable, True),
    "502 with a web page": (Fault.bad_gateway, ChatUnreachable, True),
    "a reset before the work": (Fault.reset_before, ChatUnreachable, True),
    "a reset after the work": (Fault.reset_after, ChatUnreachable, True),
    "an answer cut off": (Fault.malformed, ChatUnreachable, True),
    "no answer": (Fault.hang_before, ChatUnreachable, True),
    "an answer that never comes": (Fault.hang_after, ChatUnreachable, True),
    "blocked": (
        lambda: Fault.refusal(status=403, description="Forbidden: bot was blocked by the user"),
        ChatClosed,
        None,
    ),
    "no right": (
        lambda: Fault.refusal(status=403, description="Forbidden: not enough rights to send text messages to the chat"),
        ChatRefused,
        None,
    ),
    "too long": (
        lambda: Fault.refusal(status=400, description="Bad Request: MESSAGE_TOO_LONG"),
        TooLong,
        None,
    ),
    "too old to be edited": (
        lambda: Fault.refusal(status=400, description="Bad Request: message can't be edited"),
        MessageGone,
        None,
    ),
    "a topic that is gone": (
        lambda: Fault.refusal(status=400, description="Bad Request: message thread not found"),
        TopicGone,
        None,
    ),
    "too large": (lambda: Fault.refusal(status=413, description="Request Entity Too Large"), MessageRefused, None),
    "formatting": (
        lambda: Fault.refusal(status=400, description="Bad Request: can't parse entities: unsupported"),
        EntitiesRefused,
        None,
    ),
    "an unknown status": (lambda: Fault.refusal(status=418, description="I'm a teapot"), ChatRefused, None),
    "no description": (lambda: Fault.refusal(status=400, description=""), MessageRefused, None),
    "an older server": (
        lambda: Fault.refusal(status=404, description="Not Found: method not found"),
        MethodUnknown,
        None,
    ),
    "401": (lambda: Fault.refusal(status=401, description="Unauthorized"), TokenRefused, False),
    "404": (lambda: Fault.refusal(status=404, description="Not Found"), TokenRefused, False),
    "409": (
        lambda: Fault.refusal(status=409, description="Conflict: terminated by other getUpdates request"),
        PollConflict,
        False,
    ),
}


@pytest.mark.parametrize(("fault", "kind", "uncertain"), FAULTS.values(), ids=FAULTS.keys())
async def test_each_fault_of_a_send_has_its_error(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    fault: Callable[[], Fault],
    kind: type[ChatError],
    uncertain: bool | None,
) -> None:
    chat = stage.chat_of()
    injected = stage.server.inject(fault()).fault
    if injected.kind in (Kind.HANG_BEFORE, Kind.HANG_AFTER):
        monkeypatch.setattr(api_module, "CALL_LIMIT_S", 0.3)
    error = await error_of(stage.api().send(chat.chat_id, Message(Formatted("hi"))))
    assert type(error) is kind
    if isinstance(error, ChatUnreachable):
        assert error.uncertain is uncertain


async def test_a_429_says_how_long_to_wait(stage: Stage) -> None:
    chat = stage.chat_of()
    stage.server.inject(Fault.flood(retry_after_s=13_938))
    error = await error_of(stage.api().send(chat.chat_id, Message(Formatted("hi"))))
    assert isinstance(error, ChatBusy)
    assert error.retry_after_s == 13_938


async def test_a_chat_that_does_not_exist_refuses(stage: Stage) -> None:
    error = await error_of(stage.api().send(4711, Message(Formatted("hi"))))
    assert isinstance(error, ChatRefused)
    assert "chat not found" in str(error)


async def test_a_message_that_does_not_exist_refuses_its_edit(stage: Stage) -> None:
    error = await error_of(stage.api().edit_message(stage.chat_of().chat_id, 4711, "hi"))
    assert isinstance(error, ChatRefused)
    assert "message to edit not found" in str(error)


async def test_a_refused_connection_is_certain_to_have_sent_nothing(stage: Stage) -> None:
    api = stage.api(stage.settings(url=f"http://127.0.0.1:{free_port()}"))
    error = await error_of(api.send(1, Message(Formatted("hi"))))
    assert isinstance(error, ChatUnreachable)
    assert not error.uncertain


async def test_a_name_that_does_not_resolve_is_certain_to_have_sent_nothing(stage: Stage) -> None:
    error = await error_of(stage.api(stage.settings(url="http://bot-api.invalid")).send(1, Message(Formatted("hi"))))
    assert isinstance(error, ChatUnreachable)
    assert not error.uncertain


async def test_a_server_that_went_away_is_certain_to_have_sent_nothing(stage: Stage, server: BotApiServer) -> None:
    api = stage.api()
    await api.get_me()
    await server.stop()
    error = await error_of(api.send(1, Message(Formatted("hi"))))
    assert isinstance(error, ChatUnreachable)


@pytest.mark.parametrize("token", ["nonsense", "", "12 34:AAx", ":AAx", "7777:AAunknown"])
async def test_a_wrong_token_is_the_tokens_fault_and_not_the_messages(stage: Stage, token: str) -> None:
    api = stage.api(BotSettings(stage.settings().name, token, api_base_url=stage.server.url))
    for call in (
        api.get_me(),
        api.send(1, Message(Formatted("hi"))),
        api.get_updates(offset=None, wait_s=1, limit_s=5),
    ):
        assert isinstance(await error_of(call), TokenRefused)


async def test_half_a_character_is_refused_for_good(stage: Stage) -> None:
    error = await error_of(stage.api().send(stage.chat_of().chat_id, Message(Formatted("\ud800"))))
    assert isinstance(error, ChatRefused)


async def test_a_proxy_that_is_down_is_certain_to_have_sent_nothing(stage: Stage) -> None:
    settings = stage.settings()
    proxied = BotSettings(settings.name, settings.token, settings.api_base_url, f"socks5://127.0.0.1:{free_port()}")
    error = await error_of(stage.api(proxied).send(1, Message(Formatted("hi"))))
    assert isinstance(error, ChatUnreachable)
    assert not error.uncertain
    assert "proxy" in str(error)


async def test_a_proxy_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ["aiohttp_socks", *(name for name in sys.modules if name.startswith("aiohttp_socks."))]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(GatewayError, match=r"pip install 'codex-session-gateway\[proxy\]'"):
        Wire(api_base_url=None, proxy="socks5://127.0.0.1:1080")


@pytest.mark.parametrize("proxy", ["nonsense", "ftp://user:secret@host:1", "socks5://host:port"])
async def test_a_proxy_that_is_no_address_says_how_one_is_written(proxy: str) -> None:
    with pytest.raises(GatewayError, match=r"socks5://127\.0\.0\.1:1080") as caught:
        Wire(api_base_url=None, proxy=proxy)
    assert "secret" not in str(caught.value)


async def test_neither_settings_nor_api_show_the_token(stage: Stage) -> None:
    settings = stage.settings()
    assert settings.token not in repr(settings)
    assert settings.token not in repr(stage.api(settings))
