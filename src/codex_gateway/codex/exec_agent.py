"""The agent that runs one `codex exec` for each turn."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from codex_gateway.codex.child import proc
from codex_gateway.codex.child.command import PromptTooLong, as_taken, command_for, resolve_program
from codex_gateway.codex.child.environment import environment_for
from codex_gateway.codex.child.evidence import gather
from codex_gateway.codex.child.memory import note_oom_kills
from codex_gateway.codex.child.proc import ProcessId
from codex_gateway.codex.child.process import Files, Process, end_all, stop_left_behind
from codex_gateway.codex.child.startable import CannotStart, startable
from codex_gateway.codex.child.traces import has_named_itself, prompt_of
from codex_gateway.codex.options import CodexOptions
from codex_gateway.codex.reading.spent import spent_before
from codex_gateway.codex.reading.turn_reader import TurnReader
from codex_gateway.codex.recall import recall
from codex_gateway.codex.session import locate
from codex_gateway.codex.session.forking import can_fork
from codex_gateway.codex.session.neighbour import turns_under_way
from codex_gateway.codex.session.refusal import refusal_of
from codex_gateway.codex.session.session_wait import SessionWait
from codex_gateway.codex.turn_watch import TurnWatch
from codex_gateway.codex.verdict import never_started, was_refused
from codex_gateway.core import event as ev
from codex_gateway.core.diagnosis import Evidence
from codex_gateway.core.holder import Holder
from codex_gateway.core.ids import ThreadId
from codex_gateway.core.outcome import Detached, Failed, FailureKind, Outcome
from codex_gateway.core.ports import Emit
from codex_gateway.core.reply import Moment
from codex_gateway.core.run import Attempt, StartingPoint, Turn
from codex_gateway.log import Log

_LOG = Log(__name__)
#: A program of its own, started by its path: nothing of it is needed here.
_PTY_HOLDER = Path(proc.__file__).with_name("pty_holder.py")
#: How long to wait after each time that Codex finds the session taken while its lock looks free, in seconds; then it
#: is told as a failure.
_REFUSED_PAUSES_S = (0.25, 0.5, 1.0, 2.0, 4.0)


class ExecAgent:
    """Implements `core.ports.Agent`; any number of turns at once."""

    def __init__(self, options: CodexOptions) -> None:
        self._options = options
        self._is_released = False
        self._watches: set[TurnWatch] = set()
        self._waits: set[SessionWait] = set()

    def starting_point(self, turn: Turn) -> StartingPoint:
        """Where the records of this turn will begin; to be kept before `perform`."""
        found = None if turn.thread_id is None else locate.find_session(self._options.home, turn.thread_id)
        try:
            return StartingPoint(None, 0) if found is None else StartingPoint(found, found.stat().st_size)
        except OSError:  # archived this very moment
            return StartingPoint(None, 0)

    async def perform(self, turn: Turn, attempt: Attempt, emit: Emit) -> Outcome:
        """Run one turn to its end; on return nothing of it is left, but for `Detached`."""
        if turn.thread_id is not None and not _exists(attempt.session_file):
            attempt = _starting_at(attempt, self.starting_point(turn))
        turn = replace(turn, prompt=as_taken(turn.prompt, self._options.input_mode))
        refusal = refusal_of(turn, attempt, home=self._options.home)
        if refusal is not None:
            return refusal
        if turn.thread_id is None:
            outcome, _ = await self._begin(turn, attempt, emit)
            return outcome
        with self._waiting(turn.thread_id, attempt, emit) as wait:
            return await self._begin_when_free(turn, attempt, emit, wait)

    async def _begin_when_free(self, turn: Turn, attempt: Attempt, emit: Emit, wait: SessionWait) -> Outcome:
        pauses = iter(_REFUSED_PAUSES_S)
        while True:
            has_waited = await wait.until_free()
            if self._is_released:
                return Detached()  # nothing has begun, which is what `reattach` will find
            if has_waited:  # whoever was there may have written: our records begin behind that
                point = self.starting_point(turn)
                attempt = _starting_at(attempt, point)
                await emit(ev.SessionFree(point.session_file, point.offset_bytes), 0)
            outcome, was_refused = await self._begin(turn, attempt, emit)
            if not was_refused:
                return outcome
            # The prompt may be given again; what that process has left must not be taken for the next one's.
            await asyncio.to_thread(shutil.rmtree, attempt.directory, ignore_errors=True)
            if wait.is_seen():
                pauses = iter(_REFUSED_PAUSES_S)
            elif (pause_s := next(pauses, None)) is not None:
                await wait.blindly(pause_s)
            else:
                return outcome

    async def _begin(self, turn: Turn, attempt: Attempt, emit: Emit) -> tuple[Outcome, bool]:
        """Start a process and see it through; also whether Codex found somebody else there, and so began nothing."""
        files = Files(attempt.directory)
        # By our own words alone: somebody may begin a turn between our look at the session and our process's.
        reader = TurnReader(prompt=turn.prompt)
        if attempt.session_file is not None:
            others = await asyncio.to_thread(turns_under_way, attempt.session_file, before_bytes=attempt.offset_bytes)
            reader.foreign.update(others)
        try:
            process = self._start(turn, files)
        except CannotStart as refused:
            return refused.failed, False
        except OSError as error:
            return Failed(FailureKind.CANNOT_START, f"Codex could not be started: {error}"), False
        watch = self._watch(process, attempt, emit, asked_for=turn.thread_id, reader=reader)
        outcome = await self._see_through(watch)
        return outcome, was_refused(watch.evidence, outcome)

    async def reattach(self, attempt: Attempt, emit: Emit) -> Outcome:
        """Go on with a turn that an earlier life of ours began; its events are emitted again from the offset on."""
        files = Files(attempt.directory)
        try:
            process = await self._find(attempt, files)
        except asyncio.CancelledError:  # whoever was being looked for must not live on
            await _settled(self._end_found(attempt, files))
            raise
        prompt = prompt_of(files)
        if prompt is None and process is None and not has_named_itself(files):
            return never_started()
        reader = TurnReader(prompt=prompt)  # should the session have gone on, only our own words prove that it was us
        watch = self._watch(process, attempt, emit, asked_for=attempt.thread_id, reader=reader)
        outcome = await self._see_through(watch)
        return never_started() if was_refused(watch.evidence, outcome) else outcome

    def oust(self, thread_id: ThreadId, holder: Holder) -> None:
        """Have `holder` ended by the `perform` that waits for it, if it is ours and still holds the session."""
        for wait in self._waits:
            if wait.thread_id == thread_id:
                wait.oust(holder)

    async def evidence(self, attempt: Attempt) -> Evidence | None:
        """What the machine shows of a turn at work; None when there is nothing to look at."""
        watch = next((each for each in self._watches if each.files.directory == attempt.directory), None)
        if watch is None or watch.process is None:
            return None
        outputs = (watch.files.stdout, watch.files.stderr, watch.session_file)
        return await asyncio.to_thread(
            gather,
            watch.process.identity,
            tag=watch.files.tag,
            thread_id=watch.thread_id or watch.asked_for,
            outputs=[path for path in outputs if path is not None],
        )

    async def recall(self, attempt: Attempt, *, at_most: int) -> tuple[list[Moment], int]:
        """What the session still tells of a turn, the latest `at_most` events, and how many came before them."""
        return await asyncio.to_thread(recall, attempt, home=self._options.home, at_most=at_most)

    def release(self) -> None:
        """Let every turn go on without us: each `perform` and `reattach` soon returns `Detached`."""
        self._is_released = True
        for watch in self._watches:
            watch.wake()
        for wait in self._waits:
            wait.wake()

    @contextmanager
    def _waiting(self, thread_id: ThreadId, attempt: Attempt, emit: Emit) -> Iterator[SessionWait]:
        wait = SessionWait(
            home=self._options.home,
            thread_id=thread_id,
            attempts_dir=attempt.directory.parent,
            patience_s=self._options.lock_patience_s,
            can_fork=self._can_fork,
            is_released=lambda: self._is_released,
            emit=emit,
        )
        self._waits.add(wait)
        try:
            yield wait
        finally:
            self._waits.discard(wait)

    async def _can_fork(self) -> bool:
        search_path = self._options.environ.get("PATH")
        program = resolve_program(self._options.cli_cmd, search_path=search_path)
        return program is not None and await asyncio.to_thread(can_fork, program, search_path=search_path)

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
        note_oom_kills(files.oom_kills)
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

    def _watch(
        self, process: Process | None, attempt: Attempt, emit: Emit, *, asked_for: ThreadId | None, reader: TurnReader
    ) -> TurnWatch:
        async def tell(event: ev.Event, offset_bytes: int) -> None:
            match event:
                case ev.Concluded(outcome=outcome) if was_refused(watch.evidence, outcome):
                    pass  # it is not the end: the turn will be tried again
                case _:
                    await emit(event, offset_bytes)

        reader.thread_before = _spent_before(attempt, asked_for)
        watch = TurnWatch(
            options=self._options,
            files=Files(attempt.directory),
            process=process,
            asked_for=asked_for,
            session_file=attempt.session_file,
            offset_bytes=attempt.offset_bytes,
            emit=tell,
            is_released=lambda: self._is_released,
            reader=reader,
        )
        return watch

    async def _see_through(self, watch: TurnWatch) -> Outcome:
        process = watch.process
        try:
            with self._watched(watch):
                if process is not None:
                    await watch.emit(ev.ProcessStarted(process.identity.pid, process.identity.start_ticks), 0)
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

    async def _end_found(self, attempt: Attempt, files: Files) -> None:
        process = await self._find(attempt, files)
        await _end(process, tag=files.tag, thread_id=attempt.thread_id)
        if process is not None:
            process.close()

    async def _clean_up(self, watch: TurnWatch) -> None:
        ended = await _end(watch.process, tag=watch.files.tag, thread_id=watch.thread_id)
        if ended:
            await watch.emit(ev.ProcessesEnded(ended), 0)


async def _end(process: Process | None, *, tag: str, thread_id: ThreadId | None) -> tuple[str, ...]:
    """End an attempt's process and everything that it has started, mostly within a second; what it had left behind."""
    if process is None:
        return await stop_left_behind(tag, thread_id=None, since_ticks=0)
    # By their parents, while they have them, those are known too that were started with an empty environment.
    children = await asyncio.to_thread(proc.descendants, process.identity)
    await process.stop()
    ended = await stop_left_behind(tag, thread_id=thread_id, since_ticks=process.identity.start_ticks)
    await end_all(children)
    return ended


def _leaves_a_mess(outcome: Outcome, watch: TurnWatch) -> bool:
    """An orderly end leaves behind only what the agent meant to leave, such as a server that it was asked to start."""
    match outcome:
        case Failed(kind=FailureKind.KILLED | FailureKind.OUT_OF_MEMORY | FailureKind.LOST):
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
