"""What goes on beside a turn at work: its limits are kept, long commands are told of, commentary is passed on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from codex_gateway.core.diagnosis import Diagnosis, Evidence
from codex_gateway.core.ids import ChatRef
from codex_gateway.core.manner import Manner
from codex_gateway.core.policy import BotPolicy
from codex_gateway.core.ports import Chat, Parcel
from codex_gateway.core.reply import Commentary, StillRunning
from codex_gateway.core.retry import Backoff
from codex_gateway.core.run import Run
from codex_gateway.log import Log
from codex_gateway.service.board import Board
from codex_gateway.service.conduct import Conduct
from codex_gateway.service.delivery import Delivery
from codex_gateway.service.lookout import Lookout, patience_s
from codex_gateway.store.runs import Runs

_log = Log(__name__)
#: How long to leave a duty alone that has failed, in seconds: at first, and at most when it goes on failing.
_REST_S, _LONGEST_REST_S = 1.0, 60.0


@dataclass(frozen=True, slots=True)
class Attendance:
    """The duties, one set for each run; a duty that fails is logged and taken up again."""

    runs: Runs
    chat: Chat
    board: Board
    delivery: Delivery
    clock: Callable[[], float]
    manner_of: Callable[[ChatRef], Manner]

    @asynccontextmanager
    async def attending(
        self, conduct: Conduct, policy: BotPolicy, *, look: Callable[[], Awaitable[Evidence | None]]
    ) -> AsyncIterator[None]:
        """See to the run for as long as the block takes. `look` gathers evidence of what it is at."""
        conduct.lookout = lookout = self._lookout(conduct, policy, look)
        duties = [
            asyncio.ensure_future(duty)
            for duty in (
                _outlasting(conduct, lookout.run),
                _outlasting(conduct, lambda: self._keep_limits(conduct, lookout, policy)),
                _outlasting(conduct, lambda: self._narrate(conduct, policy)),
            )
        ]
        try:
            yield
        finally:
            for duty in duties:
                duty.cancel()
            await asyncio.gather(*duties, return_exceptions=True)

    def commentary(self, run: Run, policy: BotPolicy, text: str) -> list[Parcel]:
        """What Codex says on the way, as messages; none where the owner or the chat wants none."""
        if not text or not policy.tells_commentary(self.manner_of(run.chat).detail):
            return []
        return self.chat.compose(run.chat, Commentary(run.id, text))

    def _lookout(self, conduct: Conduct, policy: BotPolicy, look: Callable[[], Awaitable[Evidence | None]]) -> Lookout:
        run = conduct.run

        async def remind(diagnosis: Diagnosis) -> None:
            parcels = self.chat.compose(run.chat, StillRunning(run.id, diagnosis))
            await self.runs.remind(run, parcels=parcels, now=self.clock())
            _log.info("run.long_command", run=run.id, cause=diagnosis.cause, seconds=round(diagnosis.since_s))
            self._wake(run)

        return Lookout(
            run_id=run.id,
            seen=lambda: (conduct.progress, conduct.watch),
            look=look,
            on_news=lambda: self.board.touch(run.id),
            remind=remind,
            interval_s=Lookout.interval(policy.pace),
            patience_s=patience_s(policy.limits),
        )

    async def _keep_limits(self, conduct: Conduct, lookout: Lookout, policy: BotPolicy) -> None:
        """Stop the turn when one of its limits runs out, and write down what it was at."""
        loop = asyncio.get_running_loop()
        while True:
            conduct.signs.clear()
            deadlines = [] if conduct.progress.is_waiting else conduct.watch.deadlines(policy.limits)
            if deadlines and deadlines[0][0] <= loop.time():
                diagnosis = await lookout.examine()
                deadlines = conduct.watch.deadlines(policy.limits)
                if not deadlines or deadlines[0][0] > loop.time():
                    continue  # something was heard while we looked
                reason = deadlines[0][1]
                if await self.runs.request_stop(conduct.run.id, reason, diagnosis):
                    _log.warning("run.overdue", run=conduct.run.id, reason=reason, cause=diagnosis.cause)
                    conduct.stop(reason, diagnosis)
                    self.board.touch(conduct.run.id)
                return
            with suppress(TimeoutError):
                async with asyncio.timeout_at(deadlines[0][0] if deadlines else None):
                    await conduct.signs.wait()

    async def _narrate(self, conduct: Conduct, policy: BotPolicy) -> None:
        """Pass on what Codex says on the way, the first at once and then at intervals."""
        run = conduct.run
        while True:
            await conduct.words.wait()
            conduct.words.clear()
            if conduct.is_settled:
                return
            text, source_bytes = conduct.narration.take()
            parcels = self.commentary(run, policy, text)
            if parcels:
                try:
                    await self.runs.say(run, parcels=parcels, source_bytes=source_bytes, now=self.clock())
                except Exception:
                    conduct.narration.put_back(text)
                    conduct.words.set()
                    raise
                self._wake(run)
                await asyncio.sleep(policy.pace.flush_interval_s)

    def _wake(self, run: Run) -> None:
        self.delivery.wake(run.chat.bot, run.chat.chat_id)


async def _outlasting(conduct: Conduct, duty: Callable[[], Awaitable[None]]) -> None:
    backoff = Backoff(first_s=_REST_S, cap_s=_LONGEST_REST_S)
    while True:
        try:
            return await duty()
        except Exception:  # noqa: BLE001 - a turn without its watchdogs could hang for ever
            _log.exception("run.duty_failed", run=conduct.run.id)
            await asyncio.sleep(backoff.next_s())
