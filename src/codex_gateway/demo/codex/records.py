"""The facts of a turn as lines of a session file: which ones Codex writes for each fact, in both formats.

Shapes and order as in session files of 0.169 (paginated, and legacy files that it resumed) and of 0.140 (legacy). Left
out on purpose: the ``metadata`` of response items, which numbers the history for Codex's own index.
"""

# Importing pathlib takes a tenth of the time that a whole turn has.

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field

from codex_gateway.demo.codex.lines import WINDOW_TOKENS, Lines, Payload, milliseconds, random_id
from codex_gateway.demo.codex.session import Usage, uuid7
from codex_gateway.demo.codex.surroundings import (
    Setting,
    write_instructions,
    write_meta,
    write_settings,
    write_tool_instructions,
    write_turn_context,
    write_world,
)


@dataclass(frozen=True, slots=True)
class Ran:
    """A shell command that ended: its exit code is -1 when it was killed."""

    call_id: str
    #: The tool call that gets its output.
    asked_by: str
    command: str
    process_id: int
    output: str
    #: The part of the output that no earlier call has shown to the model.
    unseen: str
    exit_code: int
    started_at: float
    ended_at: float


@dataclass(slots=True)
class Recorder:
    """Writes one turn into a session file."""

    lines: Lines
    setting: Setting
    _turn_usage: Usage = field(default_factory=Usage)
    _replies: int = 0
    _first_token_at: float | None = None

    def turn_started(self, *, new: bool) -> None:
        """Everything up to the beginning of the turn."""
        lines, session = self.lines, self.lines.session
        if new:
            write_meta(lines, self.setting)
        elif session.modern:
            write_settings(lines, self.setting)
            if not session.knows_world:
                write_settings(lines, self.setting)
        started: Payload = {}
        if session.modern:
            trigger = {"turn_id": lines.turn_id, "turn_trigger": "exec", "root_turn_id": lines.turn_id}
            started["turn_attribution"] = {**trigger, "parent_turn_id": None, "initiating_agent_path": None}
        started |= {**lines.turn(), "started_at": int(lines.started_at), "model_context_window": WINDOW_TOKENS}
        lines.event("task_started", {**started, "collaboration_mode_kind": "default"})

    def context(self, *, new: bool) -> None:
        """What comes before a prompt, unless a compaction has just written it."""
        lines, session = self.lines, self.lines.session
        from_older_version = session.modern and not new and not session.knows_world
        if new or from_older_version:
            write_instructions(lines, self.setting)
        if from_older_version:
            write_tool_instructions(lines)
        if session.modern and not session.knows_world:
            write_world(lines, self.setting)
        write_turn_context(lines, self.setting)
        if new and session.modern:
            write_settings(lines, self.setting)

    def prompt(self, text: str, *, images: list[str]) -> None:
        self.lines.message("user", text)
        if self.lines.session.paginated:
            content: list[Payload] = [{"type": "local_image", "path": path} for path in images]
            content.append({"type": "text", "text": text, "text_elements": []})
            self.lines.completed({"type": "UserMessage", "id": uuid7(), "content": content})
        else:
            shown: Payload = {"message": text, "images": [], "local_images": images, "text_elements": []}
            self.lines.event("user_message", shown)

    def prompt_of_failed_turn(self, text: str, *, images: list[str]) -> None:
        """The prompt of a turn whose compaction has failed: 0.140 forgets it."""
        if self.lines.session.modern:
            self.prompt(text, images=images)

    def reasoning(self, text: str) -> None:
        self._token_seen()
        lines, item_id = self.lines, f"rs_{random_id()}"
        if lines.session.paginated:
            lines.completed({"type": "Reasoning", "id": item_id, "summary_text": [text], "raw_content": []})
        else:
            lines.event("agent_reasoning", {"text": text})
        summary = [{"type": "summary_text", "text": text}]
        item: Payload = {"type": "reasoning", **lines.named(item_id), "summary": summary, "content": None}
        lines.item({**item, "encrypted_content": "ZmFrZQ=="})

    def message(self, text: str, *, phase: str) -> None:
        self._token_seen()
        lines, item_id = self.lines, f"msg_{random_id()}"
        if lines.session.paginated:
            content = [{"type": "Text", "text": text}]
            lines.completed({"type": "AgentMessage", "id": item_id, "content": content, "phase": phase})
        else:
            lines.event("agent_message", {"message": text, "phase": phase, "memory_citation": None})
        lines.item({**lines.message_item("assistant", text, item_id=item_id), "phase": phase})

    def shell_called(self, call_id: str, command: str) -> None:
        self._function_called(call_id, "exec_command", {"cmd": command, "yield_time_ms": 30_000})

    def rest_asked_for(self, call_id: str, process_id: int) -> None:
        """The model asks for the rest of what a command prints that is still running."""
        arguments: Payload = {"session_id": process_id, "chars": "", "yield_time_ms": 300_000}
        self._function_called(call_id, "write_stdin", arguments)

    def _function_called(self, call_id: str, name: str, arguments: Payload) -> None:
        self._token_seen()
        call: Payload = {"type": "function_call", **self.lines.named(f"fc_{random_id()}"), "name": name}
        self.lines.item({**call, "arguments": json.dumps(arguments), "call_id": call_id})

    def shell_ended(self, ran: Ran) -> None:
        if not self.lines.session.paginated:
            return
        seconds = ran.ended_at - ran.started_at
        item: Payload = {"type": "CommandExecution", "id": ran.call_id, "process_id": str(ran.process_id)}
        item |= {"command": ["/bin/bash", "-lc", ran.command], "cwd": f"file://{self.setting.cwd}"}
        item |= {"parsed_cmd": [{"type": "unknown", "cmd": ran.command}], "source": "unified_exec_startup"}
        item |= {"status": "completed" if ran.exit_code == 0 else "failed", "exit_code": ran.exit_code}
        item |= {"aggregated_output": ran.output}
        item |= {"duration": {"secs": int(seconds), "nanos": int(seconds % 1 * 1e9)}}
        self.lines.completed(item, started_at=ran.started_at)

    def shell_output(self, ran: Ran) -> None:
        head = f"Chunk ID: {random_id()[:6]}\nWall time: {ran.ended_at - ran.started_at:.4f} seconds\n"
        tail = f"Process exited with code {ran.exit_code}\nOriginal token count: 1\nOutput:\n{ran.unseen}"
        self.lines.output("function_call_output", ran.asked_by, head + tail)

    def shell_left_running(self, call_id: str, process_id: int, output: str, seconds: float) -> None:
        """The first that the model sees of a command that takes longer than it waits."""
        head = f"Chunk ID: {random_id()[:6]}\nWall time: {seconds:.4f} seconds\n"
        tail = f"Process running with session ID {process_id}\nOriginal token count: 0\nOutput:\n{output}"
        self.lines.output("function_call_output", call_id, head + tail)

    def shell_aborted(self, ran: Ran) -> None:
        seconds = f"{ran.ended_at - ran.started_at:.1f}"
        modern = f"Wall time: {seconds} seconds\naborted by user"
        text = modern if self.lines.session.modern else f"aborted by user after {seconds}s"
        self.lines.output("function_call_output", ran.asked_by, text)

    def patch_called(self, call_id: str, path: str, content: str) -> None:
        self._token_seen()
        added = "".join(f"+{line}\n" for line in content.splitlines())
        patch = f"*** Begin Patch\n*** Add File: {path}\n{added}*** End Patch"
        call: Payload = {"type": "custom_tool_call", **self.lines.named(f"ctc_{random_id()}"), "status": "completed"}
        self.lines.item({**call, "call_id": call_id, "name": "apply_patch", "input": patch})

    def patch_applied(self, call_id: str, path: str, content: str) -> None:
        lines = self.lines
        changes = {os.path.join(self.setting.cwd, path): {"type": "add", "content": content}}
        stdout = f"Success. Updated the following files:\nA {path}\n"
        done: Payload = {"changes": changes, "status": "completed", "stdout": stdout, "stderr": ""}
        if lines.session.paginated:
            lines.completed({"type": "FileChange", "id": call_id, **done})
        else:
            lines.event("patch_apply_end", {"call_id": call_id, "turn_id": lines.turn_id, "success": True, **done})
        output = f"Exit code: 0\nWall time: 0 seconds\nOutput:\n{stdout}"
        lines.output("custom_tool_call_output", call_id, output)

    def reply_ended(self, usage: Usage) -> None:
        """The reply's own cost; the running total follows once its tools are done (``tokens_counted``)."""
        lines, session = self.lines, self.lines.session
        self._replies += 1
        self._turn_usage.add(usage)
        session.thread_usage.add(usage)
        session.last_tokens = usage.total_tokens
        if session.modern:
            record: Payload = {"thread_id": session.thread_id, "session_id": session.thread_id, **lines.turn()}
            record |= {"response_id": f"resp_{self._replies:06d}", "usage": lines.counts(usage)}
            record |= {"turn_token_usage": lines.counts(self._turn_usage)}
            lines.write("token_usage_record", {**record, "thread_token_usage": lines.counts(session.thread_usage)})

    def tokens_counted(self, last: Usage) -> None:
        """The running total after a reply of ``last``."""
        self.lines.token_count(self.lines.counts(last))

    def tokens_repeated(self) -> None:
        """The running total once more, as Codex writes it where a turn takes another way than planned."""
        last = self.lines.session.last_tokens
        self.lines.token_count(self.lines.counts(Usage.of_reply(last)) if last else None)

    def compacted(self, *, started_at: float, mid_turn: bool) -> None:
        """Everything that Codex writes when a compaction is done; nothing tells that one has begun."""
        lines, session = self.lines, self.lines.session
        text = _SUMMARY_PREFIX + _SUMMARY
        history = [lines.message_item("user", session.last_prompt), lines.message_item("user", text)]
        lines.write("compacted", {"message": text, "replacement_history": history})
        if session.modern:
            write_world(lines, self.setting)
        if session.modern or mid_turn:
            write_turn_context(lines, self.setting)
        if session.modern:
            write_settings(lines, self.setting)
        session.last_tokens = _COMPACTED_TOKENS
        lines.token_count(lines.counts(Usage(), total_tokens=_COMPACTED_TOKENS))
        if session.paginated:
            lines.completed({"type": "ContextCompaction", "id": uuid7()}, started_at=started_at)
        else:
            lines.event("context_compacted", {})
        if not session.modern and not mid_turn:
            write_instructions(lines, self.setting)
            write_turn_context(lines, self.setting)

    def summarised(self) -> None:
        """The model's summary, which is a message of its own."""
        self.lines.message("assistant", _SUMMARY)

    def turn_ended(self, answer: str | None, *, error: Payload | None = None) -> None:
        lines = self.lines
        done: Payload = {**lines.turn(), "last_agent_message": answer}
        if error is not None and lines.session.modern:
            done["error"] = error
        done |= lines.times()
        if self._first_token_at is not None:
            done["time_to_first_token_ms"] = milliseconds(self._first_token_at - lines.started_at)
        lines.event("task_complete", done)

    def turn_aborted(self) -> None:
        self.lines.message("user", _ABORTED)
        self.lines.event("turn_aborted", {**self.lines.turn(), "reason": "interrupted", **self.lines.times()})

    def _token_seen(self) -> None:
        if self._first_token_at is None:
            self._first_token_at = time.time()


_ABORTED = (
    "<turn_aborted>\nThe user interrupted the previous turn on purpose. Any running unified exec processes may still be"
    " running in the background. If any tools/commands were aborted, they may have partially executed.\n</turn_aborted>"
)
_SUMMARY = "Everything that was said so far, in short."
_SUMMARY_PREFIX = (
    "Another language model started to solve this problem and produced a summary of its thinking process. You also"
    " have access to the state of the tools that were used by that language model. Use this to build on the work that"
    " has already been done and avoid duplicating work. Here is the summary produced by the other language model, use"
    " the information in this summary to assist with your own analysis:\n"
)
#: What a compaction leaves of the window; no request has cost it.
_COMPACTED_TOKENS = 6_876
