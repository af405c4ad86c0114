"""Who has a session open, told from the lock that it holds; and the end of it, where it is one of ours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from codex_gateway.codex.child import proc
from codex_gateway.codex.child.process import Process, end_all
from codex_gateway.codex.session import locate
from codex_gateway.core.holder import Holder
from codex_gateway.core.ids import AttemptId, ThreadId
from codex_gateway.log import Log

_LOG = Log(__name__)
#: Codex's own words for what it is asked to do (0.169). Anything else on its command line may be a prompt or a key.
_SUBCOMMANDS = frozenset({"exec", "resume", "fork", "review", "app-server", "mcp-server", "remote-control", "cloud"})


def is_held(home: Path, thread_id: ThreadId) -> bool:
    """Whether any process has the session loaded. False as well where Codex keeps no such locks (before 0.147).

    To try the lock is to hold it for a moment, in which somebody else might be refused: the kernel's list comes first.
    """
    file = _stat(locate.lock_file(home, thread_id))
    if file is None:
        return False
    return any(is_sure for _, is_sure in _owners(file)) or locate.is_open_for_writing(home, thread_id)


def find_holder(home: Path, thread_id: ThreadId, *, attempts_dir: Path) -> Holder | None:
    """The process that has the session loaded, as far as the kernel tells; takes a millisecond at most.

    It does not tell of processes in other containers. `attempts_dir` is where the folders of our attempts lie.
    """
    file = _stat(locate.lock_file(home, thread_id))
    if file is None:
        return None
    for pid, is_sure in _owners(file):
        words = proc.words_of(pid)
        if words and (is_sure or proc.has_open(pid, file)):
            return Holder(pid, _shown(words), proc.terminal_of(pid), _attempt_of(pid, attempts_dir))
    return None


async def end_holder(home: Path, thread_id: ThreadId, holder: Holder, *, attempts_dir: Path) -> None:
    """End `holder` and what it has started, if it still holds the session and an attempt of ours has left it behind.

    Takes at most about eight seconds; nobody else's process is ever touched.
    """
    identity = proc.identify(holder.pid)
    file = _stat(locate.lock_file(home, thread_id))
    process = None if identity is None else Process.find(identity)
    if identity is None or file is None or process is None:
        return
    try:
        # Asked once the identity is known: from here on the pid cannot mean anybody else.
        is_it = find_holder(home, thread_id, attempts_dir=attempts_dir) == holder and proc.has_open(holder.pid, file)
        if not holder.is_ours or not is_it:
            _LOG.warning("holder.spared", pid=holder.pid, session=thread_id)
            return
        children = proc.descendants(identity)
        _LOG.info("holder.ended", pid=holder.pid, session=thread_id, attempt=holder.attempt)
        await process.stop()
        await end_all(children)
    finally:
        process.close()


def _owners(file: os.stat_result) -> Iterator[tuple[int, bool]]:
    """The processes that hold a lock on the file, and whether that is sure.

    Lines of /proc/locks look like `1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF`: device numbers in hexadecimal,
    then the inode. On some file systems (btrfs, overlayfs) that device is another one than stat(2) tells.
    """
    place = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}"
    try:
        lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    except OSError:
        return
    for line in lines:
        match line.split():
            case [_, "FLOCK", _, "WRITE", pid, where, *_] if where.rpartition(":")[2] == str(file.st_ino):
                yield int(pid), where == place
            case _:
                pass


def _shown(words: list[str]) -> str:
    """The program and its subcommands: `codex exec resume`."""
    return " ".join([Path(words[0]).name, *(word for word in words[1:] if word in _SUBCOMMANDS)][:3])


def _attempt_of(pid: int, attempts_dir: Path) -> AttemptId | None:
    folder = Path(proc.tag_of(pid) or "/")
    is_ours = folder.parent == attempts_dir.absolute() and folder.name.isdecimal()
    return AttemptId(int(folder.name)) if is_ours else None


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None
