"""Sees what goes on in any number of sessions, over one inotify instance: a user may have no more than 128 of them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from codex_gateway.codex.reading.follow import Tail, Watcher
from codex_gateway.codex.reading.sightings import Sightings
from codex_gateway.codex.session import locate
from codex_gateway.core.run import Session
from codex_gateway.core.sighting import Sighting
from codex_gateway.log import Log

_LOG = Log(__name__)
_BITE_BYTES = 64 * 1024
#: How far back the end of the last whole line is looked for: a longer line is history by the time it is whole.
_LOOK_BACK_BYTES = 4 * 1024 * 1024


@dataclass(slots=True, eq=False)
class FileView:
    """Implements `core.ports.SessionView`."""

    begins_at: int
    tail: Tail
    on_close: Callable[[FileView], None]
    is_lost: bool = False
    may_have_grown: bool = True
    _sightings: Sightings = field(default_factory=Sightings)
    #: Where the next line begins.
    _line_at: int = field(init=False)

    def __post_init__(self) -> None:
        self._line_at = self.begins_at

    def read(self) -> tuple[list[Sighting], bool]:
        """What a bite of the file tells, and whether there is more at once; nothing unless it may have grown."""
        if self.is_lost or not self.may_have_grown:
            return [], False
        lines, more = self.tail.read()
        if self.tail.breaks:
            self.is_lost = True
            return [], False
        self.may_have_grown = more
        told: list[Sighting] = []
        for line in lines:
            told += self._sightings.read(line, starts_at=self._line_at)
            self._line_at = line.end
        return told, more

    def close(self) -> None:
        self.tail.close()
        self.on_close(self)


class SessionObserver:
    """Implements `core.ports.Observer`; files are also looked at every `sync_interval_s`, where that is not 0."""

    def __init__(self, *, sync_interval_s: float) -> None:
        self._interval_s = sync_interval_s
        self._watcher: Watcher | None = None
        self._views: set[FileView] = set()

    @contextmanager
    def watching(self) -> Iterator[None]:
        with Watcher(sync_interval_s=self._interval_s) as self._watcher:
            yield
        self._watcher = None

    async def open(self, session: Session, *, from_bytes: int | None) -> FileView | None:
        """A view from an offset on, or from the end of what there is; None while the session has no file."""
        assert self._watcher is not None, "to be used inside of `watching`"
        if session.thread_id is None:
            return None
        # In a thread: with an id of an old kind every folder has to be searched.
        path = await asyncio.to_thread(locate.find_session, session.codex_home, session.thread_id)
        try:
            begins_at = None if path is None else _beginning(path, from_bytes)
        except OSError as error:
            _LOG.warning("mirror.unreadable", path=path, reason=error)
            return None
        if path is None or begins_at is None:
            return None
        self._watcher.watch(path)
        view = FileView(begins_at, Tail(path, begins_at), self._closed)
        self._views.add(view)
        return view

    async def wait(self, *, at_most_s: float) -> None:
        """Until a view may have more to tell."""
        assert self._watcher is not None, "to be used inside of `watching`"
        await self._watcher.wait(at_most_s=at_most_s)
        grown = self._watcher.take_grown()
        for view in self._views:
            view.may_have_grown = view.may_have_grown or grown is None or view.tail.path in grown

    def _closed(self, view: FileView) -> None:
        self._views.discard(view)
        path = view.tail.path
        if self._watcher is not None and not any(other.tail.path == path for other in self._views):
            self._watcher.unwatch(path)


def _beginning(path: Path, from_bytes: int | None) -> int:
    """The offset from which to read: `from_bytes` if a line begins there, else behind the last whole line.

    The end of the file, if that lies too far back: what is written of that line from then on is no record.
    """
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(file).st_size
        if from_bytes is not None:
            if from_bytes == 0 or os.pread(file, 1, from_bytes - 1) == b"\n":
                return from_bytes
            _LOG.warning("mirror.other_file", path=path, offset=from_bytes, size=size)
        end = size
        while end > 0 and size - end < _LOOK_BACK_BYTES:
            start = max(0, end - _BITE_BYTES)
            found = os.pread(file, end - start, start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            end = start
        return 0 if end == 0 else size
    finally:
        os.close(file)
