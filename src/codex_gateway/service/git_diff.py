"""What differs from the last commit in a work directory, as git tells it, with nothing of the repository executed."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from codex_gateway.core.reply import DiffRefusal
from codex_gateway.service.secrets import is_secret

#: How long all of it may take, in seconds.
LIMIT_S = 20.0
#: Telegram's limit for what a bot sends (Bot API 10.3), with room for the rest of the request.
LARGEST_BYTES = 49_000_000

#: Programs that a repository's configuration could name: monitors, hooks, pagers. Drivers for diffs are switched off
#: by the options of `git diff`.
_SAFE = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.pager=cat", "-c", "color.ui=false")
_PLAIN = ("--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--relative", "--ignore-submodules=dirty")
_QUIET = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_PAGER": "cat", "LC_ALL": "C.UTF-8"}
_COUNTS = re.compile(rb"(\d+|-)\t(\d+|-)\t(.*)", re.DOTALL)


class NoDiff(Exception):
    """There is none to be had; `words` are git's own."""

    def __init__(self, reason: DiffRefusal, words: str = "") -> None:
        super().__init__(reason, words)
        self.reason = reason
        self.words = words


@dataclass(frozen=True, slots=True)
class WorkingDiff:
    """The diff, and how much it is; paths are relative to the work directory."""

    diff: bytes
    files: int
    added: int
    removed: int
    untracked: tuple[str, ...]
    #: Changed files that may hold secrets and are left out of the diff.
    secret: tuple[str, ...]


async def working_diff(workdir: Path, *, environ: Mapping[str, str], limit_s: float = LIMIT_S) -> WorkingDiff:
    """Ask git, with `environ`'s PATH and HOME. Raises NoDiff."""
    kept = {name: environ[name] for name in ("PATH", "HOME", "XDG_CONFIG_HOME") if name in environ}
    git = _Git(workdir, kept | _QUIET)
    try:
        async with asyncio.timeout(limit_s):
            return await _read(git)
    except TimeoutError:
        raise NoDiff(DiffRefusal.TIMEOUT) from None


async def _read(git: _Git) -> WorkingDiff:
    code, _, words = await git("rev-parse", "--is-inside-work-tree")
    if code:
        reason = DiffRefusal.NO_REPOSITORY if "not a git repository" in words else DiffRefusal.FAILED
        raise NoDiff(reason, words)
    code, _, _ = await git("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if code:  # nothing was committed yet: all of it is new
        _, empty_tree, _ = await git.checked("hash-object", "-t", "tree", "/dev/null")
        base = empty_tree.decode().strip()
    else:
        base = "HEAD"
    _, counted, _ = await git.checked("diff", "--numstat", "-z", *_PLAIN, base, "--", ".")
    shown, secret, added, removed = 0, [], 0, 0
    for match in filter(None, map(_COUNTS.fullmatch, counted.split(b"\0"))):
        name = os.fsdecode(match[3])
        if is_secret(name.split("/")):
            secret.append(name)
            continue
        shown += 1
        added += 0 if match[1] == b"-" else int(match[1])
        removed += 0 if match[2] == b"-" else int(match[2])
    _, others, _ = await git.checked("ls-files", "--others", "--exclude-standard", "-z", "--", ".")
    left_out = [f":(exclude,literal){name}" for name in secret]
    diff = b""
    if shown:
        _, diff, _ = await git.checked("diff", *_PLAIN, base, "--", ".", *left_out)
    untracked = tuple(_readable(name) for name in others.split(b"\0") if name)
    return WorkingDiff(diff, shown, added, removed, untracked, tuple(_readable(os.fsencode(name)) for name in secret))


def _readable(name: bytes) -> str:
    return name.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class _Git:
    workdir: Path
    environ: Mapping[str, str]

    async def checked(self, *words: str) -> tuple[int, bytes, str]:
        code, out, err = await self(*words)
        if code:
            raise NoDiff(DiffRefusal.FAILED, err)
        return code, out, err

    async def __call__(self, *words: str) -> tuple[int, bytes, str]:
        """Exit code, output and the last line of the errors; cancelled, it leaves no process behind."""
        try:
            process = await asyncio.create_subprocess_exec(
                "git",
                *_SAFE,
                *words,
                cwd=self.workdir,
                env=dict(self.environ),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except FileNotFoundError:
            reason = DiffRefusal.NO_GIT if self.workdir.is_dir() else DiffRefusal.NO_WORKDIR
            raise NoDiff(reason) from None
        except OSError as error:
            raise NoDiff(DiffRefusal.FAILED, str(error.strerror)) from None
        assert process.stdout is not None and process.stderr is not None
        try:
            out, err = await asyncio.gather(_read_up_to(process.stdout), _read_up_to(process.stderr))
            code = await process.wait()
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        lines = err.decode("utf-8", "replace").strip().splitlines()
        return code, out, lines[-1] if lines else ""


async def _read_up_to(stream: asyncio.StreamReader) -> bytes:
    chunks, size = [], 0
    while chunk := await stream.read(65_536):
        size += len(chunk)
        if size > LARGEST_BYTES:
            raise NoDiff(DiffRefusal.TOO_LARGE)
        chunks.append(chunk)
    return b"".join(chunks)
