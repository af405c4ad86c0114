"""Saves a file in a folder of the work directory: under a safe name, over nothing, through no link, never half."""

from __future__ import annotations

import os
import re
import unicodedata
from contextlib import ExitStack, suppress
from pathlib import Path, PurePosixPath

_LONGEST_BYTES = 100
_ENDING_BYTES = 16
_KEPT = frozenset("-_.+=@")
_TRIES = 1000

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def safe_name(name: str, *, default: str) -> str:
    """The name as it is saved: one path component that is visible, printable, short, and needs no quotes in a shell.

    A comma is taken out too: Codex splits a list of images there.
    """
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    letters = (letter if letter.isalnum() or letter in _KEPT else "_" for letter in last if not _is_hidden(letter))
    shown = re.sub("__+", "_", "".join(letters)).lstrip(".-_").rstrip("_")
    if not any(letter.isalnum() for letter in shown):
        return default
    stem, dot, ending = shown.rpartition(".")
    if not stem or len(ending.encode()) > _ENDING_BYTES:
        stem, dot, ending = shown, "", ""
    room = _LONGEST_BYTES - len(f"{dot}{ending}".encode())
    return stem.encode()[:room].decode("utf-8", "ignore") + dot + ending


def save(workdir: Path, folder: str, name: str, data: bytes, *, part: str) -> str:
    """Write `data` to a new file in `folder`, made if need be; returns its path relative to `workdir`.

    It gets its name once it is whole. `part` is what it is called before: a name that is ours, in place of what an
    earlier try has left under it. Raises OSError, also for a folder that is a link.
    """
    with ExitStack() as stack:

        def entered(path: str, parent: int | None, flags: int) -> int:
            descriptor = os.open(path, flags, dir_fd=parent)
            stack.callback(os.close, descriptor)
            return descriptor

        here = entered(str(workdir), None, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        is_new = False
        for step in PurePosixPath(folder).parts:
            is_new = _made(step, here)
            here = entered(step, here, _FOLDER)
        if is_new:
            _write(".gitignore", here, b"# What came through the chat is no part of the project.\n*\n")
        with suppress(FileNotFoundError):
            os.unlink(part, dir_fd=here)
        try:
            _write(part, here, data)
            final = _named(part, name, here)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(part, dir_fd=here)
        return str(PurePosixPath(folder) / final)


def _is_hidden(letter: str) -> bool:
    """Control characters, marks of direction, halves of surrogate pairs; a break of lines or words shows, as "_"."""
    return unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Co", "Cn"}


def _made(name: str, parent: int) -> bool:
    try:
        os.mkdir(name, dir_fd=parent)
    except FileExistsError:
        return False
    return True


def _write(name: str, parent: int, data: bytes) -> None:
    with os.fdopen(os.open(name, _NEW, 0o644, dir_fd=parent), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _named(part: str, name: str, parent: int) -> str:
    """Give the whole file the first name of name, name-2, name-3 … that is free."""
    stem, dot, ending = name.rpartition(".")
    if not stem:
        stem, dot, ending = name, "", ""
    for number in range(1, _TRIES):
        final = name if number == 1 else f"{stem}-{number}{dot}{ending}"
        with suppress(FileExistsError):
            os.link(part, final, src_dir_fd=parent, dst_dir_fd=parent, follow_symlinks=False)
            return final
    raise FileExistsError(f"there are {_TRIES} files called {name} already")
