"""One turn of a running, or gone, process: its files read as they grow, its events told, its outcome found."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from codex_gateway.codex.autopsy import examined
from codex_gateway.codex.child.command import resolve_program
from codex_gateway.codex.child.environment import environment_for
from codex_gateway.codex.child.memory import had_oom_kill
from codex_gateway.codex.child.process import Files, Process
from codex_gateway.codex.options import CodexOptions
from codex_gateway.codex.reading import json_events as js
from codex_gateway.codex.reading import rollout
from codex_gateway.codex.reading.follow import Tail, Watcher
from codex_gateway.codex.reading.turn_reader import TurnReader
from codex_gateway.codex.session import locate
from codex_gateway.codex.verdict import Evidence, is_misread, verdict
from codex_gateway.codex.version import version_of
from codex_gateway.core import event as ev
from codex_gateway.core.ids import ThreadId
from codex_gateway.core.outcome import Detached, Failed, FailureKind, Outcome
from codex_gateway.core.ports import Emit
from codex_gateway.log import Log

_LOG = Log(__name__)
#: How often a sign of life is passed on that tells nothing else, in seconds.
_SIGN_INTERVAL_S = 1.0
#: How soon to look again for the file of a session that has just been named, in seconds.
_SEARCH_INTERVAL_S = 0.02
#: After this many looks where the file should be, every folder is searched.
_QUICK_SEARCHES = 50
_STDERR_KEPT_BYTES = 16 * 1024


@dataclass(slots=True, eq=False)
class TurnWatch:
    """Reads what one process writes. `process` is None when it is gone already."""

    options: CodexOptions
    files: Files
    process: Process | None
    #: The thread that the turn was asked for, or None for a new one.
    asked_for: ThreadId | None
    session_file: Path | None
    offset_bytes: int
    emit: Emit
    is_released: Callable[[], bool]
    reader: TurnReader = field(default_factory=TurnReader)
    #: The process still runs and has to be stopped.
    has_to_go: bool = False
    thread_id: ThreadId | None = None
    _watcher: Watcher = field(init=False)
    _stdout: Tail = field(init=False)
    _stderr: Tail = field(init=False)
    _session: Tail | None = None
    _evidence: Evidence = field(init=False)
    _outcome: Outcome | None = None
    _concluded_at: float = 0.0
    _searches: int = 0
    _has_signs: bool = False
    _last_sign_at: float = 0.0
    _stderr_tail: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self._watcher = Watcher(sync_interval_s=self.options.sync_interval_s)
        self._stdout = Tail(self.files.stdout)
        self._stderr = Tail(self.files.stderr)
        self._evidence = Evidence(self.reader)

    @property
    def evidence(self) -> Evidence:
        """What is known of the turn so far."""
        return self._evidence

    def wake(self) -> None:
        """Have a look at once: something outside of the files has changed."""
        self._watcher.wake()

    async def run(self) -> Outcome:
        """Until the process is gone and all is read, or until we are released."""
        try:
            with self._watcher:
                self._watcher.watch(self.files.stdout)
                self._watcher.watch(self.files.stderr)
                if self.session_file is not None:
                    self._follow_session(self.session_file)
                if self.process is not None:
                    self.process.on_exit(self._watcher.wake)
                return await self._until_gone()
        finally:
            for tail in (self._stdout, self._stderr, self._session):
                if tail is not None:
                    tail.close()

    async def _until_gone(self) -> Outcome:
        while True:
            # Asked before reading: what a process has written is all there once it is gone.
            is_gone = self.process is None or self.process.poll()
            await self._read_on(is_gone=is_gone)
            if self._is_wrong_session:
                return self._leave_wrong_session()
            await self._conclude(is_gone=is_gone)
            if self._outcome is not None and (is_gone or self.is_released() or self._is_overdue()):
                return self._outcome
            if self.is_released():
                return Detached()
            await self._watcher.wait(at_most_s=self._patience_s())

    async def _read_on(self, *, is_gone: bool) -> None:
        """Everything that is there now, in bites that leave the loop its breath."""
        more = True
        while more:
            lines, more = self._stdout.read()
            for line in lines:
                await self._heard(js.read_line(line.content))
            self._has_signs = self._has_signs or more
            more = await self._read_stderr() or more
            more = await self._read_session(is_gone=is_gone) or more
            if more:
                await asyncio.sleep(0)
        if is_gone and self._stdout.rest:
            await self._heard(js.read_line(self._stdout.rest))
        await self._give_sign()

    async def _read_session(self, *, is_gone: bool) -> bool:
        if self._session is None:
            await self._search_session(is_gone=is_gone)
        if self._session is None or self._is_wrong_session:
            return False
        breaks = self._session.breaks
        lines, more = self._session.read()
        self._has_signs = self._has_signs or more
        if self._session.breaks != breaks:
            self._watcher.watch(self._session.path)  # another file may stand there now
        for line in lines:
            for event in self.reader.read(rollout.read_line(line.content, line.tail)):
                await self._tell(event, line.end)
        return more

    async def _read_stderr(self) -> bool:
        lines, more = self._stderr.read()
        self._has_signs = self._has_signs or more
        for line in lines:
            self._stderr_tail += line.content + b"\n"
            if self.options.stream_stderr and (text := line.content.decode("utf-8", "replace").strip()):
                await self._tell(ev.Notice(text), 0)
        del self._stderr_tail[:-_STDERR_KEPT_BYTES]
        return more

    async def _heard(self, event: js.JsonEvent) -> None:
        self._evidence.hear(event)
        match event:
            case js.ThreadStarted(thread_id):
                self.thread_id = thread_id
                if not self._is_wrong_session:
                    await self._tell(ev.SessionIdentified(thread_id, self.session_file), 0)
            case js.AgentSaid(text):
                for said in self.reader.heard(text):
                    await self._tell(said, 0 if self._session is None else self._session.offset)
            case js.ErrorTold(message, is_passing=True):
                await self._tell(ev.Notice(message, event.reconnect), 0)
            case js.Warned(message):
                await self._tell(ev.Notice(message), 0)
            case js.Unread(text) if text:
                self._stderr_tail += text.encode() + b"\n"  # on a terminal both outputs come together
            case _:
                pass

    @property
    def _is_wrong_session(self) -> bool:
        return None not in (self.asked_for, self.thread_id) and _differ(self.asked_for, self.thread_id)

    def _leave_wrong_session(self) -> Outcome:
        self.has_to_go = True
        return Failed(
            FailureKind.WRONG_SESSION,
            f"Codex went on in session {self.thread_id} instead of {self.asked_for}, so it was stopped.",
        )

    async def _search_session(self, *, is_gone: bool) -> None:
        thread_id = self.thread_id or self.asked_for
        if thread_id is None:
            return
        self._searches += 1
        is_thorough = is_gone or self._searches % _QUICK_SEARCHES == 0
        look = locate.find_session if is_thorough else locate.find_by_date
        found = look(self.options.home, thread_id)
        if found is not None:
            self._follow_session(found)
            await self._tell(ev.SessionIdentified(thread_id, found), 0)

    def _follow_session(self, path: Path) -> None:
        self.session_file = path
        self._session = Tail(path, self.offset_bytes)
        self._watcher.watch(path)

    async def _conclude(self, *, is_gone: bool) -> None:
        if self._outcome is not None:
            return
        if is_gone:
            self._evidence.stderr = bytes(self._stderr_tail + self._stderr.rest).decode("utf-8", "replace")
            self._evidence.is_gone = True
            self._evidence.status = None if self.process is None else self.process.status
            self._evidence.had_oom_kill = had_oom_kill(self.files.oom_kills)
            self._evidence.last_message = _text_of(self.files.last_message)
        outcome = verdict(self._evidence)
        if isinstance(outcome, Failed):
            outcome = await self._examined(outcome)
        self._outcome = outcome
        if self._outcome is not None:
            self._concluded_at = time.monotonic()
            self._log_unread()
            if is_misread(self._evidence):
                await self._tell(await self._misread(), 0)
            await self._tell(ev.Concluded(self._outcome), 0)

    async def _examined(self, failed: Failed) -> Failed:
        windows = () if self.reader.usage is None else self.reader.usage.windows
        return await examined(failed, windows=windows, options=self.options)

    async def _misread(self) -> ev.Misread:
        program = resolve_program(self.options.cli_cmd, search_path=self.options.environ.get("PATH"))
        options = self.options
        environ = environment_for(
            options.environ,
            home=options.home,
            tag=self.files.tag,
            allow=options.env_allow,
            secrets=options.secrets,
        )
        version = None if program is None else await version_of(program, environ)
        records, kinds = self.reader.records, self.reader.unread
        _LOG.error("session.not_understood", version=version, path=self.session_file, records=records, kinds=kinds)
        return ev.Misread(records, version)

    def _is_overdue(self) -> bool:
        """A process whose outcome is certain may take its time to go, but not for ever."""
        limit_s = self.options.exit_timeout_s
        if not limit_s or time.monotonic() - self._concluded_at < limit_s:
            return False
        _LOG.warning("codex.lingers", session=self.thread_id, seconds=limit_s)
        self.has_to_go = True
        return True

    def _patience_s(self) -> float | None:
        if self._outcome is not None:
            limit_s = self.options.exit_timeout_s
            return max(0.0, self._concluded_at + limit_s - time.monotonic()) if limit_s else None
        if self._session is None and self.thread_id is not None:
            return _SEARCH_INTERVAL_S
        return None

    async def _tell(self, event: ev.Event, offset_bytes: int) -> None:
        self._has_signs = False
        self._last_sign_at = time.monotonic()
        await self.emit(event, offset_bytes)

    async def _give_sign(self) -> None:
        # One that comes right after another is not kept for later: it would make a silence seem to begin then.
        has_signs, self._has_signs = self._has_signs, False
        if has_signs and time.monotonic() - self._last_sign_at >= _SIGN_INTERVAL_S:
            await self._tell(ev.OutputSeen(), 0)

    def _log_unread(self) -> None:
        if self.reader.garbage_lines:
            _LOG.warning("session.garbage", path=self.session_file, lines=self.reader.garbage_lines)
        if self.reader.unread:
            _LOG.debug("session.unread", kinds=self.reader.unread)


def _differ(one: ThreadId | None, other: ThreadId | None) -> bool:
    return str(one).lower() != str(other).lower()


def _text_of(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return None
