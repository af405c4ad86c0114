"""Payloads of `event_msg` lines: where turns begin and end, what they cost, and what is said in the legacy format."""

from __future__ import annotations

from codex_gateway.codex.reading import counts
from codex_gateway.codex.reading.rollout.payload import Kind, Payload, PayloadReader, phase_of, text_of, turn_of
from codex_gateway.codex.reading.rollout.records import (
    Counted,
    Limited,
    Prompted,
    Record,
    Said,
    Thought,
    TurnAborted,
    TurnBegan,
    TurnEnded,
    TurnError,
)


def _task_started(payload: Payload) -> Record | None:
    turn_id = text_of(payload.get("turn_id"))
    return TurnBegan(turn_id) if turn_id else None


def _task_complete(payload: Payload) -> Record | None:
    error = _error(payload.get("error"))
    # 0.140 writes no `started_at` here, 0.169 does.
    names_errors = error is not None or "started_at" in payload
    return TurnEnded(turn_of(payload), text_of(payload.get("last_agent_message")), error, names_errors)


def _error(value: object) -> TurnError | None:
    match value:
        case None:
            return None
        case {"message": str(message), "codex_error_info": str(info)}:
            return TurnError(message, info)
        case {"message": str(message), "codex_error_info": {**details}} if details:
            return TurnError(message, str(next(iter(details))))  # {"http_connection_failed": {"http_status_code": …}}
        case {"message": str(message)} | str(message):
            return TurnError(message)
        case _:
            return TurnError("Codex reports an error that it does not explain.")


def _turn_aborted(payload: Payload) -> Record | None:
    return TurnAborted(turn_of(payload), text_of(payload.get("reason")) or "unknown")


def _user_message(payload: Payload) -> Record | None:
    text = text_of(payload.get("message"))
    return None if text is None else Prompted(turn_of(payload), text)


def _agent_message(payload: Payload) -> Record | None:
    text = text_of(payload.get("message"))
    return Said(turn_of(payload), text, phase_of(payload.get("phase"))) if text else None


def _agent_reasoning(payload: Payload) -> Record | None:
    text = text_of(payload.get("text"))
    return Thought(turn_of(payload), text) if text else None


def token_count(payload: Payload, timestamp: object = None) -> Record | None:
    written_at = text_of(timestamp) or ""
    if (usage := counts.usage_of(payload, written_at=written_at)) is not None:
        return Counted(usage)
    windows = counts.windows_of(payload, written_at=written_at)
    return Limited(windows) if windows else None


READERS: dict[Kind, PayloadReader] = {
    ("event_msg", "task_started"): _task_started,
    ("event_msg", "turn_started"): _task_started,
    ("event_msg", "task_complete"): _task_complete,
    ("event_msg", "turn_complete"): _task_complete,
    ("event_msg", "turn_aborted"): _turn_aborted,
    ("event_msg", "user_message"): _user_message,
    ("event_msg", "agent_message"): _agent_message,
    ("event_msg", "agent_reasoning"): _agent_reasoning,
}
