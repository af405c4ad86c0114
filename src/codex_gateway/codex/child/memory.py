"""How often the kernel has killed something for want of memory, as far as it tells us; Linux only.

Sources: cgroup-v2.rst (`memory.events`), cgroup-v1/memory.rst (`memory.oom_control`), proc(5) (`vmstat`). Who was
killed stands in the kernel's log alone, which is not ours to read: a SIGKILL after which the count has grown was such.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path("/")
_COUNT = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class OomKills:
    """Counts since the start of the group and of the machine; None where it is not told."""

    of_our_group: int | None
    of_the_machine: int | None

    def since(self, earlier: OomKills) -> bool | None:
        """Whether one of ours was killed so; None if it may be, but nothing proves it."""
        ours = _growth(earlier.of_our_group, self.of_our_group)
        anyone = _growth(earlier.of_the_machine, self.of_the_machine)
        if ours or (ours is None and anyone):
            return True
        # One may have been killed that was in a group of its own.
        return None if anyone or (ours is None and anyone is None) else False


def oom_kills() -> OomKills:
    """The counts as they are now."""
    counts = (_count_in(place) for place in _our_group())
    return OomKills(next((count for count in counts if count is not None), None), _count_in(_ROOT / "proc/vmstat"))


def note_oom_kills(note: Path) -> None:
    """Write the counts down before a process is started, for whoever looks after it later; raises OSError."""
    counts = oom_kills()
    note.write_text(json.dumps([counts.of_our_group, counts.of_the_machine]), encoding="ascii")


def had_oom_kill(note: Path) -> bool | None:
    """Whether one of ours was killed for want of memory since that note was made; None if nobody can tell."""
    try:
        group, machine = json.loads(note.read_text(encoding="ascii"))
    except (OSError, ValueError, TypeError):
        return None
    return oom_kills().since(OomKills(group, machine))


def _growth(earlier: int | None, later: int | None) -> bool | None:
    return None if earlier is None or later is None else later > earlier


def _our_group() -> Iterator[Path]:
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


def _count_in(place: Path) -> int | None:
    found = _COUNT.search(_text_of(place))
    return int(found[1]) if found else None


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
