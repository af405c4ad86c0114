"""What a person or a program sees of a turn on stdout and stderr: ``--json`` lines, or text."""

from __future__ import annotations

import json
import os
import sys
from typing import TypeAlias

from codex_gateway.demo.codex.lines import Payload
from codex_gateway.demo.codex.quoting import quoted
from codex_gateway.demo.codex.records import Ran

#: How Codex, a Rust program, ends when it cannot print.
PANIC_STATUS = 101


class JsonPrinter:
    """``--json``: one event a line on stdout, flushed."""

    def __init__(self, thread_id: str) -> None:
        self._thread_id = thread_id
        self._count = 0
        self._started: dict[str, str] = {}

    def turn_started(self, _prompt: str) -> None:
        self._print({"type": "thread.started", "thread_id": self._thread_id})
        self._print({"type": "turn.started"})

    def reasoning(self, text: str) -> None:
        self._completed({"id": self._next(), "type": "reasoning", "text": text})

    def message(self, text: str) -> None:
        self._completed({"id": self._next(), "type": "agent_message", "text": text})

    def shell_started(self, call_id: str, command: str) -> None:
        self._started[call_id] = self._next()
        item = self._command(call_id, command)
        self._print({"type": "item.started", "item": {**item, "exit_code": None, "status": "in_progress"}})

    def shell_ended(self, ran: Ran) -> None:
        status = "completed" if ran.exit_code == 0 else "failed"
        item = {**self._command(ran.call_id, ran.command), "aggregated_output": ran.output}
        self._completed({**item, "exit_code": ran.exit_code, "status": status})

    def file_change_started(self, path: str) -> None:
        self._started[path] = self._next()
        self._print({"type": "item.started", "item": {**self._change(path), "status": "in_progress"}})

    def file_changed(self, path: str) -> None:
        self._completed({**self._change(path), "status": "completed"})

    def warning(self, message: str) -> None:
        self._completed({"id": self._next(), "type": "error", "message": message})

    def trouble(self, message: str, why: str) -> None:
        self._print({"type": "error", "message": f"{message} ({why})"})

    def turn_completed(self, _answer: str | None, usage: Payload) -> None:
        names = [name for name in usage if name != "total_tokens"]
        self._print({"type": "turn.completed", "usage": {name: usage[name] for name in names}})

    def turn_failed(self, message: str) -> None:
        self._print({"type": "error", "message": message})
        self._print({"type": "turn.failed", "error": {"message": message}})

    def _command(self, call_id: str, command: str) -> Payload:
        shown = f"/bin/bash -lc {quoted(command)}"
        return {"id": self._started[call_id], "type": "command_execution", "command": shown, "aggregated_output": ""}

    def _change(self, path: str) -> Payload:
        return {"id": self._started[path], "type": "file_change", "changes": [{"path": path, "kind": "add"}]}

    def _completed(self, item: Payload) -> None:
        self._print({"type": "item.completed", "item": item})

    def _next(self) -> str:
        self._count += 1
        return f"item_{self._count - 1}"

    def _print(self, event: Payload) -> None:
        _write(1, json.dumps(event, ensure_ascii=False, separators=(",", ":")) + "\n")


class TextPrinter:
    """For people: everything on stderr, and the answer once more on stdout, unless that is a terminal."""

    def __init__(self, thread_id: str, *, version: str, cwd: str, model: str, sandbox: str) -> None:
        self._cwd = cwd
        self._header = (
            f"OpenAI Codex v{version}\n--------\nworkdir: {cwd}\nmodel: {model}\nprovider: scripted\n"
            f"approval: never\nsandbox: {sandbox}\nreasoning effort: none\nreasoning summaries: none\n"
            f"session id: {thread_id}\n--------\n"
        )

    def turn_started(self, prompt: str) -> None:
        _write(2, f"{self._header}user\n{prompt}\n")

    def reasoning(self, text: str) -> None:
        _write(2, f"thinking\n{text}\n")

    def message(self, text: str) -> None:
        _write(2, f"codex\n{text}\n")

    def shell_started(self, _call_id: str, command: str) -> None:
        _write(2, f"exec\n/bin/bash -lc {quoted(command)} in {self._cwd}\n")

    def shell_ended(self, ran: Ran) -> None:
        verdict = "succeeded" if ran.exit_code == 0 else f"exited {ran.exit_code}"
        _write(2, f" {verdict} in {int((ran.ended_at - ran.started_at) * 1000)}ms:\n{ran.output}\n")

    def file_change_started(self, _path: str) -> None:
        _write(2, "apply patch\n")

    def file_changed(self, path: str) -> None:
        _write(2, f"patch: completed\n{path}\n")

    def warning(self, message: str) -> None:
        _write(2, f"warning: {message}\n")

    def trouble(self, message: str, why: str) -> None:
        _write(2, f"ERROR: {message}\nERROR: {why}\n")

    def turn_completed(self, answer: str | None, usage: Payload) -> None:
        total = int(str(usage["total_tokens"])) - int(str(usage["cached_input_tokens"]))
        _write(2, f"tokens used\n{total:,}\n")
        if answer is not None and not (os.isatty(1) and os.isatty(2)):
            _write(1, answer + "\n")

    def turn_failed(self, message: str) -> None:
        _write(2, f"ERROR: {message}\n")


Printer: TypeAlias = JsonPrinter | TextPrinter


def complain(text: str) -> None:
    """A line on stderr."""
    _write(2, text if text.endswith("\n") else text + "\n")


def say(text: str) -> None:
    """Text on stdout."""
    _write(1, text)


def _write(descriptor: int, text: str) -> None:
    data = text.encode("utf-8", "surrogateescape")
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except OSError as error:
        _panic("stdout" if descriptor == 1 else "stderr", error)


def _panic(name: str, error: OSError) -> None:
    """Codex dies at the next print when its reader is gone: the turn is lost, its session file tells of no end."""
    text = f"\nthread 'main' panicked at library/std/src/io/stdio.rs:\nfailed printing to {name}: {error.strerror}\n"
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    finally:
        os._exit(PANIC_STATUS)
