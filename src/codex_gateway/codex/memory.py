"""How often the kernel has killed something for want of memory, as far as it tells us; Linux only.

Sources: cgroup-v2.rst (`memory.events`), cgroup-v1/memory.rst (`memory.oom_control`), proc(5) (`vmstat`). Who was killed
stands in the kernel's log alone, which is not ours to read: a SIGKILL after which the count has grown was such a kill.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path("/")
_COUNT = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)


def oom_kills() -> int | None:
    """The kills in our own group of processes, else on the whole machine; None where neither is told."""
    return next((count for place in _places() if (count := _count_in(place)) is not None), None)


def _places() -> Iterator[Path]:
    groups = _ROOT / "sys/fs/cgroup"
    for line in _text_of(_ROOT / "proc/self/cgroup").splitlines():
        match line.split(":", 2):
            case [_, "", path]:
                yield groups / path.lstrip("/") / "memory.events"
            case [_, controllers, path] if "memory" in controllers.split(","):
                yield groups / "memory" / path.lstrip("/") / "memory.oom_control"
                yield groups / "memory" / "memory.oom_control"  # in a container the path is the host's
            case _:
                pass
    yield _ROOT / "proc/vmstat"


def _count_in(place: Path) -> int | None:
    found = _COUNT.search(_text_of(place))
    return int(found[1]) if found else None


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
