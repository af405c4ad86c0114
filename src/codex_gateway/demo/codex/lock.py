"""The writer lock of a session: one process at a time, as with Codex since 0.147."""

# Importing pathlib takes a tenth of the time that a whole turn has.

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator


@contextlib.contextmanager
def writer_lock(home: str, thread_id: str) -> Iterator[bool]:
    """Holds the session's writer lock inside the block; the value is False when somebody else has it.

    The file goes away at the end, as with Codex; only a killed process leaves one behind. ``.coordination.lock`` keeps
    another process from locking a file that is about to vanish.
    """
    folder = os.path.join(home, "thread-writer-locks")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f"{thread_id}.lock")
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    with _coordination(folder):
        descriptor = os.open(path, flags, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held = True
        except BlockingIOError:
            held = False
    try:
        yield held
    finally:
        with _coordination(folder):
            if held:
                os.unlink(path)
            os.close(descriptor)


@contextlib.contextmanager
def _coordination(folder: str) -> Iterator[None]:
    descriptor = os.open(os.path.join(folder, ".coordination.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
