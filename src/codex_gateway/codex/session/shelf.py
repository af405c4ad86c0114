"""The sessions in a CODEX_HOME, told by their names, times and first lines; nothing there is ever written.

Thousands of files are listed in some tens of milliseconds, in a thread. Only those that are shown are opened, and of
each only the beginning is read.
"""

from __future__ import annotations

import asyncio
import heapq
import os
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from codex_gateway.codex.child.command import resolve_program
from codex_gateway.codex.reading.headline import read_head
from codex_gateway.codex.session import locate
from codex_gateway.codex.session.forking import can_fork
from codex_gateway.codex.session.holder import find_holder, is_held
from codex_gateway.codex.session.workdirs import find_workdir
from codex_gateway.codex.version import version_of
from codex_gateway.core.holder import Holder
from codex_gateway.core.ids import ThreadId
from codex_gateway.core.saved import DirectoryFault, SavedPage, SavedSession

_NAME = re.compile(r"rollout-.+-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.jsonl", re.IGNORECASE)
#: Files beyond this number are not looked at: whoever has so many is not going to page through them.
_MOST = 50_000
#: Titles are searched in so many of the latest sessions.
_SEARCHED = 500
#: Beginnings that are remembered: they never change.
_HEADS_KEPT = 2_000


@dataclass(frozen=True, slots=True)
class _File:
    changed_at: float
    path: Path
    thread_id: ThreadId


class CodexShelf:
    """Implements `core.ports.Shelf` for one bot."""

    def __init__(
        self,
        *,
        home: Path,
        workdir: Path,
        allowed_workdirs: tuple[Path, ...],
        cli_cmd: str,
        environ: Mapping[str, str],
        attempts_dir: Path,
    ) -> None:
        self._home = home
        self._workdir = workdir
        self._allowed = allowed_workdirs
        self._cli_cmd = cli_cmd
        self._search_path = environ.get("PATH")
        self._user_home = Path(environ.get("HOME") or Path.home())
        self._attempts_dir = attempts_dir
        self._heads: OrderedDict[Path, SavedSession] = OrderedDict()

    async def page(self, *, skip: int, limit: int) -> SavedPage:
        """The sessions from the place `skip` on, the one changed last first; the last page if there are fewer."""
        return await asyncio.to_thread(self._page, skip, limit)

    async def matching(self, words: str, *, limit: int) -> tuple[SavedSession, ...]:
        """The latest sessions whose title holds `words`, or whose id begins with them."""
        return await asyncio.to_thread(self._matching, words, limit)

    async def find(self, thread_id: ThreadId) -> SavedSession | None:
        """The session of that id, archived ones too."""
        return await asyncio.to_thread(self._find, thread_id)

    async def holder(self, thread_id: ThreadId) -> tuple[bool, Holder | None]:
        """Whether anybody has the session open, and who, as far as that can be known."""
        return await asyncio.to_thread(self._holder, thread_id)

    async def workdir(self, words: str) -> Path | DirectoryFault:
        """The directory that a person names, if it may be worked in."""
        return await asyncio.to_thread(
            find_workdir, words, base=self._workdir, allowed=self._allowed, home=self._user_home
        )

    async def can_fork(self) -> bool:
        """Whether the installed Codex can fork a session."""
        program = resolve_program(self._cli_cmd, search_path=self._search_path)
        return program is not None and await asyncio.to_thread(can_fork, program, search_path=self._search_path)

    async def version(self) -> str | None:
        """What the installed Codex calls itself."""
        program = resolve_program(self._cli_cmd, search_path=self._search_path)
        if program is None:
            return None
        return await version_of(program, {"PATH": self._search_path or os.defpath, "HOME": str(self._user_home)})

    def _page(self, skip: int, limit: int) -> SavedPage:
        files = self._files()
        skip = max(0, min(skip, (len(files) - 1) // limit * limit))
        newest = heapq.nlargest(skip + limit, files, key=_age)[skip:]
        return SavedPage(tuple(self._described(file) for file in newest), skip, len(files), limit)

    def _matching(self, words: str, limit: int) -> tuple[SavedSession, ...]:
        wanted = " ".join(words.lower().split())
        files = self._files()
        by_id = [file for file in files if file.thread_id.startswith(wanted)]
        if by_id and len(wanted) >= 8:
            return tuple(self._described(file) for file in heapq.nlargest(limit, by_id, key=_age))
        found = []
        for file in heapq.nlargest(_SEARCHED, files, key=_age):
            described = self._described(file)
            if wanted in (described.title or "").lower():
                found.append(described)
            if len(found) == limit:
                break
        return tuple(found)

    def _find(self, thread_id: ThreadId) -> SavedSession | None:
        if not locate.is_thread_id(thread_id):
            return None
        thread_id = ThreadId(thread_id.lower())
        path = locate.find_session(self._home, thread_id)
        if path is None:
            is_archived = locate.is_archived(self._home, thread_id)
            return SavedSession(thread_id, 0.0, is_archived=True) if is_archived else None
        try:
            return self._described(_File(path.stat().st_mtime, path, thread_id))
        except OSError:  # archived this very moment
            return None

    def _holder(self, thread_id: ThreadId) -> tuple[bool, Holder | None]:
        if not is_held(self._home, thread_id):
            return False, None
        return True, find_holder(self._home, thread_id, attempts_dir=self._attempts_dir)

    def _files(self) -> list[_File]:
        """Every session file by its name alone, archived ones left out."""
        found: list[_File] = []
        folders = [str(self._home / "sessions")]
        while folders and len(found) < _MOST:
            try:
                with os.scandir(folders.pop()) as entries:
                    for entry in entries:
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(entry.path)
                        elif name := _NAME.fullmatch(entry.name):
                            changed_at = entry.stat().st_mtime
                            found.append(_File(changed_at, Path(entry.path), ThreadId(name[1].lower())))
            except OSError:  # gone meanwhile, or not ours to read: the others are there all the same
                continue
        return found

    def _described(self, file: _File) -> SavedSession:
        known = self._heads.get(file.path)
        if known is None:
            known = read_head(file.path, file.thread_id)
            if known.title is not None:  # what has no title yet may get one
                self._heads[file.path] = known
                while len(self._heads) > _HEADS_KEPT:
                    self._heads.popitem(last=False)
        return replace(known, changed_at=file.changed_at)


def _age(file: _File) -> tuple[float, str]:
    return file.changed_at, file.thread_id
