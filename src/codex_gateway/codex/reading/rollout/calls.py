"""Payloads of `response_item` lines: the calls of tools and what they gave back, in both formats."""

from __future__ import annotations

from codex_gateway.codex.reading import tools
from codex_gateway.codex.reading.rollout.payload import Kind, Payload, PayloadReader, text_of, turn_of_item
from codex_gateway.codex.reading.rollout.records import Called, Executed, Record, Replied, Returned


def _message(payload: Payload) -> Record | None:
    return Replied() if payload.get("role") == "assistant" else None


def _function_call(payload: Payload) -> Record | None:
    match payload:
        case {"call_id": str(call_id), "name": str(name), "arguments": str(arguments), **rest}:
            space = text_of(rest.get("namespace"))
            return Called(turn_of_item(payload), call_id, tools.function_call(name, arguments, namespace=space))
        case _:
            return None


def _custom_tool_call(payload: Payload) -> Record | None:
    match payload:
        case {"call_id": str(call_id), "name": str(name), "input": str(text)}:
            return Called(turn_of_item(payload), call_id, tools.custom_call(name, text))
        case _:
            return None


def _local_shell_call(payload: Payload) -> Record | None:
    match payload:
        case {"call_id": str(call_id), "action": {"command": command}}:
            return Called(turn_of_item(payload), call_id, tools.Call(tools.shown(command)))
        case _:
            return None


def _call_output(payload: Payload) -> Record | None:
    match payload:
        case {"call_id": str(call_id), "output": output}:
            return Returned(turn_of_item(payload), call_id, tools.result(output))
        case _:
            return None


def _web_search_call(payload: Payload) -> Record | None:
    """Written when the search is done; only newer ones have an id."""
    match payload:
        case {"id": str(call_id), "action": {"query": str(query)}}:
            return Executed(turn_of_item(payload), call_id, f"web search: {query}", None)
        case _:
            return Replied()


READERS: dict[Kind, PayloadReader] = {
    ("response_item", "message"): _message,
    ("response_item", "function_call"): _function_call,
    ("response_item", "custom_tool_call"): _custom_tool_call,
    ("response_item", "local_shell_call"): _local_shell_call,
    ("response_item", "web_search_call"): _web_search_call,
    ("response_item", "function_call_output"): _call_output,
    ("response_item", "custom_tool_call_output"): _call_output,
}
