"""A file that another process appends to, read line by line from an offset on, as soon as it grows."""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from codex_gateway.log import Log

try:
    from asyncinotify import Inotify, Mask, Watch
except (ImportError, OSError, AttributeError):  # no Linux: the poll has to do
    _HAS_INOTIFY = False
else:
    _HAS_INOTIFY = True

_LOG = Log(__name__)
#: inotify(7): which watch, what, a cookie, and how many bytes of a name follow.
_INOTIFY_EVENT = struct.Struct("iIII")
#: How much is read before others get their turn.
CHUNK_BYTES = 256 * 1024
#: Of a line beyond this only the beginning and the end are kept: decoding 50 MB would hold the loop for 0.2 s.
LONGEST_LINE_BYTES = 4 * 1024 * 1024
HEAD_BYTES = 64 * 1024
TAIL_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """A whole line without its line break. `end` is the offset just past it, in bytes.

    Of one that is too long `content` is the beginning, and `tail` its end.
    """

    content: bytes
    end: int
    tail: bytes = b""


@dataclass(slots=True)
class Tail:
    """Reads on from `offset`; what is before it is never touched. The file need not exist yet."""

    path: Path
    offset: int = 0
    #: How often what was read before turned out to be gone: the file was cut, or another one stood in its place.
    breaks: int = 0
    _fd: int | None = None
    _inode: int = 0
    #: The line that is not whole yet; everything in it lies before `offset`.
    _open: bytearray = field(default_factory=bytearray)
    #: The beginning of that line, once it is too long; then `_open` is its end.
    _head: bytes | None = None

    def read(self) -> tuple[list[Line], bool]:
        """The whole lines of the next chunk, and whether there may be more at once."""
        if self._fd is None and not self._open_file():
            return [], False
        assert self._fd is not None
        chunk = os.pread(self._fd, CHUNK_BYTES, self.offset)
        if not chunk:
            return [], self._was_replaced()
        return list(self._lines(chunk)), True

    @property
    def rest(self) -> bytes:
        """The beginning of a line that has no end yet."""
        return bytes(self._open)

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _lines(self, chunk: bytes) -> Iterator[Line]:
        start = 0
        while (end := chunk.find(b"\n", start)) >= 0:
            piece = chunk[start:end]
            start = end + 1
            if not self._open:
                yield Line(piece, self.offset + start)
                continue
            self._open += piece
            if self._head is None:
                yield Line(bytes(self._open), self.offset + start)
            else:
                yield Line(self._head, self.offset + start, bytes(self._open[-TAIL_BYTES:]))
            self._forget()
        self._open += chunk[start:]
        if self._head is None and len(self._open) > LONGEST_LINE_BYTES:
            self._head = bytes(self._open[:HEAD_BYTES])
        if self._head is not None:
            del self._open[:-TAIL_BYTES]
        self.offset += len(chunk)

    def _forget(self) -> None:
        self._open.clear()
        self._head = None

    def _open_file(self) -> bool:
        try:
            self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        except OSError as error:
            _LOG.warning("follow.unreadable", path=self.path, reason=error)
            return False
        self._inode = os.fstat(self._fd).st_ino
        self._check_size()
        return True

    def _was_replaced(self) -> bool:
        """At the end of what there is: has the file been cut, or another one put in its place?"""
        try:
            is_other = self.path.stat().st_ino != self._inode
        except OSError:
            return False  # moved away, perhaps to the archive: whoever holds it open still writes there
        if is_other:
            _LOG.warning("follow.replaced", path=self.path)
            self.breaks += 1
            self.close()
            return self._open_file()
        return self._check_size()

    def _check_size(self) -> bool:
        assert self._fd is not None
        size = os.fstat(self._fd).st_size
        if size >= self.offset:
            return False
        # What was there before our offset is gone; nothing tells where the new records begin but the end of the file.
        _LOG.warning("follow.truncated", path=self.path, offset=self.offset, size=size)
        self.breaks += 1
        self.offset = size
        self._forget()
        return False


class Watcher:
    """Tells that one of some files may have grown, or that it is time to look anyway."""

    def __init__(self, *, sync_interval_s: float) -> None:
        self._interval_s = sync_interval_s if sync_interval_s > 0 else None
        self._changed = asyncio.Event()
        self._inotify: Inotify | None = None
        self._watches: dict[Path, Watch] = {}
        #: By inotify's number for each.
        self._watched: dict[int, Path] = {}
        self._grown: set[Path] = set()
        self._may_all_have_grown = True

    def __enter__(self) -> Self:
        if _HAS_INOTIFY:
            try:
                self._inotify = Inotify()
            except OSError as error:  # the user's limit of inotify instances is reached
                _LOG.warning("follow.polling", reason=error)
            else:
                asyncio.get_running_loop().add_reader(self._inotify.fd, self._drain)
                self._may_all_have_grown = False
        if self._inotify is None:
            self._interval_s = min(self._interval_s or 0.25, 0.25)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._inotify is not None:
            asyncio.get_running_loop().remove_reader(self._inotify.fd)
            self._inotify.close()
            self._inotify = None

    def watch(self, path: Path) -> None:
        """Watch the file that stands there now, in another's stead if need be; where none does, it is left to the poll.

        It is told as well when the file is moved away, or another one is put in its place.
        """
        if self._inotify is None:
            return
        try:
            watch = self._inotify.add_watch(path, Mask.MODIFY | Mask.ATTRIB | Mask.MOVE_SELF)
        except FileNotFoundError:
            return
        except OSError as error:
            _LOG.warning("follow.unwatched", path=path, reason=error)
            self._interval_s = min(self._interval_s or 0.25, 0.25)
        else:
            if path in self._watches and self._watches[path].wd != watch.wd:
                self.unwatch(path)
            self._watches[path] = watch
            self._watched[watch.wd] = path

    def unwatch(self, path: Path) -> None:
        """Watch a file no more, if it was."""
        watch = self._watches.pop(path, None)
        if watch is not None and self._inotify is not None:
            self._watched.pop(watch.wd, None)
            with suppress(OSError, ValueError):  # the file may be gone, and its watch with it
                self._inotify.rm_watch(watch)

    def take_grown(self) -> set[Path] | None:
        """Which files were told to have grown since the last call; None: any of them may have."""
        grown = None if self._may_all_have_grown else self._grown
        self._grown, self._may_all_have_grown = set(), self._inotify is None
        return grown

    def wake(self) -> None:
        """Let `wait` return."""
        self._changed.set()

    async def wait(self, *, at_most_s: float | None = None) -> None:
        """Until something may have changed since the last wait, a poll is due, or `at_most_s` have passed."""
        limits = [limit for limit in (self._interval_s, at_most_s) if limit is not None]
        try:
            async with asyncio.timeout(min(limits) if limits else None):
                await self._changed.wait()
        except TimeoutError:
            self._may_all_have_grown = True
        self._changed.clear()

    def _drain(self) -> None:
        assert self._inotify is not None
        try:
            told = os.read(self._inotify.fd, 64 * 1024)
        except BlockingIOError:
            return
        at = 0
        while at < len(told):
            number, _, _, name_bytes = _INOTIFY_EVENT.unpack_from(told, at)
            at += _INOTIFY_EVENT.size + name_bytes
            if number < 0:  # too much happened to tell it all
                self._may_all_have_grown = True
            elif number in self._watched:
                self._grown.add(self._watched[number])
        self._changed.set()
