"""Names for the things that rows, chats and Codex are told apart by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

BotName = NewType("BotName", str)
UserId = NewType("UserId", int)
InboxId = NewType("InboxId", int)
RunId = NewType("RunId", int)
AttemptId = NewType("AttemptId", int)
OutboxId = NewType("OutboxId", int)
#: Our row for a Codex conversation; it exists before Codex has given the conversation its thread id.
SessionId = NewType("SessionId", int)
#: Codex's own name for a conversation, a UUID. Users and the config call it the resume ID.
ThreadId = NewType("ThreadId", str)


@dataclass(frozen=True, slots=True)
class ChatRef:
    """Where people and a bot talk. `topic_id` 0 is the chat outside of any topic."""

    bot: BotName
    chat_id: int
    topic_id: int = 0


@dataclass(frozen=True, slots=True)
class MessageRef:
    """One message in a chat."""

    chat: ChatRef
    message_id: int
