"""Sessions in which a test plays what others do, and a mirror of them on a hall's database."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

from codex_gateway.core.event import Message, Phase
from codex_gateway.core.ids import ThreadId
from codex_gateway.core.outcome import Answered
from codex_gateway.core.policy import BotPolicy
from codex_gateway.core.run import Session
from codex_gateway.core.sighting import Asked, Ending, Sighting, TurnMark, TurnOver
from codex_gateway.service.mirror import Mirror
from codex_gateway.store.mirrors import Mirrors
from support.hall import OTHER_THREAD, THREAD, Hall

RECORD_BYTES = 10


@dataclass
class PlayedSession:
    """A session file in which each fact takes ten bytes; a turn begins with a record that tells nothing."""

    size: int = 1000
    told: list[tuple[int, Sighting]] = field(default_factory=list)
    views: list[PlayedView] = field(default_factory=list)
    changed: asyncio.Event | None = None
    _marks: dict[str, tuple[TurnMark, int]] = field(default_factory=dict)

    def begin(self, turn: str) -> TurnMark:
        starts_at = self.size
        self.size += RECORD_BYTES
        self._marks[turn] = TurnMark(turn, self.size, None), starts_at
        return self._marks[turn][0]

    def asks(self, turn: str, text: str) -> None:
        self._tell(turn, Asked(text))

    def says(self, turn: str, text: str, phase: Phase = Phase.COMMENTARY) -> None:
        self._tell(turn, Message(text, phase))

    def ends(self, turn: str, ending: Ending) -> None:
        mark, _ = self._marks.pop(turn)
        self._tell(turn, TurnOver(ending), mark=mark)

    def turn(self, turn: str, prompt: str, answer: str, *, says: Sequence[str] = ()) -> None:
        """A whole turn."""
        self.begin(turn)
        self.asks(turn, prompt)
        for text in says:
            self.says(turn, text)
        self.says(turn, answer, Phase.FINAL_ANSWER)
        self.ends(turn, Answered(answer))

    def lose(self) -> None:
        """Another file takes its place."""
        for view in self.views:
            view.is_lost = True
        if self.changed is not None:
            self.changed.set()

    def _tell(self, turn: str, fact: Asked | Message | TurnOver, *, mark: TurnMark | None = None) -> None:
        mark = mark or self._marks[turn][0]
        starts_at = self.size
        self.size += RECORD_BYTES
        resume = min((begins_at for _, begins_at in self._marks.values()), default=self.size)
        self.told.append((starts_at, Sighting(mark, fact, self.size, resume)))
        if self.changed is not None:
            self.changed.set()


@dataclass(eq=False)
class PlayedView:
    """Tells what a session has from an offset on."""

    session: PlayedSession
    begins_at: int
    is_lost: bool = False
    fault: Exception | None = None
    next: int = 0

    def read(self) -> tuple[list[Sighting], bool]:
        if self.fault is not None:
            raise self.fault
        if self.is_lost:
            return [], False
        new = self.session.told[self.next :]
        self.next += len(new)
        return [sighting for starts_at, sighting in new if self._sees(starts_at, sighting)], False

    def _sees(self, starts_at: int, sighting: Sighting) -> bool:
        """As with real files: of a turn that began before, only the end."""
        begins_here = sighting.turn.began_bytes - RECORD_BYTES >= self.begins_at
        return starts_at >= self.begins_at and (begins_here or isinstance(sighting.fact, TurnOver))

    def close(self) -> None:
        self.session.views.remove(self)


@dataclass
class PlayedObserver:
    """Sees played sessions; a view or an `open` fails with what `faults` holds for its thread."""

    sessions: defaultdict[ThreadId, PlayedSession] = field(default_factory=lambda: defaultdict(PlayedSession))
    faults: dict[ThreadId, Exception] = field(default_factory=dict)
    missing: set[ThreadId] = field(default_factory=set)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        for thread in (THREAD, OTHER_THREAD):
            self.sessions[thread].changed = self._changed

    @contextmanager
    def watching(self) -> Iterator[None]:
        yield

    async def open(self, session: Session, *, from_bytes: int | None) -> PlayedView | None:
        assert session.thread_id is not None
        if session.thread_id in self.missing:
            return None
        if session.thread_id in self.faults:
            raise self.faults[session.thread_id]
        played = self.sessions[session.thread_id]
        played.changed = self._changed
        view = PlayedView(played, played.size if from_bytes is None or from_bytes > played.size else from_bytes)
        played.views.append(view)
        return view

    async def wait(self, *, at_most_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(min(at_most_s, 0.02)):  # nobody in a test wants to wait for the next look
                await self._changed.wait()
        self._changed.clear()


@asynccontextmanager
async def mirroring(it: Hall, observer: PlayedObserver, policies: Sequence[BotPolicy]) -> AsyncIterator[Mirror]:
    """A mirror at work in a hall; leaving it is what a kill would be, but that transactions are whole."""
    mirror = Mirror(
        Mirrors(it.database),
        observer,
        policies={policy.bot: policy for policy in policies},
        chat=it.chat,
        delivery=it.delivery,
        clock=lambda: 1.0,
        refresh_s=0.01,
    )
    running = asyncio.create_task(mirror.run())
    try:
        yield mirror
        assert not running.done(), "the mirror ended by itself"
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        assert not any(played.views for played in observer.sessions.values()), "a view was left open"
