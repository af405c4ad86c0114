"""What the installed Codex calls itself."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path

#: It takes some 50 ms.
_LIMIT_S = 5.0
_VERSION = re.compile(rb"\b(\d+\.\d+\.\d+\S*)")


async def version_of(program: Path, environ: Mapping[str, str]) -> str | None:
    """Such as "0.169.0"; None if it does not say so in time."""
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            "--version",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=dict(environ),
        )
    except OSError:
        return None
    try:
        async with asyncio.timeout(_LIMIT_S):
            said, _ = await process.communicate()
    except TimeoutError:
        said = b""
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    found = _VERSION.search(said)
    return found[1].decode("ascii", "replace") if found else None
