"""Values that payloads of several kinds have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from codex_gateway.codex.reading.rollout.records import Record
from codex_gateway.core.event import Phase

Payload: TypeAlias = dict[str, object]
#: A line's type, and that of its payload ("" for payloads without one).
Kind: TypeAlias = tuple[str, str]
#: Makes a record of a payload of one kind; None: of no interest after all.
PayloadReader: TypeAlias = Callable[[Payload], Record | None]


def turn_of(payload: Payload) -> str | None:
    return text_of(payload.get("turn_id"))


def turn_of_item(payload: Payload) -> str | None:
    """Where a response item of 0.169 names its turn."""
    match payload.get("internal_chat_message_metadata_passthrough"):
        case {"turn_id": str(turn_id)}:
            return turn_id
        case _:
            return None


def phase_of(value: object) -> Phase:
    match value:
        case "commentary":
            return Phase.COMMENTARY
        case "final_answer":
            return Phase.FINAL_ANSWER
        case _:
            return Phase.UNKNOWN


def text_of(value: object) -> str | None:
    return value if isinstance(value, str) else None


def whole_of(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
