"""What one bot needs to be reached and to reach people."""

from __future__ import annotations

from dataclasses import dataclass, field

from codex_gateway.core.ids import BotName
from codex_gateway.core.manner import Language


@dataclass(frozen=True, slots=True)
class BotSettings:
    """One bot.

    `chunk_limit` is the longest message of an answer, in UTF-16 units, at most 4096. An answer of more than
    `most_messages` comes as its first one and a document; 0: never.
    """

    name: BotName
    token: str = field(repr=False)
    #: A Bot API server of one's own, such as http://127.0.0.1:8081; None is Telegram's.
    api_base_url: str | None = None
    #: socks5://, socks4:// or http:// with an optional user and password.
    proxy: str | None = field(default=None, repr=False)
    chunk_limit: int = 3500
    #: The language of its menu; None is that of each person's Telegram.
    language: Language | None = None
    most_messages: int = 4
    #: Whether what goes on is shown in drafts, where chat and server can.
    has_drafts: bool = True
