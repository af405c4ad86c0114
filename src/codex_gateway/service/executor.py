"""Takes one run from its claim to its settlement."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias, assert_never

from codex_gateway.core import event as ev
from codex_gateway.core.diagnosis import Diagnosis
from codex_gateway.core.holder import Holder
from codex_gateway.core.ids import AttemptId, BotName, ChatRef, RunId, ThreadId
from codex_gateway.core.manner import Manner
from codex_gateway.core.narration import Narration
from codex_gateway.core.outcome import Answered, Detached, Failed, FailureKind, Outcome, Stopped, StopReason
from codex_gateway.core.policy import BotPolicy
from codex_gateway.core.ports import Agent, Chat, Emit, Parcel
from codex_gateway.core.progress import Progress, advance
from codex_gateway.core.reply import Answer, Moment, SessionForked
from codex_gateway.core.run import Attempt, Run, StartingPoint, Turn
from codex_gateway.core.watchdog import Watch
from codex_gateway.log import Log
from codex_gateway.service.attendance import Attendance
from codex_gateway.service.board import Board
from codex_gateway.service.conduct import Conduct
from codex_gateway.service.delivery import Delivery
from codex_gateway.service.drafts import Drafts
from codex_gateway.service.luggage import Luggage
from codex_gateway.service.settling import settlement, verdict
from codex_gateway.store.outbox import Outbox
from codex_gateway.store.runs import Runs

_log = Log(__name__)

_Operation: TypeAlias = Callable[[Attempt, Emit], Awaitable[Outcome]]


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
        luggage: Luggage,
        attempts_dir: Path,
        clock: Callable[[], float],
        manner_of: Callable[[ChatRef], Manner] = lambda _: Manner(),
    ) -> None:
        self._runs = runs
        self._outbox = outbox
        self._agents = agents
        self._policies = policies
        self._chat = chat
        self._board = board
        self._delivery = delivery
        self._luggage = luggage
        self._attendance = Attendance(runs, chat, board, delivery, clock, manner_of)
        self._manner_of = manner_of
        self._drafts = Drafts(chat, outbox, clock=clock)
        self._attempts_dir = attempts_dir
        self._clock = clock
        self._mirrored = frozenset(bot for bot, policy in policies.items() if policy.mirrors_outside_turns)
        self._live: dict[RunId, Conduct] = {}

    async def execute(self, run: Run) -> None:
        """Perform a run that was just claimed, until nothing of it is left."""
        agent = self._agents[run.chat.bot]
        session = run.session
        fork_of = session.forked_from if session.thread_id is None else None
        turn = Turn(thread_id=session.thread_id, prompt=run.prompt, workdir=run.workdir, fork_of=fork_of)

        items = await self._luggage.of(run)

        async def begin(_: Conduct) -> Attempt:
            start = agent.starting_point(turn)
            return await self._runs.begin_attempt(run, start, directory_of=self._directory_of, now=self._clock())

        async def perform(attempt: Attempt, emit: Emit) -> Outcome:
            packed = await self._luggage.packed(
                run, turn, items
            )  # here, where a stop ends it, and nobody else waits for it
            return packed if isinstance(packed, Failed) else await agent.perform(packed, attempt, emit)

        await self._conduct(run, begin, perform)

    async def resume(self, run: Run, attempt: Attempt) -> None:
        """Take up a run that an earlier life of ours began."""

        async def begin(conduct: Conduct) -> Attempt:
            conduct.is_resumed = True
            conduct.narration.said_to_bytes = await self._outbox.said_to_bytes(run.id)
            conduct.has_spoken = conduct.narration.said_to_bytes > 0
            return attempt

        await self._conduct(run, begin, self._agents[run.chat.bot].reattach)

    async def sweep(self, open_attempts: Collection[Attempt]) -> None:
        """Remove the output files of attempts that ended without our being there to do it."""
        kept = {attempt.directory for attempt in open_attempts}
        await asyncio.to_thread(_remove_all_but, kept, self._attempts_dir)

    async def give_up(self, run: Run, error: Exception) -> None:
        """Settle a run that our own fault has broken, so that it does not hold its session for ever."""
        conduct = Conduct(run, Narration(), Watch.begin(0.0), working_since=run.started_at)
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
        return None if conduct is None else conduct.current_diagnosis

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

    async def recall(self, run: Run, attempt: Attempt, *, at_most: int) -> tuple[list[Moment], int]:
        """What the session of a run still tells of it, the latest events, and how many came before them."""
        agent = self._agents.get(run.chat.bot)
        return ([], 0) if agent is None else await agent.recall(attempt, at_most=at_most)

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

    async def _conduct(self, run: Run, begin: Callable[[Conduct], Awaitable[Attempt]], operation: _Operation) -> None:
        watch = Watch.begin(asyncio.get_running_loop().time())
        conduct = Conduct(run=run, narration=Narration(), watch=watch, working_since=run.started_at)
        policy = self._policies[run.chat.bot]
        self._live[run.id] = conduct
        try:
            conduct.attempt = await begin(conduct)
            # Read once we can be found in `_live`: a stop asked for before is in the row, a later one finds us.
            conduct.stop_reason = await self._runs.stop_reason(run.id)
            _log.info("run.started", run=run.id, session=run.session.thread_id or "new", attempt=conduct.attempt.id)
            message = await self._outbox.status_message(run.id)
            showing = self._board.showing(
                run.id, draw=lambda: conduct.card(self._clock()), pace=policy.pace, message=message
            )
            drafting = self._drafts.showing(
                run,
                draw=lambda: conduct.live(
                    self._clock(), shows_words=policy.tells_commentary(self._manner_of(run.chat).detail)
                ),
                policy=policy,
            )
            async with showing, drafting:
                outcome = await self._watched(conduct, conduct.attempt, policy, operation)
                await self._conclude(conduct, outcome)
            if conduct.is_settled or not isinstance(outcome, Detached):
                await asyncio.to_thread(shutil.rmtree, conduct.attempt.directory, ignore_errors=True)
        finally:
            del self._live[run.id]
            conduct.ended.set()

    async def _watched(self, conduct: Conduct, attempt: Attempt, policy: BotPolicy, operation: _Operation) -> Outcome:
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
        agent = self._agents[conduct.run.chat.bot]
        try:
            async with self._attendance.attending(conduct, policy, look=lambda: agent.evidence(attempt)):
                return await performing
        except asyncio.CancelledError:
            if conduct.stop_reason is None and conduct.is_withdrawn and performing.cancelled():
                return Failed(FailureKind.NOT_STARTED, "")
            if conduct.stop_reason is None:  # not the run is being ended, we are
                performing.cancel()
                await asyncio.gather(performing, return_exceptions=True)
                raise
            return Stopped(conduct.stop_reason)

    async def _notice(self, conduct: Conduct, attempt: Attempt, event: ev.Event, offset_bytes: int) -> None:
        now_s = asyncio.get_running_loop().time()
        if isinstance(event, ev.SessionHeld):
            event = self._without_live(event)
            conduct.working_since = None
        if isinstance(event, ev.SessionFree):
            conduct.working_since = self._clock()
            conduct.watch = Watch.begin(now_s)
        conduct.watch = conduct.watch.after(event, now=now_s)
        conduct.narration.hear(event, offset_bytes)
        if conduct.narration.pending:
            conduct.has_spoken = True
            self._drafts.touch(conduct.run.id)
        if isinstance(event, ev.Reasoning):
            event = self._shown(conduct, event, now_s)
        progress = advance(conduct.progress, event)
        if progress is not conduct.progress:
            conduct.progress = progress
            self._drafts.touch(conduct.run.id)
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
                conduct.thread_id = thread_id
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

    def _shown(self, conduct: Conduct, event: ev.Reasoning, now_s: float) -> ev.Reasoning:
        """As much of the reasoning as the owner and the chat want shown, and no oftener."""
        policy, chat = self._policies[conduct.run.chat.bot], conduct.run.chat
        is_due = now_s - conduct.reasoned_at >= policy.pace.reasoning_throttle_s
        if not policy.tells_reasoning(self._manner_of(chat).detail):
            return ev.Reasoning("")
        if not is_due:
            return ev.Reasoning(conduct.progress.reasoning or "")
        conduct.reasoned_at = now_s
        return event

    async def _conclude(self, conduct: Conduct, outcome: Outcome) -> None:
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
        # A stop may cut the wording short. Nothing is settled then, and the end of everything comes here again.
        text = None if conduct.is_settled else settlement(conduct, outcome).answer
        answer = [] if text is None else await self._chat.worded(run.chat, Answer(run.id, text, run.prompt))
        if not conduct.is_settled:
            conduct.is_settled = True
            await self._settle(conduct, outcome, answer)

    async def _settle(self, conduct: Conduct, outcome: Answered | Failed | Stopped, answer: Sequence[Parcel]) -> None:
        run = conduct.run
        settled_as = settlement(conduct, outcome)
        now = self._clock()
        elapsed_s = None if conduct.working_since is None else now - conduct.working_since
        text, source_bytes = conduct.narration.take()
        settled = await self._runs.settle(
            run,
            settled_as,
            commentary=self._attendance.commentary(run, self._policies[run.chat.bot], text),
            source_bytes=source_bytes,
            answer=answer,
            verdict=self._chat.compose(run.chat, verdict(conduct, settled_as, elapsed_s))[0],
            now=now,
        )
        if settled:
            _log.info("run.settled", run=run.id, state=settled_as.state, seconds=round(elapsed_s or 0.0, 2))
            self._wake(run)

    def _wake(self, run: Run) -> None:
        self._delivery.wake(run.chat.bot, run.chat.chat_id)

    def _directory_of(self, attempt_id: AttemptId) -> Path:
        return self._attempts_dir / str(attempt_id)


def _remove_all_but(kept: Collection[Path], folder: Path) -> None:
    for directory in folder.iterdir() if folder.is_dir() else ():
        if directory not in kept:
            shutil.rmtree(directory, ignore_errors=True)
