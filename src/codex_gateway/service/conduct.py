"""A run at work: what has been seen of it, and the handle to end it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from codex_gateway.core.diagnosis import Diagnosis
from codex_gateway.core.ids import ThreadId
from codex_gateway.core.narration import Narration
from codex_gateway.core.outcome import Outcome, StopReason
from codex_gateway.core.progress import Progress
from codex_gateway.core.reply import LiveCard, RunningCard
from codex_gateway.core.run import Attempt, Run
from codex_gateway.core.watchdog import Watch
from codex_gateway.service.lookout import Lookout


@dataclass(slots=True)
class Conduct:
    """One run, from its claim to its settlement; the executor and the guards share it."""

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
    #: Codex has said something that is, or will be, a message below the status message.
    has_spoken: bool = False
    #: The conversation, once Codex has named it.
    thread_id: ThreadId | None = None
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
            self.diagnosis = diagnosis or self.current_diagnosis
            if self.performing is not None:
                self.performing.cancel()

    def withdraw(self) -> bool:
        """End its wait for the session. False: it does not wait."""
        if not self.progress.is_waiting or self.performing is None or self.stop_reason is not None:
            return False
        self.is_withdrawn = True
        self.performing.cancel()
        return True

    @property
    def current_diagnosis(self) -> Diagnosis | None:
        """What the run is at, once it has been silent for a while."""
        return None if self.lookout is None else self.lookout.diagnosis

    def live(self, now: float, *, shows_words: bool) -> LiveCard | None:
        """What to show of it in a draft at `now`; None while the status message is enough, and once the verdict stands.

        It is enough until Codex has said something: then that message stands below it, and it scrolls out of sight.
        """
        words = self.narration.pending if shows_words else ""
        self.has_spoken = self.has_spoken or bool(words)
        if self.is_settled or self.stop_reason is not None or not self.has_spoken:
            return None
        elapsed_s = now - (self.working_since or now)
        return LiveCard(self.run.id, elapsed_s, self.progress, self.current_diagnosis, words)

    def card(self, now: float) -> RunningCard | None:
        """What to show of it at `now`, a Unix time; None once its verdict stands."""
        if self.is_settled:
            return None
        return RunningCard(
            self.run.id,
            elapsed_s=now - (self.working_since or now),
            progress=self.progress,
            diagnosis=self.current_diagnosis,
            is_stopping=self.stop_reason is not None,
        )
