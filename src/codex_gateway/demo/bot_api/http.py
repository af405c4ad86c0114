"""The HTTP side: lets a request be checked, limited, struck by faults and done, and answers it."""

from __future__ import annotations

import re
import socket
import struct
from dataclasses import dataclass

from aiohttp import web

from codex_gateway.demo.bot_api.errors import ApiRefusal, RuleBroken, too_many_requests
from codex_gateway.demo.bot_api.faults import FaultQueue, Kind
from codex_gateway.demo.bot_api.limits import Limiter
from codex_gateway.demo.bot_api.methods import METHODS
from codex_gateway.demo.bot_api.methods.call import Call
from codex_gateway.demo.bot_api.methods.polling import get_updates
from codex_gateway.demo.bot_api.reading import Given, check_utf8, read
from codex_gateway.demo.bot_api.record import ApiRequest, Journal, Violation
from codex_gateway.demo.bot_api.schema_check import check_parameters, known_method
from codex_gateway.demo.bot_api.wire import Fields, JsonValue, write_json
from codex_gateway.demo.bot_api.world import BotAccount, World

_PATH = re.compile(r"/(?P<file>file/)?bot(?P<token>[0-9]+:[A-Za-z0-9_-]+)/(?P<rest>.+)")
#: SO_LINGER on, 0 s: closing the socket sends a reset in place of an orderly end.
_LINGER_ZERO = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: str
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Site:
    """Answers HTTP requests for all bots of a world."""

    world: World
    journal: Journal
    faults: FaultQueue
    limiter: Limiter | None

    async def respond(self, request: web.Request) -> web.StreamResponse:
        """Every path of every method comes here."""
        match = _PATH.fullmatch(request.path)
        if match is None:
            return _response(_refused(ApiRefusal(404, "Not Found")))
        bot = self.world.bots.get(match["token"])
        if bot is None:
            return _response(_refused(ApiRefusal(401, "Unauthorized")))
        if match["file"]:
            return _download(bot, match["rest"])
        method = known_method(match["rest"]) or match["rest"]
        record = ApiRequest(self.world.monotonic(), bot.name, method, {})
        self.journal.requests.append(record)
        try:
            answer = await self._answer(request, bot, record)
            if answer is None:
                _reset(request)
            else:
                record.status = answer.status
        finally:  # also when the client has gone and this is cancelled
            record.ended_at = self.world.monotonic()
            self.journal.changed()
        # After a reset aiohttp still wants a response; it goes to a closed connection.
        return web.Response() if answer is None else _response(answer)

    async def _answer(self, request: web.Request, bot: BotAccount, record: ApiRequest) -> _Answer | None:
        """Do the work between what the faults do; None stands for a reset connection."""
        try:
            given = await read(request)
        except ApiRefusal as refusal:
            return self._note(refusal, bot, record)
        record.params = given.params
        record.file_sizes.update({name: len(upload.data) for name, upload in given.uploads.items()})
        injection = self.faults.strike(record)
        self.journal.changed()
        if injection is None:
            return await self._work(given, bot, record)
        fault = injection.fault
        match fault.kind:
            case Kind.RESET_BEFORE:
                return None
            case Kind.ANSWER:
                record.error = f"injected: {fault.body[:80]}"
                return _Answer(fault.status, fault.body, fault.content_type)
            case Kind.DELAY_BEFORE | Kind.HANG_BEFORE:
                await injection.pause()
        answer = await self._work(given, bot, record)
        match fault.kind:
            case Kind.RESET_AFTER:
                return None
            case Kind.MALFORMED:
                return _Answer(answer.status, answer.body[: len(answer.body) // 2])
            case Kind.DELAY_AFTER | Kind.HANG_AFTER:
                self.journal.changed()
                await injection.pause()
        return answer

    async def _work(self, given: Given, bot: BotAccount, record: ApiRequest) -> _Answer:
        try:
            result = await self._result(given, bot, record)
        except ApiRefusal as refusal:
            return self._note(refusal, bot, record)
        record.done = True
        return _Answer(200, write_json({"ok": True, "result": result}))

    async def _result(self, given: Given, bot: BotAccount, record: ApiRequest) -> JsonValue:
        method = record.method
        if known_method(method) is None:
            raise RuleBroken("", "no such method", description="Not Found: method not found", status=404)
        params = check_parameters(method, given.params, files=given.uploads)
        check_utf8(params)
        record.params = params
        if method != "getUpdates" and method not in METHODS:
            self.journal.unsupported.append(record)
            raise ApiRefusal(404, "Not Found: method is not part of this stand-in")
        self._limit(bot, record)
        call = Call(self.world, bot, Fields(params), given.uploads)
        return await get_updates(call) if method == "getUpdates" else METHODS[method](call)

    def _limit(self, bot: BotAccount, record: ApiRequest) -> None:
        chat_id = record.params.get("chat_id")
        if self.limiter is None or not isinstance(chat_id, int):
            return
        flood = self.limiter.charge(bot=bot.name, method=record.method, chat_id=chat_id)
        if flood is None:
            return
        if flood.in_penalty:
            self.journal.flood_violations.append(record)
        raise too_many_requests(flood.retry_after_s)

    def _note(self, refusal: ApiRefusal, bot: BotAccount, record: ApiRequest) -> _Answer:
        record.error = refusal.description
        if isinstance(refusal, RuleBroken):
            violation = Violation(bot.name, record.method, refusal.path, refusal.reason)
            self.journal.violations.append(violation)
        return _refused(refusal)


def _refused(refusal: ApiRefusal) -> _Answer:
    return _Answer(refusal.status, write_json(refusal.to_json()))


def _response(answer: _Answer) -> web.Response:
    return web.Response(status=answer.status, text=answer.body, content_type=answer.content_type)


def _download(bot: BotAccount, path: str) -> web.Response:
    for stored in bot.files.values():
        if stored.path == path:
            return web.Response(body=stored.data, content_type="application/octet-stream")
    return _response(_refused(ApiRefusal(404, "Not Found")))


def _reset(request: web.Request) -> None:
    transport = request.transport
    if transport is None:
        return
    connection: socket.socket | None = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
    transport.abort()
