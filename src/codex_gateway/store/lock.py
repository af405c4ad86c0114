"""The lock file that makes this gateway the only one on its data."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from codex_gateway.core.errors import LockHeld, StoreError


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Hold the lock while the block runs; the kernel frees it when the process dies, however it dies.

    The file holds the pid of its holder, for people and for the sentence of `LockHeld`. It is never removed: two
    processes could then each hold a lock on a file of that name.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise StoreError(f"The lock file {path} cannot be opened: {error.strerror}.") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockHeld(str(path), pid=_holder(descriptor)) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
        with suppress(OSError):  # the disk may be full; the lock goes all the same
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _holder(descriptor: int) -> int | None:
    with suppress(OSError, ValueError, IndexError):
        return int(os.pread(descriptor, 32, 0).split()[0])
    return None
