"""Payloads of `event_msg/item_completed` lines: what is said and done in the paginated format."""

from __future__ import annotations

from collections.abc import Iterator

from codex_gateway.codex.reading import tools
from codex_gateway.codex.reading.rollout.payload import Kind, Payload, PayloadReader, phase_of, turn_of, whole_of
from codex_gateway.codex.reading.rollout.records import Executed, Prompted, Record, Said, Thought, Wrote


def _item_completed(payload: Payload) -> Record | None:
    turn_id = turn_of(payload)
    match payload.get("item"):
        case {"type": "UserMessage", "content": [*content]}:
            return Prompted(turn_id, _joined(content))
        case {"type": "AgentMessage", "content": [*content], **rest} if text := _joined(content):
            return Said(turn_id, text, phase_of(rest.get("phase")))
        case {"type": "Reasoning", "summary_text": [*parts]} if summary := _paragraphs(parts):
            return Thought(turn_id, summary)
        case {"type": "CommandExecution", "id": str(call_id), "command": command, **rest}:
            return Executed(turn_id, call_id, tools.shown(command), whole_of(rest.get("exit_code")))
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


def _joined(content: list[object]) -> str:
    return "".join(part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str))


def _paragraphs(parts: list[object]) -> str:
    return "\n\n".join(part for part in parts if isinstance(part, str) and part.strip())


READERS: dict[Kind, PayloadReader] = {("event_msg", "item_completed"): _item_completed}
