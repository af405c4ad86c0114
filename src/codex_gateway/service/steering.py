"""What a person does about a run that waits or works: stop it, let it go on, take it out of a held session."""

from __future__ import annotations

from collections.abc import Callable

from codex_gateway.core.ids import RunId
from codex_gateway.core.outcome import StopReason
from codex_gateway.core.reply import EndingHolder, NothingRuns, NotWaiting
from codex_gateway.core.run import Run, RunState
from codex_gateway.service.errand import Counter, Errand
from codex_gateway.service.executor import Executor
from codex_gateway.service.scheduler import Scheduler
from codex_gateway.store.requests import Requests


class Steering:
    """The wishes Cancel, KeepWaiting, Fork and EndHolder."""

    def __init__(
        self,
        requests: Requests,
        counter: Counter,
        *,
        executor: Executor,
        scheduler: Scheduler,
        clock: Callable[[], float],
    ) -> None:
        self._requests = requests
        self._counter = counter
        self._executor = executor
        self._scheduler = scheduler
        self._clock = clock

    async def cancel(self, errand: Errand, run_id: RunId | None) -> None:
        """Stop a run, or take it out of the queue."""
        to_stop = await self._requests.cancel(
            errand.inbox_id,
            errand.chat,
            run_id=run_id,
            compose=self._counter.compose(errand),
            reply_to=errand.request.message_id,
            now=self._clock(),
        )
        if to_stop is not None:
            assert to_stop.state is RunState.RUNNING
            self._executor.stop(to_stop.id, StopReason.USER)
        self._scheduler.wake()

    async def keep_waiting(self, errand: Errand, run_id: RunId) -> None:
        """Let a long command go on."""
        if await self._counter.run_of(errand, run_id) is not None and self._executor.keep_waiting(run_id):
            await self._counter.close(errand)  # the card shows it
        else:
            await self._counter.answer(errand, NothingRuns())

    async def fork(self, errand: Errand, run_id: RunId) -> None:
        """Let a run that waits for its session go on in a fork of that."""
        run = await self._waiting(errand, run_id)
        if run is None or not self._can_fork(run_id):
            await self._counter.answer(errand, NotWaiting(run_id))
            return
        with self._scheduler.pausing(run.session.id):
            await self._executor.withdraw(run_id)
            await self._requests.fork(
                errand.inbox_id,
                errand.chat,
                run_id=run_id,
                compose=self._counter.compose(errand),
                reply_to=errand.request.message_id,
                now=self._clock(),
            )

    async def end_holder(self, errand: Errand, run_id: RunId) -> None:
        """End the leftover process that a run waits for."""
        holder = None
        if await self._waiting(errand, run_id) is not None:
            holder = self._executor.oust(run_id)
        reply = NotWaiting(run_id) if holder is None else EndingHolder(run_id, holder)
        await self._counter.answer(errand, reply)

    async def _waiting(self, errand: Errand, run_id: RunId) -> Run | None:
        """The run named, if it is one of that chat's and waits for its session."""
        run = await self._counter.run_of(errand, run_id)
        progress = self._executor.progress_of(run_id)
        return run if progress is not None and progress.is_waiting else None

    def _can_fork(self, run_id: RunId) -> bool:
        progress = self._executor.progress_of(run_id)
        return progress is not None and progress.can_fork
