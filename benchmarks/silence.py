"""What silence costs: the service while a run's session, and mirrored ones, say nothing for a while.

With notifications (inotify), and as it is where there are none. The whole service is measured, as a process: what it
polls, repaints and looks into while it waits is in the figures.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from benchmarks.gauge import Reading
from support.codex_lab import SCRIPTED
from support.house import house

_SECONDS = 20
_BOTS = ("alpha", "beta", "gamma", "delta")
_WITHOUT = (
    "import sys; from codex_gateway.codex import follow; follow._HAS_INOTIFY = False;"
    "from codex_gateway.__main__ import main; sys.exit(main())"
)


def main() -> None:
    print(f"\nSilence, for {_SECONDS} s each: the service with {len(_BOTS)} mirrored sessions")
    print(f"  {'':48}{'processor':>14}{'wake-ups':>12}{'read':>10}")
    for name, program in (("notifications", ("-m", "codex_gateway")), ("no notifications", ("-c", _WITHOUT))):
        with tempfile.TemporaryDirectory(prefix="bench-", dir=Path.home()) as folder:
            asyncio.run(_measure(name, program, Path(folder)))


async def _measure(name: str, program: tuple[str, ...], folder: Path) -> None:
    async with house(folder, SCRIPTED, bots=_BOTS) as it:
        it.program = program
        service = await it.start()
        await _print(f"{name}, nothing to do", service.pid)
        asked = it.say("@sh sleep 1000")
        await it.sees_process("sleep\0001000")
        await _print(f"{name}, a run whose command is silent", service.pid)
        it.say("/stop")
        await it.verdict(asked)


async def _print(name: str, pid: int) -> None:
    await asyncio.sleep(2)  # what has just begun is told first
    before = Reading.of(pid)
    await asyncio.sleep(_SECONDS)
    after = Reading.of(pid)
    cpu_ms = (after.cpu_s - before.cpu_s) * 1000 / _SECONDS
    sleeps = (after.sleeps - before.sleeps) / _SECONDS
    read_kb = (after.read_bytes - before.read_bytes) / 1024 / _SECONDS
    print(f"  {name:48}{cpu_ms:>9.1f} ms/s{sleeps:>10.1f}/s{read_kb:>5.1f} KB/s")
