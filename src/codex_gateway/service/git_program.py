"""Runs git within limits, and with nothing executed that a repository names.

A repository belongs to whoever works in it, which may be a model. Its configuration can name programs in many places
(filters, diff drivers, monitors, hooks, ssh, remote helpers), and in more with every version of git. So it is only
asked where its objects are, which executes nothing; what reads contents works in a bare folder of ours with a
configuration of ours, over those objects (git 2.39; GIT_DIR, GIT_OBJECT_DIRECTORY, GIT_INDEX_FILE in git(1)).
"""

from __future__ import annotations

import asyncio
import os
import re
import resource
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from codex_gateway.core.reply import DiffRefusal

#: Telegram's limit for what a bot sends (Bot API 10.3), with room for the rest of the request.
LARGEST_BYTES = 49_000_000
#: Address space that a git may have, packs that it maps included, in bytes.
_MEMORY_BYTES = 3 * 2**30

_SAFE = ("--no-pager", "--no-replace-objects", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
_QUIET = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_PAGER": "cat",
    "LC_ALL": "C.UTF-8",
    # an object that is missing is not fetched: that would start ssh, or another program that a remote names
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_SSH_COMMAND": "false",
}
#: For what reads contents: nobody's configuration but ours. A filter of the owner's own may ask the repository again.
_ALONE = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_ATTR_NOSYSTEM": "1"}

#: What is taken over of the repository's configuration: how files are compared. Values only, no programs.
_TAKEN_OVER = "^core\\.(autocrlf|eol|filemode|ignorecase|symlinks|excludesfile)$"
#: A file above 32 MB is told of, and not read; packs are mapped piece by piece.
_FRUGAL = "\tbigFileThreshold = 32m\n\tpackedGitWindowSize = 32m\n\tpackedGitLimit = 256m\n"

_DISTRUST = re.compile("dubious ownership in repository at '(.*)'")


class NoDiff(Exception):
    """There is none to be had; `words` are git's own, or the directory that is not trusted."""

    def __init__(self, reason: DiffRefusal, words: str = "") -> None:
        super().__init__(reason, words)
        self.reason = reason
        self.words = words


@dataclass(frozen=True, slots=True)
class Git:
    """A git that is started in `workdir` with `environ`."""

    workdir: Path
    environ: Mapping[str, str]

    async def checked(self, *words: str) -> bytes:
        """Its output. Raises NoDiff."""
        code, out, err = await self(*words)
        if code:
            raise NoDiff(DiffRefusal.FAILED, err)
        return out

    async def __call__(self, *words: str) -> tuple[int, bytes, str]:
        """Exit code, output and what matters of the errors; cancelled, it leaves no process behind."""
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
        except NotADirectoryError:
            raise NoDiff(DiffRefusal.NO_WORKDIR) from None
        except OSError as error:
            raise NoDiff(DiffRefusal.FAILED, str(error.strerror)) from None
        assert process.stdout is not None and process.stderr is not None
        try:
            with suppress(OSError):  # it has ended already
                resource.prlimit(process.pid, resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
            out, err = await asyncio.gather(_read_up_to(process.stdout), _read_up_to(process.stderr))
            code = await process.wait()
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        return code, out, _gist(err)


async def sealed(workdir: Path, folder: Path, *, environ: Mapping[str, str]) -> tuple[Git, str]:
    """A git that reads the repository around `workdir` through `folder`, which is empty and ours; and its last commit.

    The commit is the empty tree where there is none yet. Raises NoDiff.
    """
    kept = {name: environ[name] for name in ("PATH", "HOME", "XDG_CONFIG_HOME") if name in environ} | _QUIET
    asking = Git(workdir, kept)
    code, out, words = await asking(
        "rev-parse", "--is-inside-work-tree", "--show-object-format", "--absolute-git-dir",
        "--path-format=absolute", "--git-path", "objects", "--git-path", "index",
    )  # fmt: skip
    if code:
        if (distrust := _DISTRUST.search(words)) is not None:
            raise NoDiff(DiffRefusal.NOT_TRUSTED, distrust[1])
        is_missing = "not a git repository" in words
        raise NoDiff(DiffRefusal.NO_REPOSITORY if is_missing else DiffRefusal.FAILED, words)
    lines = os.fsdecode(out).splitlines()
    if lines[0] != "true" or len(lines) != 5:
        raise NoDiff(DiffRefusal.NO_REPOSITORY)
    _, object_format, git_dir, objects, index = lines
    top = os.fsdecode(await asking.checked("rev-parse", "--path-format=absolute", "--show-toplevel")).rstrip("\n")
    _, taken_over, _ = await asking("config", "--null", "--get-regexp", _TAKEN_OVER)
    _, head, _ = await asking("rev-parse", "--verify", "--quiet", "HEAD")  # its object is not looked at here
    await asyncio.to_thread(_furnish, folder, object_format, taken_over, Path(git_dir))
    places = {"GIT_DIR": str(folder), "GIT_WORK_TREE": top, "GIT_OBJECT_DIRECTORY": objects, "GIT_INDEX_FILE": index}
    git = Git(workdir, kept | _ALONE | places)
    base = head.decode().strip() or (await git.checked("hash-object", "-t", "tree", "/dev/null")).decode().strip()
    return git, base


def _furnish(folder: Path, object_format: str, taken_over: bytes, git_dir: Path) -> None:
    """Make a git directory of `folder` that holds nothing but a configuration."""
    (folder / "refs").mkdir()
    (folder / "HEAD").write_text("ref: refs/heads/none\n", "ascii")
    lines = ["[core]\n\trepositoryFormatVersion = 1\n\tbare = false\n", _FRUGAL]
    for entry in os.fsdecode(taken_over).split("\0"):
        key, has_value, value = entry.partition("\n")
        if has_value:
            quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            lines.append(f'\t{key.removeprefix("core.")} = "{quoted}"\n')
    lines.append(f"[extensions]\n\tobjectFormat = {object_format}\n")
    (folder / "config").write_bytes(os.fsencode("".join(lines)))
    for shared in git_dir.glob("sharedindex.*"):  # an index may be in two files, of which git looks for one here
        (folder / shared.name).symlink_to(shared)


def _gist(errors: bytes) -> str:
    """The line that says what went wrong; behind it git may give advice."""
    lines = errors.decode("utf-8", "replace").strip().splitlines()
    return next((line for line in lines if line.startswith("fatal: ")), lines[-1] if lines else "")


async def _read_up_to(stream: asyncio.StreamReader) -> bytes:
    chunks, size = [], 0
    while chunk := await stream.read(65_536):
        size += len(chunk)
        if size > LARGEST_BYTES:
            raise NoDiff(DiffRefusal.TOO_LARGE)
        chunks.append(chunk)
    return b"".join(chunks)
