"""Words from a voice message, by a command of the owner's choice."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

#: How long the command may take, in seconds.
LIMIT_S = 120.0
#: As much as a prompt may sensibly be, in bytes; what a program prints beyond it is no transcript.
_LONGEST_BYTES = 200_000
_PLACE = "{file}"


class NotHeard(Exception):
    """There are no words; the text says why."""


async def transcribe(
    data: bytes, command: Sequence[str], *, name: str, environ: Mapping[str, str], limit_s: float = LIMIT_S
) -> str:
    """What `command` prints for a file with `data`, whose path stands in it for {file}, or is its last argument.

    Raises NotHeard. Cancelled, it leaves neither process nor file behind.
    """
    if not command:
        raise NotHeard("no transcribe_cmd is configured any more")
    ending = PurePosixPath(name).suffix
    with tempfile.TemporaryDirectory(prefix="codex-gateway-") as folder:
        file = Path(folder) / f"voice{ending if ending[1:].isalnum() else '.ogg'}"
        await asyncio.to_thread(file.write_bytes, data)
        words = [word.replace(_PLACE, str(file)) for word in command]
        if not any(_PLACE in word for word in command):
            words.append(str(file))
        try:
            async with asyncio.timeout(limit_s):
                code, out, err = await _run(words, folder, environ)
        except TimeoutError:
            raise NotHeard(f"transcribe_cmd took more than {limit_s:.0f} s and was stopped") from None
    text = out.decode("utf-8", "replace").replace("\0", "").strip()
    if code:
        lines = err.decode("utf-8", "replace").strip().splitlines()
        raise NotHeard(f"transcribe_cmd ended with {code}: {lines[-1] if lines else 'it says nothing'}")
    if not text:
        raise NotHeard("transcribe_cmd understood no words")
    return text


async def _run(words: Sequence[str], folder: str, environ: Mapping[str, str]) -> tuple[int, bytes, bytes]:
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            cwd=folder,
            env=dict(environ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise NotHeard(f"transcribe_cmd could not be started: {words[0]}: {error.strerror}") from None
    assert process.stdout is not None and process.stderr is not None
    try:
        out, err = await asyncio.gather(_some(process.stdout), _some(process.stderr))
        return await process.wait(), out, err
    finally:
        with suppress(ProcessLookupError):  # also what it has started and left behind
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _some(stream: asyncio.StreamReader) -> bytes:
    """The first of what a program writes; the rest is read and thrown away, so that the program can end."""
    kept = b""
    while chunk := await stream.read(65_536):
        kept += chunk[: max(0, _LONGEST_BYTES - len(kept))]
    return kept
