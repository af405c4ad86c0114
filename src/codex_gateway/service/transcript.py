"""Words from a voice message, by a command of the owner's choice."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

#: How long the command may take, in seconds.
LIMIT_S = 120.0
#: As much as a prompt may sensibly be, in bytes; what a program prints beyond it is no transcript.
_LONGEST_BYTES = 400_000
#: How long what it wrote last may take to be read once it has ended, in seconds.
_REST_S = 5.0
#: Names, in the environment of the command and of whatever it starts, the one call that they belong to.
_MARK = "CODEX_GATEWAY_TRANSCRIPT"
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
    if len(out) > _LONGEST_BYTES:
        raise NotHeard(f"transcribe_cmd printed more than {_LONGEST_BYTES // 1000} KB, which is no transcript")
    if not text:
        raise NotHeard("transcribe_cmd understood no words")
    return text


async def _run(words: Sequence[str], folder: str, environ: Mapping[str, str]) -> tuple[int, bytes, bytes]:
    mark = uuid.uuid4().hex
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            cwd=folder,
            env={**environ, _MARK: mark},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise NotHeard(f"transcribe_cmd could not be started: {words[0]}: {error.strerror}") from None
    assert process.stdout is not None and process.stderr is not None
    reading = asyncio.gather(_some(process.stdout), _some(process.stderr))
    try:
        # `wait` may wait for the pipes too, which a child can hold open
        while process.returncode is None:  # noqa: ASYNC110 - and nothing else tells of its end
            await asyncio.sleep(0.02)
        await asyncio.to_thread(_end, process.pid, mark)
        await asyncio.wait([reading], timeout=_REST_S)
        out, err = reading.result() if reading.done() else (b"", b"")
        return process.returncode, out, err
    finally:
        reading.cancel()
        _end(process.pid, mark)  # in the loop: nothing is awaited once this was cancelled
        await process.wait()


def _end(group: int, mark: str) -> None:
    """Kill the command and what it has started, also what has left its session."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
    for pid in _marked(mark):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _marked(mark: str) -> Iterator[int]:
    needle = f"{_MARK}={mark}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if needle in (entry / "environ").read_bytes().split(b"\0"):
                yield int(entry.name)
        except OSError:  # it has ended, or is somebody else's
            continue


async def _some(stream: asyncio.StreamReader) -> bytes:
    """The first of what a program writes; the rest is read and thrown away, so that the program can end."""
    kept = b""
    while chunk := await stream.read(65_536):
        kept += chunk[: max(0, _LONGEST_BYTES + 1 - len(kept))]
    return kept
