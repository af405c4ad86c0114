"""Finds out what a run is at while nothing is heard of it, and has the person told of commands that take long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from codex_gateway.core.diagnosis import Cause, Diagnosis, Evidence, diagnose
from codex_gateway.core.ids import RunId
from codex_gateway.core.policy import Pace
from codex_gateway.core.progress import Progress
from codex_gateway.core.watchdog import Limits, Watch
from codex_gateway.log import Log

_log = Log(__name__)
#: How often to look where the owner wants no ticks, in seconds.
_DEFAULT_INTERVAL_S = 15.0
#: A look that takes longer than this, in seconds, has seen nothing.
_LOOK_LIMIT_S = 3.0


@dataclass(slots=True, kw_only=True)
class Lookout:
    """One run's. `seen` says what is known of it now; `look` gathers evidence."""

    run_id: RunId
    seen: Callable[[], tuple[Progress, Watch]]
    look: Callable[[], Awaitable[Evidence | None]]
    #: Called when there is a new diagnosis to show.
    on_news: Callable[[], None]
    #: Tells the person that a command has been running for long.
    remind: Callable[[Diagnosis], Awaitable[None]]
    interval_s: float
    #: How long a command runs before the person is told, and then again; 0 for never.
    patience_s: float
    #: When the person was last told of a command, or we began to look.
    told_at: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    _before: Evidence | None = None
    #: The latest diagnosis, when it was made, and the last sign of life that there was then.
    _latest: tuple[Diagnosis, float, float] | None = None

    @staticmethod
    def interval(pace: Pace) -> float:
        """How often to look, which is also how long a silence has to be before it is looked into."""
        return pace.tick_interval_s or _DEFAULT_INTERVAL_S

    @property
    def diagnosis(self) -> Diagnosis | None:
        """What the run is at, if it has been at it for a while; nothing once something is heard again."""
        if self._latest is None:
            return None
        diagnosis, made_at, sign_at = self._latest
        if self.seen()[1].last_sign_at > sign_at:
            return None
        now = diagnosis.aged(_now() - made_at)
        return now if now.since_s >= self.interval_s else None

    async def run(self) -> None:
        """Look at every interval, for as long as the run is at work. Cancel it to end."""
        while True:
            await asyncio.sleep(self.interval_s)
            progress, watch = self.seen()
            if progress.current_step is None and _now() - watch.last_sign_at < self.interval_s:
                continue
            diagnosis = await self.examine()
            self.on_news()
            if self._is_due(diagnosis):
                self.told_at = _now()
                await self.remind(diagnosis)

    async def examine(self) -> Diagnosis:
        """Look now. Never raises: nobody may be kept from stopping a run because of it."""
        evidence = None
        try:
            async with asyncio.timeout(_LOOK_LIMIT_S):
                evidence = await self.look()
        except TimeoutError:
            _log.warning("lookout.slow", run=self.run_id)
        except Exception:  # noqa: BLE001 - it is one look of many; the watchdogs must outlive it
            _log.exception("lookout.broken", run=self.run_id)
        progress, watch = self.seen()
        now = _now()
        diagnosis = diagnose(progress, watch, evidence=evidence, before=self._before, now=now)
        self._before = evidence or self._before
        self._latest = (diagnosis, now, watch.last_sign_at)
        return diagnosis

    def go_on(self) -> None:
        """The person wants to wait: the next reminder comes after the whole patience."""
        self.told_at = _now()

    def _is_due(self, diagnosis: Diagnosis) -> bool:
        if not self.patience_s or diagnosis.cause not in (Cause.COMMAND, Cause.INPUT, Cause.HALTED):
            return False
        return min(diagnosis.since_s, _now() - self.told_at) >= self.patience_s


def patience_s(limits: Limits) -> float:
    """How long a command runs before the person is told: as long as the model may be silent, but five minutes at most.

    0, where silence is not watched at all, is never.
    """
    return min(limits.silence_s, 300.0)


def _now() -> float:
    return asyncio.get_running_loop().time()
