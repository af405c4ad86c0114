"""Lines of session files as Codex writes them, both kinds, for tests that need what no sample has."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from typing import Any


@dataclass
class SessionLines:
    """Makes lines: `paginated` ones have an ordinal and name their turn."""

    paginated: bool = True
    time: str = "2026-11-20T13:24:04.158Z"

    def __post_init__(self) -> None:
        self._ordinals = count()

    def began(self, turn: str) -> bytes:
        return self._event("task_started", turn_id=turn)

    def asked(self, turn: str, text: str) -> bytes:
        if self.paginated:
            return self._item(turn, {"type": "UserMessage", "id": "u", "content": [{"type": "text", "text": text}]})
        return self._event("user_message", message=text)

    def said(self, turn: str, text: str, phase: str | None = "commentary") -> bytes:
        if self.paginated:
            content = [{"type": "Text", "text": text}]
            return self._item(turn, {"type": "AgentMessage", "id": "m", "content": content, "phase": phase})
        return self._event("agent_message", message=text, phase=phase)

    def called(self, turn: str) -> bytes:
        call = {"type": "function_call", "name": "exec_command", "arguments": '{"cmd":"ls"}', "call_id": "c"}
        return self._line("response_item", call | self._turn_of_item(turn))

    def returned(self, turn: str, output: str) -> bytes:
        result = {"type": "function_call_output", "call_id": "c", "output": output}
        return self._line("response_item", result | self._turn_of_item(turn))

    def ended(self, turn: str, answer: str | None, **more: Any) -> bytes:
        return self._event("task_complete", turn_id=turn, last_agent_message=answer, started_at=1, **more)

    def aborted(self, turn: str) -> bytes:
        return self._event("turn_aborted", turn_id=turn, reason="interrupted")

    def turn(self, turn: str, prompt: str, answer: str, *, says: Iterable[str] = ()) -> bytes:
        """A whole turn."""
        parts = [self.began(turn), self.asked(turn, prompt), *(self.said(turn, text) for text in says)]
        return b"".join([*parts, self.said(turn, answer, "final_answer"), self.ended(turn, answer)])

    def _turn_of_item(self, turn: str) -> dict[str, Any]:
        return {"internal_chat_message_metadata_passthrough": {"turn_id": turn}} if self.paginated else {}

    def _item(self, turn: str, item: dict[str, Any]) -> bytes:
        return self._event("item_completed", thread_id="t", turn_id=turn, item=item)

    def _event(self, kind: str, **payload: Any) -> bytes:
        return self._line("event_msg", {"type": kind, **payload})

    def _line(self, kind: str, payload: dict[str, Any]) -> bytes:
        ordinal = {"ordinal": next(self._ordinals)} if self.paginated else {}
        line = {"timestamp": self.time, **ordinal, "type": kind, "payload": payload}
        return json.dumps(line, separators=(",", ":")).encode() + b"\n"
