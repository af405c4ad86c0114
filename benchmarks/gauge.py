"""What a process costs: processor, memory at its most, what it reads, how often it wakes up; Linux only."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_Of = TypeVar("_Of")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def in_a_fresh_process(work: Callable[_P, _Of], *args: _P.args, **kwargs: _P.kwargs) -> _Of:
    """What `work` returns: memory that was used for something else before would hide what it takes."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, args, kwargs)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a process, all its threads, has used since it began."""

    #: In seconds; counted in hundredths of one.
    cpu_s: float
    #: How often one of its threads has gone to sleep, and so woken up.
    sleeps: int
    read_bytes: int

    @classmethod
    def of(cls, pid: int) -> Reading:
        process = Path("/proc") / str(pid)
        fields = (process / "stat").read_text().rpartition(")")[2].split()
        statuses = [(task / "status").read_text() for task in (process / "task").iterdir()]
        sleeps = sum(int(text.partition("\nvoluntary_ctxt_switches:")[2].split()[0]) for text in statuses)
        read = int((process / "io").read_text().split()[1])
        return cls((int(fields[11]) + int(fields[12])) / _TICKS_PER_S, sleeps, read)


class PeakMemory:
    """How much this process's resident memory grows beyond what it is now, at its most."""

    def __init__(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")  # proc(5): the peak begins anew
        self._before_kb = _status_kb("VmRSS")

    @property
    def grown_mb(self) -> float:
        return max(0, _status_kb("VmHWM") - self._before_kb) / 1024


def _status_kb(name: str) -> int:
    return int(Path("/proc/self/status").read_text().partition(f"\n{name}:")[2].split()[0])
