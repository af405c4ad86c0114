"""The fold over a session's records that tells one turn's events, and nothing of any other turn; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import assert_never

from codex_gateway.codex.reading import rollout as ro
from codex_gateway.codex.reading.kept import forget_oldest
from codex_gateway.codex.reading.steps import Steps
from codex_gateway.core import event as ev

#: Codex writes some thirty kinds of records; a damaged file may hold any number.
_KINDS_KEPT = 100
#: Of messages that wait for their twin, in the file or on standard output; most never wait.
_MESSAGES_KEPT = 100
#: Of other writers' turns that are open at once: one that was killed stays open.
_FOREIGN_KEPT = 1_000


@dataclass(slots=True)
class TurnReader:
    """Give it the records behind the turn's offset, in order.

    The turn is the first one that begins there; with `prompt` given, the first one that was asked just that. Records
    that do not name their turn are left out while a second writer (before Codex 0.147) has one of `foreign` turns open
    too; but for messages, which are ours if our own process has told them as well (`heard`).
    """

    prompt: str | None = None
    #: What the thread had cost before the turn; None when that is not known.
    thread_before: ev.Tokens | None = None
    #: The turns of others that are open; "" is one in a file without marks.
    foreign: set[str] = field(default_factory=set)
    turn_id: str | None = None
    has_begun: bool = False
    #: How the records say that the turn ended.
    end: ro.TurnEnded | ro.TurnAborted | None = None
    #: What the agent said last, and whether Codex marked it as the final answer.
    last_said: ro.Said | None = None
    #: Whether the file marks where turns begin and end at all (0.80 and 0.98 do not).
    is_marked: bool = False
    garbage_lines: int = 0
    #: All records, garbage included; and those that tell what the agent said, be it in this turn or in another's.
    records: int = 0
    messages: int = 0
    #: How often records of each unread kind were met.
    unread: dict[str, int] = field(default_factory=dict)
    _was_prompted: bool = False
    _called_since: bool = False
    _steps: Steps = field(default_factory=Steps)
    _has_reply: bool = False
    #: The latest count, and what it said of the account's allowance.
    usage: ev.Usage | None = None
    #: The latest turn that began, while ours has not: it may be ours until it is asked something else.
    _maybe_ours: str | None = None
    #: Nothing has happened in that turn yet, and it was not asked anything.
    _awaits_prompt: bool = False
    #: The thread, if it is a fork: then what comes before its own first turn tells of the other thread's.
    _fork: str | None = None
    #: Messages that may be somebody else's, and how much oftener each text was met on standard output than in the file.
    _doubtful: list[ro.Said] = field(default_factory=list)
    #: By the hash of the text: where nothing is met on standard output, all of them would be kept.
    _surplus: dict[int, int] = field(default_factory=dict)

    def read(self, record: ro.Record) -> tuple[ev.Event, ...]:
        """The events that `record` tells."""
        self.records += 1
        self.messages += isinstance(record, ro.Said)
        if self._fork is not None and not self._has_turn and not _is_of_fork(record, self._fork):
            return ()
        match record:
            case ro.ThreadForked(thread_id):
                if self._fork is None and not self.has_begun:
                    self._fork = thread_id
                    self.thread_before = None  # its counts go on from the other thread's
                return ()
            case ro.Garbage():
                self.garbage_lines += 1
                return ()
            case ro.Noise(kind):
                known = kind if kind in self.unread or len(self.unread) < _KINDS_KEPT else "others"
                self.unread[known] = self.unread.get(known, 0) + 1
                return ()
            case ro.TurnBegan(turn_id):
                return tuple(self._began(turn_id))
            case ro.Prompted():
                return tuple(self._prompted(record))
            case ro.TurnEnded() | ro.TurnAborted():
                self._ended(record)
                return ()
            case ro.HistoryCompacted():
                self._awaits_prompt = False
                return () if self.end or self.foreign else (ev.Compacted(),)
            case ro.Counted() if self._awaits_prompt:
                return (ev.CompactionExpected(),)  # so begins a compaction before the prompt in 0.140 and 0.169
            case ro.Counted(usage):
                return tuple(self._counted(usage)) if self._is_open and not self.foreign else ()
            case ro.Limited(windows):
                return tuple(self._limited(windows)) if self._is_open and not self.foreign else ()
            case ro.Replied():
                self._has_reply, self._awaits_prompt = True, False
                return ()
            case _ if self._is_ours(record.turn_id):
                return tuple(self._told(record))
            case ro.Said(turn_id=None) if self._is_open:
                return tuple(self._doubted(record))
            case _:
                return ()

    def heard(self, text: str) -> tuple[ev.Event, ...]:
        """Our own process has told this message on its standard output, be it before or after it is met in the file."""
        doubted = next((said for said in self._doubtful if said.text == text), None)
        if doubted is None:
            self._weigh(text, 1)
            return ()
        self._doubtful.remove(doubted)
        self._weigh(text, 1)
        return tuple(self._told(doubted))

    def _doubted(self, record: ro.Said) -> Iterator[ev.Event]:
        if self._surplus.get(hash(record.text), 0) > 0:
            yield from self._told(record)
        else:
            self._doubtful.append(record)
            del self._doubtful[:-_MESSAGES_KEPT]

    def _weigh(self, text: str, difference: int) -> None:
        surplus = self._surplus.pop(hash(text), 0) + difference
        if surplus:
            self._surplus[hash(text)] = surplus
            forget_oldest(self._surplus, beyond=_MESSAGES_KEPT)

    @property
    def _has_turn(self) -> bool:
        return self.has_begun or self._maybe_ours is not None

    @property
    def _is_open(self) -> bool:
        return self.has_begun and self.end is None

    def _is_ours(self, turn_id: str | None) -> bool:
        if not self._is_open:
            return False
        if turn_id is not None and self.turn_id is not None:
            return turn_id == self.turn_id
        return not self.foreign

    def _began(self, turn_id: str) -> Iterator[ev.Event]:
        self.is_marked = True
        if self.has_begun:
            if turn_id != self.turn_id and len(self.foreign) < _FOREIGN_KEPT:
                self.foreign.add(turn_id)
            return
        self._awaits_prompt = True
        if self.prompt is None:
            yield from self._begin(turn_id)
        else:
            self._maybe_ours = turn_id

    def _prompted(self, record: ro.Prompted) -> Iterator[ev.Event]:
        self._awaits_prompt = False
        if self.has_begun:
            if not self.is_marked and not self.end and self._was_prompted:
                self.foreign.add("")  # a second prompt in a file without marks: what follows may be either's
            self._was_prompted = True
        elif self.prompt is None or record.text.strip() == self.prompt.strip():
            self._was_prompted = True
            yield from self._begin(record.turn_id or self._maybe_ours)

    def _begin(self, turn_id: str | None) -> Iterator[ev.Event]:
        self.has_begun = True
        self.turn_id = turn_id
        yield ev.TurnStarted(turn_id)

    def _ended(self, record: ro.TurnEnded | ro.TurnAborted) -> None:
        self._awaits_prompt = False
        if self.has_begun and record.turn_id == self.turn_id:  # None for both, in a file without marks
            self.end = self.end or record
        elif record.turn_id is not None:
            self.foreign.discard(record.turn_id)

    def _told(
        self, record: ro.Said | ro.Thought | ro.Called | ro.Returned | ro.Executed | ro.Wrote
    ) -> Iterator[ev.Event]:
        self._has_reply = True
        match record:
            case ro.Said(text=text, phase=phase):
                self._weigh(text, -1)
                if not self._is_repeated(record):
                    yield ev.Message(text, phase)
                self.last_said, self._called_since = record, False
            case ro.Thought(summary=summary):
                yield ev.Reasoning(summary)
            case ro.Called():
                self._called_since = True
                yield from self._steps.called(record)
            case ro.Returned():
                yield from self._steps.returned(record)
            case ro.Executed():
                yield from self._steps.executed(record)
            case ro.Wrote():
                yield from self._steps.wrote(record)
            case _:
                assert_never(record)

    def _is_repeated(self, record: ro.Said) -> bool:
        """A stream that broke off and was tried again says its message twice."""
        last = self.last_said
        return last is not None and (last.text, last.phase) == (record.text, record.phase) and not self._called_since

    def _counted(self, usage: ev.Usage) -> Iterator[ev.Event]:
        """A count is repeated when a stream broke off and around compactions: only one that differs is news.

        Where it is not known what the thread had cost before, the first count of the turn tells it by its `last`, so it
        must be one of the turn: repeats before the first reply are left out.
        """
        usage = replace(usage, thread_before=self.thread_before)
        is_news = usage != self.usage and (self._has_reply or self.thread_before is not None)
        self.usage = usage
        if is_news:
            yield usage

    def _limited(self, windows: tuple[ev.Window, ...]) -> Iterator[ev.Event]:
        if self.thread_before is not None:
            known = self.usage or ev.Usage(self.thread_before, ev.Tokens())
            yield from self._counted(replace(known, windows=windows))


def _is_of_fork(record: ro.Record, thread_id: str) -> bool:
    """Whether the record begins a turn of the fork itself: ids begin with the time (UUIDv7 in 0.140 and 0.169)."""
    return isinstance(record, ro.TurnBegan) and record.turn_id.lower() > thread_id.lower()
