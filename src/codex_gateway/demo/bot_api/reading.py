"""Reads a request's parameters and files in each of the published ways to send them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, web

from codex_gateway.demo.bot_api.errors import ApiRefusal, RuleBroken
from codex_gateway.demo.bot_api.methods.call import Upload
from codex_gateway.demo.bot_api.wire import JsonValue, parse_json

#: Files of 50 MB and their envelope.
BODY_LIMIT_BYTES = 51 * 1024 * 1024

_NOT_UTF8 = "Bad Request: strings must be encoded in UTF-8"


@dataclass(frozen=True, slots=True)
class Given:
    """Parameters and files as they came."""

    params: dict[str, JsonValue] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)

    def add(self, pairs: Iterable[tuple[str, JsonValue]]) -> None:
        for name, value in pairs:
            if name in self.params:
                raise RuleBroken(name, "given twice")
            self.params[name] = value


async def read(request: web.Request) -> Given:
    """Read query, form, multipart or JSON; raises ApiRefusal, and RuleBroken for what cannot be read."""
    given = Given()
    try:
        given.add(_pairs(request.rel_url.raw_query_string))
        match request.content_type:
            case "application/x-www-form-urlencoded":
                given.add(_pairs((await request.read()).decode()))
            case "multipart/form-data":
                await _read_multipart(request, given)
            case "application/json":
                given.add(_json_pairs(await request.read()))
            case _:
                await request.read()
    except UnicodeDecodeError:
        raise RuleBroken("", "not UTF-8", description=_NOT_UTF8) from None
    except web.HTTPRequestEntityTooLarge:
        raise ApiRefusal(413, "Request Entity Too Large") from None
    return given


def check_utf8(params: JsonValue) -> None:
    """Raise RuleBroken for lone surrogates, which JSON can carry and UTF-8 cannot."""
    match params:
        case str():
            try:
                params.encode()
            except UnicodeEncodeError:
                raise RuleBroken("", "a lone surrogate", description=_NOT_UTF8) from None
        case list():
            for item in params:
                check_utf8(item)
        case dict():
            for name, value in params.items():
                check_utf8(name)
                check_utf8(value)


def _pairs(form: str) -> list[tuple[str, JsonValue]]:
    return [*parse_qsl(form, keep_blank_values=True, errors="strict")] if form else []


def _json_pairs(body: bytes) -> Iterable[tuple[str, JsonValue]]:
    try:
        value = parse_json(body)
    except UnicodeDecodeError:
        raise
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise RuleBroken("", "the body is not a JSON object", description="Bad Request: can't parse JSON object")
    return value.items()


async def _read_multipart(request: web.Request, given: Given) -> None:
    size = 0
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader) or part.name is None:
                raise RuleBroken("", "a part of the form has no name")
            data = bytearray()
            while chunk := await part.read_chunk(65_536):
                data += chunk
                size += len(chunk)
                if size > BODY_LIMIT_BYTES:
                    raise ApiRefusal(413, "Request Entity Too Large")
            if part.filename is None:
                given.add([(part.name, data.decode())])
            elif part.name in given.uploads:
                raise RuleBroken(part.name, "given twice")
            else:
                mime_type = part.headers.get("Content-Type")
                given.uploads[part.name] = Upload(part.filename, mime_type, bytes(data))
    except UnicodeDecodeError:
        raise
    except ValueError as error:
        raise RuleBroken("", f"the form cannot be read: {error}") from None
