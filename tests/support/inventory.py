"""What a gateway process holds, counted from outside and by itself, before and after."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from codex_gateway.codex.child.proc import look
from support.house import LIMIT_S, House, Service

WATCHED = (str(Path(__file__).with_name("watched_gateway.py")),)


@dataclass(frozen=True, slots=True)
class Inventory:
    """Everything that must not grow, by name; and what may, within reason."""

    processes: Counter[str]
    #: Children of the service, those that have ended and that nobody has waited for among them.
    children: Counter[str]
    fds: Counter[str]
    threads: Counter[str]
    tasks: Counter[str]
    files: Counter[str]
    #: What inotify watches; all of them share a descriptor.
    watches: Counter[str]
    rss_kb: int
    objects: int

    def more_than(self, other: Inventory) -> dict[str, Counter[str]]:
        """What there is more of than there was, by the name of the count."""
        return {name: more for name in COUNTS if (more := getattr(self, name) - getattr(other, name))}

    def differs_from(self, other: Inventory) -> bool:
        return any(getattr(self, name) != getattr(other, name) for name in COUNTS)

    def rows(self, other: Inventory) -> Iterator[str]:
        """Lines of a table: before and now."""
        for name in COUNTS:
            yield f"{name:10} {getattr(other, name).total():8} {getattr(self, name).total():8}"
        yield f"{'objects':10} {other.objects:8} {self.objects:8}"
        yield f"{'RSS, kB':10} {other.rss_kb:8} {self.rss_kb:8}"


#: Threads that Python does not know; or one that came between its look and ours, which is gone at the next.
UNKNOWN_THREADS = "unknown to Python"

COUNTS = ("processes", "children", "fds", "threads", "tasks", "files", "watches")


def watched(it: House) -> None:
    """Have the house start gateways that can be asked what they hold."""
    it.program = WATCHED
    it.environment["GATEWAY_INVENTORY"] = str(it.folder / "inventory.json")


async def take(it: House, service: Service) -> Inventory:
    """What the service holds now. It should be at rest."""
    path = Path(it.environment["GATEWAY_INVENTORY"])
    path.unlink(missing_ok=True)
    os.kill(service.pid, signal.SIGUSR1)
    async with asyncio.timeout(LIMIT_S):
        while not path.exists():
            await asyncio.sleep(0.01)
    own = json.loads(path.read_text("utf-8"))
    status = dict(line.split(":", 1) for line in Path(f"/proc/{service.pid}/status").read_text("utf-8").splitlines())
    return Inventory(
        processes=Counter(_name_of(pid) for pid in it.codex_pids()),
        children=Counter(children_of(service.pid)),
        fds=Counter(own["fds"]),
        threads=Counter(own["threads"]) + Counter({UNKNOWN_THREADS: int(status["Threads"]) - len(own["threads"])}),
        tasks=Counter(own["tasks"]),
        files=Counter(_files_of(it)),
        watches=Counter(_watches_of(service.pid)),
        rss_kb=int(status["VmRSS"].split()[0]),
        objects=sum(count for _, count in own["objects"]),
    )


def children_of(pid: int) -> list[str]:
    """What a process has started and not waited for, by state and name: "Z codex" is a zombie, which has no mark."""
    return [
        f"{stat.state} {_comm_of(entry)}"
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and (stat := look(int(entry.name))) is not None and stat.parent == pid
    ]


def _comm_of(entry: Path) -> str:
    try:
        return (entry / "comm").read_text("utf-8").strip()
    except OSError:
        return ""


def _watches_of(pid: int) -> Iterator[str]:
    """The files that are watched, each as the numbers of its device and inode."""
    for entry in Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            lines = entry.read_text("ascii").splitlines()
        except FileNotFoundError:  # closed since the folder was read
            continue
        for line in lines:
            if line.startswith("inotify"):
                yield " ".join(word for word in line.split() if word.startswith(("ino:", "sdev:")))


def _name_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text("utf-8").replace("\0", " ")
    except OSError:
        return ""


def _files_of(it: House) -> Iterator[str]:
    """Files that are not a session's, nor Codex's locks for one."""
    for path in (*(it.folder / "data").rglob("*"), *(it.folder / "tmp").rglob("*"), *it.folder.glob("*")):
        yield str(path.relative_to(it.folder))
