"""The last resort against leftovers: processes that carry a stage's mark in their environment, and its folder."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

#: Set for the service. The gateway hands variables that begin with CODEX_ on to Codex, and Codex to its shells.
MARK = "CODEX_DEMO_STAGE"
_LOOK_S = 0.02


def kill(folder: Path, *, limit_s: float) -> None:
    """Kill what carries the mark of `folder` until nothing does, for `limit_s` seconds at most; blocks."""
    ends_at = time.monotonic() + limit_s
    while found := list(marked(folder)):
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() >= ends_at:
            return
        time.sleep(_LOOK_S)


def remove(folder: Path) -> None:
    """Remove the stage's folder with all that is in it."""
    shutil.rmtree(folder)


def marked(folder: Path) -> Iterator[int]:
    """The processes that carry the mark of `folder`, as far as we may look; a zombie carries nothing."""
    mark = f"{MARK}={folder}".encode()
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (place / "environ").read_bytes().split(b"\0"):
                yield int(place.name)
