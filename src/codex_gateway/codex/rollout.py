"""One line of a session file, read: the records that tell of a turn, in both formats, Codex 0.80 to 0.169.

`legacy` sessions say things as `event_msg/agent_message`, `agent_reasoning` and the like; `paginated` ones, new from
about 0.150, as `event_msg/item_completed`. The common `response_item` records repeat the messages of both, so they are
read for tool calls alone. Any bytes are fine: a line that makes no sense is `Garbage`, one of no interest is `Noise`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import msgspec

from codex_gateway.codex import counts, tools
from codex_gateway.codex.cut_line import completed, number_in, word_in
from codex_gateway.core.event import Phase, Usage, Window


@dataclass(frozen=True, slots=True)
class TurnBegan:
    turn_id: str


@dataclass(frozen=True, slots=True)
class TurnError:
    """Why a turn failed: Codex's sentence and, where it has one, its word for the kind."""

    message: str
    info: str | None = None


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """`answer` is the last message of the agent.

    Before 0.145 a failed turn leaves no `error`: only a record that `names_errors` is good when it has none.
    """

    turn_id: str | None
    answer: str | None
    error: TurnError | None
    names_errors: bool = False


@dataclass(frozen=True, slots=True)
class TurnAborted:
    turn_id: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Prompted:
    """What the person said. `turn_id` is None in records that do not tell their turn, here and below."""

    turn_id: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Said:
    turn_id: str | None
    text: str
    phase: Phase


@dataclass(frozen=True, slots=True)
class Thought:
    turn_id: str | None
    summary: str


@dataclass(frozen=True, slots=True)
class Called:
    """The model called a tool."""

    turn_id: str | None
    call_id: str
    call: tools.Call


@dataclass(frozen=True, slots=True)
class Returned:
    """A tool gave its result back to the model."""

    turn_id: str | None
    call_id: str
    result: tools.Result


@dataclass(frozen=True, slots=True)
class Executed:
    """A command ended. In code mode `call_id` is its own one, not that of the script which ran it."""

    turn_id: str | None
    call_id: str
    command: str
    exit_code: int | None


@dataclass(frozen=True, slots=True)
class Wrote:
    turn_id: str | None
    call_id: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Counted:
    usage: Usage


@dataclass(frozen=True, slots=True)
class ThreadForked:
    """The thread goes on from another one; in the legacy format a copy of that one's records follows."""

    thread_id: str


@dataclass(frozen=True, slots=True)
class Limited:
    """How much of the account's allowance is used, and nothing else: before the first answer of the model."""

    windows: tuple[Window, ...]


@dataclass(frozen=True, slots=True)
class HistoryCompacted:
    """Written once for each compaction, when it is done, beside two other records that say the same."""


@dataclass(frozen=True, slots=True)
class Replied:
    """The model's service answered something that is told by another record, or by none."""


@dataclass(frozen=True, slots=True)
class Noise:
    """A record of no interest here."""

    kind: str


@dataclass(frozen=True, slots=True)
class Garbage:
    """No record: torn by a crash, or damaged."""


Record: TypeAlias = (
    TurnBegan
    | TurnEnded
    | TurnAborted
    | Prompted
    | Said
    | Thought
    | Called
    | Returned
    | Executed
    | Wrote
    | Counted
    | Limited
    | HistoryCompacted
    | ThreadForked
    | Replied
    | Noise
    | Garbage
)


