"""A Responses API server on loopback that plays the scripts in its prompts, for a Codex CLI without an account."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from codex_gateway.demo import allowance
from codex_gateway.demo.model import wire
from codex_gateway.demo.model.turn import Position, position, summary
from codex_gateway.demo.script import Compaction, Cut, Message, Pause, Refusal, Reply, Script, parse_or_explain

#: How long a stream that is being played may take to notice that the server stops.
_STOP_LIMIT_S = 2.0


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One ``POST /v1/responses``, as it came and as it was understood."""

    body: Mapping[str, object]
    headers: Mapping[str, str]
    position: Position


@dataclass(slots=True)
class ScriptedModel:
    """A running server. ``url`` is the base of a model provider: it ends with ``/v1``."""

    url: str
    #: Scripts for prompts in plain words (``script.read_repertoire``).
    repertoire: Mapping[str, str] = field(default_factory=dict)
    requests: list[ModelRequest] = field(default_factory=list)
    _attempts: Counter[tuple[str, int, int, bool]] = field(default_factory=Counter)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @staticmethod
    @asynccontextmanager
    async def start(*, port: int = 0, repertoire: Mapping[str, str] | None = None) -> AsyncIterator[ScriptedModel]:
        """Serves on 127.0.0.1 until the block is left; open streams are cut then. Port 0 picks a free one."""
        model = ScriptedModel(url="", repertoire=repertoire or {})
        app = web.Application(client_max_size=1 << 30)
        app.router.add_post("/v1/responses", model._respond)
        app.router.add_get("/v1/models", _models)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_STOP_LIMIT_S)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", port)
            await site.start()
            model.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
            yield model
        finally:
            model._stopping.set()
            await runner.cleanup()

    def prompts(self) -> list[str]:
        """The prompt of each request that was not for a compaction, oldest first."""
        return [request.position.prompt for request in self.requests if not request.position.compacting]

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        body: Mapping[str, object] = await request.json()
        conversation = body.get("input")
        at = position(conversation if isinstance(conversation, list) else [])
        self.requests.append(ModelRequest(body, dict(request.headers), at))
        script = parse_or_explain(at.prompt, self.repertoire)
        if at.compacting:
            reply = _compacting_reply(script, at)
        elif at.running:
            return await self._play(request, Reply(), body, polls=at.running)
        else:
            reply = _next_reply(script, at.calls_done)
        attempt = self._count_attempt(body, at)
        match reply.at(attempt):
            case Refusal() as refusal:
                text, headers = refusal.body_until(allowance.resets_at(reply)), allowance.headers(reply)
                return web.Response(text=text, status=refusal.status, content_type="application/json", headers=headers)
            case tried:
                return await self._play(request, tried, body)

    def _count_attempt(self, body: Mapping[str, object], at: Position) -> int:
        key = (str(body.get("prompt_cache_key")), at.prompts, at.calls_done, at.compacting)
        self._attempts[key] += 1
        return self._attempts[key] - 1

    async def _play(
        self,
        request: web.Request,
        reply: Reply,
        body: Mapping[str, object],
        *,
        polls: Sequence[int] = (),
    ) -> web.StreamResponse:
        response_id = f"resp_{next(self._numbers):06d}"
        tools = body.get("tools")
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache", **allowance.headers(reply)}
        stream = web.StreamResponse(headers=headers)
        await stream.prepare(request)
        await stream.write(wire.encode(wire.created(response_id)))
        for event in wire.reply_events(reply, tools=tools if isinstance(tools, list) else []):
            match event:
                case Cut():
                    return stream
                case Pause(seconds):
                    if await self._stopped_within(seconds):
                        return stream
                case _:
                    await stream.write(wire.encode(event))
        for index, session_id in enumerate(polls):
            for event in wire.poll(session_id, index=index):
                await stream.write(wire.encode(event))
        await stream.write(wire.encode(wire.completed(response_id, tokens=reply.tokens)))
        await stream.write_eof()
        return stream

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._stopping.wait(), None if math.isinf(seconds) else seconds)
        except TimeoutError:
            return False
        return True


def _next_reply(script: Script, calls_done: int) -> Reply:
    for reply in script.replies:
        if calls_done <= 0:
            return reply
        calls_done -= len(reply.calls)
    return script.replies[-1]


def _compacting_reply(script: Script, at: Position) -> Reply:
    ordered = (reply.compaction for reply in script.replies if reply.compaction is not None)
    how = next(ordered, Compaction())
    refusal = Refusal(500, "server_error") if how.fails else None
    return Reply(parts=(Pause(how.seconds), Message(summary(at), final=False)), tokens=300, refusal=refusal)


async def _models(_: web.Request) -> web.Response:
    return web.json_response({"object": "list", "data": [], "models": []})
