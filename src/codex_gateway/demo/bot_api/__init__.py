"""A Telegram Bot API server on loopback that behaves as published, for tests, demo and benchmarks.

    async with BotApiServer.start(bots=["alpha", "beta"]) as server:
        alpha = server.bot("alpha")             # .token .id .username .menu .updates
        ada = server.person("Ada")              # .id
        chat = server.private_chat(ada, alpha)  # .id .messages
        asked = chat.say(ada, "/status")
        answer = await server.wait_for(lambda: chat.messages and chat.messages[-1], timeout_s=5)
        assert answer.reply_to is asked and not server.violations

A bot connects to `server.url` with `alpha.token`. What people do (`say`, `edit`, `press`, `send_photo`,
`send_document`, `block`, `stop_draft`; `server.inject_update` for any JSON) is queued at once and kept
until the bot's offset confirms it, for as long as the server object lives. What bots did is read from
`chat.messages` (of bots, not deleted), `chat.timeline` (everything), `message.edits`, `.buttons`,
`.entities`, `chat.drafts`, `chat.actions`, `press.answer`, `server.requests`, `server.calls(method)`.

`server.inject(Fault.reset_after(method="sendMessage"), times=2)` makes things go wrong; `rate_limits=
RateLimits()` turns the sending limits on; `server.stop()` and `server.listen()` are an outage.

`server.violations` holds every request that breaks the published schema or the rules for entities, keyboards
and commands; each is refused too. `server.unsupported` holds calls of published methods that are not here;
`server.flood_violations` sends into a running penalty.

It differs from the real server where that helps a test: entities that overlap or nest wrongly are refused
rather than repaired; there is no parse_mode; webhooks are kept but not called; updates do not expire; 409
and repeated polls are answered without the real server's 3 s pauses; nothing is found in a bot's own text
(links, mentions) that the bot did not mark.
"""

from codex_gateway.demo.bot_api.chat_state import ChatKind
from codex_gateway.demo.bot_api.chats import Chat
from codex_gateway.demo.bot_api.entities import Entity, utf16_length
from codex_gateway.demo.bot_api.faults import Fault, Injection
from codex_gateway.demo.bot_api.limits import Rate, RateLimits
from codex_gateway.demo.bot_api.messages import (
    Button,
    CallbackAnswer,
    ChatAction,
    Content,
    Draft,
    Message,
    Press,
    Version,
)
from codex_gateway.demo.bot_api.record import ApiRequest, Violation
from codex_gateway.demo.bot_api.server import BotApiServer
from codex_gateway.demo.bot_api.world import BotAccount, BotProfile, Person, StoredFile

__all__ = [
    "ApiRequest",
    "BotAccount",
    "BotApiServer",
    "BotProfile",
    "Button",
    "CallbackAnswer",
    "Chat",
    "ChatAction",
    "ChatKind",
    "Content",
    "Draft",
    "Entity",
    "Fault",
    "Injection",
    "Message",
    "Person",
    "Press",
    "Rate",
    "RateLimits",
    "StoredFile",
    "Version",
    "Violation",
    "utf16_length",
]
