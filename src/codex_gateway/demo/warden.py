"""Tidies up behind a stage that was killed: waits for the end of its standard input, which is the end of the stage."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from codex_gateway.demo import leftovers

#: How long what is killed may take to be gone, and the warden itself to end, in seconds.
_GONE_LIMIT_S, _END_LIMIT_S = 10.0, 5.0


@asynccontextmanager
async def watching(folder: Path) -> AsyncIterator[None]:
    """A process that ends what carries the mark of `folder`, and removes it, once we are gone in whatever way."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__, str(folder)),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},  # this very code, as for the service
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,  # a signal to our group is not for it
    )
    try:
        yield
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(_END_LIMIT_S):
                await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


def main(folder: Path) -> None:
    """Wait, then tidy up; there is nothing to do where the stage has done so itself."""
    sys.stdin.buffer.read()
    leftovers.kill(folder, limit_s=_GONE_LIMIT_S)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
