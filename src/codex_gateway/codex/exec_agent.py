"""The agent that runs one `codex exec` for each turn."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from codex_gateway.codex import proc, sessions
from codex_gateway.codex.command import PromptTooLong, command_for
from codex_gateway.codex.environment import environment_for
from codex_gateway.codex.memory import note_memory
from codex_gateway.codex.options import CodexOptions
from codex_gateway.codex.proc import ProcessId
from codex_gateway.codex.process import Files, Process, stop_left_behind
from codex_gateway.codex.spent import spent_before
from codex_gateway.codex.startable import CannotStart, startable
from codex_gateway.codex.turn_reader import TurnReader
from codex_gateway.codex.turn_watch import TurnWatch
from codex_gateway.codex.verdict import never_started
from codex_gateway.core import event as ev
from codex_gateway.core.ids import ThreadId
from codex_gateway.core.outcome import Detached, Failed, FailureKind, Outcome
from codex_gateway.core.ports import Emit
from codex_gateway.core.run import Attempt, StartingPoint, Turn
from codex_gateway.log import Log

_LOG = Log(__name__)
#: A program of its own, started by its path: nothing of it is needed here.
_PTY_HOLDER = Path(__file__).with_name("pty_holder.py")
_LOCK_INTERVAL_S = 0.01
#: How long a held session goes without mention.
_LOCK_SILENCE_S = 0.5


class ExecAgent:
    """Implements `core.ports.Agent`; any number of turns at once."""

    def __init__(self, options: CodexOptions) -> None:
        self._options = options
        self._is_released = False
        self._watches: set[TurnWatch] = set()

    def starting_point(self, turn: Turn) -> StartingPoint:
        """Where the records of this turn will begin; to be kept before `perform`."""
        found = None if turn.thread_id is None else sessions.find_session(self._options.home, turn.thread_id)
        try:
            return StartingPoint(None, 0) if found is None else StartingPoint(found, found.stat().st_size)
        except OSError:  # archived this very moment
            return StartingPoint(None, 0)

    async def perform(self, turn: Turn, attempt: Attempt, emit: Emit) -> Outcome:
        """Run one turn to its end; on return nothing of it is left, but for `Detached`."""
        if turn.thread_id is not None and not _exists(attempt.session_file):
            attempt = _starting_at(attempt, self.starting_point(turn))
        refusal = self._refusal(turn, attempt)
        if refusal is not None:
            return refusal
        if turn.thread_id is not None:
            await self._await_session(turn.thread_id, emit)
        if self._is_released:
            return Detached()  # nothing has begun, which is what `reattach` will find
        files = Files(attempt.directory)
        try:
            process = self._start(turn, files)
        except CannotStart as refused:
            return refused.failed
        except OSError as error:
            return Failed(FailureKind.CANNOT_START, f"Codex could not be started: {error}")
        return await self._see_through(process, attempt, emit, asked_for=turn.thread_id, reader=TurnReader())

    async def reattach(self, attempt: Attempt, emit: Emit) -> Outcome:
        """Go on with a turn that an earlier life of ours began; its events are emitted again from the offset on."""
        files = Files(attempt.directory)
        process = await self._find(attempt, files)
        reader = TurnReader()
        if process is None and not _has_content(files.stdout):
            # It was never seen to begin. Should the session have gone on, then only our own words prove that it was us.
            prompt = _prompt_of(files)
            if prompt is None:
                return never_started()
            reader = TurnReader(prompt=prompt)
        return await self._see_through(process, attempt, emit, asked_for=attempt.thread_id, reader=reader)

    def release(self) -> None:
        """Let every turn go on without us: each `perform` and `reattach` soon returns `Detached`."""
        self._is_released = True
        for watch in self._watches:
            watch.wake()

    def _refusal(self, turn: Turn, attempt: Attempt) -> Failed | None:
        """Why there is no use in starting at all."""
        if not turn.workdir.is_dir():
            return Failed(FailureKind.NO_WORKDIR, f"The work directory {turn.workdir} does not exist.")
        if turn.thread_id is None:
            return None
        if not sessions.is_thread_id(turn.thread_id):
            return Failed(FailureKind.UNKNOWN_SESSION, f"{turn.thread_id} is not the id of a session.")
        if attempt.session_file is not None:
            return None
        if sessions.is_archived(self._options.home, turn.thread_id):
            return Failed(FailureKind.UNKNOWN_SESSION, f"Session {turn.thread_id} is archived.")
        where = self._options.home / "sessions"
        return Failed(FailureKind.UNKNOWN_SESSION, f"There is no session {turn.thread_id} in {where}.")

    async def _await_session(self, thread_id: ThreadId, emit: Emit) -> None:
        """Give a process that is about to go away the time for it: our own last turn takes 20 ms after its answer.

        If it stays, Codex says so itself (`session_busy`).
        """
        since = time.monotonic()
        is_told = False
        while sessions.is_open_for_writing(self._options.home, thread_id) and not self._is_released:
            waited_s = time.monotonic() - since
            if waited_s >= self._options.lock_patience_s:
                return
            if waited_s >= _LOCK_SILENCE_S and not is_told:
                is_told = True
                pid = sessions.writer_pid(self._options.home, thread_id)
                holder = "another process" if pid is None else f"process {pid}"
                await emit(ev.Notice(f"The session is open in {holder}; waiting for it."), 0)
            await asyncio.sleep(_LOCK_INTERVAL_S)

    def _start(self, turn: Turn, files: Files) -> Process:
        """Raises OSError, or CannotStart."""
        options = self._options
        program = startable(options.cli_cmd, search_path=options.environ.get("PATH"))
        try:
            command = command_for(turn, options, program=str(program), last_message_file=files.last_message.absolute())
        except PromptTooLong as error:
            raise CannotStart(FailureKind.CANNOT_START, str(error)) from None
        environ = environment_for(
            options.environ, home=options.home, tag=files.tag, allow=options.env_allow, secrets=options.secrets
        )
        files.make()
        note_memory(files.memory)
        holder = (sys.executable, "-P", str(_PTY_HOLDER)) if options.use_pty else ()
        process = Process.start(
            (*holder, *command.argv),
            files=files,
            prompt=turn.prompt,
            reads_prompt=command.reads_prompt,
            workdir=turn.workdir,
            environ=environ,
        )
        _LOG.info("codex.started", pid=process.identity.pid, session=turn.thread_id, program=program)
        return process

    async def _find(self, attempt: Attempt, files: Files) -> Process | None:
        """The attempt's process, if it still runs: by what was recorded, else by its mark and its output."""
        if attempt.pid is not None and attempt.start_ticks is not None:
            recorded = ProcessId(attempt.pid, attempt.start_ticks)
            process = Process.find(recorded) if proc.is_alive(recorded) else None
            if process is not None:
                return process
        marked = await asyncio.to_thread(proc.tagged, files.tag)
        ours = [identity for identity in marked if proc.writes_to(identity, files.stdout)]
        return next((process for identity in ours if (process := Process.find(identity))), None)

    async def _see_through(
        self, process: Process | None, attempt: Attempt, emit: Emit, *, asked_for: ThreadId | None, reader: TurnReader
    ) -> Outcome:
        reader.thread_before = _spent_before(attempt, asked_for)
        watch = TurnWatch(
            options=self._options,
            files=Files(attempt.directory),
            process=process,
            asked_for=asked_for,
            session_file=attempt.session_file,
            offset_bytes=attempt.offset_bytes,
            emit=emit,
            is_released=lambda: self._is_released,
            reader=reader,
        )
        try:
            with self._watched(watch):
                if process is not None:
                    await emit(ev.ProcessStarted(process.identity.pid, process.identity.start_ticks), 0)
                outcome = await watch.run()
            if _leaves_a_mess(outcome, watch):
                await _settled(self._clean_up(watch))
        except BaseException:  # cancelled, or the listener failed: either way nobody will look after it any more
            await _settled(self._clean_up(watch))
            raise
        finally:
            if process is not None:
                process.close()
        _LOG.info("codex.ended", session=watch.thread_id, outcome=type(outcome).__name__)
        return outcome

    @contextmanager
    def _watched(self, watch: TurnWatch) -> Iterator[None]:
        self._watches.add(watch)
        try:
            yield
        finally:
            self._watches.discard(watch)

    async def _clean_up(self, watch: TurnWatch) -> None:
        """End the process and everything that it has started; takes at most about eight seconds."""
        since_ticks = 0
        if watch.process is not None:
            since_ticks = watch.process.identity.start_ticks
            await watch.process.stop()
        thread_id = watch.thread_id if since_ticks else None
        await stop_left_behind(watch.files.tag, thread_id=thread_id, since_ticks=since_ticks)


def _leaves_a_mess(outcome: Outcome, watch: TurnWatch) -> bool:
    """An orderly end leaves behind only what the agent meant to leave, such as a server that it was asked to start."""
    match outcome:
        case Failed(kind=FailureKind.KILLED | FailureKind.LOST):
            return True
        case _:
            return watch.has_to_go


async def _settled(work: Coroutine[object, object, None]) -> None:
    """Do it to its end, even if we are cancelled meanwhile, which is passed on then; the work itself is bounded."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled


def _starting_at(attempt: Attempt, point: StartingPoint) -> Attempt:
    return replace(attempt, session_file=point.session_file, offset_bytes=point.offset_bytes)


def _spent_before(attempt: Attempt, asked_for: ThreadId | None) -> ev.Tokens | None:
    """What the thread had cost before the turn, as far as that is known."""
    if attempt.session_file is None:
        return ev.Tokens() if asked_for is None else None
    return spent_before(attempt.session_file, attempt.offset_bytes)


def _exists(path: Path | None) -> bool:
    return path is not None and path.is_file()


def _has_content(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def _prompt_of(files: Files) -> str | None:
    try:
        return files.prompt.read_bytes().decode("utf-8", "replace")
    except OSError:
        return None
