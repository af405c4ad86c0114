"""Tool calls of a reply: they start together, and their outputs go to the model when all have ended."""

# Importing pathlib takes a tenth of the time that a whole turn has.

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from codex_gateway.demo.codex import tools
from codex_gateway.demo.codex.lines import random_id
from codex_gateway.demo.codex.printer import Printer
from codex_gateway.demo.codex.records import Ran, Recorder
from codex_gateway.demo.codex.session import Usage
from codex_gateway.demo.script import DEFAULT_TOKENS, FIRST_LOOK_S, Call, Patch, Shell

#: How often a running shell is looked at; its exit wakes nobody when a background child keeps the pipe open.
_LOOK_S = 0.01


@dataclass(slots=True)
class Calls:
    recorder: Recorder
    printer: Printer
    #: Waits until one of these descriptors is readable or so many seconds have passed; may raise.
    wait_for: Callable[[list[int], float], list[int]]
    _running: dict[int, tools.Running] = field(default_factory=dict)

    def perform(self, calls: tuple[Call, ...], usage: Usage) -> None:
        """Makes the calls that end a reply of ``usage``, with everything that is told of them."""
        ids = [f"call_{random_id()}" for _ in calls]
        for call_id, call in zip(ids, calls, strict=True):
            match call:
                case Shell(command):
                    self.recorder.shell_called(call_id, command)
                case Patch(path, content):
                    self.recorder.patch_called(call_id, path, content)
        self.recorder.reply_ended(usage)
        for call_id, call in zip(ids, calls, strict=True):
            match call:
                case Shell(command):
                    self._start(call_id, command)
                case Patch(path, content):
                    self._patch(call_id, path, content)
        ended = []
        if any(isinstance(call, Shell) and not call.awaited for call in calls):
            ended += self._ended_until(time.monotonic() + FIRST_LOOK_S)
            usage = self._ask_for_rest(usage)
        ended += self._ended_until(float("inf"))
        for ran in sorted(ended, key=lambda ran: ids.index(ran.call_id)):
            self.recorder.shell_output(ran)
        self.recorder.tokens_counted(usage)

    def kill(self) -> list[Ran]:
        """Kills the commands that run, with their children."""
        killed = [running.kill() for running in self._running.values()]
        self._running.clear()
        return killed

    def _start(self, call_id: str, command: str) -> None:
        thread_id = self.recorder.lines.session.thread_id
        running = tools.start_shell(call_id, command, cwd=self.recorder.setting.cwd, thread_id=thread_id)
        self._running[running.reader] = running
        self.printer.shell_started(call_id, command)

    def _patch(self, call_id: str, path: str, content: str) -> None:
        full = os.path.join(self.recorder.setting.cwd, path)
        self.printer.file_change_started(full)
        tools.write_file(full, content)
        self.recorder.patch_applied(call_id, path, content)
        self.printer.file_changed(full)

    def _ended_until(self, limit: float) -> list[Ran]:
        """Waits for the running shells, at most until the monotonic time ``limit``; tells of each that ends."""
        ended = []
        while self._running and time.monotonic() < limit:
            for reader in self.wait_for(list(self._running), _LOOK_S):
                self._running[reader].read()
            for reader, running in list(self._running.items()):
                if (ran := running.ended()) is not None:
                    del self._running[reader]
                    self.recorder.shell_ended(ran)
                    # 0.140 forgets to tell the end of a command that was left running.
                    if self.recorder.lines.session.modern or ran.asked_by == ran.call_id:
                        self.printer.shell_ended(ran)
                    ended.append(ran)
        return ended

    def _ask_for_rest(self, usage: Usage) -> Usage:
        """What the model does about commands that take longer than it waits: one more reply, which costs as well."""
        for running in self._running.values():
            seconds = time.time() - running.started_at
            self.recorder.shell_left_running(running.call_id, running.process_id, running.look(), seconds)
            self.recorder.tokens_counted(usage)
            running.asked_by = f"call_{random_id()}"
            self.recorder.rest_asked_for(running.asked_by, running.process_id)
            usage = Usage.of_reply(DEFAULT_TOKENS)
            self.recorder.reply_ended(usage)
        return usage
