"""The lines of a turn in a session file: what every line, item and message carries, in the format of its session."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TypeAlias

from codex_gateway.demo.codex.session import Session, Usage, uuid7

Payload: TypeAlias = "dict[str, object]"

WINDOW_TOKENS = 258_400
_RATE_LIMITS: Payload = {
    "limit_id": "codex",
    "limit_name": None,
    "primary": None,
    "secondary": None,
    "credits": None,
    "plan_type": None,
    "rate_limit_reached_type": None,
}


@dataclass(slots=True)
class Lines:
    """Writes lines of one turn."""

    session: Session
    turn_id: str = field(default_factory=uuid7)
    started_at: float = field(default_factory=time.time)
    #: What the latest reply said of the account's allowance.
    limits: Payload = field(default_factory=dict)

    def write(self, kind: str, payload: Payload) -> None:
        self.session.append((kind, payload))

    def event(self, name: str, payload: Payload) -> None:
        self.write("event_msg", {"type": name, **payload})

    def item(self, payload: Payload) -> None:
        """A piece of the conversation with the model."""
        if self.session.modern:
            payload = {**payload, "internal_chat_message_metadata_passthrough": {"turn_id": self.turn_id}}
        self.write("response_item", payload)

    def completed(self, item: Payload, *, started_at: float | None = None) -> None:
        """An item for people; only paginated sessions have them."""
        now = time.time()
        ids = {"thread_id": self.session.thread_id, "turn_id": self.turn_id}
        times = {"started_at_ms": milliseconds(started_at or now), "completed_at_ms": milliseconds(now)}
        self.event("item_completed", {**ids, "item": item, **times})

    def message(self, role: str, text: str) -> None:
        self.item(self.message_item(role, text))

    def message_item(self, role: str, text: str, *, item_id: str | None = None) -> Payload:
        part: Payload = {"type": "output_text" if role == "assistant" else "input_text", "text": text}
        if role == "assistant" and self.session.modern:
            part["annotations"] = []
        return {"type": "message", **self.named(item_id or f"msg_{uuid7()}"), "role": role, "content": [part]}

    def output(self, kind: str, call_id: str, output: str) -> None:
        """What the model gets to see of a tool call."""
        self.item({"type": kind, **self.named(f"fco_{uuid7()}"), "call_id": call_id, "output": output})

    def named(self, item_id: str) -> Payload:
        """The id of an item of the conversation; 0.140 keeps none."""
        return {"id": item_id} if self.session.modern else {}

    def turn(self) -> Payload:
        root: Payload = {"root_turn_id": self.turn_id} if self.session.modern else {}
        return {**root, "turn_id": self.turn_id}

    def times(self) -> Payload:
        """When the turn began and how long it took, for its last line."""
        now = time.time()
        began: Payload = {"started_at": int(self.started_at)} if self.session.modern else {}
        return {**began, "completed_at": int(now), "duration_ms": milliseconds(now - self.started_at)}

    def counts(self, usage: Usage, *, total_tokens: int | None = None) -> Payload:
        """Token counts, with the names that files and ``--json`` share."""
        counts: Payload = {"input_tokens": usage.input_tokens, "cached_input_tokens": usage.cached_input_tokens}
        if self.session.modern:
            counts["cache_write_input_tokens"] = 0
        counts |= {"output_tokens": usage.output_tokens, "reasoning_output_tokens": usage.reasoning_output_tokens}
        return counts | {"total_tokens": usage.total_tokens if total_tokens is None else total_tokens}

    def token_count(self, last: Payload | None) -> None:
        """The running total; ``last`` is None when no request was answered yet."""
        info: Payload | None = None
        if last is not None:
            info = {"total_token_usage": self.counts(self.session.thread_usage), "last_token_usage": last}
            if self.session.modern:
                info["last_usage_includes_reasoning"] = False
            info["model_context_window"] = WINDOW_TOKENS
        self.event("token_count", {"info": info, "rate_limits": {**_RATE_LIMITS, **self.limits}})


def random_id() -> str:
    return os.urandom(12).hex()


def milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
