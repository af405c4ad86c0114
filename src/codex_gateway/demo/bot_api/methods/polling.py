"""getUpdates: the long poll, and who loses when two of them meet."""

from __future__ import annotations

import asyncio

from codex_gateway.demo.bot_api.errors import ApiRefusal
from codex_gateway.demo.bot_api.methods.account import remember_kinds
from codex_gateway.demo.bot_api.methods.call import Call
from codex_gateway.demo.bot_api.wire import JsonObject, JsonValue

#: Longer waits are cut to this by the real server.
MAX_WAIT_S = 50

_WEBHOOK = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)
_OTHER_POLLER = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"


async def get_updates(call: Call) -> JsonValue:
    """Answer at once if something waits; else wait for it, and end the poll that waited before with 409."""
    bot = call.bot
    if bot.webhook_url:
        raise ApiRefusal(409, _WEBHOOK)
    remember_kinds(call)
    offset = call.fields.integer("offset") or 0
    limit = call.fields.integer("limit")
    limit = 100 if limit is None else min(max(limit, 1), 100)
    wait_s = min(max(call.fields.integer("timeout") or 0, 0), MAX_WAIT_S)
    updates = bot.updates.take(offset=offset, limit=limit)
    if updates or wait_s == 0:
        return _listed(updates)
    bot.end_poll(ApiRefusal(409, _OTHER_POLLER))
    ended: asyncio.Future[ApiRefusal] = asyncio.get_running_loop().create_future()
    bot.poll = ended
    arrival = asyncio.ensure_future(bot.updates.next_arrival().wait())
    call.world.changed()
    try:
        await asyncio.wait((ended, arrival), timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            raise ended.result()
        # A negative offset has done its work: what came since is all there is.
        return _listed(bot.updates.take(offset=max(offset, 0), limit=limit))
    finally:
        arrival.cancel()
        if bot.poll is ended:
            bot.poll = None
        call.world.changed()


def _listed(updates: list[JsonObject]) -> JsonValue:
    return list(updates)
