"""Takes one run from its claim to its settlement."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias, assert_never

from codex_gateway.core import event as ev
from codex_gateway.core.diagnosis import Diagnosis
from codex_gateway.core.holder import Holder
from codex_gateway.core.ids import AttemptId, BotName, RunId, ThreadId
from codex_gateway.core.narration import Narration
from codex_gateway.core.outcome import Answered, Detached, Failed, FailureKind, Outcome, Stopped, StopReason
from codex_gateway.core.policy import BotPolicy
from codex_gateway.core.ports import Agent, Chat, Emit, Parcel
from codex_gateway.core.progress import Progress, advance
from codex_gateway.core.reply import Answer, Commentary, RunningCard, SessionForked, SettledCard, StillRunning
from codex_gateway.core.run import Attempt, Run, RunState, StartingPoint, Turn
from codex_gateway.core.watchdog import Watch
from codex_gateway.log import Log
from codex_gateway.service.board import Board
from codex_gateway.service.delivery import Delivery
from codex_gateway.service.lookout import Lookout, patience_s
from codex_gateway.store.outbox import Outbox
from codex_gateway.store.runs import Runs, Settlement

_log = Log(__name__)

_Operation: TypeAlias = Callable[[Attempt, Emit], Awaitable[Outcome]]


@dataclass(slots=True)
class _Conduct:
    """A run at work: what has been seen of it, and the handle to end it."""

    run: Run
    narration: Narration
    watch: Watch
    attempt: Attempt | None = None
    lookout: Lookout | None = None
    progress: Progress = field(default_factory=Progress)
    #: Set by every event, for the watchdog.
    signs: asyncio.Event = field(default_factory=asyncio.Event)
    #: Set when there is commentary to pass on.
    words: asyncio.Event = field(default_factory=asyncio.Event)
    performing: asyncio.Task[Outcome] | None = None
    stop_reason: StopReason | None = None
    #: What it was at when it was stopped.
    diagnosis: Diagnosis | None = None
    is_settled: bool = False
    is_resumed: bool = False
    #: The run goes back into the queue: nothing of it has begun, and nothing will.
    is_withdrawn: bool = False
    #: When the turn began to work, a Unix time; None while it waits for its session.
    working_since: float | None = None
    #: Set when we have done with it.
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    #: When reasoning was last shown, on the loop's clock.
    reasoned_at: float = float("-inf")

    def stop(self, reason: StopReason, diagnosis: Diagnosis | None = None) -> None:
        """End it, unless it has ended; the reason must have been written down before."""
        if self.stop_reason is None and not self.is_settled:
            self.stop_reason = reason
            self.diagnosis = diagnosis or (None if self.lookout is None else self.lookout.diagnosis)
            if self.performing is not None:
                self.performing.cancel()

    def withdraw(self) -> bool:
        """End its wait for the session. False: it does not wait."""
        if not self.progress.is_waiting or self.performing is None or self.stop_reason is not None:
            return False
        self.is_withdrawn = True
        self.performing.cancel()
        return True


class Executor:
    """Conducts runs: attempt, events, watchdogs, settlement."""

    def __init__(
        self,
        runs: Runs,
        outbox: Outbox,
        *,
        agents: Mapping[BotName, Agent],
        policies: Mapping[BotName, BotPolicy],
        chat: Chat,
        board: Board,
        delivery: Delivery,
        attempts_dir: Path,
        clock: Callable[[], float],
    ) -> None:
        self._runs = runs
        self._outbox = outbox
        self._agents = agents
        self._policies = policies
        self._chat = chat
        self._board = board
        self._delivery = delivery
        self._attempts_dir = attempts_dir
        self._clock = clock
        self._mirrored = frozenset(bot for bot, policy in policies.items() if policy.mirrors_outside_turns)
        self._live: dict[RunId, _Conduct] = {}

    async def execute(self, run: Run) -> None:
        """Perform a run that was just claimed, until nothing of it is left."""
        agent = self._agents[run.chat.bot]
        session = run.session
        fork_of = session.forked_from if session.thread_id is None else None
        turn = Turn(thread_id=session.thread_id, prompt=run.prompt, workdir=run.workdir, fork_of=fork_of)

        async def begin(_: _Conduct) -> Attempt:
            start = agent.starting_point(turn)
            return await self._runs.begin_attempt(run, start, directory_of=self._directory_of, now=self._clock())

        await self._conduct(run, begin, lambda attempt, emit: agent.perform(turn, attempt, emit))

    async def resume(self, run: Run, attempt: Attempt) -> None:
        """Take up a run that an earlier life of ours began."""

        async def begin(conduct: _Conduct) -> Attempt:
            conduct.is_resumed = True
            conduct.narration.said_to_bytes = await self._outbox.said_to_bytes(run.id)
            return attempt

        await self._conduct(run, begin, self._agents[run.chat.bot].reattach)

    async def sweep(self, open_attempts: Collection[Attempt]) -> None:
        """Remove the output files of attempts that ended without our being there to do it."""
        kept = {attempt.directory for attempt in open_attempts}
        await asyncio.to_thread(_remove_all_but, kept, self._attempts_dir)

    async def give_up(self, run: Run, error: Exception) -> None:
        """Settle a run that our own fault has broken, so that it does not hold its session for ever."""
        conduct = _Conduct(run, Narration(), Watch.begin(0.0), working_since=run.started_at)
        await self._conclude(conduct, Failed(FailureKind.OTHER, f"The gateway itself failed: {error!r}"))

    def stop(self, run_id: RunId, reason: StopReason) -> None:
        """End a run that works, the reason having been written down; it settles by itself soon."""
        conduct = self._live.get(run_id)
        if conduct is not None:
            conduct.stop(reason)
            self._board.touch(run_id)

    def keep_waiting(self, run_id: RunId) -> bool:
        """The person has been told of a long command and wants to wait. False: the run is not at work."""
        conduct = self._live.get(run_id)
        if conduct is None or conduct.lookout is None or conduct.is_settled:
            return False
        conduct.lookout.go_on()
        self._board.touch(run_id)
        return True

    def diagnosis_of(self, run_id: RunId) -> Diagnosis | None:
        """What a run is at, once it has been silent for a while."""
        conduct = self._live.get(run_id)
        return None if conduct is None or conduct.lookout is None else conduct.lookout.diagnosis

    async def withdraw(self, run_id: RunId) -> None:
        """Put a run that waits for its session back into the queue; any other is left alone."""
        conduct = self._live.get(run_id)
        if conduct is not None and conduct.withdraw():
            await conduct.ended.wait()

    def oust(self, run_id: RunId) -> Holder | None:
        """Have the process ended that a run waits for, if it is one that we left behind; returns that one."""
        conduct = self._live.get(run_id)
        holder = None if conduct is None else conduct.progress.holder
        if conduct is None or holder is None or not holder.is_ours or conduct.run.session.thread_id is None:
            return None
        self._agents[conduct.run.chat.bot].oust(conduct.run.session.thread_id, holder)
        return holder

    def progress_of(self, run_id: RunId) -> Progress | None:
        """How far a run is, while it works."""
        conduct = self._live.get(run_id)
        return None if conduct is None else conduct.progress

    async def stop_all(self, reason: StopReason) -> None:
        """End every run that works."""
        for conduct in list(self._live.values()):
            if await self._runs.request_stop(conduct.run.id, reason):
                conduct.stop(reason)

    @property
    def live(self) -> tuple[RunId, ...]:
        return tuple(self._live)

    async def _conduct(self, run: Run, begin: Callable[[_Conduct], Awaitable[Attempt]], operation: _Operation) -> None:
        watch = Watch.begin(asyncio.get_running_loop().time())
        conduct = _Conduct(run=run, narration=Narration(), watch=watch, working_since=run.started_at)
        policy = self._policies[run.chat.bot]
        self._live[run.id] = conduct
        try:
            conduct.attempt = await begin(conduct)
            # Read once we can be found in `_live`: a stop asked for before is in the row, a later one finds us.
            conduct.stop_reason = await self._runs.stop_reason(run.id)
            _log.info("run.started", run=run.id, session=run.session.thread_id or "new", attempt=conduct.attempt.id)
            message = await self._outbox.status_message(run.id)
            async with self._board.showing(run.id, draw=lambda: self._card(conduct), pace=policy.pace, message=message):
                outcome = await self._watched(conduct, conduct.attempt, policy, operation)
                await self._conclude(conduct, outcome)
            if conduct.is_settled or not isinstance(outcome, Detached):
                await asyncio.to_thread(shutil.rmtree, conduct.attempt.directory, ignore_errors=True)
        finally:
            del self._live[run.id]
            conduct.ended.set()

    async def _watched(self, conduct: _Conduct, attempt: Attempt, policy: BotPolicy, operation: _Operation) -> Outcome:
        async def emit(event: ev.Event, offset_bytes: int) -> None:
            await self._notice(conduct, attempt, event, offset_bytes)

        async def perform() -> Outcome:
            # Known only from here on: a task cancelled before its first step would not stop what is there to stop.
            conduct.performing = performing
            if conduct.stop_reason is not None:
                if not conduct.is_resumed:
                    return Stopped(conduct.stop_reason)
                performing.cancel()
            return await operation(attempt, emit)

        performing = asyncio.ensure_future(perform())
        conduct.lookout = lookout = self._lookout(conduct, attempt, policy)
        guards = [
            asyncio.ensure_future(lookout.run()),
            asyncio.ensure_future(self._guard(conduct, lookout, policy)),
            asyncio.ensure_future(self._narrate(conduct, policy)),
        ]
        try:
            return await performing
        except asyncio.CancelledError:
            if conduct.stop_reason is None and conduct.is_withdrawn and performing.cancelled():
                return Failed(FailureKind.NOT_STARTED, "")
            if conduct.stop_reason is None:  # not the run is being ended, we are
                performing.cancel()
                await asyncio.gather(performing, return_exceptions=True)
                raise
            return Stopped(conduct.stop_reason)
        finally:
            for guard in guards:
                guard.cancel()
            await asyncio.gather(*guards, return_exceptions=True)

    async def _notice(self, conduct: _Conduct, attempt: Attempt, event: ev.Event, offset_bytes: int) -> None:
        now_s = asyncio.get_running_loop().time()
        if isinstance(event, ev.SessionHeld):
            event = self._without_live(event)
            conduct.working_since = None
        if isinstance(event, ev.SessionFree):
            conduct.working_since = self._clock()
            conduct.watch = Watch.begin(now_s)
        conduct.watch = conduct.watch.after(event, now=now_s)
        conduct.narration.hear(event, offset_bytes)
        if isinstance(event, ev.Reasoning):
            event = self._shown(conduct, event, now_s)
        progress = advance(conduct.progress, event)
        if progress is not conduct.progress:
            conduct.progress = progress
            self._board.touch(conduct.run.id)
        conduct.signs.set()
        if conduct.narration.is_ready:
            conduct.words.set()
        match event:
            case ev.SessionHeld():
                await self._runs.note_wait(attempt.id)
            case ev.SessionFree(session_file=file, offset_bytes=start_bytes):
                start = StartingPoint(file, start_bytes)
                await self._runs.note_start(attempt, start, now=conduct.working_since or self._clock())
            case ev.ProcessStarted(pid=pid, start_ticks=start_ticks):
                await self._runs.note_process(attempt.id, pid=pid, start_ticks=start_ticks)
            case ev.SessionIdentified(thread_id=thread_id, session_file=file):
                await self._note_session(conduct.run, attempt, thread_id, file)
            case ev.TurnStarted(turn_id=turn_id):
                await self._runs.note_turn(
                    conduct.run, attempt.id, turn_id=turn_id, began_bytes=offset_bytes, mirrored=self._mirrored
                )
            case ev.Concluded(outcome=outcome):
                await self._conclude(conduct, outcome)
            case _:
                pass

    def _without_live(self, event: ev.SessionHeld) -> ev.SessionHeld:
        """What works for a run is no leftover, though it may hold another session: that run would be broken."""
        holder = event.holder
        live = {conduct.attempt.id for conduct in self._live.values() if conduct.attempt is not None}
        if holder is None or holder.attempt not in live:
            return event
        return replace(event, holder=replace(holder, attempt=None))

    async def _note_session(self, run: Run, attempt: Attempt, thread_id: ThreadId, file: Path | None) -> None:
        forked_from = run.session.forked_from
        said = (
            [] if forked_from is None else self._chat.compose(run.chat, SessionForked(run.id, forked_from, thread_id))
        )
        if await self._runs.note_session(run, attempt.id, thread_id, file, announcement=said, now=self._clock()):
            self._wake(run)

    def _shown(self, conduct: _Conduct, event: ev.Reasoning, now_s: float) -> ev.Reasoning:
        """As much of the reasoning as the owner wants shown, and no oftener."""
        policy = self._policies[conduct.run.chat.bot]
        is_due = now_s - conduct.reasoned_at >= policy.pace.reasoning_throttle_s
        if not policy.shows_reasoning:
            return ev.Reasoning("")
        if not is_due:
            return ev.Reasoning(conduct.progress.reasoning or "")
        conduct.reasoned_at = now_s
        return event

    def _lookout(self, conduct: _Conduct, attempt: Attempt, policy: BotPolicy) -> Lookout:
        run = conduct.run

        async def remind(diagnosis: Diagnosis) -> None:
            parcels = self._chat.compose(run.chat, StillRunning(run.id, diagnosis))
            await self._runs.remind(run, parcels=parcels, now=self._clock())
            _log.info("run.long_command", run=run.id, cause=diagnosis.cause, seconds=round(diagnosis.since_s))
            self._wake(run)

        return Lookout(
            run_id=run.id,
            seen=lambda: (conduct.progress, conduct.watch),
            look=lambda: self._agents[run.chat.bot].evidence(attempt),
            on_news=lambda: self._board.touch(run.id),
            remind=remind,
            interval_s=Lookout.interval(policy.pace),
            patience_s=patience_s(policy.limits),
        )

    async def _guard(self, conduct: _Conduct, lookout: Lookout, policy: BotPolicy) -> None:
        """Stop the turn when one of its limits runs out, and write down what it was at."""
        loop = asyncio.get_running_loop()
        while True:
            conduct.signs.clear()
            deadlines = [] if conduct.progress.is_waiting else conduct.watch.deadlines(policy.limits)
            if deadlines and deadlines[0][0] <= loop.time():
                diagnosis = await lookout.examine()
                deadlines = conduct.watch.deadlines(policy.limits)
                if deadlines[0][0] > loop.time():
                    continue  # something was heard while we looked
                reason = deadlines[0][1]
                if await self._runs.request_stop(conduct.run.id, reason, diagnosis):
                    _log.warning("run.overdue", run=conduct.run.id, reason=reason, cause=diagnosis.cause)
                    conduct.stop(reason, diagnosis)
                    self._board.touch(conduct.run.id)
                return
            with suppress(TimeoutError):
                async with asyncio.timeout_at(deadlines[0][0] if deadlines else None):
                    await conduct.signs.wait()

    async def _narrate(self, conduct: _Conduct, policy: BotPolicy) -> None:
        """Pass on what Codex says on the way, the first at once and then at intervals."""
        while True:
            await conduct.words.wait()
            conduct.words.clear()
            if conduct.is_settled:
                return
            text, source_bytes = conduct.narration.take()
            parcels = self._commentary(conduct, policy, text)
            if parcels:
                await self._runs.say(conduct.run, parcels=parcels, source_bytes=source_bytes, now=self._clock())
                self._wake(conduct.run)
                await asyncio.sleep(policy.pace.flush_interval_s)

    async def _conclude(self, conduct: _Conduct, outcome: Outcome) -> None:
        """Settle the run once, on whichever comes first: the certain outcome, or the end of everything."""
        run = conduct.run
        match outcome:
            case Detached():
                _log.info("run.detached", run=run.id)
                return
            case Failed(kind=FailureKind.NOT_STARTED):
                _log.info("run.requeued", run=run.id)
                await self._runs.requeue(run.id, now=self._clock())
                return
            case Answered() | Failed() | Stopped():
                pass
            case _:
                assert_never(outcome)
        if not conduct.is_settled:
            conduct.is_settled = True
            await self._settle(conduct, outcome)

    async def _settle(self, conduct: _Conduct, outcome: Answered | Failed | Stopped) -> None:
        run, progress = conduct.run, conduct.progress
        settlement = _settlement(conduct, outcome)
        now = self._clock()
        elapsed_s = None if conduct.working_since is None else now - conduct.working_since
        text, source_bytes = conduct.narration.take()
        verdict = SettledCard(
            run_id=run.id,
            state=settlement.state,
            elapsed_s=elapsed_s,
            step_count=progress.step_count,
            file_count=len(progress.files),
            tokens=progress.tokens,
            stop_reason=settlement.stop_reason,
            failure_kind=settlement.failure_kind,
            error=settlement.error,
            diagnosis=settlement.diagnosis,
            steps=progress.steps if settlement.state is RunState.STOPPED else (),
            ended=progress.ended if settlement.state is RunState.STOPPED else (),
            context=settlement.context,
            windows=settlement.windows,
            resets_at=settlement.resets_at,
            misread=progress.misread,
        )
        answer = settlement.answer
        settled = await self._runs.settle(
            run,
            settlement,
            commentary=self._commentary(conduct, self._policies[run.chat.bot], text),
            source_bytes=source_bytes,
            answer=[] if answer is None else self._chat.compose(run.chat, Answer(run.id, answer)),
            verdict=self._chat.compose(run.chat, verdict)[0],
            now=now,
        )
        if settled:
            _log.info("run.settled", run=run.id, state=settlement.state, seconds=round(elapsed_s or 0.0, 2))
            self._wake(run)

    def _commentary(self, conduct: _Conduct, policy: BotPolicy, text: str) -> list[Parcel]:
        if not text or not policy.shows_commentary:
            return []
        return self._chat.compose(conduct.run.chat, Commentary(conduct.run.id, text))

    def _card(self, conduct: _Conduct) -> RunningCard | None:
        if conduct.is_settled:
            return None
        now = self._clock()
        return RunningCard(
            conduct.run.id,
            elapsed_s=now - (conduct.working_since or now),
            progress=conduct.progress,
            diagnosis=None if conduct.lookout is None else conduct.lookout.diagnosis,
            is_stopping=conduct.stop_reason is not None,
        )

    def _wake(self, run: Run) -> None:
        self._delivery.wake(run.chat.bot, run.chat.chat_id)

    def _directory_of(self, attempt_id: AttemptId) -> Path:
        return self._attempts_dir / str(attempt_id)


def _settlement(conduct: _Conduct, outcome: Answered | Failed | Stopped) -> Settlement:
    progress = conduct.progress
    base = Settlement(
        state=RunState.SUCCEEDED,
        tokens=progress.tokens,
        steps=progress.step_count,
        files=len(progress.files),
        has_worked=conduct.working_since is not None,
        context=progress.context,
        windows=progress.windows,
    )
    match outcome:
        case Answered(text=text):
            return replace(base, answer=text)
        case Failed(kind=kind, message=message, resets_at=resets_at):
            return replace(base, state=RunState.FAILED, failure_kind=kind, error=message, resets_at=resets_at)
        case Stopped(reason=reason):
            # An answer that was given before the turn got stuck is an answer.
            answer = conduct.narration.last_words if reason is StopReason.STUCK_AFTER_ANSWER else None
            diagnosis = conduct.run.diagnosis or conduct.diagnosis
            return replace(base, state=RunState.STOPPED, stop_reason=reason, answer=answer, diagnosis=diagnosis)


def _remove_all_but(kept: Collection[Path], folder: Path) -> None:
    for directory in folder.iterdir() if folder.is_dir() else ():
        if directory not in kept:
            shutil.rmtree(directory, ignore_errors=True)
