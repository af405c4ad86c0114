"""The wire: tokens, encodings, and what hostile clients send."""

from __future__ import annotations

import json
import subprocess
import sys
from io import BytesIO
from typing import Any

import pytest
from aiohttp import ClientSession, FormData

from codex_gateway.demo.bot_api import BotApiServer, Chat


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 404),
        ("/getMe", 404),
        ("/bot/getMe", 404),
        ("/botabc/getMe", 404),
        ("/bot123/getMe", 404),
        ("/bot123:abc", 404),
        ("/bot123:abc/", 404),
        ("/bot123:abc/getMe", 401),
        ("/file/bot123:abc/documents/x", 401),
    ],
)
async def test_a_malformed_token_is_not_found_and_an_unknown_one_unauthorized(
    server: BotApiServer, session: ClientSession, path: str, status: int
) -> None:
    async with session.get(server.url + path) as response:
        body = await response.json()
    words = {404: "Not Found", 401: "Unauthorized"}[status]
    assert (response.status, body) == (
        status,
        {"ok": False, "error_code": status, "description": words},
    )
    assert server.requests == []


@pytest.mark.parametrize("verb", ["get", "post"])
async def test_parameters_come_in_the_query(chat: Chat, raw: Any, verb: str) -> None:
    params = {"chat_id": str(chat.id), "text": "a&b=é 😀"}
    async with getattr(raw.session, verb)(f"{raw.base}/sendMessage", params=params) as response:
        assert response.status == 200
    assert chat.messages[0].text == "a&b=é 😀"


async def test_parameters_come_as_form_json_and_multipart(chat: Chat, raw: Any) -> None:
    assert (await raw.form("sendMessage", chat_id=chat.id, text="form é"))[0] == 200
    assert (await raw.json("sendMessage", chat_id=chat.id, text="json é"))[0] == 200
    form = FormData({"chat_id": str(chat.id), "text": "multipart é"}, default_to_multipart=True)
    async with raw.session.post(f"{raw.base}/sendMessage", data=form) as response:
        assert response.status == 200
    assert [message.text for message in chat.messages] == ["form é", "json é", "multipart é"]


async def test_methods_are_called_in_any_case(raw: Any) -> None:
    assert (await raw.json("GETME"))[0] == 200


async def test_a_file_comes_under_its_own_name_or_as_an_attachment(chat: Chat, raw: Any) -> None:
    for field, extra in (("document", {}), ("f1", {"document": "attach://f1"})):
        form = FormData({"chat_id": str(chat.id), **extra})
        form.add_field(field, b"data", filename="a.bin", content_type="application/x-thing")
        async with raw.session.post(f"{raw.base}/sendDocument", data=form) as response:
            assert response.status == 200
    for message in chat.messages:
        assert message.document is not None
        assert (message.document.name, message.document.mime_type) == ("a.bin", "application/x-thing")


async def test_a_file_of_more_than_50_mb_is_too_large(chat: Chat, raw: Any) -> None:
    form = FormData({"chat_id": str(chat.id)})
    form.add_field("document", BytesIO(bytes(50 * 1024 * 1024 + 1)), filename="a.bin")
    async with raw.session.post(f"{raw.base}/sendDocument", data=form) as response:
        body = await response.json()
    assert body == {"ok": False, "error_code": 413, "description": "Request Entity Too Large"}
    assert not chat.messages


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{"),
        ("application/json", b"[1]"),
        ("application/json", b"[" * 100_000),
        ("application/json", b'{"text": "\xff"}'),
        ("application/x-www-form-urlencoded", b"text=%ff"),
        ("application/x-www-form-urlencoded", b"text=\xff"),
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=x", b"no parts"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\nno name\r\n--x--\r\n"),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(
    server: BotApiServer, raw: Any, content_type: str, body: bytes
) -> None:
    headers = {"Content-Type": content_type}
    async with raw.session.post(f"{raw.base}/sendMessage", data=body, headers=headers) as response:
        assert response.status == 400
        assert (await response.json())["error_code"] == 400
    assert len(server.violations) == 1
    assert (await raw.json("getMe"))[0] == 200


async def test_a_parameter_given_twice_is_refused(server: BotApiServer, chat: Chat, raw: Any) -> None:
    params = {"chat_id": str(chat.id), "text": "in the query"}
    url = f"{raw.base}/sendMessage"
    async with raw.session.post(url, params=params, data={"text": "in the body"}) as response:
        assert response.status == 400
    assert [(violation.path, violation.reason) for violation in server.violations] == [("text", "given twice")]


@pytest.mark.parametrize("place", ["text", "entities"])
async def test_a_lone_surrogate_is_refused(server: BotApiServer, chat: Chat, raw: Any, place: str) -> None:
    params: dict[str, Any] = {"chat_id": chat.id, "text": "x"}
    if place == "text":
        params["text"] = "\ud83d"
    else:
        params["entities"] = [{"type": "pre", "offset": 0, "length": 1, "language": "\ud83d"}]
    status, body = await raw.json("sendMessage", **params)
    assert (status, body["description"]) == (400, "Bad Request: strings must be encoded in UTF-8")
    assert len(server.violations) == 1


async def test_deeply_nested_json_in_a_form_is_refused(raw: Any, chat: Chat) -> None:
    status, _ = await raw.form("sendMessage", chat_id=chat.id, text="x", entities="[" * 100_000)
    assert status == 400


async def test_numbers_beyond_any_id_are_refused(raw: Any, chat: Chat) -> None:
    status, _ = await raw.form("sendMessage", chat_id="9" * 5000, text="x")
    assert status == 400
    status, _ = await raw.form("getUpdates", offset="9" * 5000)
    assert status == 400


async def test_answers_are_ascii(chat: Chat, raw: Any) -> None:
    body = {"chat_id": chat.id, "text": "é"}
    async with raw.session.post(f"{raw.base}/sendMessage", json=body) as response:
        text = await response.text()
    assert text.isascii() and json.loads(text)["result"]["text"] == "é"


async def test_two_servers_stand_side_by_side() -> None:
    async with BotApiServer.start() as one, BotApiServer.start() as two:
        assert one.url != two.url


def test_importing_it_is_light() -> None:
    program = (
        "import sys, codex_gateway.demo.bot_api\n"
        "from codex_gateway.demo.bot_api import schema_check\n"
        "assert schema_check._document.cache_info().currsize == 0, 'the schema was read'\n"
        "known = set(sys.stdlib_module_names) | {'aiohttp', 'codex_gateway'}\n"
        "own = [m for m in sys.modules if m.startswith('codex_gateway.')]\n"
        "away = [m for m in own if not m.startswith('codex_gateway.demo')]\n"
        "assert not away, away\n"
        "assert not {'aiogram', 'pydantic', 'aiosqlite'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