def read_line(line: bytes, tail: bytes = b"") -> Record:
    """The record in `line`, with or without its line break. Never raises.

    With `tail` the line was too long: `line` is its beginning and `tail` its end.
    """
    if line.startswith(_BYTE_ORDER_MARK):
        line = line.removeprefix(_BYTE_ORDER_MARK)
    if tail and not _is_whole(tail):
        return Garbage()
    if (told := _by_its_head(line, tail or line)) is not None:
        return told
    try:
        record = _DECODER.decode(completed(line) if tail else line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Garbage()
    if tail:
        _fill_up(record.payload, tail)
    inner = record.payload.get("type")
    kind = (record.type, inner if isinstance(inner, str) else "")
    if kind == _COUNT:
        return _token_count(record.payload, record.timestamp) or Noise(_name(kind))
    reader = _READERS.get(kind) or _READERS.get((record.type, ""))
    return (reader(record.payload) if reader else None) or Noise(_name(kind))


def _fill_up(payload: _Payload, tail: bytes) -> None:
    """What stands behind the gap, in the shapes of 0.169."""
    item = payload.get("item")
    if isinstance(item, dict):
        found = {"exit_code": number_in(tail, "exit_code"), "status": word_in(tail, "status")}
        item.update((key, value) for key, value in found.items() if key not in item and value is not None)
    turn_id = word_in(tail, "turn_id")
    if turn_id is not None and _turn_of_item(payload) is None:
        payload.setdefault("internal_chat_message_metadata_passthrough", {"turn_id": turn_id})


def _by_its_head(line: bytes, tail: bytes) -> Record | None:
    """Lines of no interest, and compactions, can be tens of megabytes: their beginning tells enough."""
    head = _HEAD.match(line)
    return None if head is None or not _is_whole(tail) else _told_by_head(*head.groups())


def _is_whole(end: bytes) -> bool:
    return end[-8:].rstrip().endswith(b"}")


@lru_cache(maxsize=256)
def _told_by_head(outer_name: bytes, inner_name: bytes | None) -> Record | None:
    outer, inner = outer_name.decode(), (inner_name or b"").decode()
    if outer == "compacted":
        return HistoryCompacted()
    if outer in _TYPED and not inner:
        return None  # its keys stand in another order
    return None if (outer, inner) in _READERS else Noise(_name((outer, inner)))


class _Line(msgspec.Struct):
    type: str
    payload: dict[str, object]
    timestamp: object = None


_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DECODER = msgspec.json.Decoder(_Line)
#: How Codex writes every line; one that begins otherwise is decoded to be known.
_HEAD = re.compile(
    rb'\s*\{\s*"timestamp":\s*"[^"\\]*",\s*(?:"ordinal":\s*\d+,\s*)?'
    rb'"type":\s*"([a-z_]{1,64})",\s*"payload":\s*\{\s*(?:"type":\s*"([a-z_]{1,64})")?'
)
#: The lines whose payload says what it is.
_TYPED = frozenset({"event_msg", "response_item"})

_LONGEST_NAME = 64
_Kind: TypeAlias = tuple[str, str]
_COUNT = ("event_msg", "token_count")
_Payload: TypeAlias = dict[str, object]


def _name(kind: _Kind) -> str:
    return "/".join(part[:_LONGEST_NAME] for part in kind if part)


def _session_meta(payload: _Payload) -> Record | None:
    match payload:
        case {"id": str(thread_id), "forked_from_id": str()}:
            return ThreadForked(thread_id)
        case _:
            return None


def _task_started(payload: _Payload) -> Record | None:
    turn_id = _text(payload.get("turn_id"))
    return TurnBegan(turn_id) if turn_id else None


def _task_complete(payload: _Payload) -> Record | None:
    error = _error(payload.get("error"))
    # 0.140 writes no `started_at` here, 0.169 does.
    names_errors = error is not None or "started_at" in payload
    return TurnEnded(_turn(payload), _text(payload.get("last_agent_message")), error, names_errors)


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


def _turn_aborted(payload: _Payload) -> Record | None:
    return TurnAborted(_turn(payload), _text(payload.get("reason")) or "unknown")


def _user_message(payload: _Payload) -> Record | None:
    text = _text(payload.get("message"))
    return None if text is None else Prompted(_turn(payload), text)


def _agent_message(payload: _Payload) -> Record | None:
    text = _text(payload.get("message"))
    return Said(_turn(payload), text, _phase(payload.get("phase"))) if text else None


def _agent_reasoning(payload: _Payload) -> Record | None:
    text = _text(payload.get("text"))
    return Thought(_turn(payload), text) if text else None


def _token_count(payload: _Payload, timestamp: object = None) -> Record | None:
    written_at = _text(timestamp) or ""
    if (usage := counts.usage_of(payload, written_at=written_at)) is not None:
        return Counted(usage)
    windows = counts.windows_of(payload, written_at=written_at)
    return Limited(windows) if windows else None


def _compacted(_: _Payload) -> Record | None:
    return HistoryCompacted()


def _item_completed(payload: _Payload) -> Record | None:
    turn_id = _turn(payload)
    match payload.get("item"):
        case {"type": "UserMessage", "content": [*content]}:
            return Prompted(turn_id, _joined(content))
        case {"type": "AgentMessage", "content": [*content], **rest} if text := _joined(content):
            return Said(turn_id, text, _phase(rest.get("phase")))
        case {"type": "Reasoning", "summary_text": [*parts]} if summary := _paragraphs(parts):
            return Thought(turn_id, summary)
        case {"type": "CommandExecution", "id": str(call_id), "command": command, **rest}:
            return Executed(turn_id, call_id, tools.shown(command), _whole(rest.get("exit_code")))
        case {"type": "FileChange", "id": str(call_id), "changes": changes, "status": "completed"}:
            paths = tuple(_changed_paths(changes))
            return Wrote(turn_id, call_id, paths) if paths else None
        case _:
            return None


def _changed_paths(changes: object) -> Iterator[str]:
    """0.169 keys the changes by their paths; a list of them is how `--json` has it."""
    match changes:
        case {**by_path}:
            for path, change in by_path.items():
                yield str(path)
                match change:
                    case {"move_path": str(target)}:
                        yield target
                    case _:
                        pass
        case [*listed]:
            for change in listed:
                match change:
                    case {"path": str(path)}:
                        yield path
                    case _:
                        pass
        case _:
            pass


def _message(payload: _Payload) -> Record | None:
    return Replied() if payload.get("role") == "assistant" else None


def _function_call(payload: _Payload) -> Record | None:
    match payload:
        case {"call_id": str(call_id), "name": str(name), "arguments": str(arguments), **rest}:
            space = _text(rest.get("namespace"))
            return Called(_turn_of_item(payload), call_id, tools.function_call(name, arguments, namespace=space))
        case _:
            return None


def _custom_tool_call(payload: _Payload) -> Record | None:
    match payload:
        case {"call_id": str(call_id), "name": str(name), "input": str(text)}:
            return Called(_turn_of_item(payload), call_id, tools.custom_call(name, text))
        case _:
            return None


def _local_shell_call(payload: _Payload) -> Record | None:
    match payload:
        case {"call_id": str(call_id), "action": {"command": command}}:
            return Called(_turn_of_item(payload), call_id, tools.Call(tools.shown(command)))
        case _:
            return None


def _call_output(payload: _Payload) -> Record | None:
    match payload:
        case {"call_id": str(call_id), "output": output}:
            return Returned(_turn_of_item(payload), call_id, tools.result(output))
        case _:
            return None


def _web_search_call(payload: _Payload) -> Record | None:
    """Written when the search is done; only newer ones have an id."""
    match payload:
        case {"id": str(call_id), "action": {"query": str(query)}}:
            return Executed(_turn_of_item(payload), call_id, f"web search: {query}", None)
        case _:
            return Replied()


_READERS: dict[_Kind, Callable[[_Payload], Record | None]] = {
    ("session_meta", ""): _session_meta,
    ("event_msg", "task_started"): _task_started,
    ("event_msg", "turn_started"): _task_started,
    ("event_msg", "task_complete"): _task_complete,
    ("event_msg", "turn_complete"): _task_complete,
    ("event_msg", "turn_aborted"): _turn_aborted,
    ("event_msg", "user_message"): _user_message,
    ("event_msg", "agent_message"): _agent_message,
    ("event_msg", "agent_reasoning"): _agent_reasoning,
    _COUNT: _token_count,
    ("event_msg", "item_completed"): _item_completed,
    ("response_item", "message"): _message,
    ("response_item", "function_call"): _function_call,
    ("response_item", "custom_tool_call"): _custom_tool_call,
    ("response_item", "local_shell_call"): _local_shell_call,
    ("response_item", "web_search_call"): _web_search_call,
    ("response_item", "function_call_output"): _call_output,
    ("response_item", "custom_tool_call_output"): _call_output,
    ("compacted", ""): _compacted,
}


def _turn(payload: _Payload) -> str | None:
    return _text(payload.get("turn_id"))


def _turn_of_item(payload: _Payload) -> str | None:
    """Where a response item of 0.169 names its turn."""
    match payload.get("internal_chat_message_metadata_passthrough"):
        case {"turn_id": str(turn_id)}:
            return turn_id
        case _:
            return None


def _phase(value: object) -> Phase:
    return {"commentary": Phase.COMMENTARY, "final_answer": Phase.FINAL_ANSWER}.get(str(value), Phase.UNKNOWN)


def _joined(content: list[object]) -> str:
    return "".join(part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str))


def _paragraphs(parts: list[object]) -> str:
    return "\n\n".join(part for part in parts if isinstance(part, str) and part.strip())


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
