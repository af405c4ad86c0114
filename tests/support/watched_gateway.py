"""A program: the gateway, unchanged, that writes down what it holds each time it gets SIGUSR1.

Started like `codex_gateway`; GATEWAY_INVENTORY names the file to write.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys
import threading
from collections import Counter
from pathlib import Path
from types import FrameType

from codex_gateway.__main__ import main


def _take_stock(_number: int, _frame: FrameType | None) -> None:
    """Runs in the main thread, between two steps of the event loop."""
    asyncio.get_running_loop().create_task(_write_inventory(), name="inventory")


async def _write_inventory() -> None:
    await _fill_the_pool()
    gc.collect()
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    inventory = {
        "tasks": sorted(task.get_name() for task in tasks),
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "fds": sorted(_open_files()),
        "objects": Counter(type(it).__qualname__ for it in gc.get_objects()).most_common(),
    }
    path = Path(os.environ["GATEWAY_INVENTORY"])
    path.with_suffix(".new").write_text(json.dumps(inventory), encoding="utf-8")
    path.with_suffix(".new").rename(path)


async def _fill_the_pool() -> None:
    """Have the pool start all of its threads: it does so one by one as it is used, which is no leak."""
    loop = asyncio.get_running_loop()
    everyone = threading.Barrier(min(32, (os.cpu_count() or 1) + 4))
    await asyncio.gather(*(loop.run_in_executor(None, everyone.wait) for _ in range(everyone.parties)))


def _open_files() -> list[str]:
    names = []
    for entry in Path("/proc/self/fd").iterdir():
        try:
            names.append(str(entry.readlink()).partition(":[")[0])
        except OSError:  # the one that lists them
            continue
    return names


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, _take_stock)
    sys.exit(main())
