"""What differs from the last commit in a work directory, as git tells it."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from codex_gateway.core.reply import DiffRefusal
from codex_gateway.service.git_program import LARGEST_BYTES, Git, NoDiff, sealed
from codex_gateway.service.secrets import is_secret

__all__ = ["LARGEST_BYTES", "NoDiff", "WorkingDiff", "working_diff"]

#: How long all of it may take, in seconds.
LIMIT_S = 20.0

_PLAIN = ("--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--relative", "--ignore-submodules=dirty")
_COUNTS = re.compile(rb"(\d+|-)\t(\d+|-)\t(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class WorkingDiff:
    """The diff, and how much it is; paths are relative to the work directory."""

    diff: bytes
    files: int
    added: int
    removed: int
    #: Files that git does not know; a folder of which it knows nothing stands for all in it.
    untracked: tuple[str, ...]
    #: Changed files that may hold secrets and are left out of the diff.
    secret: tuple[str, ...]


async def working_diff(workdir: Path, *, environ: Mapping[str, str], limit_s: float = LIMIT_S) -> WorkingDiff:
    """Ask git, with `environ`'s PATH and HOME; nothing that the repository names is executed. Raises NoDiff."""
    with tempfile.TemporaryDirectory(prefix="codex-gateway-") as folder:
        try:
            async with asyncio.timeout(limit_s):
                return await _read(*await sealed(workdir, Path(folder), environ=environ))
        except TimeoutError:
            raise NoDiff(DiffRefusal.TIMEOUT) from None


async def _read(git: Git, base: str) -> WorkingDiff:
    counted = await git.checked("diff", "--numstat", "-z", *_PLAIN, base, "--", ".")
    shown, secret, added, removed = 0, [], 0, 0
    for match in filter(None, map(_COUNTS.fullmatch, counted.split(b"\0"))):
        name = os.fsdecode(match[3])
        if is_secret(name.split("/")):
            secret.append(name)
            continue
        shown += 1
        added += 0 if match[1] == b"-" else int(match[1])
        removed += 0 if match[2] == b"-" else int(match[2])
    others = await git.checked("ls-files", "--others", "--exclude-standard", "--directory", "-z", "--", ".")
    left_out = [f":(exclude,literal){name}" for name in secret]
    diff = b""
    if shown:
        diff = await git.checked("diff", *_PLAIN, base, "--", ".", *left_out)
    untracked = tuple(_readable(name) for name in others.split(b"\0") if name)
    return WorkingDiff(diff, shown, added, removed, untracked, tuple(_readable(os.fsencode(name)) for name in secret))


def _readable(name: bytes) -> str:
    return name.decode("utf-8", "replace")
