"""Where a session's file lies, and who has the session open; nothing in CODEX_HOME is ever written.

As seen with Codex 0.80 to 0.169: `sessions/YYYY/MM/DD/rollout-<local time>-<uuid>.jsonl`, in the folder of the day the
session was made; `codex archive` moves it to `archived_sessions/`. From 0.147 whoever has a session loaded holds an
flock on `thread-writer-locks/<uuid>.lock`; the file itself may be stale.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from codex_gateway.core.ids import ThreadId

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def is_thread_id(text: str) -> bool:
    """Whether Codex would take `text` for the id of a session: for anything else it may start a new one."""
    return _UUID.fullmatch(text) is not None


def find_session(home: Path, thread_id: ThreadId) -> Path | None:
    """The session's file, or None when there is none that could be resumed."""
    if not is_thread_id(thread_id):
        return None
    if found := find_by_date(home, thread_id):
        return found
    sessions = home / "sessions"
    return next((found for folder in _all_days(sessions) if (found := _in_folder(folder, thread_id))), None)


def find_by_date(home: Path, thread_id: ThreadId) -> Path | None:
    """The session's file if it lies where its id says it should: quick, whatever else there is."""
    folders = (home / "sessions" / day for day in _days_of(thread_id))
    return next((found for folder in folders if (found := _in_folder(folder, thread_id))), None)


def is_archived(home: Path, thread_id: ThreadId) -> bool:
    """Whether the session was put away, so that Codex will not resume it."""
    return next((home / "archived_sessions").glob(f"**/rollout-*-{thread_id.lower()}.jsonl"), None) is not None


def is_open_for_writing(home: Path, thread_id: ThreadId) -> bool:
    """Whether any process has the session loaded. False as well where Codex keeps no such locks."""
    try:
        lock = os.open(lock_file(home, thread_id), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in (errno.EWOULDBLOCK, errno.EACCES)
    finally:
        os.close(lock)
    return False


def lock_file(home: Path, thread_id: ThreadId) -> Path:
    """What whoever has the session loaded holds an flock on, from Codex 0.147 on."""
    return home / "thread-writer-locks" / f"{thread_id.lower()}.lock"


def _days_of(thread_id: ThreadId) -> Iterator[str]:
    """The folder of the day that a UUID of version 7 was made, and its neighbours: folders go by local time."""
    if not is_thread_id(thread_id) or thread_id[14] != "7":
        return
    try:
        made = datetime.fromtimestamp(int(thread_id.replace("-", "")[:12], 16) / 1000, UTC)
        days = [made + timedelta(days=shift) for shift in (0, -1, 1)]
    except (OverflowError, OSError, ValueError):
        return
    for day in days:
        yield day.strftime("%Y/%m/%d")


def _all_days(sessions: Path) -> Iterator[Path]:
    """Every folder of a day, the latest first."""
    for year in _newest_first(sessions):
        for month in _newest_first(year):
            yield from _newest_first(month)


def _newest_first(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = sorted((entry.name for entry in entries if entry.is_dir()), reverse=True)
    except OSError:
        return []
    return [folder / name for name in names]


def _in_folder(folder: Path, thread_id: ThreadId) -> Path | None:
    ending = f"-{thread_id.lower()}.jsonl"
    try:
        names = os.listdir(folder)  # noqa: PTH208 - a path for each name would make this several times slower
    except OSError:
        return None
    return next((folder / name for name in names if name.endswith(ending) and name.startswith("rollout-")), None)
