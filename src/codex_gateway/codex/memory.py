"""How often the system has killed for want of memory: what tells such a kill from any other SIGKILL. Linux only."""

from __future__ import annotations

from pathlib import Path

#: Counts every such kill on the machine, those for the limit of a control group included (Linux 4.13 and newer).
_COUNTER = Path("/proc/vmstat")


def oom_kills(counter: Path = _COUNTER) -> int | None:
    """The count so far; None where the system does not tell."""
    try:
        lines = counter.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), None)


def note_oom_kills(note: Path) -> None:
    """Write the count down before a process is started, for whoever looks after it later; raises OSError."""
    count = oom_kills()
    if count is not None:
        note.write_text(str(count), encoding="ascii")


def was_short_since(note: Path, counter: Path = _COUNTER) -> bool:
    """Whether the system has killed for want of memory since that note was made."""
    try:
        before = int(note.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return False
    now = oom_kills(counter)
    return now is not None and now > before
