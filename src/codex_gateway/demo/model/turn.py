"""Where in its script a turn stands: read from the conversation that a request to the model carries.

Nothing is remembered between requests, so a model server that was restarted goes on where it was. What Codex puts
around a prompt (0.98 to 0.169): the environment, AGENTS.md, notes about an aborted turn or an image that cannot be
read, the summary of a compaction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

#: How the last message of a request begins when Codex wants the conversation summed up.
COMPACTION_PROMPT = "You are performing a CONTEXT CHECKPOINT COMPACTION"
_SUMMARY = "Another language model started to solve this problem"
_NOT_A_PROMPT = (
    *("<environment_context>", "<turn_aborted>", "<user_instructions>", "# AGENTS.md", "<skill", _SUMMARY),
    "Warning: apply_patch was requested via",  # 0.98, when a patch comes through the shell
)
_AROUND_IMAGES = ("<image", "</image", "Codex could not read the local image")

_MARK = re.compile(r"\[script: (\d+) tool calls done\]")
_STILL_RUNNING = re.compile(r"Process running with session ID (\d+)")


@dataclass(frozen=True, slots=True)
class Position:
    """One request's place in its turn."""

    prompt: str
    images: int
    #: How many prompts the conversation holds: tells one turn from the next.
    prompts: int
    calls_done: int
    #: Background shells that have to be polled before the script can go on (Codex's own session numbers).
    running: tuple[int, ...]
    compacting: bool


def position(conversation: Sequence[object]) -> Position:
    """Reads the ``input`` of a Responses request."""
    prompt, images, prompts, done, compacting = "", 0, 0, 0, False
    sessions_of_calls: dict[str, int] = {}
    polls: set[str] = set()
    running: dict[int, None] = {}
    for item in conversation:
        match item:
            case {"type": "message", "role": "user", "content": [*parts]}:
                text = "\n".join(_texts(parts))
                compacting = text.startswith(COMPACTION_PROMPT)
                if text.startswith(_SUMMARY):
                    done += _calls_marked(text)
                elif not compacting and not text.startswith(_NOT_A_PROMPT):
                    prompt, images, done = text, _count_images(parts), 0
                    prompts += 1
                    running.clear()
            case {"type": "function_call", "name": "write_stdin", "call_id": str(call), "arguments": str(arguments)}:
                polls.add(call)
                sessions_of_calls[call] = int(arguments.partition('"session_id":')[2].partition(",")[0].strip(" }"))
            case {"type": "function_call_output" | "custom_tool_call_output", "call_id": str(call), "output": output}:
                if call in polls:
                    running.pop(sessions_of_calls[call], None)
                else:
                    done += 1
                if alive := _STILL_RUNNING.search(str(output)):
                    running[int(alive[1])] = None
            case _:
                pass
    return Position(prompt, images, prompts, done, tuple(running), compacting)


def summary(at: Position) -> str:
    """What the model answers when it is asked to sum up: it must carry the place in the script over the compaction."""
    return f"Everything that was said so far, in short. [script: {at.calls_done} tool calls done]"


def _texts(parts: Sequence[object]) -> Iterator[str]:
    for part in parts:
        match part:
            case {"type": "input_text", "text": str(text)} if not text.startswith(_AROUND_IMAGES):
                yield text
            case _:
                pass


def _count_images(parts: Sequence[object]) -> int:
    return sum(isinstance(part, Mapping) and part.get("type") == "input_image" for part in parts)


def _calls_marked(text: str) -> int:
    mark = _MARK.search(text)
    return int(mark[1]) if mark else 0
