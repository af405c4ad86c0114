"""Opens a file of a work directory so that nothing outside of it can ever be reached."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath

from codex_gateway.core.reply import FileRefusal
from codex_gateway.service.secrets import is_secret

#: Names of a folder that are told.
_LISTED = 40

_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_PARENT = ".."


class Refused(Exception):
    """The file is not given; for a folder, `entries` is what is in it."""

    def __init__(self, reason: FileRefusal, entries: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.entries = entries


@contextmanager
def opened(workdir: Path, path: str, *, guarded: frozenset[tuple[int, int]] = frozenset()) -> Iterator[int]:
    """A descriptor of the regular file at `path`, which is relative to `workdir` or absolute and inside of it.

    Each component is opened by itself, from the folder before it and never through a link, so that no change of names
    meanwhile leads elsewhere. `guarded` are device and inode of files and folders that are not given under any name.
    Raises Refused.
    """
    parts = _parts(workdir, path)
    if is_secret(parts):
        raise Refused(FileRefusal.CONFIDENTIAL)
    with ExitStack() as stack:
        here = _opened(str(workdir), None, stack, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for index, part in enumerate(parts):
            here = _opened(part, here, stack, _OPEN)
            found = os.fstat(here)
            if (found.st_dev, found.st_ino) in guarded:
                raise Refused(FileRefusal.CONFIDENTIAL)
            if index + 1 < len(parts) and not stat.S_ISDIR(found.st_mode):
                raise Refused(FileRefusal.MISSING)
        mode = os.fstat(here).st_mode
        if stat.S_ISDIR(mode):
            raise Refused(FileRefusal.DIRECTORY, _entries(here))
        if not stat.S_ISREG(mode):
            raise Refused(FileRefusal.SPECIAL)
        yield here


def identities(paths: list[Path]) -> frozenset[tuple[int, int]]:
    """Device and inode of those of the files that exist."""
    found = []
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            continue
        found.append((status.st_dev, status.st_ino))
    return frozenset(found)


def _parts(workdir: Path, path: str) -> tuple[str, ...]:
    if "\0" in path or len(path) > 4096:
        raise Refused(FileRefusal.MISSING)
    wanted = PurePosixPath(os.path.normpath(path))
    if wanted.is_absolute():
        homes = [workdir, *([workdir.resolve()] if workdir.is_symlink() or workdir.resolve() != workdir else [])]
        home = next((home for home in homes if wanted.is_relative_to(home)), None)
        if home is None:
            raise Refused(FileRefusal.OUTSIDE)
        wanted = wanted.relative_to(home)
    if _PARENT in wanted.parts:
        raise Refused(FileRefusal.OUTSIDE)
    return wanted.parts


def _opened(name: str, folder: int | None, stack: ExitStack, flags: int) -> int:
    try:
        descriptor = os.open(name, flags, dir_fd=folder)
    except OSError as error:
        raise Refused(_reason(error)) from None
    stack.callback(os.close, descriptor)
    return descriptor


def _reason(error: OSError) -> FileRefusal:
    match error.errno:
        case errno.ELOOP:
            return FileRefusal.LINK
        case errno.ENOENT | errno.ENOTDIR | errno.ENAMETOOLONG | errno.EINVAL:
            return FileRefusal.MISSING
        case errno.ENXIO | errno.ENODEV:  # a socket, a device without a driver
            return FileRefusal.SPECIAL
        case _:
            return FileRefusal.UNREADABLE


def _entries(folder: int) -> tuple[str, ...]:
    with os.scandir(folder) as found:
        names = sorted(entry.name + ("/" if entry.is_dir(follow_symlinks=False) else "") for entry in found)
    more = (f"… {len(names) - _LISTED} more",) if len(names) > _LISTED else ()
    return (*names[:_LISTED], *more)
