"""The Responses API on the wire: one reply of a script as the server-sent events that Codex reads.

Event names and shapes are the published ones of ``POST /v1/responses`` with ``stream: true``; only those that Codex
acts on are sent (0.140 and 0.169).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence

from codex_gateway.demo.script import FIRST_LOOK_S, Call, Cut, Message, Part, Patch, Pause, Reason, Reply, Shell

#: The longest that Codex lets a call wait for its command before it calls it a background one.
_WAIT_MS = 30_000
#: The longest poll of a background command that 0.169 accepts.
_POLL_MS = 300_000
#: A message is streamed in pieces of this many characters.
_DELTA_CHARS = 400

Event = Mapping[str, object]


def created(response_id: str) -> Event:
    return {"type": "response.created", "response": {"id": response_id, "object": "response", "status": "in_progress"}}


def completed(response_id: str, *, tokens: int) -> Event:
    """The end of a reply. ``tokens`` is what the whole request cost: 20 of them were written, the rest was read."""
    usage = {
        "input_tokens": tokens - 20,
        "input_tokens_details": {"cached_tokens": (tokens - 20) // 2},
        "output_tokens": 20,
        "output_tokens_details": {"reasoning_tokens": 5},
        "total_tokens": tokens,
    }
    return {"type": "response.completed", "response": {"id": response_id, "status": "completed", "usage": usage}}


def part(value: Part, *, index: int) -> Iterator[Event | Pause | Cut]:
    """One part of a reply; what is no event, a Pause or a Cut, comes through as it is, for the server to act out."""
    match value:
        case Pause() | Cut():
            yield value
        case Message(text, final):
            yield from _message(text, phase="final_answer" if final else "commentary", index=index)
        case Reason(text):
            yield from _reasoning(text, index=index)


def call(value: Call, *, index: int, tools: Sequence[object]) -> Iterator[Event]:
    """A tool call in the form that ``tools``, the request's own list, offers: it differs with model and version."""
    names = {tool.get("name"): tool.get("type") for tool in tools if isinstance(tool, Mapping)}
    match value:
        case Shell(command, awaited):
            wait_ms = _WAIT_MS if awaited else int(FIRST_LOOK_S * 1000)
            yield from _item(_shell_call(command, names, wait_ms=wait_ms), index=index)
        case Patch(path, content):
            yield from _item(_patch_call(path, content, names), index=index)


def poll(session_id: int, *, index: int) -> Iterator[Event]:
    """Asks Codex to wait for a background command and hand over what it printed."""
    arguments = {"session_id": session_id, "chars": "", "yield_time_ms": _POLL_MS}
    return _item(_function_call("write_stdin", arguments), index=index)


def encode(event: Event) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def reply_events(reply: Reply, *, tools: Sequence[object]) -> Iterator[Event | Pause | Cut]:
    """Everything of a reply between its first and its last event."""
    for index, value in enumerate(reply.parts):
        yield from part(value, index=index)
    for index, called in enumerate(reply.calls, start=len(reply.parts)):
        yield from call(called, index=index, tools=tools)


def _message(text: str, *, phase: str, index: int) -> Iterator[Event]:
    item_id = f"msg_{uuid.uuid4().hex[:24]}"
    item: dict[str, object] = {
        "type": "message",
        "id": item_id,
        "role": "assistant",
        "content": [],
        "status": "in_progress",
    }
    item["phase"] = phase
    yield {"type": "response.output_item.added", "output_index": index, "item": item}
    for start in range(0, len(text), _DELTA_CHARS):
        delta = text[start : start + _DELTA_CHARS]
        yield {
            "type": "response.output_text.delta",
            "item_id": item_id,
            "output_index": index,
            "content_index": 0,
            "delta": delta,
        }
    content: object = [{"type": "output_text", "text": text, "annotations": []}]
    yield {
        "type": "response.output_item.done",
        "output_index": index,
        "item": {**item, "status": "completed", "content": content},
    }


def _reasoning(text: str, *, index: int) -> Iterator[Event]:
    item_id = f"rs_{uuid.uuid4().hex[:24]}"
    empty: object = {
        "type": "reasoning",
        "id": item_id,
        "summary": [],
        "content": None,
        "encrypted_content": "ZmFrZQ==",
    }
    yield {"type": "response.output_item.added", "output_index": index, "item": empty}
    summary = {"item_id": item_id, "output_index": index, "summary_index": 0}
    yield {"type": "response.reasoning_summary_part.added", **summary, "part": {"type": "summary_text", "text": ""}}
    yield {"type": "response.reasoning_summary_text.delta", **summary, "delta": text}
    done: object = {
        "type": "reasoning",
        "id": item_id,
        "summary": [{"type": "summary_text", "text": text}],
        "content": None,
        "encrypted_content": "ZmFrZQ==",
    }
    yield {"type": "response.output_item.done", "output_index": index, "item": done}


def _item(item: Mapping[str, object], *, index: int) -> Iterator[Event]:
    yield {"type": "response.output_item.added", "output_index": index, "item": {**item, "status": "in_progress"}}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _shell_call(command: str, names: Mapping[object, object], *, wait_ms: int = _WAIT_MS) -> Mapping[str, object]:
    if "exec_command" in names:
        return _function_call("exec_command", {"cmd": command, "yield_time_ms": wait_ms})
    if "shell_command" in names:
        return _function_call("shell_command", {"command": command})
    return _function_call("shell", {"command": ["bash", "-lc", command]})


def _patch_call(path: str, content: str, names: Mapping[object, object]) -> Mapping[str, object]:
    added = "".join(f"+{line}\n" for line in content.splitlines())
    patch = f"*** Begin Patch\n*** Add File: {path}\n{added}*** End Patch"
    match names.get("apply_patch"):
        case "custom":
            return {
                "type": "custom_tool_call",
                "id": f"ctc_{uuid.uuid4().hex[:24]}",
                "status": "completed",
                "call_id": f"call_{uuid.uuid4().hex[:24]}",
                "name": "apply_patch",
                "input": patch,
            }
        case None:
            return _shell_call(f"apply_patch <<'EOF'\n{patch}\nEOF", names)
        case _:
            return _function_call("apply_patch", {"input": patch})


def _function_call(name: str, arguments: Mapping[str, object]) -> Mapping[str, object]:
    return {
        "type": "function_call",
        "id": f"fc_{uuid.uuid4().hex[:24]}",
        "status": "completed",
        "name": name,
        "arguments": json.dumps(arguments),
        "call_id": f"call_{uuid.uuid4().hex[:24]}",
    }
